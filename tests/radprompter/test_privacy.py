"""Identifiers: found in made-up sentences, not in ordinary reports; masked by placeholders that nothing misreads."""

from __future__ import annotations

import csv
import math
import re._constants as opcodes
import re._parser as parser
from collections import Counter
from pathlib import Path
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from privacy_corpus import MARKED, TRAPS, unmark

from radprompter.privacy import find, mask
from radprompter.privacy.patterns import load_patterns
from radprompter.prompting.quoting import quote
from radprompter.recipe import IdentifierKind
from radprompter.records import Report
from radprompter.region import load_region
from radprompter.rules.labeler import RuleLabeler

MOST_WAYS = 1e5
KINDS = get_args(IdentifierKind)
KNOWN_MISSES = {
    "Transcribed by: {name:mlb} on {date:10-Feb-2020}",  # initials in lower case
    "{address:An der Alten Mühle 3}",  # no street by its words, and no town
}


def test_the_corpus_has_every_kind_in_both_languages() -> None:
    counts = Counter((language, found.kind) for language, line in MARKED for found in unmark(line)[1])
    assert len(MARKED) >= 150
    assert {(language, kind) for language in ("en", "de") for kind in KINDS} == set(counts)
    assert min(counts.values()) >= 3


@pytest.mark.parametrize("line", [line for _, line in MARKED])
def test_identifiers_are_covered_whole(line: str) -> None:
    text, marked = unmark(line)
    found = find(text)
    missed = [it for it in marked if not any(f.start <= it.start and it.end <= f.end for f in found)]
    assert bool(missed) is (line in KNOWN_MISSES)


def test_recall_over_all_kinds_is_as_stated_and_kinds_are_told_apart() -> None:
    marked = found = alike = 0
    for _, line in MARKED:
        text, wanted = unmark(line)
        covering = [[f for f in find(text) if f.start <= it.start and it.end <= f.end] for it in wanted]
        marked += len(wanted)
        found += sum(map(bool, covering))
        alike += sum(it.kind in {f.kind for f in by} for it, by in zip(wanted, covering, strict=True))
    assert found / marked >= 0.98
    assert alike / found >= 0.98


@pytest.mark.parametrize("line", [line for _, line in TRAPS])
def test_ordinary_sentences_pass(line: str) -> None:
    assert [line[f.start : f.end] for f in find(line)] == []


def test_real_reports_without_identifiers_pass(shared: Path) -> None:
    with (shared / "data/iu_reports/reports.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    alarms = [
        row["report_id"]
        for row in rows
        for name in ("indication", "comparison", "findings", "impression")
        for text in (row[name], row[name].upper())
        if find(text)
    ]
    assert len(rows) == 2376
    assert len(alarms) <= 2


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("Dr. Smith called 317-555-0123 on 3/12/24.", "Dr. [NAME] called [PHONE] on [DATE]."),
        ("MRN: 123456, j@x.org; 12 Elm Street", "MRN: [RECORD], [EMAIL]; [ADDRESS]"),
        ("Frau Müller, geb. am 1.2.1950, Fall-Nr. 4711", "Frau [NAME], geb. am [DATE], Fall-Nr. [RECORD]"),
        ("Dr. Smith le 12.03.2024; Frau Müller", "Dr. [NAME] le [DATE]; Frau [NAME]"),
        ("No fracture.", "No fracture."),
        ("", ""),
    ],
)
def test_placeholders_name_the_kind_and_cues_stay(text: str, masked: str) -> None:
    assert mask(text, find(text)) == masked


def test_only_the_asked_kinds_are_found() -> None:
    text = "Dr. Smith, 3/12/2024"
    assert [found.kind for found in find(text, ["date"])] == ["date"]


@pytest.mark.parametrize("line", [line for _, line in MARKED])
def test_a_masked_text_has_no_more_identifiers_and_is_quoted_as_it_is(line: str) -> None:
    text, _ = unmark(line)
    masked = mask(text, find(text))
    assert find(masked) == ()
    assert quote(masked) == masked


