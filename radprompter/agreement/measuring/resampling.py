"""The bootstrap: the same resamples for every labeler, finding and measure, so that all differences are paired.

Whole units (patients, or reports) are drawn with replacement: as many as there are. Where the reports were sampled from
several strata, each is drawn apart: one unit less than it has, and each counts for a little more than one, so that
strata of two or three units do not seem more certain than they are (Rao & Wu 1988, the rescaling bootstrap). A stratum
of one unit stays as it is. A measure needs only counts of cells, and the counts of all resamples are one matrix
product: how often each unit was drawn, times what its cells are. It is done in blocks of units, so that memory does not
grow with the reports.

What is drawn depends on the seed, the rounds, and the units and their strata alone: neither another labeler nor another
finding changes an interval.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from radprompter.agreement.measuring.cells import N_KINDS, UNLABELLED, Cells, Counts, count, kinds
from radprompter.agreement.measuring.scores import ratio
from radprompter.agreement.measuring.tallies import Floats
from radprompter.errors import InputError
from radprompter.labels import LABELS

UNITS_AT_ONCE = 4096

_EXACT_IN_SINGLE = 2**24  # up to here every whole number is a float32


class Bootstrap(NamedTuple):
    """How resamples are drawn, and how wide an interval is."""

    rounds: int = 1000
    seed: int = 7
    level: float = 0.95


class Replicates(NamedTuple):
    """What each resample has: `counts` ``(rounds, n_labelers, n_findings, 4, 5)``, `sums` ``(rounds, n_columns)``."""

    counts: Counts
    sums: Floats


class Draws(NamedTuple):
    """How often some units of a stratum are in each resample.

    `times` ``(rounds, n_units)`` are whole numbers, each of which counts for `scale`; `rows` are the reports of these
    units, and `unit_of_row` says of each which column of `times` is its own.
    """

    times: NDArray[np.float32]
    rows: NDArray[np.intp]
    unit_of_row: NDArray[np.intp]
    scale: float


class Spread(NamedTuple):
    """Mean and percentile limits of the resamples in which a number is defined, and in how many it is not."""

    mean: Floats
    low: Floats
    high: Floats
    n_undefined: NDArray[np.int64]


def replicate(
    cells: Cells,
    bootstrap: Bootstrap,
    columns: NDArray[np.int16] | Floats | None = None,
    *,
    units_at_once: int = UNITS_AT_ONCE,
) -> Replicates:
    """The counts of each resample, and the sums of further numbers of the reports.

    Parameters
    ----------
    columns:
        ``(n_reports, n_columns)``, summed with the weights of the reports over each resample.
    units_at_once:
        Units in a block; part of what a seed means.

    Raises
    ------
    InputError
        If reports of one unit stand in two strata.
    """
    n_labelers, n_reports, n_findings = cells.labels.shape
    further = np.zeros((n_reports, 0)) if columns is None else columns
    occurring = np.flatnonzero(count(cells))
    column_of = np.full(n_labelers * n_findings * N_KINDS + 1, occurring.size)  # what does not count goes to the last
    column_of[occurring] = np.arange(occurring.size)
    totals = np.zeros((bootstrap.rounds, occurring.size + further.shape[1]))
    whole = bool((cells.weights == np.round(cells.weights)).all())
    for times, rows, unit_of_row, scale in draw(cells, bootstrap, units_at_once=units_at_once):
        values = np.empty((times.shape[1], totals.shape[1]))
        values[:, : occurring.size] = _cells_of_units(cells.of(rows), unit_of_row, column_of, len(values))
        for column, numbers in enumerate(further[rows].T, start=occurring.size):
            values[:, column] = np.bincount(unit_of_row, weights=numbers * cells.weights[rows], minlength=len(values))
        largest = values.max(initial=0.0) * times.sum(axis=1).max(initial=0.0)
        precision = np.float32 if whole and largest <= _EXACT_IN_SINGLE else np.float64
        totals += scale * (times.astype(precision, copy=False) @ values.astype(precision, copy=False))
    counts = np.zeros((bootstrap.rounds, n_labelers * n_findings * N_KINDS))
    counts[:, occurring] = totals[:, : occurring.size]
    shape = (bootstrap.rounds, n_labelers, n_findings, len(LABELS), UNLABELLED + 1)
    return Replicates(counts.reshape(shape), totals[:, occurring.size :])


def draw(cells: Cells, bootstrap: Bootstrap, *, units_at_once: int = UNITS_AT_ONCE) -> Iterator[Draws]:
    """How often each unit is in each resample, block by block.

    A stratum of many units is drawn in blocks: first how many of its draws fall into each, then the units of each.
    """
    generator = np.random.default_rng(bootstrap.seed)
    stratum = _stratum_of_units(cells)
    order = np.argsort(stratum, kind="stable")
    place = np.empty_like(order)
    place[order] = np.arange(order.size)
    by_place = np.argsort(place[cells.units], kind="stable")
    places = place[cells.units][by_place]
    n_before = 0
    sizes = np.unique(stratum, return_counts=True)[1]
    for size in sizes:
        n_draws = size - 1 if sizes.size > 1 and size > 1 else size
        edges = np.linspace(0, size, -(-size // units_at_once) + 1).astype(np.intp)
        shares = np.diff(edges) / size
        n_drawn = generator.multinomial(n_draws, shares, size=bootstrap.rounds)
        for first, after, of_rounds in zip(n_before + edges[:-1], n_before + edges[1:], n_drawn.T, strict=True):
            times = np.empty((bootstrap.rounds, after - first), dtype=np.float32)
            for row, n in enumerate(of_rounds):
                drawn = generator.integers(after - first, size=int(n), dtype=np.int32)
                times[row] = np.bincount(drawn, minlength=after - first)
            here = slice(*np.searchsorted(places, (first, after)))
            yield Draws(times, by_place[here], places[here] - first, float(size / n_draws))
        n_before += size


def _cells_of_units(cells: Cells, unit_of_row: NDArray[np.intp], column_of: NDArray[np.intp], n_units: int) -> Floats:
    """The (weighted) cells of each unit, ``(n_units, n_occurring)``."""
    code = kinds(cells)
    n_labelers, _, n_findings = code.shape
    width = int(column_of[-1]) + 1
    first = N_KINDS * np.arange(n_labelers * n_findings).reshape(n_labelers, 1, n_findings)
    places = width * unit_of_row[:, None] + column_of[np.where(code >= 0, first + code, -1)]
    weights = np.broadcast_to(cells.weights[:, None], code.shape)
    counted = np.bincount(places.reshape(-1), weights=weights.reshape(-1), minlength=width * n_units)
    return np.asarray(counted.reshape(n_units, width)[:, :-1], dtype=np.float64)


def _stratum_of_units(cells: Cells) -> NDArray[np.intp]:
    stratum = np.zeros(cells.n_units, dtype=np.intp)
    stratum[cells.units] = cells.strata
    if (stratum[cells.units] != cells.strata).any():
        raise InputError(
            "reports of one patient were sampled from different strata, so patients cannot be resampled within "
            "them; resample reports (--patient none), or leave the sampling strata out"
        )
    return stratum


def spread(values: Floats, *, level: float) -> Spread:
    """Mean and percentile interval over the first axis, NaN left out and counted.

    Quantiles interpolate between order statistics (type 7 of Hyndman & Fan 1996, NumPy's default); fewer than two
    defined resamples have none.
    """
    ordered = np.sort(np.ascontiguousarray(np.moveaxis(values, 0, -1)), axis=-1)  # NaN last
    if not len(values):
        ordered = np.full((*ordered.shape[:-1], 1), np.nan)
    defined = ~np.isnan(ordered)
    n = defined.sum(axis=-1)
    limits = []
    for share in ((1 - level) / 2, (1 + level) / 2):
        place = share * np.maximum(n - 1, 0)
        below = np.floor(place).astype(np.intp)
        above = np.minimum(below + 1, np.maximum(n - 1, 0))
        lower, upper = (np.take_along_axis(ordered, at[..., None], axis=-1)[..., 0] for at in (below, above))
        limits.append(np.where(n >= 2, lower + (upper - lower) * (place - below), np.nan))
    mean = ratio(np.where(defined, ordered, 0.0).sum(axis=-1), n.astype(np.float64))
    return Spread(mean, limits[0], limits[1], np.asarray(len(values) - n, dtype=np.int64))
