"""Denials, doubts, history and requests as English reports word them, each with all that it says."""

from __future__ import annotations

from pathlib import Path

import pytest
from rules_said import said

TABLE = Path(__file__).with_name("statements.en.txt").read_text(encoding="utf-8")
ROWS = [[part.strip() for part in line.split("|")] for line in TABLE.splitlines() if not line.startswith("#")]


@pytest.mark.parametrize(("region", "text", "expected"), ROWS, ids=[f"{row[0]}: {row[1]}" for row in ROWS])
def test_a_statement_says_just_this(region: str, text: str, expected: str) -> None:
    assert said(region, "en", text) == (set() if expected == "-" else set(expected.split()))


@pytest.mark.parametrize(("region", "text", "expected"), ROWS, ids=[f"{row[0]}: {row[1]}" for row in ROWS])
def test_upper_case_changes_no_statement(region: str, text: str, expected: str) -> None:
    assert said(region, "en", text.upper()) == said(region, "en", text)
