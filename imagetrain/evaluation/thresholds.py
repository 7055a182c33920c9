"""Thresholds and what they do: how one is chosen, and the counts and rates at one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from imagetrain.evaluation.auroc import RocCurve, known_cases, roc_curve
from radprompter.statistics import UNDEFINED, wilson_interval


class ThresholdPoint(NamedTuple):
    """A threshold (positive if score >= threshold) with its rates where it was chosen; NaN where there is none."""

    threshold: float
    sensitivity: float
    specificity: float


class Rate(NamedTuple):
    """A proportion with its interval; NaN if the denominator is zero."""

    value: float
    low: float
    high: float
    numerator: int
    denominator: int


class AtThreshold(NamedTuple):
    """The confusion matrix at a threshold, and its rates."""

    true_positive: int
    false_positive: int
    true_negative: int
    false_negative: int
    sensitivity: Rate
    specificity: Rate
    ppv: Rate
    npv: Rate
    f1: float  # NaN without positives, whether real or called


def youden(targets: ArrayLike, scores: ArrayLike) -> ThresholdPoint:
    """The threshold with the largest sensitivity + specificity - 1; of equals, the highest.

    Youden, Cancer 3 (1950) 32. The threshold is one of the scores. All NaN if one of the classes is absent.
    """
    positive, _ = known_cases(targets, scores)
    if positive.all() or not positive.any():
        return ThresholdPoint(np.nan, np.nan, np.nan)
    curve = roc_curve(targets, scores)
    index = curve.true_positive_rate - curve.false_positive_rate
    # Rates are ratios of counts, so equal indices may differ in the last bit: the first within rounding is the highest.
    best = 1 + int(np.argmax(index[1:] >= index[1:].max() - 1e-12))
    return _point(curve, best)


def with_sensitivity(targets: ArrayLike, scores: ArrayLike, wanted: float) -> ThresholdPoint:
    """The highest threshold that calls at least a share `wanted` of the positives; NaN if one of the classes is absent.

    Whether it does so on other cases is another question: the lower limit of the sensitivity's interval says how far
    it may miss.
    """
    positive, _ = known_cases(targets, scores)
    if positive.all() or not positive.any():
        return ThresholdPoint(np.nan, np.nan, np.nan)
    curve = roc_curve(targets, scores)
    return _point(curve, int(np.argmax(curve.true_positive_rate >= wanted - 1e-12)))


def choose_threshold(targets: ArrayLike, scores: ArrayLike, *, wanted_sensitivity: float | None) -> ThresholdPoint:
    """The threshold by Youden's rule, or of a wanted sensitivity."""
    if wanted_sensitivity is None:
        return youden(targets, scores)
    return with_sensitivity(targets, scores, wanted_sensitivity)


def _point(curve: RocCurve, index: int) -> ThresholdPoint:
    return ThresholdPoint(
        float(curve.thresholds[index]),
        float(curve.true_positive_rate[index]),
        float(1 - curve.false_positive_rate[index]),
    )


def at_threshold(
    targets: ArrayLike,
    scores: ArrayLike,
    threshold: float,
    *,
    alpha: float = 0.05,
    patient_ids: Sequence[str] | None = None,
) -> AtThreshold:
    """Counts and rates of calling a case positive if its score >= `threshold`, with the intervals of `rate_of`."""
    known = ~np.isnan(np.asarray(targets, dtype=np.float64))
    positive, values = known_cases(targets, scores)
    called = values >= threshold
    patients = None if patient_ids is None else np.asarray(patient_ids, dtype=str)[known]

    def rate(hits: NDArray[np.bool_], among: NDArray[np.bool_]) -> Rate:
        return rate_of(hits[among], None if patients is None else patients[among], alpha=alpha)

    tp, fp = int((positive & called).sum()), int((~positive & called).sum())
    fn = int(positive.sum()) - tp
    return AtThreshold(
        tp,
        fp,
        int((~positive).sum()) - fp,
        fn,
        sensitivity=rate(called, positive),
        specificity=rate(~called, ~positive),
        ppv=rate(positive, called),
        npv=rate(~positive, ~called),
        f1=2 * tp / (2 * tp + fp + fn) if tp + fp + fn else np.nan,
    )


def rate_of(hits: NDArray[np.bool_], patients: NDArray[Any] | None = None, *, alpha: float = 0.05) -> Rate:
    """Share of hits among cases, ``(n,)``, with Wilson's interval.

    Where patients have several cases, numerator and denominator of the interval are divided by the design effect
    (J. Rao, A. Scott, Biometrics 48 (1992) 577): the variance of the share with patients as what is independent, over
    that of as many single cases; at least 1. Where all cases are hits or none is, patients are counted.
    """
    n, k = hits.size, int(hits.sum())
    if not n:
        return Rate(np.nan, *UNDEFINED, 0, 0)
    effect = 1.0 if patients is None else _design_effect(hits, patients)
    return Rate(k / n, *wilson_interval(k / effect, n / effect, alpha=alpha), k, n)


def _design_effect(hits: NDArray[np.bool_], patients: NDArray[Any]) -> float:
    _, patient, sizes = np.unique(patients, return_inverse=True, return_counts=True)
    n, share = hits.size, float(hits.mean())
    if sizes.size == n:
        return 1.0
    if share in (0.0, 1.0) or sizes.size == 1:
        return n / sizes.size
    off = np.bincount(patient, weights=hits) - share * sizes
    variance = sizes.size / (sizes.size - 1) * float((off**2).sum()) / n**2
    return max(variance / (share * (1 - share) / n), 1.0)
