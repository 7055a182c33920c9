"""The bootstrap by hand: the reports of each resample written out one after the other, and quantiles by counting."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fractions import Fraction
from typing import NamedTuple

from radprompter.agreement.measuring.resampling import Draws


class SpreadOf(NamedTuple):
    """Mean and percentile limits of what is defined, None of nothing."""

    mean: float | None
    low: float | None
    high: float | None
    n_undefined: int


class DrawnReport(NamedTuple):
    """A report in a resample, and for how many it counts there."""

    row: int
    times: Fraction


def resampled_reports(draws: Iterable[Draws], rounds: int) -> list[list[DrawnReport]]:
    """The reports of each resample, one after the other: all reports of a unit as often as the unit was drawn."""
    resamples: list[list[DrawnReport]] = [[] for _ in range(rounds)]
    for block in draws:
        for number, resample in enumerate(resamples):
            for unit, times in enumerate(block.times[number]):
                reports = [int(row) for row, of in zip(block.rows, block.unit_of_row, strict=True) if of == unit]
                resample += [DrawnReport(row, Fraction(block.scale)) for row in reports * int(times)]
    return resamples


def spread_of(values: Sequence[float | None], level: float) -> SpreadOf:
    """Quantile q of n values: the value at place q (n - 1), between two places by straight line."""
    defined = sorted(value for value in values if value is not None)
    n_undefined = len(values) - len(defined)
    if not defined:
        return SpreadOf(None, None, None, n_undefined)
    mean = sum(defined) / len(defined)
    if len(defined) == 1:
        return SpreadOf(mean, None, None, n_undefined)
    low, high = (_quantile(defined, share) for share in ((1 - level) / 2, (1 + level) / 2))
    return SpreadOf(mean, low, high, n_undefined)


def _quantile(ordered: Sequence[float], share: float) -> float:
    place = share * (len(ordered) - 1)
    below = int(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (place - below) * (ordered[above] - ordered[below])
