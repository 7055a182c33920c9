"""DeLong's variance of an AUROC, and his tests between two, in O(n log n).

E. DeLong, D. DeLong, D. Clarke-Pearson, Biometrics 44 (1988) 837; placements from midranks as in X. Sun, W. Xu, IEEE
Signal Processing Letters 21 (2014) 1389. They hold for fixed models on cases that none of them was trained on, and
count studies as independent: `bootstrap` resamples patients instead.
"""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import ndtr, ndtri, stdtr, stdtrit

from imagetrain.evaluation.auroc import Floats, known_cases, midranks

ZERO = 1e-14
"""Standard errors up to here are rounding: one case of a million that moves by one rank makes 1e-12."""


class DelongStatus(StrEnum):
    """Whether a result is defined, and if not, why."""

    OK = "ok"
    ONE_CLASS = "one_class"
    ONE_POSITIVE = "one_positive"
    ONE_NEGATIVE = "one_negative"
    ZERO_VARIANCE = "zero_variance"

    @property
    def reason(self) -> str:
        """The status in words."""
        return REASONS[self]


REASONS = {
    DelongStatus.OK: "",
    DelongStatus.ONE_CLASS: "positives or negatives are absent",
    DelongStatus.ONE_POSITIVE: "a variance needs at least two positives",
    DelongStatus.ONE_NEGATIVE: "a variance needs at least two negatives",
    DelongStatus.ZERO_VARIANCE: "the estimated variance is zero, which says nothing about the uncertainty",
}


class DelongAuroc(NamedTuple):
    """An AUROC with DeLong's variance and normal interval, cut to [0, 1]; undefined numbers are NaN."""

    auroc: float
    variance: float
    low: float
    high: float
    n_positive: int
    n_negative: int
    status: DelongStatus


class DelongTest(NamedTuple):
    """A two-sided test of ``auroc_a - auroc_b = 0``; undefined numbers are NaN."""

    auroc_a: float
    auroc_b: float
    difference: float
    low: float
    high: float
    statistic: float
    df: float  # inf for the normal distribution
    p: float
    status: DelongStatus


class _Placements(NamedTuple):
    """For each curve, the share of the other class that each case is rightly ranked against."""

    positives: Floats  # (n_curves, n_positive)
    negatives: Floats  # (n_curves, n_negative)
    status: DelongStatus

    @property
    def aurocs(self) -> Floats:
        if self.status is DelongStatus.ONE_CLASS:
            return np.full(len(self.positives), np.nan)
        return np.asarray(self.positives.mean(axis=1))


def _placements(targets: ArrayLike, scores: ArrayLike) -> _Placements:
    positive, values = known_cases(targets, scores)
    values = np.atleast_2d(values)
    m, n = int(positive.sum()), int((~positive).sum())
    if not m or not n:
        return _Placements(values[:, positive], values[:, ~positive], DelongStatus.ONE_CLASS)
    ranks = midranks(values)
    of_positives = (ranks[:, positive] - midranks(values[:, positive])) / n
    of_negatives = 1 - (ranks[:, ~positive] - midranks(values[:, ~positive])) / m
    status = DelongStatus.ONE_POSITIVE if m == 1 else DelongStatus.ONE_NEGATIVE if n == 1 else DelongStatus.OK
    return _Placements(of_positives, of_negatives, status)


def _variance(of_positives: Floats, of_negatives: Floats) -> float:
    return float(of_positives.var(ddof=1) / of_positives.size + of_negatives.var(ddof=1) / of_negatives.size)


def delong(targets: ArrayLike, scores: ArrayLike, *, alpha: float = 0.05) -> DelongAuroc:
    """AUROC, DeLong's variance and the ``1 - alpha`` interval.

    Parameters
    ----------
    targets, scores:
        ``(n,)``; 1, 0 or NaN (left out), and any finite score that is higher for positives.
    """
    found = _placements(targets, scores)
    auroc = float(found.aurocs[0])
    counts = found.positives.shape[1], found.negatives.shape[1]
    if found.status is not DelongStatus.OK:
        return DelongAuroc(auroc, np.nan, np.nan, np.nan, *counts, found.status)
    variance = _variance(found.positives[0], found.negatives[0])
    half = float(ndtri(1 - alpha / 2)) * variance**0.5
    status = DelongStatus.OK if variance**0.5 > ZERO else DelongStatus.ZERO_VARIANCE
    return DelongAuroc(auroc, variance, max(0.0, auroc - half), min(1.0, auroc + half), *counts, status)


