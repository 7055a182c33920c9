"""The groups of reports, one table and one forest plot for each thing that they were grouped by."""

from __future__ import annotations

from typing import NamedTuple

from radprompter.agreement.definitions import Definition
from radprompter.agreement.measuring.titles import TITLES
from radprompter.agreement.page.plots import Forest, group_forest
from radprompter.agreement.page.shown import Ledger, counted, worded
from radprompter.agreement.page.tables import Block, Line
from radprompter.pages.formats import count


class Grouping(NamedTuple):
    """All groups of one kind, such as sites, under the headline definition."""

    title: str
    definition: Definition
    columns: tuple[str, ...]
    blocks: tuple[Block, ...]
    about: tuple[str, ...]
    forest: Forest


def groupings(ledger: Ledger, definition: Definition) -> tuple[Grouping, ...]:
    """Groups by the part of their name before the equals sign, in their order."""
    by_kind: dict[str, list[str]] = {}
    for group in ledger.agreement.groups:
        by_kind.setdefault(group.name.partition("=")[0], []).append(group.name)
    return tuple(_grouping(ledger, definition, kind, names) for kind, names in by_kind.items())


def _grouping(ledger: Ledger, definition: Definition, kind: str, names: list[str]) -> Grouping:
    groups = {group.name: group for group in ledger.agreement.groups}
    blocks = []
    for name in names:
        lines = []
        for labeler in ledger.labelers:
            cells = tuple(ledger.shown(labeler.name, definition, one, group=name) for one in definition.measures)
            support = counted(ledger.find(labeler.name, definition, definition.measures[0], group=name))[1]
            lines.append(Line(labeler, count(groups[name].n_reports), support, cells))
        blocks.append(Block(name.partition("=")[2], False, tuple(lines)))
    about = tuple(groups[name].says for name in names)
    columns = tuple(TITLES[one] for one in definition.measures)
    return Grouping(worded(kind), definition, columns, tuple(blocks), about, group_forest(ledger, definition, names))
