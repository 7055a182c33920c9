"""Counts of cells to the numbers of a definition, for any number of labelers, findings and resamples at once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np

from radprompter.agreement.definitions import Definition, Measure
from radprompter.agreement.measuring.cells import Counts
from radprompter.agreement.measuring.tallies import Floats, TaskCounts, tally_same, tally_tasks


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
"""Measures of a task: name -> function of its counts.

A cell that the labeler has no label for is no call: it is missed by sensitivity, specificity and accuracy, lowers F1,
and PPV and NPV do not know of it. What a reference's uncertain cell is, is the definition's business: positive,
negative, a state of its own, or left out.
"""


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
        The counts by which `least_support` chooses the tasks that count, so that no resample chooses others (one that
        lost all cells of a task averages without it); `counts` themselves if None. Cells are meant, so that of a
        weighted sample these are unweighted.
    """
    return score_each(definition, (measure,), counts, no_finding=no_finding, observed=observed)[measure]


def score_each(
    definition: Definition,
    measures: tuple[Measure, ...],
    counts: Counts,
    *,
    no_finding: int | None = None,
    observed: Counts | None = None,
) -> dict[Measure, Scores]:
    """Several measures under a definition, as `score` has each."""
    scored: dict[Measure, Scores] = {}
    of_tasks = tuple(measure for measure in measures if measure != "same")
    if of_tasks:
        tasks = tally_tasks(definition, counts, no_finding=no_finding)
        basis = tasks if observed is None else tally_tasks(definition, observed, no_finding=no_finding)
        scored |= {measure: _score_tasks(definition, measure, tasks, basis) for measure in of_tasks}
    if "same" in measures:
        scored["same"] = _score_same(definition, counts)
    return scored


def _score_tasks(definition: Definition, measure: Measure, tasks: TaskCounts, basis: TaskCounts) -> Scores:
    """Of tasks that a finding does not have all counts are 0, and so nothing is defined."""
    by_finding = _over_tasks(definition, measure, tasks, basis)
    if definition.over_findings == "mean":
        overall = _mean(by_finding)
    else:
        pooled = (TaskCounts(*(part.sum(axis=-2) for part in each)) for each in (tasks, basis))
        overall = _over_tasks(definition, measure, *pooled)
    return Scores(MEASURES[measure](tasks), by_finding, overall)


def _score_same(definition: Definition, counts: Counts) -> Scores:
    same, known = tally_same(definition, counts)
    by_finding = ratio(same, known)
    pooled = definition.over_findings == "pooled"
    overall = ratio(same.sum(axis=-1), known.sum(axis=-1)) if pooled else _mean(by_finding)
    return Scores(by_finding[..., None], by_finding, overall)


def _over_tasks(definition: Definition, measure: Measure, tasks: TaskCounts, basis: TaskCounts) -> Floats:
    """One number of the tasks of each finding: the last axis goes."""
    if definition.over_tasks == "pooled":
        return MEASURES[measure](TaskCounts(*(part.sum(axis=-1) for part in tasks)))
    values = MEASURES[measure](tasks)
    if definition.undefined == "zero":
        values = np.where(tasks.n_positive + tasks.n_negative > 0, np.nan_to_num(values), np.nan)
    included = basis.n_positive >= definition.least_support
    if definition.least_support:
        included = included & (tasks.n_positive > 0)
    values = np.where(included, values, np.nan)
    if definition.over_tasks == "mean":
        return _mean(values)
    weights = np.where(np.isnan(values), 0.0, tasks.n_positive)
    return ratio((weights * np.nan_to_num(values)).sum(axis=-1), weights.sum(axis=-1))


def _mean(values: Floats) -> Floats:
    """Mean over the last axis of what is defined; NaN of nothing."""
    defined = ~np.isnan(values)
    return ratio(np.where(defined, values, 0.0).sum(axis=-1), defined.sum(axis=-1).astype(np.float64))
