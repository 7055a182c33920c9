"""Reading a label out of the probabilities of the first token."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
from small_region import small_region

from radprompter.answers import read_letter
from radprompter.answers.confidence import letter_masses
from radprompter.backends.chat import read_logprobs
from radprompter.labels import LabelState
from radprompter.records import Completion, Report


@pytest.mark.parametrize(
    ("tokens", "mass"),
    [
        ({"A": 0.5}, 0.5),
        ({"A": 0.5, " A": 0.2, "a": 0.1, "\nA": 0.05}, 0.85),
        ({"An": 0.5, "A:": 0.2, "AA": 0.1, "": 0.1, "Ä": 0.1}, 0.0),
    ],
)
def test_a_letter_counts_in_any_case_and_with_white_space_but_not_within_a_word(
    tokens: dict[str, float], mass: float
) -> None:
    masses = letter_masses({token: math.log(share) for token, share in tokens.items()}, "ABCD")
    assert masses == pytest.approx({"A": mass, "B": 0, "C": 0, "D": 0})


def test_tokens_that_are_written_alike_are_added_and_the_chosen_one_counts_once() -> None:
    half, quarter = math.log(0.5), math.log(0.25)
    top = [{"token": "A", "logprob": half}, {"token": "A", "logprob": quarter}]
    choice = {"logprobs": {"content": [{"token": "A", "logprob": half, "top_logprobs": top}]}}
    assert read_logprobs(choice) == pytest.approx({"A": math.log(0.75)})
    choice["logprobs"]["content"][0] |= {"token": "B", "logprob": quarter}
    assert read_logprobs(choice) == pytest.approx({"A": math.log(0.75), "B": quarter})


@pytest.mark.parametrize(
    ("shares", "finding", "state", "note"),
    [
        ({"A": 0.1, "B": 0.7, "C": 0.1, "D": 0.1}, "fracture", "negative", "label mass 1.0000"),
        ({"C": 0.9}, "fracture", "uncertain", "not among the likeliest: positive, negative, not_mentioned"),
        ({"A": 0.3, "B": 0.6}, "no_finding", "not_mentioned", "label mass 0.9000"),
        ({"C": 0.9}, "no_finding", "failed", "label mass 0.0000 below 0.5"),
        ({"A": 0.4}, "fracture", "failed", "label mass 0.4000 below 0.5"),
        (None, "fracture", "failed", "no_logprobs"),
    ],
)
def test_the_likeliest_state_is_the_label_if_the_labels_have_the_mass(
    shares: dict[str, float] | None, finding: str, state: str, note: str, tmp_path: Path
) -> None:
    logprobs = None if shares is None else {token: math.log(share) for token, share in shares.items()}
    completion = Completion("a", ("A",), findings=(finding,), logprobs=logprobs)
    report = Report("a", {"report": "x"})
    (cell,) = read_letter(completion, report, small_region(tmp_path), "m", least_mass=0.5).cells
    assert (cell.finding, cell.state) == (finding, LabelState(state))
    assert cell.repair is not None
    assert cell.repair.endswith(note)
    assert (cell.p_positive is None) == (state == "failed")


def test_no_mass_at_all_is_a_failure_under_any_floor(tmp_path: Path) -> None:
    completion = Completion("a", ("A",), findings=("fracture",), logprobs={"x": 0.0})
    report = Report("a", {"report": "x"})
    (cell,) = read_letter(completion, report, small_region(tmp_path), "m", least_mass=0.0).cells
    assert cell.state is LabelState.FAILED
