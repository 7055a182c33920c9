"""How far two label tables agree, under a named projection of the states."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from radprompter.errors import SchemaError
from radprompter.label_table import LabelTable
from radprompter.labels import LABELS, LabelState, Projection

STATES = tuple(str(state) for state in LABELS)


@dataclass(frozen=True, slots=True, eq=False)
class FindingAgreement:
    """One finding: cells that both tables label, by reference (rows) and labeler (columns).

    `confusion` is int64 ``(4, 4)`` in the order of `labels.LABELS`; `n_unlabelled` counts the cells that the labeler
    left without a label (missing, invalid, failed, skipped) although the reference has one.
    """

    finding: str
    confusion: NDArray[np.int64]
    n_unlabelled: int

    @property
    def n(self) -> int:
        """Cells with a label in the reference."""
        return int(self.confusion.sum()) + self.n_unlabelled

    @property
    def n_right(self) -> int:
        """Cells with the same label in both tables."""
        return int(np.trace(self.confusion))

    @property
    def accuracy(self) -> float:
        """Share of the reference's cells that the labeler gives the same label; NaN without cells."""
        return self.n_right / self.n if self.n else float("nan")

    def recall(self, state: LabelState) -> float:
        """Share of the reference's cells of a state that the labeler finds; NaN where there are none."""
        row = self.confusion[LABELS.index(state)]
        return float(row[LABELS.index(state)] / row.sum()) if row.sum() else float("nan")

    def precision(self, state: LabelState) -> float:
        """Share of the labeler's cells of a state that the reference confirms; NaN where there are none."""
        column = self.confusion[:, LABELS.index(state)]
        return float(column[LABELS.index(state)] / column.sum()) if column.sum() else float("nan")

    def f1(self, state: LabelState) -> float:
        """2 TP / (2 TP + FP + FN) of one state; NaN where neither table has it."""
        index = LABELS.index(state)
        hits = int(self.confusion[index, index])
        total = int(self.confusion[index].sum() + self.confusion[:, index].sum())
        return 2 * hits / total if total else float("nan")


@dataclass(frozen=True, slots=True, eq=False)
class Agreement:
    """A labeler against a reference: per finding, over all cells, and over whole reports."""

    projection: str
    n_reports: int
    n_reports_right: int
    findings: tuple[FindingAgreement, ...]

    @property
    def accuracy(self) -> float:
        """Right cells of all cells."""
        total = sum(finding.n for finding in self.findings)
        return sum(finding.n_right for finding in self.findings) / total if total else float("nan")

    @property
    def report_accuracy(self) -> float:
        """Reports with every cell right, of all reports."""
        return self.n_reports_right / self.n_reports if self.n_reports else float("nan")

    def macro_f1(self, states: Iterable[LabelState]) -> float:
        """Mean over findings and states of the F1s that are defined; NaN if none is."""
        values = [finding.f1(state) for finding in self.findings for state in states]
        defined = [value for value in values if not np.isnan(value)]
        return float(np.mean(defined)) if defined else float("nan")


def agree(labels: LabelTable, reference: LabelTable, *, projection: Projection) -> Agreement:
    """Compare the reports and findings that both tables have.

    Raises
    ------
    SchemaError
        If the tables share no report or no finding.
    """
    names = [name for name in reference.schema.names if name in labels.schema.names]
    ours, theirs = labels.project(projection), reference.project(projection)
    labelled_reports = set(ours.index)
    reports = [report for report in theirs.index if report in labelled_reports]
    if not names or not reports:
        shared = "finding" if not names else "report id"
        raise SchemaError(f"the label table and the reference have no {shared} in common")
    findings = []
    right = np.ones(len(reports), dtype=bool)
    for name in names:
        found = ours.loc[reports, name].to_numpy(dtype=object)
        truth = theirs.loc[reports, name].to_numpy(dtype=object)
        known = np.array([state in STATES for state in truth])
        labelled = np.array([state in STATES for state in found])
        both = known & labelled
        confusion = np.zeros((len(STATES), len(STATES)), dtype=np.int64)
        rows = [STATES.index(state) for state in truth[both]]
        columns = [STATES.index(state) for state in found[both]]
        np.add.at(confusion, (rows, columns), 1)
        findings.append(FindingAgreement(name, confusion, int((known & ~labelled).sum())))
        right &= ~known | (found == truth)
    return Agreement(projection.name, len(reports), int(right.sum()), tuple(findings))


def summarise(agreement: Agreement) -> dict[str, Any]:
    """The numbers of an agreement as plain data; NaN where undefined."""
    return {
        "projection": agreement.projection,
        "n_reports": agreement.n_reports,
        "cell_accuracy": agreement.accuracy,
        "report_accuracy": agreement.report_accuracy,
        "findings": {
            item.finding: {
                "n": item.n,
                "n_unlabelled": item.n_unlabelled,
                "accuracy": item.accuracy,
                "positive_precision": item.precision(LabelState.POSITIVE),
                "positive_recall": item.recall(LabelState.POSITIVE),
                "positive_f1": item.f1(LabelState.POSITIVE),
                "confusion": item.confusion.tolist(),
            }
            for item in agreement.findings
        },
    }
