"""What is said of whole reports: all cells right, errors, and whether a doubt was seen as one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from radprompter.agreement.definitions import Definition
from radprompter.agreement.measuring.cells import UNLABELLED, Cells
from radprompter.agreement.measuring.scores import ratio
from radprompter.agreement.measuring.tallies import Floats
from radprompter.labels import LABELS, LabelState, Projection

COLUMNS = ("reports", "perfect", "errors", "read", "doubted", "doubted_by_labeler", "doubted_by_both")
"""Sums over reports: those with a cell that counts, those of them with every such cell right, and wrong cells; then,
before any projection, the reports with a label in the reference, and those of them with an uncertain cell in the
reference, by the labeler (of the cells that the reference has), and by both."""

REPORT_MEASURES: Mapping[str, tuple[str, str]] = {
    "report_accuracy": ("perfect", "reports"),
    "errors_per_report": ("errors", "reports"),
    "uncertain_reports_reference": ("doubted", "read"),
    "uncertain_reports_labeler": ("doubted_by_labeler", "read"),
    "uncertainty_capture": ("doubted_by_both", "doubted"),
}
"""Measures of reports: name -> the sum that is divided, and by which.

A cell is right if both have the same label after the projections of the definition, whatever its tasks and averages;
one that the labeler has no label for is an error, or left out, as the definition says. The measures of uncertain
reports are the same under every definition.
"""

REPORT_UNDEFINED: Mapping[str, str] = {
    "report_accuracy": "no report has a cell that counts",
    "errors_per_report": "no report has a cell that counts",
    "uncertain_reports_reference": "no report has a label in the reference",
    "uncertain_reports_labeler": "no report has a label in the reference",
    "uncertainty_capture": "the reference has no uncertain cell",
}
"""Why a measure of reports has no value where it has none."""


class Judged(NamedTuple):
    """Which cells count and which are right: bool ``(n_labelers, n_reports, n_findings)`` each."""

    known: NDArray[np.bool_]
    right: NDArray[np.bool_]


def judge(definition: Definition, cells: Cells) -> Judged:
    """Whether each labeler has the state of the reference, after the projections of a definition."""
    reference = _projected(definition.reference, cells.reference, masked=-1)
    labels = _projected(definition.labeler, cells.labels, masked=UNLABELLED)
    known = np.broadcast_to(reference >= 0, labels.shape)
    if definition.unlabelled == "left_out":
        known = known & (labels != UNLABELLED)
    return Judged(known, known & (labels == reference))


def report_sums(definition: Definition, cells: Cells) -> NDArray[np.int16]:
    """What each report adds to `COLUMNS`: int16 ``(n_labelers, n_reports, n_columns)``."""
    known, right = judge(definition, cells)
    errors = (known & ~right).sum(axis=2, dtype=np.int16)
    counted = known.any(axis=2)
    of_reference = cells.reference >= 0
    read = np.broadcast_to(of_reference.any(axis=1), counted.shape)
    uncertain = LABELS.index(LabelState.UNCERTAIN)
    doubted = np.broadcast_to((cells.reference == uncertain).any(axis=1), counted.shape)
    by_labeler = ((cells.labels == uncertain) & of_reference).any(axis=2)
    columns = (counted, counted & (errors == 0), errors, read, doubted, by_labeler, by_labeler & doubted)
    return np.stack(columns, axis=-1, dtype=np.int16)


def score_reports(measure: str, sums: Floats) -> Floats:
    """A measure of reports from sums ``(..., n_columns)``; NaN where it has no value."""
    part, whole = REPORT_MEASURES[measure]
    return ratio(sums[..., COLUMNS.index(part)], sums[..., COLUMNS.index(whole)])


def _projected(projection: Projection, codes: NDArray[np.int8], *, masked: int) -> NDArray[np.int8]:
    """Codes after a projection; what has no label keeps its code."""
    targets = [projection.states[state] for state in LABELS]
    mapping = [masked if target is None else LABELS.index(target) for target in targets]
    table = np.array([*mapping, UNLABELLED, -1], dtype=np.int8)  # the last one is for -1
    return np.asarray(table[codes], dtype=np.int8)
