"""Labelers and a reference as arrays of codes: the same reports, the same findings, cell by cell."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from radprompter.labels import LABELS

UNLABELLED = len(LABELS)
"""Code of a labeler's cell that has no label; the four labels have their place in `labels.LABELS`."""

N_KINDS = len(LABELS) * (UNLABELLED + 1)
"""What a cell can be: four labels of the reference times four labels, or none, by the labeler."""

Counts = NDArray[np.float64]
"""Cells by reference (4 rows) and labeler (5 columns, the last for no label): float64 ``(..., n_findings, 4, 5)``."""


@dataclass(frozen=True, slots=True, eq=False)
class Cells:
    """What k labelers and a reference say of the same reports and findings.

    Attributes
    ----------
    reference:
        int8 ``(n_reports, n_findings)``: the place of the label in `labels.LABELS`, -1 without a label.
    labels:
        int8 ``(n_labelers, n_reports, n_findings)``: the same, `UNLABELLED` without a label.
    no_finding:
        Column of the finding that says that there is none.
    units:
        intp ``(n_reports,)``: what is resampled together, counted from 0: the patient, or the report itself.
    weights:
        float64 ``(n_reports,)``: reports that each stands for; 1 unless they are a sample of unequal chances.
    strata:
        intp ``(n_reports,)``: the part of the population that a report was drawn from; resampled apart.
    """

    report_ids: tuple[str, ...]
    findings: tuple[str, ...]
    labelers: tuple[str, ...]
    reference: NDArray[np.int8]
    labels: NDArray[np.int8]
    no_finding: int | None
    units: NDArray[np.intp]
    weights: NDArray[np.float64]
    strata: NDArray[np.intp]

    @property
    def n_reports(self) -> int:
        """Reports that all tables have."""
        return len(self.report_ids)

    @property
    def n_units(self) -> int:
        """Patients, or reports, that are resampled."""
        return int(self.units.max()) + 1 if self.units.size else 0

    @property
    def weighted(self) -> bool:
        """Whether any report stands for more or less than itself, so that counts are sums of weights."""
        return bool((self.weights != 1).any())

    @property
    def unequal(self) -> bool:
        """Whether the reports stand for unequal numbers of reports."""
        return bool((self.weights != self.weights[:1]).any())

    def of(self, reports: NDArray[np.bool_] | NDArray[np.intp]) -> Cells:
        """The cells of some of the reports."""
        rows = np.flatnonzero(reports) if reports.dtype == np.bool_ else reports
        _, units = np.unique(self.units[rows], return_inverse=True)
        return replace(
            self,
            report_ids=tuple(self.report_ids[row] for row in rows),
            reference=self.reference[rows],
            labels=self.labels[:, rows],
            units=units,
            weights=self.weights[rows],
            strata=self.strata[rows],
        )

    def only(self, labelers: tuple[str, ...]) -> Cells:
        """The cells of some of the labelers."""
        rows = [self.labelers.index(name) for name in labelers]
        return replace(self, labelers=labelers, labels=self.labels[rows])


def kinds(cells: Cells) -> NDArray[np.int8]:
    """What each cell is, ``5 * reference + labeler``, -1 where the reference has no label.

    int8 ``(n_labelers, n_reports, n_findings)``, below `N_KINDS`.
    """
    known = cells.reference >= 0
    return np.where(known, (UNLABELLED + 1) * cells.reference + cells.labels, -1).astype(np.int8)


def count(cells: Cells) -> Counts:
    """The (weighted) cells of each labeler and finding, ``(n_labelers, n_findings, 4, 5)``."""
    code = kinds(cells)
    n_labelers, _, n_findings = code.shape
    counted = np.zeros((n_labelers, n_findings, N_KINDS))
    for labeler, finding in np.ndindex(n_labelers, n_findings):
        of_kinds = np.bincount(code[labeler, :, finding] + 1, weights=cells.weights, minlength=N_KINDS + 1)
        counted[labeler, finding] = of_kinds[1:]  # the first is for -1
    return counted.reshape(n_labelers, n_findings, len(LABELS), UNLABELLED + 1)


def supports(cells: Cells) -> Mapping[str, tuple[int, ...]]:
    """Cells of each label that the reference has, by finding; unweighted, in the order of `labels.LABELS`."""
    return {
        name: tuple(int((cells.reference[:, column] == code).sum()) for code in range(len(LABELS)))
        for column, name in enumerate(cells.findings)
    }
