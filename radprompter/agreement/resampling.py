"""The bootstrap: the same resamples for every labeler, finding and measure, so that all differences are paired.

Whole units (patients, or reports) are drawn with replacement, within each stratum that the reports were sampled from.
A measure needs only counts of cells, and the counts of all resamples are one matrix product: how often each unit was
drawn, times what its cells are.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from radprompter.agreement.cells import N_KINDS, UNLABELLED, Cells, Counts, count, kinds
from radprompter.agreement.scores import Floats, ratio
from radprompter.errors import InputError
from radprompter.labels import LABELS

UNITS_AT_ONCE = 20_000


class Bootstrap(NamedTuple):
    """How resamples are drawn, and how wide an interval is."""

    rounds: int = 1000
    seed: int = 7
    level: float = 0.95


class Replicates(NamedTuple):
    """What each resample has: `counts` ``(rounds, n_labelers, n_findings, 4, 5)``, `sums` ``(rounds, n_columns)``."""

    counts: Counts
    sums: Floats


class Spread(NamedTuple):
    """Mean and percentile limits of the resamples in which a number is defined, and in how many it is not."""

    mean: Floats
    low: Floats
    high: Floats
    n_undefined: NDArray[np.int64]


def replicate(cells: Cells, bootstrap: Bootstrap, columns: Floats | None = None) -> Replicates:
    """The counts of each resample, and the sums of further numbers of the reports.

    Parameters
    ----------
    columns:
        float64 ``(n_reports, n_columns)``, summed with the weights of the reports over each resample.

    Raises
    ------
    InputError
        If reports of one unit stand in two strata.
    """
    code = kinds(cells)
    n_labelers, n_reports, n_findings = code.shape
    offsets = N_KINDS * np.arange(n_labelers * n_findings).reshape(n_labelers, 1, n_findings)
    places = np.where(code >= 0, offsets + code, -1).transpose(1, 0, 2).reshape(n_reports, -1)
    occurring = np.flatnonzero(count(cells).reshape(-1))
    column_of = np.full(n_labelers * n_findings * N_KINDS + 1, -1)
    column_of[occurring] = np.arange(occurring.size)
    further = np.zeros((n_reports, 0)) if columns is None else columns
    totals = np.zeros((bootstrap.rounds, occurring.size + further.shape[1]))
    for drawn, units in _draws(cells, bootstrap):
        rows = np.flatnonzero(units[cells.units] >= 0)
        local = units[cells.units[rows]]
        values = np.zeros((drawn.shape[1], totals.shape[1]), dtype=np.float32)
        at = column_of[places[rows]]
        report, _ = known = np.nonzero(at >= 0)
        np.add.at(values, (local[report], at[known]), cells.weights[rows][report])
        np.add.at(values[:, occurring.size :], local, further[rows] * cells.weights[rows, None])
        totals += drawn @ values
    counts = np.zeros((bootstrap.rounds, n_labelers * n_findings * N_KINDS))
    counts[:, occurring] = totals[:, : occurring.size]
    shape = (bootstrap.rounds, n_labelers, n_findings, len(LABELS), UNLABELLED + 1)
    return Replicates(counts.reshape(shape), totals[:, occurring.size :])


def _draws(cells: Cells, bootstrap: Bootstrap) -> Iterator[tuple[NDArray[np.float32], NDArray[np.intp]]]:
    """How often each unit of a block is in each resample, ``(rounds, n_in_block)``, and the units' places in it.

    A stratum of many units is drawn in blocks: how many of its draws fall into each is drawn first.
    """
    generator = np.random.default_rng(bootstrap.seed)
    stratum = _stratum_of_units(cells)
    for name in np.unique(stratum):
        members = np.flatnonzero(stratum == name)
        blocks = np.array_split(members, -(-members.size // UNITS_AT_ONCE))
        shares = np.array([block.size for block in blocks]) / members.size
        n_drawn = generator.multinomial(members.size, shares, size=bootstrap.rounds)
        for number, block in enumerate(blocks):
            drawn = np.empty((bootstrap.rounds, block.size), dtype=np.float32)
            for row, n in enumerate(n_drawn[:, number]):
                drawn[row] = np.bincount(generator.integers(block.size, size=n), minlength=block.size)
            places = np.full(cells.n_units, -1)
            places[block] = np.arange(block.size)
            yield drawn, places


def _stratum_of_units(cells: Cells) -> NDArray[np.intp]:
    stratum = np.zeros(cells.n_units, dtype=np.intp)
    stratum[cells.units] = cells.strata
    if (stratum[cells.units] != cells.strata).any():
        raise InputError(
            "reports of one patient were sampled from different strata, so patients cannot be resampled within "
            "them; resample reports, or leave the sampling strata out"
        )
    return stratum


def spread(values: Floats, *, level: float) -> Spread:
    """Mean and percentile interval over the first axis, NaN left out and counted.

    Quantiles interpolate between order statistics (type 7 of Hyndman & Fan 1996, NumPy's default); fewer than two
    defined resamples have none.
    """
    ordered = np.sort(np.moveaxis(values, 0, -1).copy(), axis=-1)  # NaN last
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
