"""Numbers as five papers print them: tables of rows x labelers, each with its source and definition."""

from __future__ import annotations

import csv
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

FOLDER = Path(__file__).parent / "published"
UNSTATED = "unstated"
CELL = re.compile(r"(\d*\.?\d+)(?: \((\d*\.?\d+)-(\d*\.?\d+)\))?")


class Printed(NamedTuple):
    """A number with the decimals that it has in print, and its interval, NaN where it has none."""

    text: str
    value: float
    decimals: int
    low: float = math.nan
    high: float = math.nan

    @property
    def half_unit(self) -> float:
        """How far from the print an unrounded number may have been."""
        return 0.5 * 10.0**-self.decimals

    def is_rounded(self, value: float, *, slack: float = 0.0) -> bool:
        """Whether the print may be `value` rounded, which is itself known to `slack` alone."""
        return abs(value - self.value) <= self.half_unit + slack + 1e-12


class Table(NamedTuple):
    """A published table: `cells[row, column]`, and what all of its numbers have in common."""

    name: str
    source: str
    place: str
    measure: str
    definition: str
    reference: str
    reports: str
    n_findings: str
    rows: tuple[str, ...]
    columns: tuple[str, ...]
    cells: Mapping[tuple[str, str], Printed]

    def row(self, name: str) -> tuple[Printed, ...]:
        """The numbers of a row that are printed, from left to right."""
        return tuple(self.cells[name, column] for column in self.columns if (name, column) in self.cells)

    def column(self, name: str, *, without: tuple[str, ...] = ("average",)) -> tuple[Printed, ...]:
        """The numbers of a column, from top to bottom."""
        return tuple(self.cells[row, name] for row in self.rows if row not in without)


@dataclass(frozen=True, slots=True)
class Source:
    """A paper."""

    source: str
    about: str
    where: str


def read_sources() -> tuple[Source, ...]:
    """The papers."""
    return tuple(Source(**row) for row in _rows(FOLDER / "sources.csv"))


def read_table(name: str) -> Table:
    """A published table by its name in ``published/tables.csv``."""
    about = next(row for row in _rows(FOLDER / "tables.csv") if row.pop("table") == name)
    rows = _rows(FOLDER / f"{name}.csv")
    key, *columns = rows[0]
    cells = {(row[key], column): parse(row[column]) for row in rows for column in columns if row[column]}
    return Table(name=name, rows=tuple(row[key] for row in rows), columns=tuple(columns), cells=cells, **about)


def parse(text: str) -> Printed:
    """A printed number such as ``.35``, ``1170`` or ``.992 (.988-.995)``."""
    found = CELL.fullmatch(text)
    if found is None:
        raise ValueError(f"no number: {text!r}")
    number, low, high = found.groups()
    decimals = len(number.partition(".")[2])
    limits = (math.nan, math.nan) if low is None else (float(low), float(high))
    return Printed(number, float(number), decimals, *limits)


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))
