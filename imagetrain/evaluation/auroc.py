"""Discrimination of one finding: AUROC by midranks, ROC curve, average precision."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from radprompter.errors import InputError

Floats = NDArray[np.float64]


class PrecisionRecallCurve(NamedTuple):
    """Recall and precision of calling all cases with a score >= the threshold positive, one point a distinct score."""

    recall: Floats
    precision: Floats
    thresholds: Floats  # in descending order


class RocCurve(NamedTuple):
    """Corners of a ROC curve from (0, 0) to (1, 1); a case is called positive if its score >= the threshold."""

    false_positive_rate: Floats
    true_positive_rate: Floats
    thresholds: Floats  # +inf first, then the distinct scores in descending order


def known_cases(targets: ArrayLike, scores: ArrayLike) -> tuple[NDArray[np.bool_], Floats]:
    """Cases whose target is known: whether positive, bool ``(n,)``, and the score, float64 ``(..., n)``.

    Raises
    ------
    InputError
        If shapes differ, a target is not 0, 1 or NaN, or a score of a known case is not finite.
    """
    truth = np.asarray(targets, dtype=np.float64)
    values = np.asarray(scores, dtype=np.float64)
    if truth.ndim != 1 or values.shape[-1:] != truth.shape:
        raise InputError(f"expected one score a target, found targets {truth.shape} and scores {values.shape}")
    known = ~np.isnan(truth)
    truth, values = truth[known], values[..., known]
    if not np.isin(truth, (0.0, 1.0)).all():
        raise InputError("expected targets of 0, 1 or NaN (not known); found other values")
    if not np.isfinite(values).all():
        raise InputError("expected finite scores; found NaN or infinity")
    return truth == 1, values


def auroc(targets: ArrayLike, scores: ArrayLike) -> float:
    """Probability that a positive case scores higher than a negative one, ties counting one half.

    The Mann-Whitney statistic over n_positive x n_negative, from midranks in float64 (Hanley & McNeil 1982).
    NaN if one of the classes is absent. Cases whose target is NaN are left out.
    """
    positive, values = known_cases(targets, scores)
    n_positive = int(positive.sum())
    n_negative = positive.size - n_positive
    if not n_positive or not n_negative:
        return float("nan")
    rank_sum = midranks(values)[positive].sum()
    return float((rank_sum - n_positive * (n_positive + 1) / 2) / (n_positive * n_negative))


def midranks(values: Floats) -> Floats:
    """Ranks from 1 along the last axis; equal values have the mean of theirs."""
    if values.ndim > 1:
        return np.stack([midranks(row) for row in values])
    _, place, counts = np.unique(values, return_inverse=True, return_counts=True)
    return np.asarray((counts.cumsum() - (counts - 1) / 2)[place])


def average_precision(targets: ArrayLike, scores: ArrayLike) -> float:
    """Area under the precision-recall curve as a sum of precision over steps of recall, without interpolation.

    By scikit-learn; NaN, not 0 or 1, if one of the classes is absent.
    """
    from sklearn.metrics import average_precision_score

    positive, values = known_cases(targets, scores)
    if positive.all() or not positive.any():
        return float("nan")
    return float(average_precision_score(positive, values))


def roc_curve(targets: ArrayLike, scores: ArrayLike) -> RocCurve:
    """One point for each distinct score, and (0, 0).

    Raises
    ------
    InputError
        If one of the classes is absent.
    """
    positive, values = known_cases(targets, scores)
    n_positive = int(positive.sum())
    if n_positive in (0, positive.size):
        raise InputError("a ROC curve needs positives and negatives; found one class")
    order = np.argsort(-values, kind="stable")
    values, positive = values[order], positive[order]
    last = np.append(np.flatnonzero(np.diff(values)), values.size - 1)
    true_positives = np.cumsum(positive)[last]
    false_positives = last + 1 - true_positives
    return RocCurve(
        np.append(0.0, false_positives / (positive.size - n_positive)),
        np.append(0.0, true_positives / n_positive),
        np.append(np.inf, values[last]),
    )


def precision_recall_curve(targets: ArrayLike, scores: ArrayLike) -> PrecisionRecallCurve:
    """One point for each distinct score; average precision is the area under its steps.

    Raises
    ------
    InputError
        If one of the classes is absent.
    """
    positive, _ = known_cases(targets, scores)
    curve = roc_curve(targets, scores)
    hits = curve.true_positive_rate[1:] * positive.sum()
    alarms = curve.false_positive_rate[1:] * (positive.size - positive.sum())
    return PrecisionRecallCurve(curve.true_positive_rate[1:], hits / (hits + alarms), curve.thresholds[1:])


def corners(curve: RocCurve, *, at_most: int = 160) -> tuple[list[float], list[float]]:
    """The points that a drawing of the curve needs: its corners, thinned evenly if they are more than `at_most`."""
    x, y = curve.false_positive_rate, curve.true_positive_rate
    straight = np.zeros(x.size, dtype=bool)
    straight[1:-1] = np.abs(np.diff(x)[:-1] * np.diff(y)[1:] - np.diff(x)[1:] * np.diff(y)[:-1]) < 1e-12
    keep = np.flatnonzero(~straight)
    if keep.size > at_most:
        keep = keep[np.unique(np.linspace(0, keep.size - 1, at_most).round().astype(int))]
    return [round(float(v), 5) for v in x[keep]], [round(float(v), 5) for v in y[keep]]
