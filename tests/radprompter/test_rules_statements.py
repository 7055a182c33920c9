"""Denials, doubts, history and requests as English reports word them, each with all that it says."""

from __future__ import annotations

import functools
from pathlib import Path

import pytest

from radprompter.labels import LabelState
from radprompter.records import Report
from radprompter.region import load_region
from radprompter.rules.labeler import RuleLabeler

SIGN = {LabelState.POSITIVE: "+", LabelState.NEGATIVE: "-", LabelState.UNCERTAIN: "?"}
TABLE = Path(__file__).with_name("statements.en.txt").read_text(encoding="utf-8")
ROWS = [[part.strip() for part in line.split("|")] for line in TABLE.splitlines() if not line.startswith("#")]


@functools.cache
def labeler(region: str) -> RuleLabeler:
    return RuleLabeler(load_region(region))


def said(region: str, text: str) -> set[str]:
    decisions = labeler(region).label(Report("r", {"report": text}))
    assert decisions is not None
    named = {name: decision.state for name, decision in decisions.items() if name != "no_finding"}
    return {name + SIGN[state] for name, state in named.items() if state is not LabelState.NOT_MENTIONED}


@pytest.mark.parametrize(("region", "text", "expected"), ROWS, ids=[f"{row[0]}: {row[1]}" for row in ROWS])
def test_a_statement_says_just_this(region: str, text: str, expected: str) -> None:
    assert said(region, text) == (set() if expected == "-" else set(expected.split()))


@pytest.mark.parametrize(("region", "text", "expected"), ROWS, ids=[f"{row[0]}: {row[1]}" for row in ROWS])
def test_upper_case_changes_no_statement(region: str, text: str, expected: str) -> None:
    assert said(region, text.upper()) == said(region, text)
