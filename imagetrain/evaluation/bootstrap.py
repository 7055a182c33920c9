"""Patient-cluster bootstrap: the same resamples for every model, finding and metric, so that differences are paired.

Whole patients are drawn with replacement, since studies of one patient are alike. A resample is a column of counts,
and every metric is computed from counts and one sort of the scores, for all resamples at once.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from imagetrain.evaluation.auroc import Floats, known_cases

Counts = NDArray[np.unsignedinteger[Any]]  # (n_studies, n_resamples)

ResultT = TypeVar("ResultT")

MOST_THREADS = 8  # each has a few arrays of `_CELLS_AT_ONCE`
_CELLS_AT_ONCE = 16_000_000


class Replicates(NamedTuple):
    """Metrics of each resample, float64 ``(n_resamples,)``; NaN where a resample lacks positives or negatives."""

    auroc: Floats
    average_precision: Floats


class CurveReplicates(NamedTuple):
    """Areas, and curves of each resample at given places: float64 ``(n_resamples, n_places)``, NaN likewise."""

    areas: Replicates
    true_positive_rate: Floats
    precision: Floats


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
    return replicate_curves(targets, scores, counts, false_positive_rates=[], recalls=[]).areas


def replicate_curves(
    targets: ArrayLike, scores: ArrayLike, counts: Counts, *, false_positive_rates: ArrayLike, recalls: ArrayLike
) -> CurveReplicates:
    """As `replicate`, and the ROC and precision-recall curve of each resample at given places.

    A ROC curve is straight between two thresholds, and has its upper value where it is vertical; precision at a recall
    is that of the highest threshold which reaches it.
    """
    n_resamples = counts.shape[1]
    rates, wanted = np.asarray(false_positive_rates, dtype=np.float64), np.asarray(recalls, dtype=np.float64)
    made = CurveReplicates(
        Replicates(np.full(n_resamples, np.nan), np.full(n_resamples, np.nan)),
        np.full((n_resamples, rates.size), np.nan),
        np.full((n_resamples, wanted.size), np.nan),
    )
    known = np.flatnonzero(~np.isnan(np.asarray(targets, dtype=np.float64)))
    positive, values = known_cases(targets, scores)
    if positive.all() or not positive.any():
        return made
    order = np.argsort(-values, kind="stable")
    studies, positive, values = known[order], positive[order], values[order]
    tied = np.append(0, np.flatnonzero(np.diff(values)) + 1)
    for some in _slices(positive.size, n_resamples):
        tally = _tallied(positive, counts[studies, some], tied)
        made.areas.auroc[some], made.areas.average_precision[some] = _areas(tally)
        if rates.size or wanted.size:
            made.true_positive_rate[some], made.precision[some] = _curves(tally, rates, wanted)
    return made


def replicate_f1(targets: ArrayLike, called: ArrayLike, counts: Counts) -> Floats:
    """F1 of each resample, ``(n_resamples,)``, of calls made at a frozen threshold; NaN where it is undefined."""
    truth, calls = np.asarray(targets, dtype=np.float64), np.asarray(called, dtype=bool)
    hits = _total(counts, (truth == 1) & calls)
    misses = _total(counts, ((truth == 1) & ~calls) | ((truth == 0) & calls))
    whole = 2 * hits + misses
    return np.where(whole > 0, 2 * hits / np.maximum(whole, 1), np.nan)


def drawn_totals(counts: Counts, rows: NDArray[np.intp], ends: NDArray[np.intp]) -> NDArray[np.int64]:
    """How many of the first studies of `rows` each resample has, ``(n_ends, n_resamples)``: of ``rows[:end]``."""
    cuts, place = np.unique(ends, return_inverse=True)
    begins = np.append(0, cuts[:-1])
    parts = [counts[rows[begin:end]].sum(axis=0, dtype=np.int64) for begin, end in zip(begins, cuts, strict=True)]
    return np.cumsum(parts, axis=0)[place]


def drawn_sums(weights: Floats, counts: Counts, rows: NDArray[np.intp]) -> Floats:
    """Sums of weights over the studies of each resample, ``(k, n_resamples)``, of weights ``(k, len(rows))``."""
    sums = np.zeros((len(weights), counts.shape[1]))
    for some in _slices(rows.size, counts.shape[1]):
        sums[:, some] = weights @ counts[rows, some].astype(np.float64)
    return sums


def in_threads(compute: Callable[[int], ResultT], items: Iterable[int]) -> list[ResultT]:
    """Results in the order of the items, however many processors there are; NumPy computes in several threads."""
    with ThreadPoolExecutor(min(os.cpu_count() or 1, MOST_THREADS)) as pool:
        return list(pool.map(compute, items))


def _total(counts: Counts, chosen: NDArray[np.bool_]) -> NDArray[np.int64]:
    return np.asarray(counts[chosen].sum(axis=0, dtype=np.int64))


def _slices(n_studies: int, n_resamples: int) -> Iterator[slice]:
    """Resamples that are computed at once, so that memory does not grow with their number."""
    step = max(1, _CELLS_AT_ONCE // max(n_studies, 1))
    return (slice(first, first + step) for first in range(0, n_resamples, step))


class _Tally(NamedTuple):
    """Of each group of tied scores that holds a positive, in descending order of score, and of each resample.

    Only such groups add to either area, so all between two of them is summed at once.
    """

    called: NDArray[np.int32]  # (n_groups, n_resamples): cases in this group and above
    hits: NDArray[np.int32]  # of them, positives
    cases: NDArray[np.int32]  # cases in this group
    positives: NDArray[np.int32]  # of them, positives
    n_positive: Floats  # (n_resamples,)
    n_negative: Floats


def _tallied(positive: NDArray[np.bool_], drawn: Counts, tied: NDArray[np.intp]) -> _Tally:
    """Count.

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
    firsts = np.searchsorted(np.flatnonzero(positive), begins)
    of_positives = np.add.reduceat(drawn[positive], firsts, axis=0, dtype=np.int32)
    hits = of_positives.cumsum(axis=0, dtype=np.int32)
    n_positive = hits[-1].astype(np.float64)
    return _Tally(called, hits, of_groups, of_positives, n_positive, of_cuts.sum(axis=0) - n_positive)


