"""Statistics that agreement and evaluation share: intervals, bootstrap p values, the correction for many tests."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray


class Interval(NamedTuple):
    """Lower and upper limit; NaN where undefined."""

    low: float
    high: float


UNDEFINED = Interval(float("nan"), float("nan"))


class PercentileInterval(NamedTuple):
    """Limits from the defined resamples, and how many were and were not."""

    low: float
    high: float
    n_used: int
    n_skipped: int


class Adjusted(NamedTuple):
    """Adjusted p values, NaN where p was, and how many tests the family has."""

    p: NDArray[np.float64]
    m: int


def wilson_interval(successes: float, total: float, *, alpha: float = 0.05) -> Interval:
    """Score interval of a proportion (Wilson 1927); undefined for no trials."""
    from scipy.special import ndtri

    if total == 0:
        return UNDEFINED
    z = float(ndtri(1 - alpha / 2))
    share = successes / total
    centre = (share + z * z / (2 * total)) / (1 + z * z / total)
    half = z / (1 + z * z / total) * (share * (1 - share) / total + z * z / (4 * total * total)) ** 0.5
    low = 0.0 if successes == 0 else centre - half
    high = 1.0 if successes == total else centre + half
    return Interval(low, high)


def percentile_interval(replicates: ArrayLike, *, alpha: float = 0.05) -> PercentileInterval:
    """The ``1 - alpha`` percentile interval of the resamples in which the metric is defined."""
    values = np.asarray(replicates, dtype=np.float64)
    used = values[~np.isnan(values)]
    skipped = int(values.size - used.size)
    if used.size < 2:
        return PercentileInterval(np.nan, np.nan, int(used.size), skipped)
    low, high = np.quantile(used, [alpha / 2, 1 - alpha / 2])
    return PercentileInterval(float(low), float(high), int(used.size), skipped)


def mcnemar_p(only_first: int, only_second: int, *, mid: bool = False) -> float:
    """Two-sided exact p of discordant pairs (McNemar 1947), by the binomial distribution; 1 without any.

    `mid` takes off half the chance of the pairs at hand (Fagerland, Lydersen & Laake 2013).
    """
    from scipy.stats import binom

    fewer, total = min(only_first, only_second), only_first + only_second
    p = 2 * float(binom.cdf(fewer, total, 0.5)) - (float(binom.pmf(fewer, total, 0.5)) if mid else 0.0)
    return min(1.0, p)


def bootstrap_p(differences: ArrayLike) -> float:
    """Two-sided p of a difference of zero: twice the smaller share of resamples on one side, ends counted in.

    ``2 (1 + #) / (1 + B)``, at most 1 (Davison & Hinkley 1997, section 4.4); NaN without resamples.
    """
    values = np.asarray(differences, dtype=np.float64)
    values = values[~np.isnan(values)]
    if not values.size:
        return float("nan")
    beyond = min(int((values <= 0).sum()), int((values >= 0).sum()))
    return min(1.0, 2 * (1 + beyond) / (1 + values.size))


def benjamini_hochberg(p_values: ArrayLike) -> Adjusted:
    """Step-up adjusted p values (Benjamini & Hochberg 1995); NaN values are no members of the family."""
    from scipy.stats import false_discovery_control

    p = np.asarray(p_values, dtype=np.float64)
    defined = ~np.isnan(p)
    adjusted = np.full(p.shape, np.nan)
    if defined.any():
        adjusted[defined] = false_discovery_control(p[defined], method="bh")
    return Adjusted(adjusted, int(defined.sum()))