def delong_covariance(targets: ArrayLike, scores: ArrayLike) -> Floats:
    """Covariance of the AUROCs of several scores of the same cases, shape ``(n_curves, n_curves)``.

    Parameters
    ----------
    scores:
        ``(n_curves, n)``
    """
    found = _placements(targets, scores)
    if found.status is not DelongStatus.OK:
        return np.full((len(found.positives), len(found.positives)), np.nan)
    of_positives = np.atleast_2d(np.cov(found.positives)) / found.positives.shape[1]
    return np.asarray(of_positives + np.atleast_2d(np.cov(found.negatives)) / found.negatives.shape[1])


def paired_test(targets: ArrayLike, scores_a: ArrayLike, scores_b: ArrayLike, *, alpha: float = 0.05) -> DelongTest:
    """Whether two scores of the same cases have the same AUROC: DeLong's z test.

    Scores that rank all cases alike give ``p = 1``; another difference without variance has no p.
    """
    found = _placements(targets, np.stack([np.asarray(scores_a), np.asarray(scores_b)]))
    a, b = (float(value) for value in found.aurocs)
    if found.status is not DelongStatus.OK:
        return _undefined(a, b, found.status)
    variance = _variance(found.positives[0] - found.positives[1], found.negatives[0] - found.negatives[1])
    return _test(a, b, variance, np.inf, alpha)


def unpaired_test(
    targets_a: ArrayLike, scores_a: ArrayLike, targets_b: ArrayLike, scores_b: ArrayLike, *, alpha: float = 0.05
) -> DelongTest:
    """Whether scores of two independent sets of cases have the same AUROC.

    The statistic follows t with Welch-Satterthwaite degrees of freedom, where n is all cases of a set, as in R's pROC.
    A set whose variance is estimated as zero, as that of an AUROC of 1, is not taken for certain: a difference from it
    has no p, where pROC counts the other set's variance alone.
    """
    first, second = delong(targets_a, scores_a), delong(targets_b, scores_b)
    undefined = [one.status for one in (first, second) if one.status is not DelongStatus.OK]
    if undefined and not (first.auroc == second.auroc and set(undefined) == {DelongStatus.ZERO_VARIANCE}):
        return _undefined(first.auroc, second.auroc, undefined[0])
    variance = first.variance + second.variance
    sizes = [result.n_positive + result.n_negative for result in (first, second)]
    spread = first.variance**2 / (sizes[0] - 1) + second.variance**2 / (sizes[1] - 1)
    df = variance**2 / spread if spread > 0 else np.inf
    return _test(first.auroc, second.auroc, variance, df, alpha)


def _test(a: float, b: float, variance: float, df: float, alpha: float) -> DelongTest:
    difference, error = a - b, variance**0.5
    if error <= ZERO:
        if abs(difference) <= ZERO:
            return DelongTest(a, b, 0.0, 0.0, 0.0, 0.0, df, 1.0, DelongStatus.OK)
        return _undefined(a, b, DelongStatus.ZERO_VARIANCE)
    statistic = difference / error
    is_normal, beyond = np.isinf(df), -abs(statistic)
    half = float(ndtri(1 - alpha / 2) if is_normal else stdtrit(df, 1 - alpha / 2)) * error
    p = float(2 * (ndtr(beyond) if is_normal else stdtr(df, beyond)))
    return DelongTest(a, b, difference, difference - half, difference + half, statistic, df, p, DelongStatus.OK)


def _undefined(a: float, b: float, status: DelongStatus) -> DelongTest:
    return DelongTest(a, b, a - b, np.nan, np.nan, np.nan, np.nan, np.nan, status)
