"""ROC statistics by counting: every pair, every case left out, every threshold tried."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence


def pair_counting_auroc(targets: Sequence[float], scores: Sequence[float]) -> float:
    """Share of (positive, negative) pairs in the right order, ties one half."""
    positives = [s for t, s in zip(targets, scores, strict=True) if t == 1]
    negatives = [s for t, s in zip(targets, scores, strict=True) if t == 0]
    if not positives or not negatives:
        return math.nan
    won = sum(1.0 if p > n else 0.5 if p == n else 0.0 for p, n in itertools.product(positives, negatives))
    return won / (len(positives) * len(negatives))


def leave_one_out_covariance(targets: Sequence[float], curves: Sequence[Sequence[float]]) -> list[list[float]]:
    """DeLong's covariance as the jackknife of the two classes: leave out one case at a time and count all pairs again.

    For a two-sample U statistic the leave-one-out values of a class are linear in its placements, so the variance of
    the pseudo-values over their number is DeLong's (Arvesen 1969).
    """
    total = [[0.0] * len(curves) for _ in curves]
    for label in (1, 0):
        members = [i for i, t in enumerate(targets) if t == label]
        pseudo = []
        for scores in curves:
            whole = pair_counting_auroc(targets, scores)
            values = []
            for left_out in members:
                kept = [i for i in range(len(targets)) if i != left_out]
                part = pair_counting_auroc([targets[i] for i in kept], [scores[i] for i in kept])
                values.append(len(members) * whole - (len(members) - 1) * part)
            pseudo.append(values)
        means = [sum(values) / len(values) for values in pseudo]
        for a, b in itertools.product(range(len(curves)), repeat=2):
            products = [(x - means[a]) * (y - means[b]) for x, y in zip(pseudo[a], pseudo[b], strict=True)]
            total[a][b] += sum(products) / (len(members) - 1) / len(members)
    return total


def clustered_covariance(
    targets: Sequence[float], curves: Sequence[Sequence[float]], patients: Sequence[object]
) -> list[list[float]]:
    """Obuchowski's covariance (1997, equations 2 to 6 and 9) as it is written: S10, S01 and S11 of cluster sums."""
    members: dict[object, list[int]] = {}
    for i, patient in enumerate(patients):
        members.setdefault(patient, []).append(i)
    positives = [i for i, t in enumerate(targets) if t == 1]
    negatives = [i for i, t in enumerate(targets) if t == 0]
    m, n = len(positives), len(negatives)

    def beats(first: float, second: float) -> float:
        return 1.0 if first > second else 0.5 if first == second else 0.0

    sums = []
    for scores in curves:
        area = pair_counting_auroc(targets, scores)
        of_clusters = []
        for own in members.values():
            x = [sum(beats(scores[i], scores[k]) for k in negatives) / n for i in own if targets[i] == 1]
            y = [sum(beats(scores[j], scores[i]) for j in positives) / m for i in own if targets[i] == 0]
            of_clusters.append((sum(x) - len(x) * area, sum(y) - len(y) * area))
        sums.append(of_clusters)
    clusters = len(members)
    with_positives = len({patients[i] for i in positives})
    with_negatives = len({patients[i] for i in negatives})

    def of(a: int, b: int) -> float:
        pairs = list(zip(sums[a], sums[b], strict=True))
        s10 = with_positives / ((with_positives - 1) * m) * sum(p[0] * q[0] for p, q in pairs)
        s01 = with_negatives / ((with_negatives - 1) * n) * sum(p[1] * q[1] for p, q in pairs)
        s11 = clusters / (clusters - 1) * sum(p[0] * q[1] for p, q in pairs)
        s11_reversed = clusters / (clusters - 1) * sum(p[1] * q[0] for p, q in pairs)
        return s10 / m + s01 / n + (s11 + s11_reversed) / (m * n)

    return [[of(a, b) for b in range(len(curves))] for a in range(len(curves))]


def stepwise_average_precision(targets: Sequence[float], scores: Sequence[float]) -> float:
    """Sum over thresholds of precision times the step of recall."""
    n_positive = sum(1 for t in targets if t == 1)
    area, recall = 0.0, 0.0
    for threshold in sorted(set(scores), reverse=True):
        called = [t for t, s in zip(targets, scores, strict=True) if s >= threshold]
        found = sum(1 for t in called if t == 1)
        area += (found / n_positive - recall) * found / len(called)
        recall = found / n_positive
    return area


def best_youden_threshold(targets: Sequence[float], scores: Sequence[float]) -> float:
    """The highest score whose sensitivity + specificity is the largest, compared as whole numbers."""
    n_positive = sum(1 for t in targets if t == 1)
    n_negative = len(targets) - n_positive

    def gain(threshold: float) -> int:
        tp = sum(1 for t, s in zip(targets, scores, strict=True) if t == 1 and s >= threshold)
        fp = sum(1 for t, s in zip(targets, scores, strict=True) if t == 0 and s >= threshold)
        return tp * n_negative - fp * n_positive

    return max(set(scores), key=lambda threshold: (gain(threshold), threshold))


def step_up(p_values: Sequence[float]) -> list[float]:
    """Benjamini-Hochberg adjusted p: for each, the smallest p_(k) m / k over the ranks at or above its own."""
    m = len(p_values)
    ordered = sorted(p_values)
    return [min(min(1.0, ordered[k] * m / (k + 1)) for k in range(m) if ordered[k] >= p) for p in p_values]
