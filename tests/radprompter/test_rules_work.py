"""How the work of the rule labeler grows with the length of a report: it is counted in calls, not in seconds."""

from __future__ import annotations

import functools
import itertools
import sys
from types import FrameType

import pytest

from radprompter.records import Report
from radprompter.region import load_region
from radprompter.rules.labeler import RuleLabeler

LENGTH = 2_500  # characters: more than the longest sentence
NUMBERS = itertools.count(100_000)


@functools.cache
def labeler() -> RuleLabeler:
    return RuleLabeler(load_region("chest"))


def report(unit: str, length: int, language: str) -> Report:
    """A report of repeated units, each with a number of its own: no sentence of it, and not every word, is known."""
    n_units = length // len(unit.format(100_000)) + 1
    units = (unit.format(number) for number in itertools.islice(NUMBERS, n_units))
    return Report("r", {"report": "Effusion. " + "".join(units)}, language)


def count_calls(labeled: Report) -> int:
    """Calls of Python and C functions while a report is labelled."""
    calls = 0

    def count(frame: FrameType, event: str, argument: object) -> None:
        nonlocal calls
        calls += event in ("call", "c_call")

    sys.setprofile(count)
    try:
        decisions = labeler().label(labeled)
    finally:
        sys.setprofile(None)
    assert decisions is not None
    return calls


@pytest.mark.parametrize("language", ["en", "de"])
@pytest.mark.parametrize(
    "unit",
    [
        "no {} ",
        "no effusion {} ",
        "possible {} ",
        "effusion or pneumonia {} or ",
        "{}, ",
        ",,,,,,,{}",
        "; {}",
        "pleural effusion {} and edema but no ",
        "the heart {} is enlarged ",
        "kein Erguss{} und ",
        "Pleura{}- und ",
        "abcdefghijk{}lmnopq- ",
        "abcdefghijk{}erguss ",
        "{}",
        "a.b.{}",
        "1. {}. ",
        "\n{}",
        "Findings {}: ",
        "(((((( {}",
        "             {}",
    ],
)
def test_four_times_the_text_is_at_most_four_times_the_work(unit: str, language: str) -> None:
    count_calls(report(unit, 500, language))
    short, long = (count_calls(report(unit, times * LENGTH, language)) for times in (1, 4))
    assert long <= 4.6 * short
    assert short <= 60 * LENGTH


@pytest.mark.parametrize(
    "hostile",
    [
        "\nFindings" + " " * 1_000_000 + "x",
        "\nFindings no." + "\t" * 1_000_000 + "1" * 1_000_000,
        "." * 1_000_000 + "x",
        "!?" * 500_000 + "x",
        "(" * 500_000 + "1. 2. 3. 4. " * 40_000,
        "effusion" + " " * 1_000_000 + "no",
    ],
    ids=["heading", "numbered heading", "full stops", "marks", "item", "spaces"],
)
def test_patterns_do_not_try_a_megabyte_again_and_again(hostile: str) -> None:
    """Squared in its length, each would take hours."""
    assert labeler().label(Report("r", {"report": "No edema. " + hostile}, "en")) is not None
