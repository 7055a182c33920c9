"""Patient-cluster bootstrap: the same resamples for every model, finding and metric, so that differences are paired.

Whole patients are drawn with replacement, since studies of one patient are alike. A resample is a column of counts,
and every metric is computed from counts and one sort of the scores, for many resamples at once. Beside the counts (a
byte a study and resample) each thread needs about 150 MB at most, whatever their number.
"""

from __future__ import annotations

import itertools
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
_CELLS_AT_ONCE = 8_000_000


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
    """How often each study is in each resample, ``(n_studies, n_resamples)``; all studies of a patient alike.

    Where there is one patient, resamples are empty: they would all be that patient, and their intervals have no width.
    """
    _, patient = np.unique(np.asarray(patient_ids, dtype=str), return_inverse=True)
    n_patients = int(patient.max()) + 1 if patient.size else 0
    drawn = np.zeros((resamples, n_patients), dtype=np.min_scalar_type(n_patients))
    generator = np.random.default_rng(seed)
    for row in range(resamples if n_patients > 1 else 0):
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
    groups = _grouped(positive, values, known)
    most = int(counts.max(initial=1))
    for some in _slices(positive.size, n_resamples):
        tally = _tallied(groups, counts[:, some], most)
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
    positives: NDArray[np.int32]  # positives in this group
    mixed: NDArray[np.intp]  # which groups hold negatives too
    negatives: NDArray[np.int32]  # (n_mixed, n_resamples): negatives in these
    n_positive: Floats  # (n_resamples,)
    n_negative: Floats


class _Groups(NamedTuple):
    """Cases by descending score, and where the groups of ties that hold a positive begin and end."""

    positive: NDArray[np.bool_]  # (n_cases,)
    studies: NDArray[np.intp]  # (n_cases,): rows of counts
    begins: NDArray[np.intp]  # (n_groups,)
    ends: NDArray[np.intp]


def _grouped(positive: NDArray[np.bool_], values: Floats, studies: NDArray[np.intp]) -> _Groups:
    order = np.argsort(-values, kind="stable")
    positive, values = positive[order], values[order]
    tied = np.append(0, np.flatnonzero(np.diff(values)) + 1)
    holds = np.logical_or.reduceat(positive, tied)
    return _Groups(positive, studies[order], tied[holds], np.append(tied[1:], positive.size)[holds])


def _tallied(groups: _Groups, drawn: Counts, most: int) -> _Tally:
    """Count; `drawn` is ``(n_studies, n_resamples)``, in the order of the table, none of it above `most`."""
    positive, studies, begins, ends = groups
    called = _running_sums(drawn, most, studies, np.append(ends, positive.size))
    so_far = np.cumsum(positive, dtype=np.intp)[ends - 1]
    hits = _running_sums(drawn, most, studies[positive], so_far)
    positives = np.diff(hits, axis=0, prepend=0)
    mixed = np.flatnonzero(ends - begins > np.diff(so_far, prepend=0))
    inside = [studies[begin:end] for begin, end in zip(begins[mixed], ends[mixed], strict=True)]
    of_mixed = np.cumsum([rows.size for rows in inside], dtype=np.intp)
    cases = np.diff(_running_sums(drawn, most, np.concatenate([studies[:0], *inside]), of_mixed), axis=0, prepend=0)
    n_positive = hits[-1].astype(np.float64)
    return _Tally(called[:-1], hits, positives, mixed, cases - positives[mixed], n_positive, called[-1] - n_positive)


def _running_sums(drawn: Counts, most: int, studies: NDArray[np.intp], ends: NDArray[np.intp]) -> NDArray[np.int32]:
    """Sums over ``studies[:end]``, ``(n_ends, n_resamples)``; `ends` ascend.

    Sums over pieces of them are a product with a matrix of zeros and ones in the few bits of the counts, which is many
    times faster than in more, so that pieces are short enough to fit.
    """
    from scipy.sparse import csr_matrix

    longest = np.iinfo(drawn.dtype).max // most
    cuts = np.union1d(ends, np.arange(longest, studies.size, longest))
    ones = np.ones(studies.size, dtype=drawn.dtype)
    pieces = csr_matrix((ones, studies, np.append(0, cuts)), shape=(cuts.size, len(drawn))) @ drawn
    sums = _accumulated(pieces.astype(np.int32))
    return sums if np.array_equal(cuts, ends) else np.asarray(sums[np.searchsorted(cuts, ends)])


def _accumulated(rows: NDArray[np.int32]) -> NDArray[np.int32]:
    """Running sums down the rows, in place; row by row is several times faster than NumPy's own for wide rows."""
    for above, row in itertools.pairwise(rows):
        row += above
    return rows


def _areas(tally: _Tally) -> tuple[Floats, Floats]:
    """AUROC and average precision of each resample."""
    defined = (tally.n_positive > 0) & (tally.n_negative > 0)
    n_positive, n_negative = (np.where(defined, n, np.nan) for n in (tally.n_positive, tally.n_negative))
    products = np.multiply(tally.positives, tally.called - tally.hits, dtype=np.float64)
    lost = products.sum(axis=0)
    ties = np.multiply(tally.positives[tally.mixed], tally.negatives, dtype=np.float64).sum(axis=0)
    np.divide(tally.hits, np.maximum(tally.called, 1), out=products)
    products *= tally.positives
    area = 1 - (lost - ties / 2) / (n_positive * n_negative)
    return area, products.sum(axis=0) / n_positive


def _curves(tally: _Tally, rates: Floats, recalls: Floats) -> tuple[Floats, Floats]:
    """True positive rates at the `rates`, ``(n_resamples, n_rates)``, and precision at the `recalls`, likewise."""
    after = tally.called - tally.hits
    before = after.copy()
    before[tally.mixed] -= tally.negatives
    n_resamples = tally.hits.shape[1]
    x, y = (
        np.ascontiguousarray(np.stack(pair, axis=1).reshape(-1, n_resamples).T)  # two corners a group
        for pair in ((before, after), (tally.hits - tally.positives, tally.hits))
    )
    hits, called = (np.ascontiguousarray(v.T) for v in (tally.hits, tally.called))
    heights, precisions = np.full((n_resamples, rates.size), np.nan), np.full((n_resamples, recalls.size), np.nan)
    for b in np.flatnonzero((tally.n_positive > 0) & (tally.n_negative > 0)):
        heights[b] = np.interp(rates * tally.n_negative[b], x[b], y[b]) / tally.n_positive[b]
        least = np.maximum(recalls * tally.n_positive[b] - 1e-9, 0.5)  # hits are whole; rounding must not add one
        reached = np.searchsorted(hits[b], least)
        precisions[b] = hits[b, reached] / called[b, reached]
    return heights, precisions
