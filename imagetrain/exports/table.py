"""A table as it is printed, and how numbers are printed in it: as on the page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from imagetrain.page.formats import decimal, interval, signed
from imagetrain.page.view import View

MACRO = "Macro mean"


class Table(NamedTuple):
    """A table as it is printed.

    Parameters
    ----------
    title:
        What it shows, for its caption.
    header:
        ``(n_columns,)``
    rows:
        Each ``(n_columns,)``, text.
    note:
        What stands below: definitions, and what is undefined and why.
    n_text:
        Leading columns that are text, not numbers; sorted so that equal cells stand below each other.
    """

    title: str
    header: Sequence[str]
    rows: Sequence[Sequence[str]]
    note: str
    n_text: int = 1

    def grouped(self) -> list[list[str]]:
        """The rows, without text that only repeats the row above."""
        made: list[list[str]] = []
        above: Sequence[str] = ()
        for row in self.rows:
            same = 0
            while same < min(self.n_text - 1, len(above)) and row[same] == above[same]:
                same += 1
            made.append(["" if column < same else cell for column, cell in enumerate(row)])
            above = row
        return made


def estimate(number: Mapping[str, Any] | None, digits: int = 3, *, sign: bool = False) -> str:
    """A number with its interval; a dash where it is undefined or not there."""
    if number is None:
        return "–"
    value = signed(number["value"], digits) if sign else decimal(number["value"], digits)
    return f"{value} {interval(dict(number), digits, sign=sign)}".strip()


def undefined(numbers: Sequence[Mapping[str, Any] | None]) -> str:
    """A sentence that says why some numbers are undefined; empty if none is."""
    reasons = dict.fromkeys(
        str(number.get("reason", "")) for number in numbers if number is not None and number["value"] is None
    )
    return f"– is undefined: {'; '.join(filter(None, reasons))}." if reasons else ""


def finding_of(view: View, row: Mapping[str, Any]) -> str:
    """What a row is of: a finding by its title, or the mean over findings."""
    return MACRO if row.get("finding") is None else view.titles.get(row["finding"], row["finding"])


def joined(*texts: str) -> str:
    """Sentences of a note."""
    return " ".join(filter(None, texts))
