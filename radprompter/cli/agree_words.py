"""How numbers, tables and lines of an agreement are written on a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from radprompter.terminal import console

if TYPE_CHECKING:
    from rich.table import Table

    from radprompter.agreement.measuring.numbers import Number

SHORT = {"positive": "pos", "negative": "neg", "uncertain": "unc", "not_mentioned": "n.m."}
"""The four labels where there is little room."""

HEADS = {
    "f1": "F1", "accuracy": "acc", "sensitivity": "sens", "specificity": "spec", "ppv": "PPV", "npv": "NPV",
    "weighted_f1": "weighted F1", "same": "same label",
}  # fmt: skip
NO_VALUE = "–"
OF_SCORE = "~"
"""Between the limits of a score interval."""
MOST_IN_A_LINE = 8
"""Columns whose heads are not broken; more of them are, so that their numbers stay whole."""


def say(text: str) -> None:
    """Print a line as it is."""
    console().print(text, markup=False, soft_wrap=True)


def shown(number: Number | None, *, interval: bool = False) -> str:
    """A number to three places, with its interval where that is asked for; a dash where it has none."""
    if number is None or number.value is None:
        return NO_VALUE
    value = f"{number.value:.3f}"
    if not interval:
        return value
    low, high = number.shown_limits
    if low is None:
        return f"{value} ({NO_VALUE})"
    return f"{value} ({low:.3f}{OF_SCORE if number.shows_score else '–'}{high:.3f})"


def new_table(*columns: str) -> Table:
    """A table without lines whose first column is text."""
    from rich.table import Table

    table = Table(box=None, pad_edge=False)
    for place, name in enumerate(columns):
        if place:
            table.add_column(name, justify="right", no_wrap=len(columns) <= MOST_IN_A_LINE, overflow="fold")
        else:
            table.add_column(name, no_wrap=True, max_width=34)
    return table
