"""Agreement as observed and as by chance, and what each subject adds to both: where the coefficients differ."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from radprompter.agreement.raters.ratings import MISSING, Ratings
from radprompter.agreement.raters.weights import Floats


class Parts(NamedTuple):
    """pa and pe, and what each subject adds to them.

    `observed` has the mean pa, before any correction of it, `paired` the mean 1, and `by_chance` the mean 0: the
    linear terms of pa, of the number of paired subjects, and of pe.
    """

    pa: float
    pe: float
    observed: Floats  # (n_subjects,)
    paired: Floats  # (n_subjects,)
    by_chance: Floats  # (n_subjects,)


def _observed(counts: Floats, weights: Floats) -> tuple[float, Floats, Floats]:
    given = counts.sum(axis=1)
    has_pair = given >= 2
    same = np.sum(counts * (counts @ weights - 1), axis=1) / np.where(has_pair, given * (given - 1), 1)
    paired = has_pair * (len(counts) / has_pair.sum())
    observed = same * paired
    return float(observed.mean()), observed, paired


def percent(ratings: Ratings, weights: Floats) -> Parts:
    """pe: none."""
    pa, observed, paired = _observed(ratings.counts, weights)
    return Parts(pa, 0.0, observed, paired, np.zeros_like(observed))


def brennan_prediger(ratings: Ratings, weights: Floats) -> Parts:
    """pe: all categories are equally likely (Brennan and Prediger 1981)."""
    pa, observed, paired = _observed(ratings.counts, weights)
    return Parts(pa, float(weights.mean()), observed, paired, np.zeros_like(observed))


def gwet(ratings: Ratings, weights: Floats) -> Parts:
    """pe: the chance that a rating is random, times the chance that random ratings agree (Gwet 2008)."""
    counts = ratings.counts
    q = counts.shape[1]
    shares = counts / counts.sum(axis=1, keepdims=True)
    chosen = shares.mean(axis=0)
    scale = weights.sum() / (q * (q - 1))
    pe = float(scale * (chosen * (1 - chosen)).sum())
    pa, observed, paired = _observed(counts, weights)
    return Parts(pa, pe, observed, paired, 2 * (scale * (shares @ (1 - chosen)) - pe))


def fleiss(ratings: Ratings, weights: Floats) -> Parts:
    """pe: two ratings drawn from those of all raters; of two raters, Scott's pi (Fleiss 1971)."""
    counts = ratings.counts
    shares = counts / counts.sum(axis=1, keepdims=True)
    chosen = shares.mean(axis=0)
    pe = float(chosen @ weights @ chosen)
    pa, observed, paired = _observed(counts, weights)
    return Parts(pa, pe, observed, paired, 2 * (shares @ weights @ chosen - pe))


def conger(ratings: Ratings, weights: Floats) -> Parts:
    """pe: one rating each of two different raters, each drawn from that rater's own (Conger 1980)."""
    codes = ratings.codes[:, (ratings.codes != MISSING).any(axis=0)]
    n, n_raters = codes.shape
    q = len(ratings.categories)
    chosen = np.stack([np.bincount(column[column != MISSING], minlength=q) for column in codes.T]).astype(np.float64)
    given = chosen.sum(axis=1)
    chosen /= given[:, None]
    slopes = (chosen.sum(axis=0) - chosen) @ weights / (n_raters * (n_raters - 1))
    level = (chosen * slopes).sum(axis=1)
    by_chance = np.zeros(n)
    for column, slope, mean, count in zip(codes.T, slopes, level, given, strict=True):
        by_chance += np.where(column == MISSING, 0.0, slope[column] - mean) * (2 * n / count)
    pa, observed, paired = _observed(ratings.counts, weights)
    return Parts(pa, float(level.sum()), observed, paired, by_chance)


def krippendorff(ratings: Ratings, weights: Floats) -> Parts:
    """pe: two ratings drawn from all that can be paired; pa is corrected for few of them (Krippendorff 1970).

    Every subject has two ratings or more. The linear terms leave that correction out, as Gwet does.
    """
    counts = ratings.counts
    given = counts.sum(axis=1)
    mean = given.mean()
    same = np.sum(counts * (counts @ weights - 1), axis=1) / (mean * (given - 1))
    uncorrected = float(same.mean())
    pa = float(uncorrected + (1 - uncorrected) / given.sum())
    chosen = counts.mean(axis=0) / mean
    pe = float(chosen @ weights @ chosen)
    surplus = given / mean - 1
    by_chance = 2 * (counts @ weights @ chosen / mean - pe * (1 + surplus))
    return Parts(pa, pe, same - uncorrected * surplus, np.ones_like(given), by_chance)
