"""Patient-cluster bootstrap: the same resamples for every model, finding and metric, so that differences are paired.

Whole patients are drawn with replacement, since studies of one patient are alike. A resample is a column of counts,
and every metric is computed from counts and one sort of the scores, for all resamples at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from imagetrain.evaluation.auroc import Floats, known_cases

Counts = NDArray[np.unsignedinteger[Any]]  # (n_studies, n_resamples)

_CELLS_AT_ONCE = 16_000_000


class Replicates(NamedTuple):
    """Metrics of each resample, float64 ``(n_resamples,)``; NaN where a resample lacks positives or negatives."""

    auroc: Floats
    average_precision: Floats


def patient_counts(patient_ids: Sequence[str], *, resamples: int, seed: int | Sequence[int]) -> Counts:
    """How often each study is in each resample, ``(n_studies, n_resamples)``; all studies of a patient alike."""
    _, patient = np.unique(np.asarray(patient_ids, dtype=str), return_inverse=True)
    n_patients = int(patient.max()) + 1 if patient.size else 0
    drawn = np.zeros((resamples, n_patients), dtype=np.min_scalar_type(n_patients))
    generator = np.random.default_rng(seed)
    for row in range(resamples if n_patients else 0):
        drawn[row] = np.bincount(generator.integers(n_patients, size=n_patients), minlength=n_patients)
    smallest = np.min_scalar_type(int(drawn.max(initial=0)))  # bytes: the less memory, the faster
    return np.ascontiguousarray(drawn.T, dtype=smallest)[patient]


def replicate(targets: ArrayLike, scores: ArrayLike, counts: Counts) -> Replicates:
    """AUROC and average precision of each resample.

    Parameters
    ----------
    targets, scores:
        ``(n_studies,)``; studies whose target is NaN are left out.
    counts:
        ``(n_studies, n_resamples)``, from `patient_counts`.
    """
    known = ~np.isnan(np.asarray(targets, dtype=np.float64))
    positive, values = known_cases(targets, scores)
    n_resamples = counts.shape[1]
    areas, precisions = np.full(n_resamples, np.nan), np.full(n_resamples, np.nan)
    if positive.all() or not positive.any():
        return Replicates(areas, precisions)
    order = np.argsort(-values, kind="stable")
    studies = np.flatnonzero(known)[order]
    positive, values = positive[order], values[order]
    tied = np.append(0, np.flatnonzero(np.diff(values)) + 1)
    step = max(1, _CELLS_AT_ONCE // positive.size)
    for first in range(0, n_resamples, step):
        some = slice(first, first + step)
        areas[some], precisions[some] = _weighted(positive, counts[studies, some], tied)
    return Replicates(areas, precisions)


def replicate_f1(targets: ArrayLike, called: ArrayLike, counts: Counts) -> Floats:
    """F1 of each resample, ``(n_resamples,)``, of calls made at a frozen threshold; NaN where it is undefined."""
    truth, calls = np.asarray(targets, dtype=np.float64), np.asarray(called, dtype=bool)
    hits = _total(counts, (truth == 1) & calls)
    misses = _total(counts, ((truth == 1) & ~calls) | ((truth == 0) & calls))
    whole = 2 * hits + misses
    return np.where(whole > 0, 2 * hits / np.maximum(whole, 1), np.nan)


def _total(counts: Counts, chosen: NDArray[np.bool_]) -> NDArray[np.int64]:
    return np.asarray(counts[chosen].sum(axis=0, dtype=np.int64))


def _weighted(positive: NDArray[np.bool_], drawn: Counts, tied: NDArray[np.intp]) -> tuple[Floats, Floats]:
    """AUROC and average precision of each resample.

    Only groups of ties that hold a positive add to either, so all between two of them is summed at once.

    Parameters
    ----------
    positive:
        ``(n,)``, in descending order of score.
    drawn:
        ``(n, n_resamples)``, likewise.
    tied:
        Where each group of tied scores begins.
    """
    holds = np.logical_or.reduceat(positive, tied)
    begins, ends = tied[holds], np.append(tied[1:], positive.size)[holds]
    cuts = np.unique(np.concatenate([[0], begins, ends[ends < positive.size]]))
    at = np.searchsorted(cuts, begins)
    of_cuts = np.add.reduceat(drawn, cuts, axis=0, dtype=np.int32)
    called, of_groups = of_cuts.cumsum(axis=0, dtype=np.int32)[at], of_cuts[at]
    n_cases = of_cuts.sum(axis=0)
    firsts = np.searchsorted(np.flatnonzero(positive), begins)
    of_positives = np.add.reduceat(drawn[positive], firsts, axis=0, dtype=np.int32)
    hits = of_positives.cumsum(axis=0, dtype=np.int32)
    n_positive = hits[-1].astype(np.float64)
    n_negative = n_cases - n_positive
    beaten = n_negative - (called - hits) + (of_groups - of_positives) / 2
    precision = np.divide(hits, called, out=np.zeros(hits.shape), where=called > 0)
    defined = (n_positive > 0) & (n_negative > 0)
    pairs = np.where(defined, n_positive * n_negative, np.nan)
    area = (of_positives * beaten).sum(axis=0) / pairs
    average = (of_positives * precision).sum(axis=0) / np.where(defined, n_positive, np.nan)
    return area, average
