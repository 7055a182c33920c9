"""Thresholds and what they do: how one is chosen, and the counts and rates at one."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from imagetrain.evaluation.auroc import RocCurve, known_cases, roc_curve
from radprompter.statistics import UNDEFINED, Interval, wilson_interval


class ThresholdPoint(NamedTuple):
    """A threshold (positive if score >= threshold) with its rates where it was chosen; NaN where there is none."""

    threshold: float
    sensitivity: float
    specificity: float


class Rate(NamedTuple):
    """A proportion with Wilson's interval; NaN if the denominator is zero."""

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


def at_threshold(targets: ArrayLike, scores: ArrayLike, threshold: float, *, alpha: float = 0.05) -> AtThreshold:
    """Counts and rates of calling a case positive if its score >= `threshold`, with Wilson intervals."""
    positive, values = known_cases(targets, scores)
    called = values >= threshold
    tp, fp = int((positive & called).sum()), int((~positive & called).sum())
    tn, fn = int((~positive & ~called).sum()), int((positive & ~called).sum())

    def rate(numerator: int, denominator: int) -> Rate:
        limits: Interval = wilson_interval(numerator, denominator, alpha=alpha) if denominator else UNDEFINED
        return Rate(numerator / denominator if denominator else np.nan, *limits, numerator, denominator)

    return AtThreshold(
        tp,
        fp,
        tn,
        fn,
        sensitivity=rate(tp, tp + fn),
        specificity=rate(tn, tn + fp),
        ppv=rate(tp, tp + fp),
        npv=rate(tn, tn + fn),
        f1=2 * tp / (2 * tp + fp + fn) if tp + fp + fn else np.nan,
    )
