"""A plot: panels side by side, what each says in words, and the data that it draws as a table."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import NamedTuple

from markupsafe import Markup, escape

from radprompter.pages.svg import drawing

Cell = str | float | int | None


class DataTable(NamedTuple):
    """What a plot draws, one row a point or mark; None where undefined."""

    header: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]


class Panel(NamedTuple):
    """One drawing, as large as its units are pixels; it may be shown at another size."""

    title: str  # what tells it from the other panels of its plot
    svg: Markup
    width: float
    height: float
    row: str = ""  # panels of one row stand beside each other


class Plot(NamedTuple):
    """Panels that belong together; `runs` are the names behind the colours, empty where none is told apart."""

    title: str
    panels: tuple[Panel, ...]
    table: DataTable
    runs: tuple[str, ...] = ()

    @property
    def rows(self) -> list[tuple[Panel, ...]]:
        """The panels that stand beside each other."""
        return [tuple(group) for _, group in itertools.groupby(self.panels, key=lambda one: one.row)]

    @property
    def beside(self) -> int:
        """How many panels the longest row has."""
        return max(len(row) for row in self.rows)

    def is_first(self, number: int) -> bool:
        """Whether a panel begins a row."""
        return number == 0 or self.panels[number].row != self.panels[number - 1].row


class PlotFile(NamedTuple):
    """A plot as a file of its own, and its data."""

    svg: str
    table: DataTable


def panel(title: str, parts: Sequence[str], *, width: float, height: float, says: str) -> Panel:
    """Parts on a sheet of some size; `says` is read out instead of it, so it has the result, not only the subject."""
    attributes = f'class="panel" viewBox="0 0 {width:g} {height:g}" role="img" aria-label="{escape(says)}"'
    return Panel(title, drawing(attributes, parts), width, height)


def text(x: float, y: float, words: str, *, anchor: str = "start", look: str = "", more: str = "") -> str:
    """Words at a place, escaped; `look` are CSS classes, `more` further attributes."""
    classes = f' class="{look}"' if look else ""
    extra = f" {more}" if more else ""
    return f'<text{classes} x="{x:g}" y="{y:g}" text-anchor="{anchor}"{extra}>{escape(words)}</text>'