@given(st.text(alphabet="DrMS. MRN:#0123456789/-()@abcÄüß,\n", max_size=120))
def test_what_is_found_is_in_order_without_overlap_and_all_else_stays(text: str) -> None:
    found = find(text)
    ends = [0, *(identifier.end for identifier in found)]
    assert all(end <= f.start < f.end <= len(text) for end, f in zip(ends, found, strict=False))
    kept = "".join(text[end:start] for end, start in zip(ends, [*(f.start for f in found), len(text)], strict=True))
    assert re_unmasked(mask(text, found)) == kept


def re_unmasked(text: str) -> str:
    for kind in KINDS:
        text = text.replace(f"[{kind.upper()}]", "")
    return text


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("language", "sentence", "state"),
    [
        ("en", "{} Pneumothorax is present.", "positive"),
        ("en", "Compared with {}, there is no pneumothorax.", "negative"),
        ("en", "No pneumothorax. Discussed with {}.", "negative"),
        ("de", "Im Vergleich zu {} kein Pneumothorax.", "negative"),
        ("de", "Pneumothorax, besprochen mit {}.", "positive"),
    ],
)
def test_rules_read_nothing_into_a_placeholder(kind: str, language: str, sentence: str, state: str) -> None:
    labeler = RuleLabeler(load_region("chest"))
    decisions = labeler.label(Report("a", {"report": sentence.format(f"[{kind.upper()}]")}, language))
    assert decisions is not None
    assert decisions["pneumothorax"].state == state


def ways(items: Any) -> float:
    """At most how many ways a pattern can go from one place, whatever the text; infinite if there is no bound.

    A repetition that gives nothing back, once it is done, has gone one way. An unbounded one that can give back, and
    lets what follows be tried at every length, is what makes the time more than linear.
    """
    total = 1.0
    for opcode, value in items:
        if opcode in (opcodes.MAX_REPEAT, opcodes.MIN_REPEAT):
            least, most, inner = value
            unbounded = most is opcodes.MAXREPEAT
            total *= math.inf if unbounded else sum(ways(inner) ** number for number in range(least, most + 1))
        elif opcode is opcodes.POSSESSIVE_REPEAT:
            total *= math.inf if ways(value[2]) > MOST_WAYS else 1
        elif opcode is opcodes.SUBPATTERN:
            total *= ways(value[3])
        elif opcode is opcodes.BRANCH:
            total *= sum(ways(branch) for branch in value[1])
        elif opcode in (opcodes.ASSERT, opcodes.ASSERT_NOT):
            total *= math.inf if ways(value[1]) == math.inf else 1
    return total


def test_the_bound_tells_patterns_that_take_too_long() -> None:
    for slow in ("(a+)+b", r"\s*\s*x", "(?:a|a)*b", "(?=a*b)c", "(?:(?:a+b?)+)++"):
        assert ways(parser.parse(slow)) == math.inf
    assert ways(parser.parse("(?:a{1,3}|b)c?[de]++")) == 8


def test_no_pattern_can_go_more_than_a_bounded_number_of_ways_from_one_place() -> None:
    for _, expression in load_patterns():
        assert ways(parser.parse(expression.pattern, expression.flags)) < MOST_WAYS, expression.pattern


HOSTILE = [
    "Dr. " * 9,
    "A" * 50,
    "Aa " * 20,
    "a@" * 20,
    "1.2." * 9,
    "12 Elm " * 9,
    "0 30 / " * 9,
    "Mr. A. B. C. ",
    "MRN: ",
    "(",
    "12345 ",
]


@pytest.mark.parametrize("piece", HOSTILE)
def test_long_hostile_texts_come_to_an_end(piece: str) -> None:
    text = piece * (60_000 // len(piece))
    assert all(found.end <= len(text) for found in find(text))
