"""Two labelers of the same reports, cell by cell: where they differ, how gravely, and what to look at first."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from radprompter.agreement.measuring.cells import UNLABELLED, Cells, Counts, count
from radprompter.errors import SchemaError
from radprompter.label_table import LabelTable
from radprompter.labels import LABELS, LabelState

STATES = tuple(str(state) for state in LABELS)

_POSITIVE, _NEGATIVE = LabelState.POSITIVE, LabelState.NEGATIVE
_UNCERTAIN, _SILENT = LabelState.UNCERTAIN, LabelState.NOT_MENTIONED

KINDS: Mapping[tuple[LabelState, LabelState], float] = {
    (_POSITIVE, _NEGATIVE): 1.0,
    (_POSITIVE, _SILENT): 0.8,
    (_POSITIVE, _UNCERTAIN): 0.5,
    (_UNCERTAIN, _NEGATIVE): 0.4,
    (_UNCERTAIN, _SILENT): 0.3,
    (_NEGATIVE, _SILENT): 0.1,
}
"""How grave it is that one table has the first state and the other the second, whichever: what patient or classifier
would notice stands above what only words differ in."""

_WEIGHTS = np.zeros((len(STATES), len(STATES)))
for (_one, _other), _weight in KINDS.items():
    _WEIGHTS[LABELS.index(_one), LABELS.index(_other)] = _weight
    _WEIGHTS[LABELS.index(_other), LABELS.index(_one)] = _weight


class Disagreement(NamedTuple):
    """One cell in which two tables have different labels; what the first says, then the second.

    `severity` is the weight of its kind times the probabilities that both give to what they say, where they measured
    them: a contradiction between labelers that are sure comes before one between labelers that hesitate.
    """

    report_id: str
    finding: str
    state: LabelState
    other_state: LabelState
    severity: float
    p: float | None
    other_p: float | None
    evidence: str
    other_evidence: str
    labeler: str
    other_labeler: str


class Reviewed(NamedTuple):
    """A report with cells in which two tables differ, worst first; `severity` is the sum of theirs."""

    report_id: str
    severity: float
    disagreements: tuple[Disagreement, ...]


@dataclass(frozen=True, slots=True, eq=False)
class FindingComparison:
    """One finding: cells that both tables label, by the first (rows) and the second (columns), and those without.

    `confusion` is int64 ``(4, 4)`` in the order of `labels.LABELS`. The rest counts reports of both tables in which
    the first alone, the second alone, or neither has a label: missing, invalid, failed or skipped cells.
    """

    finding: str
    confusion: NDArray[np.int64]
    n_first_lacks: int
    n_second_lacks: int
    n_both_lack: int

    @property
    def n(self) -> int:
        """Cells that both tables label."""
        return int(self.confusion.sum())

    @property
    def n_same(self) -> int:
        """Cells with the same label in both tables."""
        return int(np.trace(self.confusion))

    @property
    def n_unlabelled(self) -> int:
        """Cells that a table, or both, left without a label."""
        return self.n_first_lacks + self.n_second_lacks + self.n_both_lack

    def count(self, state: LabelState, other: LabelState) -> int:
        """Cells in which the first table has a state and the second another."""
        return int(self.confusion[LABELS.index(state), LABELS.index(other)])


@dataclass(frozen=True, slots=True, eq=False)
class Comparison:
    """Two label tables of the same reports; `disagreements` are worst first."""

    n_reports: int
    n_reports_first_only: int
    n_reports_second_only: int
    findings: tuple[FindingComparison, ...]
    findings_first_only: tuple[str, ...]
    findings_second_only: tuple[str, ...]
    disagreements: tuple[Disagreement, ...]

    @property
    def confusion(self) -> NDArray[np.int64]:
        """Cells of all findings, as in `FindingComparison`."""
        return np.asarray(np.sum([item.confusion for item in self.findings], axis=0), dtype=np.int64)

    @property
    def n(self) -> int:
        """Cells that both tables label."""
        return sum(item.n for item in self.findings)

    @property
    def n_same(self) -> int:
        """Cells with the same label in both tables."""
        return sum(item.n_same for item in self.findings)

    @property
    def n_unlabelled(self) -> int:
        """Cells that a table, or both, left without a label."""
        return sum(item.n_unlabelled for item in self.findings)

    def by_report(self) -> tuple[Reviewed, ...]:
        """The reports with disagreements: those whose severities sum to most first, then as their worst stand."""
        grouped: dict[str, list[Disagreement]] = {}
        for item in self.disagreements:
            grouped.setdefault(item.report_id, []).append(item)
        reports = [
            Reviewed(report_id, sum(item.severity for item in items), tuple(items))
            for report_id, items in grouped.items()
        ]
        return tuple(sorted(reports, key=lambda report: -round(report.severity, 9)))


def compare(labels: LabelTable, other: LabelTable) -> Comparison:
    """Compare the reports and findings that two tables have, and order the cells in which they differ.

    Worst first: by severity, then findings that are positive in fewer of the reports, then as the reports and
    findings stand in the first table. A cell without a label in either table is counted and never a disagreement.

    Raises
    ------
    SchemaError
        If the tables share no report or no finding.
    """
    names = [name for name in labels.schema.names if name in other.schema.names]
    known = set(other.report_ids)
    reports = [report for report in labels.report_ids if report in known]
    if not names or not reports:
        shared = "finding" if not names else "report id"
        raise SchemaError(f"the two label tables have no {shared} in common")
    first, second = _Side(labels, reports, names), _Side(other, reports, names)
    counts = _count(first, second, reports, names)
    return Comparison(
        len(reports),
        len(labels.report_ids) - len(reports),
        len(known) - len(reports),
        tuple(_finding(name, counts[column], first, second, column) for column, name in enumerate(names)),
        tuple(name for name in labels.schema.names if name not in names),
        tuple(name for name in other.schema.names if name not in names),
        tuple(_disagreements(first, second, reports, names)),
    )


def summarise(comparison: Comparison) -> dict[str, Any]:
    """The numbers of a comparison as plain data, without words of any report."""
    return {
        "n_reports": comparison.n_reports,
        "n_reports_first_only": comparison.n_reports_first_only,
        "n_reports_second_only": comparison.n_reports_second_only,
        "findings_first_only": list(comparison.findings_first_only),
        "findings_second_only": list(comparison.findings_second_only),
        "n_cells": comparison.n,
        "n_same": comparison.n_same,
        "n_unlabelled": comparison.n_unlabelled,
        "n_disagreements": len(comparison.disagreements),
        "states": list(STATES),
        "confusion": comparison.confusion.tolist(),
        "findings": {
            item.finding: {
                "n": item.n,
                "n_same": item.n_same,
                "n_first_lacks": item.n_first_lacks,
                "n_second_lacks": item.n_second_lacks,
                "n_both_lack": item.n_both_lack,
                "confusion": item.confusion.tolist(),
            }
            for item in comparison.findings
        },
    }


class _Side:
    """Some reports and findings of one table, each column of cells as an array ``(n_reports, n_findings)``."""

    def __init__(self, table: LabelTable, reports: Sequence[str], names: Sequence[str]) -> None:
        at = {report: row for row, report in enumerate(table.report_ids)}
        rows = np.array([at[report] for report in reports])
        columns = np.array([table.schema.names.index(name) for name in names])
        self._frame, self._cells = table.frame, np.ix_(rows, columns)
        self._shape = (-1, len(table.schema.names))
        codes = {state: code for code, state in enumerate(STATES)}
        self.codes = np.array([[codes.get(state, -1) for state in row] for row in self._texts("state")])
        self.evidence, self.labeler = self._texts("evidence"), self._texts("labeler")
        self.p = self._p()

    def _texts(self, column: str) -> NDArray[np.object_]:
        cells: NDArray[np.object_] = self._frame[column].to_numpy(dtype=object).reshape(self._shape)
        return np.asarray(cells[self._cells], dtype=object)

    def _p(self) -> NDArray[np.float64]:
        """The probability of each cell's own state; NaN where none was measured."""
        measured = np.stack(
            [
                self._frame[f"p_{state}"].to_numpy(dtype=np.float64).reshape(self._shape)[self._cells]
                for state in (_POSITIVE, _NEGATIVE, _UNCERTAIN)
            ]
        )
        silent = np.where(np.isnan(measured).all(axis=0), np.nan, 1.0 - np.nansum(measured, axis=0))
        by_state = dict(zip((_POSITIVE, _NEGATIVE, _UNCERTAIN, _SILENT), (*measured, silent), strict=True))
        p = np.full(self.codes.shape, np.nan)
        for code, state in enumerate(LABELS):
            p = np.where(self.codes == code, by_state[state], p)
        return np.asarray(np.clip(p, 0.0, 1.0), dtype=np.float64)


