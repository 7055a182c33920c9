"""Score intervals of single tasks, which are shares of cells: they keep a width where no error was seen.

Resamples of cells without an error have none either, so the percentile interval of a perfect score is the score itself,
however few cells it rests on. Wilson's interval (1927) is of a share of independent cells; F1 is an increasing function
of such a share, TP of TP + FP + FN (Lam, Gopal & Qian 2023, "indirect" Wilson interval).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np

from radprompter.agreement.definitions import Measure
from radprompter.agreement.measuring.cells import Cells
from radprompter.agreement.measuring.tallies import Floats, TaskCounts


class Limits(NamedTuple):
    """Lower and upper limits; NaN where there are none."""

    low: Floats
    high: Floats


_SHARES: Mapping[Measure, Callable[[TaskCounts], tuple[Floats, Floats]]] = {
    "accuracy": lambda task: (task.tp + task.tn, task.n_positive + task.n_negative),
    "sensitivity": lambda task: (task.tp, task.n_positive),
    "specificity": lambda task: (task.tn, task.n_negative),
    "ppv": lambda task: (task.tp, task.called_positive),
    "npv": lambda task: (task.tn, task.called_negative),
    "f1": lambda task: (task.tp, task.n_positive + task.called_positive - task.tp),
}
"""Measures of a task -> the cells, and of which, that they are a share of, or a function of that share."""


def have_score_intervals(cells: Cells) -> bool:
    """Whether each cell of a finding stands for itself: every report is a unit, and none has a weight."""
    return cells.n_units == cells.n_reports and bool((cells.weights == 1).all())


def score_limits(measure: Measure, tasks: TaskCounts, *, level: float) -> Limits:
    """Limits of a measure of each task, of the shape of the counts; NaN where the measure has none or no value."""
    if measure not in _SHARES:
        return Limits(np.full(tasks.tp.shape, np.nan), np.full(tasks.tp.shape, np.nan))
    limits = wilson_limits(*_SHARES[measure](tasks), level=level)
    return Limits(*(2 * each / (1 + each) for each in limits)) if measure == "f1" else limits


def wilson_limits(part: Floats, whole: Floats, *, level: float) -> Limits:
    """Wilson's score interval of each share; NaN of nothing."""
    from scipy.special import ndtri

    z = float(ndtri((1 + level) / 2))
    n = np.where(whole > 0, whole, np.nan)
    share = part / n
    centre = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * np.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    low = np.where(part == 0, np.where(np.isnan(n), np.nan, 0.0), centre - half)
    high = np.where(part == whole, np.where(np.isnan(n), np.nan, 1.0), centre + half)
    return Limits(low, high)
