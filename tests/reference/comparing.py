"""Labelers against each other in loops over single cells and single resamples, with scikit-learn for the scores."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from sklearn.metrics import f1_score

from radprompter.labels import LABELS, LabelState, Projection

NONE = len(LABELS)


def pairs_of_cells(confusion: np.ndarray) -> tuple[list[int], list[int]]:
    """Codes of reference and labeler, a pair a cell, of counts ``(4, 5)``."""
    truth, found = [], []
    for row in range(4):
        for column in range(5):
            truth += [row] * round(confusion[row, column])
            found += [column] * round(confusion[row, column])
    return truth, found


def weighted_f1(confusion: np.ndarray, states: Sequence[LabelState]) -> float:
    """Mean over tasks of scikit-learn's weighted F1; every cell has a label."""
    truth, found = pairs_of_cells(confusion)
    if not truth:
        return math.nan
    codes = [LABELS.index(state) for state in states]
    values = [
        f1_score([t == code for t in truth], [f == code for f in found], average="weighted", zero_division=0)
        for code in codes
    ]
    return float(np.mean(values))


def difference(first: Sequence[float], second: Sequence[float]) -> tuple[float, float, float, float]:
    """Mean, percentile limits and two-sided p of the differences of paired resamples, undefined ones left out."""
    values = sorted(a - b for a, b in zip(first, second, strict=True) if not math.isnan(a - b))
    low, high = (quantile(values, share) for share in (0.025, 0.975))
    below = sum(value <= 1e-12 for value in values)
    above = sum(value >= -1e-12 for value in values)
    p = min(1.0, 2 * (1 + min(below, above)) / (1 + len(values)))
    return sum(values) / len(values), low, high, p


def quantile(ordered: Sequence[float], share: float) -> float:
    """Between the two order statistics beside it."""
    place = share * (len(ordered) - 1)
    below = math.floor(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (place - below) * (ordered[above] - ordered[below])


def discordant(
    reference: np.ndarray, first: np.ndarray, second: np.ndarray, projections: tuple[Projection, Projection]
) -> tuple[int, int, int]:
    """Cells that the first alone has right, that the second alone has, and all that count; codes ``(n_reports,)``."""
    of_reference, of_labeler = projections
    only_first = only_second = n = 0
    for truth, one, other in zip(reference, first, second, strict=True):
        wanted = None if truth < 0 else of_reference.states[LABELS[truth]]
        if wanted is None:
            continue
        n += 1
        right = [code != NONE and of_labeler.states[LABELS[code]] == wanted for code in (one, other)]
        only_first += right[0] and not right[1]
        only_second += right[1] and not right[0]
    return only_first, only_second, n
