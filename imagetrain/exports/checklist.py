"""Checklists of reporting guidelines, filled with what a run knows and blank where it does not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from imagetrain.exports.answers import answers_of
from imagetrain.exports.guideline import Guideline, Item, guidelines
from imagetrain.exports.table import Table
from imagetrain.exports.text import as_csv
from imagetrain.exports.word import document

BLANK, NOT_RECORDED = "To be written by the authors.", "What this run did not record of it."
FILLED, IN_PART, OPEN = "filled", "in part", "open"
GOVERNS = "Items are told in other words than the guideline's; its official text governs, and no item is judged here."


class Entry(NamedTuple):
    """One item, and what the run knows of it."""

    item: Item
    answer: str  # empty where it knows nothing
    is_whole: bool  # whether it has every fact that answers the item

    @property
    def state(self) -> str:
        """Whether the run answers all of it, some, or nothing."""
        if not self.answer:
            return OPEN
        return FILLED if self.is_whole and not self.item.rest else IN_PART

    @property
    def rest(self) -> str:
        """What authors still have to write; empty if nothing."""
        if self.state == OPEN:
            return BLANK
        rest = " ".join(filter(None, ["" if self.is_whole else NOT_RECORDED, self.item.rest]))
        return f"By the authors: {rest}" if rest else ""


class Checklist(NamedTuple):
    """A guideline with its entries."""

    guideline: Guideline
    entries: tuple[Entry, ...]

    @property
    def summary(self) -> str:
        """How many items are filled, filled in part, and open."""
        n = {state: sum(entry.state == state for entry in self.entries) for state in (FILLED, IN_PART, OPEN)}
        return (
            f"{self.guideline.name}: of {len(self.entries)} items and parts of items, {n[FILLED]} are filled from the "
            f"run, {n[IN_PART]} in part, and {n[OPEN]} are open."
        )

    @property
    def about(self) -> str:
        """Which version of the guideline this follows, and what governs."""
        return f"Numbers follow {self.guideline.version} ({self.guideline.source}). {GOVERNS}"


def checklists(metrics: Mapping[str, Any]) -> tuple[Checklist, ...]:
    """TRIPOD+AI and CLAIM for an evaluation."""
    answers = answers_of(metrics)
    return tuple(
        Checklist(guideline, tuple(_entry(item, answers) for item in guideline.items)) for guideline in guidelines()
    )


def checklists_csv(filled: Sequence[Checklist]) -> str:
    """All items, one a row."""
    rows = [
        [
            one.guideline.name,
            entry.item.number,
            entry.item.section,
            entry.item.asks,
            entry.state,
            entry.answer,
            entry.rest,
        ]
        for one in filled
        for entry in one.entries
    ]
    return as_csv(["guideline", "item", "section", "asks", "state", "from_the_run", "from_the_authors"], rows)


def checklists_docx(filled: Sequence[Checklist], title: str) -> bytes:
    """A document with a table a guideline, and an empty column for the page of the paper."""
    header = ["Item", "Section", "Asks", "Told by the run", "By the authors", "Page"]
    tables = [
        Table(
            f"{one.guideline.name}",
            header,
            [_cells(entry) for entry in one.entries],
            f"{one.summary} {one.about}",
            len(header),
        )
        for one in filled
    ]
    return document(tables, title=f"Checklists: {title}", text=[f"{title}: checklists for reporting"], aside=True)


def _cells(entry: Entry) -> list[str]:
    return [entry.item.number, entry.item.section, entry.item.asks, entry.answer, entry.rest, ""]


def _entry(item: Item, answers: Mapping[str, str]) -> Entry:
    known = [answers[name] for fact in item.facts if (name := fact.removesuffix("?")) in answers]
    needed = [fact for fact in item.facts if not fact.endswith("?")]
    return Entry(item, " ".join(known), all(fact in answers for fact in needed))
