"""Patient-cluster bootstrap: the same resamples for every model, finding and metric, so that differences are paired.

Whole patients are drawn with replacement, since studies of one patient are alike. A resample is a row of counts, and
every metric is computed from counts and one sort of the scores, which is what makes a thousand resamples cheap.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from imagetrain.evaluation.auroc import Floats, known_cases

_CELLS_AT_ONCE = 4_000_000


class Replicates(NamedTuple):
    """Metrics of each resample, float64 ``(n_resamples,)``; NaN where a resample lacks positives or negatives."""

    auroc: Floats
    average_precision: Floats


def patient_counts(patient_ids: Sequence[str], *, resamples: int, seed: int | Sequence[int]) -> NDArray[np.int16]:
    """How often each study is in each resample, ``(n_resamples, n_studies)``; all studies of a patient alike."""
    _, patient = np.unique(np.asarray(patient_ids, dtype=str), return_inverse=True)
    n_patients = int(patient.max()) + 1 if patient.size else 0
    counts = np.zeros((resamples, patient.size), dtype=np.int16)
    generator = np.random.default_rng(seed)
    for row in range(resamples if n_patients else 0):
        drawn = generator.integers(n_patients, size=n_patients)
        counts[row] = np.bincount(drawn, minlength=n_patients)[patient]
    return counts


def replicate(targets: ArrayLike, scores: ArrayLike, counts: NDArray[np.int16]) -> Replicates:
    """AUROC and average precision of each resample.

    Parameters
    ----------
    targets, scores:
        ``(n_studies,)``; studies whose target is NaN are left out.
    counts:
        ``(n_resamples, n_studies)``, from `patient_counts`.
    """
    known = ~np.isnan(np.asarray(targets, dtype=np.float64))
    positive, values = known_cases(targets, scores)
    n_resamples = len(counts)
    areas, precisions = np.full(n_resamples, np.nan), np.full(n_resamples, np.nan)
    if positive.all() or not positive.any():
        return Replicates(areas, precisions)
    order = np.argsort(-values, kind="stable")
    columns = np.flatnonzero(known)[order]
    positive, values = positive[order], values[order]
    starts = np.append(0, np.flatnonzero(np.diff(values)) + 1)
    step = max(1, _CELLS_AT_ONCE // positive.size)
    for first in range(0, n_resamples, step):
        rows = slice(first, first + step)
        areas[rows], precisions[rows] = _weighted(positive, counts[rows][:, columns].astype(np.float64), starts)
    return Replicates(areas, precisions)


def replicate_f1(targets: ArrayLike, called: ArrayLike, counts: NDArray[np.int16]) -> Floats:
    """F1 of each resample, ``(n_resamples,)``, of calls made at a frozen threshold; NaN where it is undefined."""
    truth, calls = np.asarray(targets, dtype=np.float64), np.asarray(called, dtype=bool)
    weights = counts.astype(np.float32)
    hits = weights @ ((truth == 1) & calls).astype(np.float32)
    misses = weights @ (((truth == 1) & ~calls) | ((truth == 0) & calls)).astype(np.float32)
    whole = 2 * hits + misses
    return np.where(whole > 0, 2 * hits / np.maximum(whole, 1), np.nan).astype(np.float64)


def _weighted(positive: NDArray[np.bool_], weights: Floats, starts: NDArray[np.intp]) -> tuple[Floats, Floats]:
    """AUROC and average precision with weights, of cases in descending order of score; `starts` begin tied groups."""
    of_positives = np.add.reduceat(weights * positive, starts, axis=1)
    of_negatives = np.add.reduceat(weights * ~positive, starts, axis=1)
    positives_so_far, negatives_so_far = of_positives.cumsum(axis=1), of_negatives.cumsum(axis=1)
    n_positive, n_negative = positives_so_far[:, -1:], negatives_so_far[:, -1:]
    beaten = n_negative - negatives_so_far + of_negatives / 2
    called = positives_so_far + negatives_so_far
    precision = np.divide(positives_so_far, called, out=np.zeros_like(called), where=called > 0)
    defined = (n_positive > 0) & (n_negative > 0)
    pairs = np.where(defined, n_positive * n_negative, np.nan)[:, 0]
    area = (of_positives * beaten).sum(axis=1) / pairs
    average = (of_positives * precision).sum(axis=1) / np.where(defined, n_positive, np.nan)[:, 0]
    return area, average
