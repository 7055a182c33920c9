"""Findings that are asked only where others hold: their order, and what becomes of one that is not asked.

A finding ``depends_on`` others, each in some of its states. Where one of them is in another state, the finding is not
asked and takes its ``otherwise`` state, with a note. Where one of them has no label, nothing is known of the finding
either: it is `missing`, never a state that looks like an answer.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Literal

from radprompter.findings import in_order
from radprompter.labels import LABELS, AttributeStatus, AttributeValue, Cell, LabelState
from radprompter.region import Region


@dataclass(frozen=True, slots=True)
class Condition:
    """Whether a finding is asked: its condition `holds`, `fails`, or is `unknown` for lack of a label.

    `state` is what the finding is without being asked and `note` says why; both are ``None`` where the condition holds.
    """

    verdict: Literal["holds", "fails", "unknown"]
    state: LabelState | None = None
    note: str | None = None


HOLDS = Condition("holds")

_STATUS: Mapping[LabelState, AttributeStatus] = {LabelState.MISSING: "missing", LabelState.SKIPPED: "skipped"}


def levels(region: Region) -> tuple[tuple[str, ...], ...]:
    """Findings in the order in which they can be asked: each level depends on earlier ones alone.

    A finding stands in the first level that it can; inside a level findings keep the order of the schema.
    """
    depth = dict.fromkeys(region.findings, 0)
    for name in in_order(region.findings):
        depth[name] = max((depth[parent] + 1 for parent in region.findings[name].depends_on), default=0)
    names = region.schema.names
    return tuple(tuple(name for name in names if depth[name] == level) for level in range(max(depth.values()) + 1))


def condition(region: Region, finding: str, states: Mapping[str, LabelState]) -> Condition:
    """Whether a finding is asked in a report whose other findings have these states; an absent one has no label.

    A parent without a label outweighs one in a wrong state: what is not known is never taken for an answer.
    """
    asked = region.findings[finding]
    found = {parent: states.get(parent, LabelState.MISSING) for parent in asked.depends_on}
    for parent, state in found.items():
        if not state.is_label:
            unknown = LabelState.SKIPPED if state is LabelState.SKIPPED else LabelState.MISSING
            return Condition("unknown", unknown, f"not asked: {parent} is {state}")
    wrong = [f"{parent} is {state}" for parent, state in found.items() if state not in asked.depends_on[parent]]
    return Condition("fails", asked.otherwise, f"not asked: {', '.join(wrong)}") if wrong else HOLDS


def unasked_cell(region: Region, report_id: str, finding: str, condition: Condition, *, labeler: str) -> Cell:
    """The cell of a finding whose condition does not hold, without any answer.

    Raises
    ------
    ValueError
        If the condition holds: then there is something to ask.
    """
    if condition.state is None:
        raise ValueError(f"the condition of {finding} holds; ask")
    status: AttributeStatus = "not_applicable" if condition.verdict == "fails" else _STATUS[condition.state]
    attributes = tuple(AttributeValue(name, status) for name in region.findings[finding].attributes)
    return Cell(report_id, finding, condition.state, repair=condition.note, labeler=labeler, attributes=attributes)


def settle(cells: Iterable[Cell], region: Region) -> tuple[Cell, ...]:
    """One report's cells, in their order, after answers that should not have been given are set aside.

    For plans that ask about all findings at once. A finding whose condition fails takes its ``otherwise`` state, one
    whose condition is unknown becomes `missing` (or stays as it is, if it has no label itself); the note says what the
    answer was. Findings that depend on a settled one see its settled state.
    """
    given = {cell.finding: cell for cell in cells}
    settled = dict(given)
    for name in in_order(region.findings):
        cell = settled.get(name)
        if cell is None or not region.findings[name].depends_on or cell.state is LabelState.SKIPPED:
            continue
        found = condition(region, name, {other: settled[other].state for other in settled})
        if found.verdict == "fails" or (found.verdict == "unknown" and cell.state.is_label):
            settled[name] = _set_aside(cell, found, region)
    return tuple(settled[name] for name in given)


def _set_aside(cell: Cell, condition: Condition, region: Region) -> Cell:
    bare = unasked_cell(region, cell.report_id, cell.finding, condition, labeler=cell.labeler)
    answered = f"; the answer was {cell.state}" if cell.state is not bare.state else ""
    notes = (cell.repair, f"{bare.repair}{answered}")
    attributes = bare.attributes if cell.attributes else ()  # none where only states were asked
    return replace(bare, repair="; ".join(note for note in notes if note), attributes=attributes)


def unreachable(region: Region) -> Iterator[tuple[str, str]]:
    """Conditions that can never hold, whatever the report: the name of a finding, and why."""
    for name, finding in region.findings.items():
        for parent, wanted in finding.depends_on.items():
            for state in wanted:
                if state not in region.allowed(parent):
                    yield name, f"{name} depends on {parent} being {state}, which it cannot be"
        for other, states in required(region, name).items():
            if not states and set(finding.depends_on.get(other, LABELS)) & set(region.allowed(other)):
                yield name, f"{name} is never asked: what it depends on asks for different states of {other}"


def required(region: Region, finding: str) -> dict[str, frozenset[LabelState]]:
    """Finding -> the states that it must be in for one to be asked, directly or by way of others.

    A parent that must be in a state other than its ``otherwise`` was asked itself, so that its own condition held.
    """
    found: dict[str, frozenset[LabelState]] = {}
    for parent, states in region.findings[finding].depends_on.items():
        found[parent] = frozenset(region.allowed(parent)) & frozenset(states)
    ahead = list(found)
    seen: set[str] = set()
    while ahead:
        name = ahead.pop()
        asked = region.findings[name]
        if name in seen or not asked.depends_on or asked.otherwise in found[name]:
            continue
        seen.add(name)
        for parent, states in asked.depends_on.items():
            found[parent] = found.get(parent, frozenset(region.allowed(parent))) & frozenset(states)
            ahead.append(parent)
    return found
