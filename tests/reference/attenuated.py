"""Second implementations for the matrix of references: variance of a difference by influence, and diluted labels."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray


def influence(targets: ArrayLike, scores: ArrayLike) -> NDArray[np.float64]:
    """How much each case moves an AUROC: the infinitesimal jackknife, classes drawn with the cases. ``(n,)``"""
    positive, values = np.asarray(targets) == 1, np.asarray(scores, dtype=np.float64)
    above = np.array([(value > values[~positive]).mean() + (value == values[~positive]).mean() / 2 for value in values])
    below = np.array([(value < values[positive]).mean() + (value == values[positive]).mean() / 2 for value in values])
    area, share = above[positive].mean(), positive.mean()
    return np.where(positive, (above - area) / share, (below - area) / (1 - share))


def standard_error_of_difference(a: ArrayLike, b: ArrayLike, scores: ArrayLike) -> float:
    """Of the AUROC of the same scores against labels `a`, less that against labels `b`; independent cases."""
    moved = influence(a, scores) - influence(b, scores)
    return float((moved**2).sum() ** 0.5 / moved.size)


def mislabelled(targets: ArrayLike, scores: ArrayLike, *, copies: int, missed: int, invented: int):
    """Every case so many times, that many copies of each positive and of each negative with the wrong label.

    Errors are then exactly independent of the scores, not only on average: (labels, truth, scores), each
    ``(n * copies,)``.
    """
    truth = np.repeat(np.asarray(targets, dtype=np.float64), copies)
    copy = np.tile(np.arange(copies), np.asarray(targets).size)
    wrong = copy < np.where(truth == 1, missed, invented)
    return np.where(wrong, 1 - truth, truth), truth, np.repeat(np.asarray(scores, dtype=np.float64), copies)
