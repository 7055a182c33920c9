"""Reports in which labelers have another label than the reference: what to read first, and the words to look for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from radprompter.agreement.definitions import Definition
from radprompter.agreement.disagreement import KINDS
from radprompter.agreement.measuring.cells import UNLABELLED, Cells
from radprompter.agreement.report import Agreement, Matching
from radprompter.label_table import LabelTable
from radprompter.labels import LABELS, LabelState, Projection


class Answer(NamedTuple):
    """What a table says of a cell, None without a label, and the words that it goes by."""

    table: str
    state: LabelState | None
    evidence: str


class DisputedCell(NamedTuple):
    """A cell that a labeler has another label of than the reference; `severity` is that of the worst (`KINDS`)."""

    finding: str
    severity: float
    reference: Answer
    labelers: tuple[Answer, ...]


class DisputedReport(NamedTuple):
    """A report with its disputed cells, worst first; `severity` is the sum of theirs."""

    report_id: str
    severity: float
    cells: tuple[DisputedCell, ...]


def find_disputes(agreement: Agreement, tables: Mapping[str, LabelTable]) -> tuple[DisputedReport, ...]:
    """The reports with disputed cells, worst first, then as the reports stand.

    Disputed are cells in which a labeler has a label that at least one definition of the agreement counts wrong: what
    no definition that fits the tables tells apart is no dispute. Cells without a label are none either.

    Parameters
    ----------
    tables:
        The labelers and the reference, by the names that the agreement has for them; a table that is absent adds no
        words.
    """
    cells = agreement.cells
    severity = _severities(cells, (*agreement.definitions, *agreement.overview))
    words = {name: _Words(table, agreement.matching, name) for name, table in tables.items()}
    worst = severity.max(axis=0)
    reports = []
    for row in np.flatnonzero(worst.any(axis=1)).tolist():
        columns = sorted(np.flatnonzero(worst[row]).tolist(), key=lambda column: (-worst[row, column], column))
        disputed = tuple(
            DisputedCell(
                cells.findings[column],
                float(worst[row, column]),
                _answer(agreement.reference, cells.reference[row, column], cells, row, column, words),
                tuple(
                    _answer(name, cells.labels[place, row, column], cells, row, column, words)
                    for place, name in enumerate(cells.labelers)
                ),
            )
            for column in columns
        )
        reports.append(DisputedReport(cells.report_ids[row], float(worst[row].sum()), disputed))
    return tuple(sorted(reports, key=lambda report: -round(report.severity, 9)))


def _severities(cells: Cells, definitions: Iterable[Definition]) -> NDArray[np.float64]:
    """How grave each labeler's label is, 0 where it is right or none: ``(n_labelers, n_reports, n_findings)``."""
    weights = np.zeros((len(LABELS) + 1, UNLABELLED + 1))  # the last row is for -1
    for states, weight in KINDS.items():
        first, second = (LABELS.index(state) for state in states)
        weights[first, second] = weights[second, first] = weight
    told_apart = np.zeros(weights.shape, dtype=bool)
    for definition in definitions:
        theirs, ours = _targets(definition, definition.reference), _targets(definition, definition.labeler)
        for row, wanted in enumerate(theirs):
            for column, given in enumerate(ours):
                told_apart[row, column] |= wanted is not None and given != wanted
    return np.asarray((weights * told_apart)[cells.reference[None], cells.labels], dtype=np.float64)


def _targets(definition: Definition, projection: Projection) -> list[LabelState | str | None]:
    """What a definition makes of each label: one of its tasks, the rest, or None where it is masked."""
    targets = [projection.states[state] for state in LABELS]
    if definition.measures == ("same",):
        return list(targets)
    return ["rest" if target is not None and target not in definition.tasks else target for target in targets]


def _answer(table: str, code: int, cells: Cells, row: int, column: int, words: Mapping[str, _Words]) -> Answer:
    state = LABELS[code] if 0 <= code < UNLABELLED else None
    evidence = words[table].find(cells.report_ids[row], cells.findings[column]) if table in words else ""
    return Answer(table, state, evidence)


class _Words:
    """The evidence of one table, by report and by the finding's name in the agreement."""

    def __init__(self, table: LabelTable, matching: Matching, name: str) -> None:
        names = table.schema.names
        own = {one.name: one.columns.get(name, one.name) for one in matching.findings}
        self._columns = {finding: names.index(column) for finding, column in own.items() if column in names}
        self._rows = {report: row for row, report in enumerate(table.report_ids)}
        self._evidence = table.frame["evidence"].to_numpy(dtype=object).reshape(-1, len(names))

    def find(self, report_id: str, finding: str) -> str:
        row, column = self._rows.get(report_id), self._columns.get(finding)
        return "" if row is None or column is None else str(self._evidence[row, column] or "")
