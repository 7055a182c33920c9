"""Counts of cells to the numbers of a definition, for any number of labelers, findings and resamples at once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from radprompter.agreement.cells import UNLABELLED, Counts
from radprompter.agreement.definitions import Definition, Measure
from radprompter.labels import LABELS, LabelState, Projection

Floats = NDArray[np.float64]


class TaskCounts(NamedTuple):
    """Cells of tasks, a state against the rest; arrays of one shape.

    `n_positive` and `n_negative` are cells of the reference, with those that the labeler has no label for;
    `called_positive` and `called_negative` are cells that it labels.
    """

    tp: Floats
    tn: Floats
    n_positive: Floats
    n_negative: Floats
    called_positive: Floats
    called_negative: Floats


class Scores(NamedTuple):
    """A measure under a definition; NaN where it has no value.

    `by_task` has the shape ``(..., n_findings, n_tasks)``, `by_finding` ``(..., n_findings)`` and `overall` ``(...)``.
    """

    by_task: Floats
    by_finding: Floats
    overall: Floats


def ratio(part: Floats, whole: Floats) -> Floats:
    """A share, NaN of nothing."""
    share: Floats = np.divide(part, whole, out=np.full(np.shape(whole), np.nan), where=whole > 0)
    return share


def _weighted_f1(task: TaskCounts) -> Floats:
    """Mean of the F1 of either side, weighted by the cells of the reference; a side without any weighs nothing."""
    sides = (
        (task.tp, task.n_positive, task.called_positive),
        (task.tn, task.n_negative, task.called_negative),
    )
    sums = [n * np.nan_to_num(ratio(2 * right, n + called)) for right, n, called in sides]
    return ratio(sums[0] + sums[1], task.n_positive + task.n_negative)


MEASURES: Mapping[Measure, Callable[[TaskCounts], Floats]] = {
    "accuracy": lambda task: ratio(task.tp + task.tn, task.n_positive + task.n_negative),
    "sensitivity": lambda task: ratio(task.tp, task.n_positive),
    "specificity": lambda task: ratio(task.tn, task.n_negative),
    "ppv": lambda task: ratio(task.tp, task.called_positive),
    "npv": lambda task: ratio(task.tn, task.called_negative),
    "f1": lambda task: ratio(2 * task.tp, task.n_positive + task.called_positive),
    "weighted_f1": _weighted_f1,
}
"""Measures of a task: name -> function of its counts."""

UNDEFINED: Mapping[Measure, str] = {
    "accuracy": "the reference has no cell",
    "sensitivity": "the reference has no positive",
    "specificity": "the reference has no negative",
    "ppv": "the labeler calls no positive",
    "npv": "the labeler calls no negative",
    "f1": "neither table has a positive",
    "weighted_f1": "the reference has no cell",
    "same": "the reference has no cell",
}
"""Why a measure of a task has no value where it has none; its state is what is called positive."""


def project(definition: Definition, counts: Counts) -> Counts:
    """The counts after the projections of a definition, with what it does about cells without a label."""
    rows = _matrix(definition.reference, to=len(LABELS))
    columns = np.zeros((UNLABELLED + 1, UNLABELLED + 1))
    columns[:UNLABELLED] = _matrix(definition.labeler, to=UNLABELLED + 1)
    columns[UNLABELLED, UNLABELLED] = 1
    if definition.unlabelled == "left_out":
        columns[:, UNLABELLED] = 0
    return np.asarray(rows.T @ counts @ columns, dtype=np.float64)


def _matrix(projection: Projection, *, to: int) -> Floats:
    """The projection as a matrix of 0 and 1, ``(4, to)``; masked states go to the column after the labels, if any."""
    matrix = np.zeros((len(LABELS), to))
    for row, state in enumerate(LABELS):
        target = projection.states[state]
        column = UNLABELLED if target is None else LABELS.index(target)
        if column < to:
            matrix[row, column] = 1
    return matrix


def tasks_of(projected: Counts, states: tuple[LabelState, ...]) -> TaskCounts:
    """Each state against the rest: arrays ``(..., n_findings, n_tasks)``."""
    codes = [LABELS.index(state) for state in states]
    labelled = projected[..., :UNLABELLED]
    of_reference = projected.sum(axis=-1)
    called = labelled.sum(axis=-2)
    total, n_called = of_reference.sum(axis=-1, keepdims=True), called.sum(axis=-1, keepdims=True)
    tp = np.stack([labelled[..., code, code] for code in codes], axis=-1)
    n_positive, called_positive = of_reference[..., codes], called[..., codes]
    tn = n_called - labelled.sum(axis=-1)[..., codes] - called_positive + tp
    return TaskCounts(tp, tn, n_positive, total - n_positive, called_positive, n_called - called_positive)


def score(
    definition: Definition,
    measure: Measure,
    counts: Counts,
    *,
    no_finding: int | None = None,
    observed: Counts | None = None,
) -> Scores:
    """A measure under a definition.

    Parameters
    ----------
    counts:
        Cells, ``(..., n_findings, 4, 5)``, as `cells.count` gives them.
    no_finding:
        Column of the finding that says that there is none.
    observed:
        The counts by which `least_support` chooses the tasks that count, so that every resample averages over the
        same ones; `counts` themselves if None.
    """
    projected = project(definition, counts)
    if measure == "same":
        return _same(definition, projected)
    tasks = tasks_of(projected, definition.tasks)
    counted = np.ones(tasks.tp.shape[-2:], dtype=bool)
    if definition.no_finding == "positive_only" and no_finding is not None:
        counted[no_finding] = [state is LabelState.POSITIVE for state in definition.tasks]
    tasks = TaskCounts(*(np.where(counted, part, 0.0) for part in tasks))
    basis = tasks if observed is None else _basis(definition, observed, counted)
    by_task = np.where(counted, MEASURES[measure](tasks), np.nan)
    by_finding = _over_tasks(definition, measure, tasks, basis, counted)
    if definition.over_findings == "mean":
        return Scores(by_task, by_finding, _mean(by_finding))
    pooled, pooled_basis = (TaskCounts(*(part.sum(axis=-2, keepdims=True) for part in each)) for each in (tasks, basis))
    overall = _over_tasks(
        definition, measure, pooled, pooled_basis, np.asarray(counted.any(axis=0, keepdims=True), dtype=bool)
    )
    return Scores(by_task, by_finding, overall[..., 0])


def _basis(definition: Definition, observed: Counts, counted: NDArray[np.bool_]) -> TaskCounts:
    tasks = tasks_of(project(definition, observed), definition.tasks)
    return TaskCounts(*(np.where(counted, part, 0.0) for part in tasks))


def _same(definition: Definition, projected: Counts) -> Scores:
    right = np.trace(projected[..., :UNLABELLED], axis1=-2, axis2=-1)
    total = projected.sum(axis=(-2, -1))
    by_finding = ratio(right, total)
    pooled = definition.over_findings == "pooled"
    overall = ratio(right.sum(axis=-1), total.sum(axis=-1)) if pooled else _mean(by_finding)
    return Scores(by_finding[..., None], by_finding, overall)


def _over_tasks(
    definition: Definition, measure: Measure, tasks: TaskCounts, basis: TaskCounts, counted: NDArray[np.bool_]
) -> Floats:
    """One number of the tasks of each finding, ``(..., n_findings)``."""
    if definition.over_tasks == "pooled":
        return MEASURES[measure](TaskCounts(*(part.sum(axis=-1) for part in tasks)))
    values = MEASURES[measure](tasks)
    if definition.over_tasks == "support":
        weights = np.where(np.isnan(values), 0.0, tasks.n_positive)
        return ratio((weights * np.nan_to_num(values)).sum(axis=-1), weights.sum(axis=-1))
    if definition.undefined == "zero":
        values = np.nan_to_num(values)
    included = counted & (basis.n_positive >= definition.least_support)
    if definition.least_support:
        included = included & (tasks.n_positive > 0)
    return _mean(np.where(included, values, np.nan))


def _mean(values: Floats) -> Floats:
    """Mean over the last axis of what is defined; NaN of nothing."""
    defined = ~np.isnan(values)
    return ratio(np.where(defined, values, 0.0).sum(axis=-1), defined.sum(axis=-1).astype(np.float64))