def _areas(tally: _Tally) -> tuple[Floats, Floats]:
    """AUROC and average precision of each resample."""
    beaten = tally.n_negative - (tally.called - tally.hits) + (tally.cases - tally.positives) / 2
    precision = np.divide(tally.hits, tally.called, out=np.zeros(tally.hits.shape), where=tally.called > 0)
    defined = (tally.n_positive > 0) & (tally.n_negative > 0)
    area = (tally.positives * beaten).sum(axis=0) / np.where(defined, tally.n_positive * tally.n_negative, np.nan)
    average = (tally.positives * precision).sum(axis=0) / np.where(defined, tally.n_positive, np.nan)
    return area, average


def _curves(tally: _Tally, rates: Floats, recalls: Floats) -> tuple[Floats, Floats]:
    """True positive rates at the `rates`, ``(n_resamples, n_rates)``, and precision at the `recalls`, likewise."""
    alarms = tally.called - tally.hits
    x = np.stack([alarms - (tally.cases - tally.positives), alarms], axis=-1)  # before and after each group
    y = np.stack([tally.hits - tally.positives, tally.hits], axis=-1)
    n_resamples = tally.hits.shape[1]
    x, y = (np.ascontiguousarray(v.swapaxes(0, 1)).reshape(n_resamples, -1) for v in (x, y))
    hits, called = (np.ascontiguousarray(v.T) for v in (tally.hits, tally.called))
    heights, precisions = np.full((n_resamples, rates.size), np.nan), np.full((n_resamples, recalls.size), np.nan)
    for b in np.flatnonzero((tally.n_positive > 0) & (tally.n_negative > 0)):
        heights[b] = np.interp(rates * tally.n_negative[b], x[b], y[b]) / tally.n_positive[b]
        least = np.maximum(recalls * tally.n_positive[b] - 1e-9, 0.5)  # hits are whole; rounding must not add one
        reached = np.searchsorted(hits[b], least)
        precisions[b] = hits[b, reached] / called[b, reached]
    return heights, precisions