def _count(first: _Side, second: _Side, reports: Sequence[str], names: Sequence[str]) -> Counts:
    """Cells of each finding by what the first table says (4 rows) and the second (4 columns, and none)."""
    labels = np.where(second.codes < 0, UNLABELLED, second.codes)[None]
    apart, n = np.arange(len(reports)), len(reports)
    sides = (first.codes.astype(np.int8), labels.astype(np.int8))
    cells = Cells(tuple(reports), tuple(names), ("other",), *sides, None, apart, np.ones(n), np.zeros(n, dtype=np.intp))
    return np.asarray(count(cells)[0])


def _finding(name: str, counts: Counts, first: _Side, second: _Side, column: int) -> FindingComparison:
    lacks, other_lacks = first.codes[:, column] < 0, second.codes[:, column] < 0
    unlabelled = (lacks & ~other_lacks, ~lacks & other_lacks, lacks & other_lacks)
    confusion = counts[:, : len(STATES)].astype(np.int64)
    return FindingComparison(name, confusion, *(int(cells.sum()) for cells in unlabelled))


def _disagreements(first: _Side, second: _Side, reports: Sequence[str], names: Sequence[str]) -> Iterable[Disagreement]:
    both = (first.codes >= 0) & (second.codes >= 0)
    positive = LABELS.index(_POSITIVE)
    n_positive = (both & ((first.codes == positive) | (second.codes == positive))).sum(axis=0)
    rows, columns = np.nonzero(both & (first.codes != second.codes))
    codes, other_codes = first.codes[rows, columns], second.codes[rows, columns]
    p, other_p = first.p[rows, columns], second.p[rows, columns]
    sure, other_sure = np.where(np.isnan(p), 1.0, p), np.where(np.isnan(other_p), 1.0, other_p)
    severity = _WEIGHTS[codes, other_codes] * sure * other_sure
    for index in np.lexsort((columns, rows, n_positive[columns], -severity.round(9))):
        row, column = rows[index], columns[index]
        yield Disagreement(
            reports[row],
            names[column],
            LABELS[codes[index]],
            LABELS[other_codes[index]],
            float(severity[index]),
            _number(p[index]),
            _number(other_p[index]),
            first.evidence[row, column] or "",
            second.evidence[row, column] or "",
            first.labeler[row, column] or "",
            second.labeler[row, column] or "",
        )


def _number(value: float) -> float | None:
    return None if np.isnan(value) else float(value)
