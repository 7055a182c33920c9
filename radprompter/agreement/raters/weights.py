"""How much two different categories agree: 1 for the same, 0 for the furthest.

K. Gwet, Handbook of Inter-Rater Reliability, 4th ed. (2014), chapter 3.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from radprompter.agreement.raters.ratings import Ratings
from radprompter.errors import InputError

Floats = NDArray[np.float64]


def _scaled(distance: Floats) -> Floats:
    return np.asarray(1.0 - distance / distance.max(), dtype=np.float64)


def _apart(scores: Floats) -> Floats:
    return np.abs(np.subtract.outer(scores, scores))


def identity(scores: Floats) -> Floats:
    """Only the same category agrees."""
    return np.eye(len(scores))


def linear(scores: Floats) -> Floats:
    """1 - |k - l| / (max - min)."""
    return _scaled(_apart(scores))


def quadratic(scores: Floats) -> Floats:
    """1 - (k - l)^2 / (max - min)^2."""
    return _scaled(_apart(scores) ** 2)


def radical(scores: Floats) -> Floats:
    """1 - sqrt|k - l| / sqrt(max - min)."""
    return _scaled(np.sqrt(_apart(scores)))


def ordinal(scores: Floats) -> Floats:
    """1 - C(n, 2) / C(q, 2), where n categories go from one to the other; only the order of the scores counts."""
    n = _apart(np.argsort(np.argsort(scores)).astype(np.float64)) + 1
    return _scaled(n * (n - 1) / 2)


def ratio(scores: Floats) -> Floats:
    """1 - ((k - l) / (k + l))^2, divided by its largest; for scores of at least 0."""
    sums = np.add.outer(scores, scores)
    return _scaled((_apart(scores) / np.where(sums == 0, 1.0, sums)) ** 2)


def circular(scores: Floats) -> Floats:
    """1 - sin^2(pi (k - l) / (max - min + 1)), divided by its largest: the last category is next to the first."""
    return _scaled(np.sin(np.pi * _apart(scores) / (np.ptp(scores) + 1)) ** 2)


def bipolar(scores: Floats) -> Floats:
    """1 - (k - l)^2 / ((k + l - 2 min) (2 max - k - l)), divided by its largest: distance weighs most at the ends."""
    sums = np.add.outer(scores, scores)
    room = (sums - 2 * scores.min()) * (2 * scores.max() - sums)
    return _scaled(_apart(scores) ** 2 / np.where(room == 0, 1.0, room))


WEIGHTS: Mapping[str, Callable[[Floats], Floats]] = {
    weigh.__name__: weigh for weigh in (identity, linear, quadratic, ordinal, radical, ratio, circular, bipolar)
}

WeightsLike = str | NDArray[np.float64]
"""A name in `WEIGHTS`, or a symmetric matrix ``(q, q)`` with ones on the diagonal."""


def weigh(weights: WeightsLike, n_categories: int, *, scores: Sequence[float] | None = None) -> Floats:
    """The matrix ``(q, q)`` of named weights for categories with the scores 1, 2, ... or others.

    Raises
    ------
    InputError
        If the name is unknown, the scores are not different numbers, one a category, or a matrix is no weights.
    """
    if not isinstance(weights, str):
        return _checked(np.asarray(weights, dtype=np.float64), n_categories)
    if weights not in WEIGHTS:
        raise InputError(f"weights {weights!r}: expected one of {', '.join(WEIGHTS)}")
    values = np.arange(1.0, n_categories + 1) if scores is None else np.asarray(scores, dtype=np.float64)
    if len(values) != n_categories or len(np.unique(values)) != n_categories or not np.isfinite(values).all():
        raise InputError(f"weights {weights!r}: expected {n_categories} different scores, found {values.tolist()}")
    if weights == "ratio" and values.min() < 0:
        raise InputError("weights 'ratio': scores must not be negative")
    return WEIGHTS[weights](values)


def krippendorff_ordinal(ratings: Ratings) -> Floats:
    """Krippendorff's own ordinal metric as a matrix: distance is the number of ratings between two categories.

    K. Krippendorff, Computing Krippendorff's alpha-reliability (2011), section D. Standard errors take it as fixed,
    although it is made from the ratings. His nominal, interval and ratio metrics are the weights ``identity``,
    ``quadratic`` and ``ratio``.
    """
    counts = ratings.counts
    n = counts[counts.sum(axis=1) >= 2].sum(axis=0)
    below = np.cumsum(n) - n / 2
    distance = _apart(below) ** 2
    return _scaled(distance) if distance.max() > 0 else np.eye(len(n))


def _checked(matrix: Floats, n_categories: int) -> Floats:
    if matrix.shape != (n_categories, n_categories):
        raise InputError(f"weights: expected {n_categories} x {n_categories} numbers, found the shape {matrix.shape}")
    if not (
        np.array_equal(matrix, matrix.T) and (np.diag(matrix) == 1).all() and ((matrix >= 0) & (matrix <= 1)).all()
    ):
        raise InputError("weights: expected a symmetric matrix of numbers from 0 to 1, with ones on its diagonal")
    return matrix


def named(weights: WeightsLike) -> str:
    """What to call weights in a result."""
    return weights if isinstance(weights, str) else "custom"


def is_identity(matrix: ArrayLike) -> bool:
    """Whether only the same category agrees."""
    values = np.asarray(matrix)
    return bool(np.array_equal(values, np.eye(len(values))))
