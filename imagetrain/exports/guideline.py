"""Reporting guidelines: their numbered items in words of our own, and what of a run answers each.

The items are in ``guidelines/*.csv``: number, section, what is asked, the names of the facts that answer it (as
`answers.answers_of` has them; those with ``?`` are told where there are any, and not missed), and what authors have to
add. The official texts govern.
"""

from __future__ import annotations

import csv
from pathlib import Path
from typing import NamedTuple

ITEMS = Path(__file__).parent / "guidelines"


class Item(NamedTuple):
    """One item of a guideline.

    Parameters
    ----------
    number:
        As the guideline numbers it.
    section:
        Of the paper.
    asks:
        What it wants to be told, in our own words.
    facts:
        Names of the facts of a run that answer it; with ``?``, of those that it may do without.
    rest:
        What authors have to add to those facts; empty if they suffice.
    """

    number: str
    section: str
    asks: str
    facts: tuple[str, ...] = ()
    rest: str = ""


class Guideline(NamedTuple):
    """A reporting guideline, and the version that its numbers follow."""

    name: str
    version: str
    source: str
    items: tuple[Item, ...]


def guidelines() -> tuple[Guideline, ...]:
    """TRIPOD+AI and CLAIM."""
    return (
        Guideline(
            "TRIPOD+AI",
            "the 27 items of 2024, with their parts",
            "Collins et al., BMJ 2024;385:e078378",
            _items("tripod_ai"),
        ),
        Guideline(
            "CLAIM",
            "the 42 items of 2020; the update of 2024 (Tejani et al., Radiol Artif Intell 2024;6:e240300) has 44, with "
            "numbers of its own, and says reference standard instead of ground truth",
            "Mongan, Moy, Kahn, Radiol Artif Intell 2020;2:e200029",
            _items("claim"),
        ),
    )


def _items(name: str) -> tuple[Item, ...]:
    with (ITEMS / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return tuple(
            Item(row["number"], row["section"], row["asks"], tuple(row["facts"].split()), row["rest"])
            for row in csv.DictReader(file)
        )
