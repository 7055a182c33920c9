"""Thresholds and what they do: Youden's choice on validation, and the counts and rates at a frozen threshold."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from imagetrain.evaluation.auroc import RocCurve, known_cases, roc_curve
from imagetrain.records import ALL_FOLDS, Predictions
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


def _point(curve: RocCurve, index: int) -> ThresholdPoint:
    return ThresholdPoint(
        float(curve.thresholds[index]),
        float(curve.true_positive_rate[index]),
        float(1 - curve.false_positive_rate[index]),
    )


class FrozenThreshold(NamedTuple):
    """What a run's threshold for a finding is on a set of studies."""

    point: ThresholdPoint  # as chosen on validation; with folds, the mean over them
    cuts: NDArray[np.float64]  # (n_studies,): the threshold for each study, that of its fold's network


def freeze_thresholds(validation: Predictions, tested: Predictions) -> list[FrozenThreshold]:
    """Youden's threshold on validation for each finding, as it holds for the tested studies.

    With folds each network has its own threshold, from its own validation studies; no label of a tested study is used.
    The mean of all networks' logits is held against the mean of their thresholds. A finding without a threshold in
    some fold has none.
    """
    made_by, wanted = _folds_of(validation), _folds_of(tested)
    folds = sorted({*made_by.tolist(), *wanted.tolist()} - {ALL_FOLDS}) or [ALL_FOLDS]
    frozen = []
    for f in range(len(validation.findings)):
        points = {
            fold: youden(validation.targets[made_by == fold, f], validation.logits[made_by == fold, f])
            for fold in folds
        }
        mean = ThresholdPoint(*(float(np.mean(values)) for values in zip(*points.values(), strict=True)))
        cuts = np.array([points.get(fold, mean).threshold for fold in wanted.tolist()], dtype=np.float64)
        frozen.append(FrozenThreshold(mean, cuts))
    return frozen


def _folds_of(predictions: Predictions) -> NDArray[np.int64]:
    folds = predictions.folds or (ALL_FOLDS,) * len(predictions.parts)
    return np.array(folds, dtype=np.int64)


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
