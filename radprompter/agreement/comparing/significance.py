"""Tests of two labelers on the same reports or findings, each with the method that gave its p value.

What is undefined is NaN with a reason, and never a warning. Differences are rounded to `DECIMALS` first: 0.93 - 0.95
and 0.85 - 0.87 are the same difference of printed numbers, but not of binary ones, and ranks notice.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from radprompter.errors import InputError
from radprompter.statistics import benjamini_hochberg, mcnemar_p

MCNEMAR_METHODS = ("auto", "exact", "mid_p", "chi_squared", "chi_squared_corrected")
WILCOXON_METHODS = ("auto", "exact", "normal_approximation")
SIGN_FLIP_METHODS = ("auto", "exact", "monte_carlo")

DECIMALS = 12
FEW_DISCORDANT = 25
"""McNemar's exact test is taken below so many discordant pairs, which is a common rule of thumb."""

_EXACT_WITH_TIES, _EXACT_WITHOUT = 13, 50
_FLIPS_AT_MOST = 16

ALL_ZERO = "every difference is zero"
ALL_EQUAL = "all differences are equal and not zero: they have no variance to go by"
TOO_FEW = "fewer than 2 pairs"


class PairedTest(NamedTuple):
    """A two-sided test of no difference between two labelers.

    `n` counts pairs in which both values are defined, `n_zero` those of them without a difference, and `n_left_out` the
    rest; `reason` says why there is no p value, or why it is 1 without a statistic.
    """

    name: str
    method: str
    statistic: float
    p: float
    n: int
    n_zero: int
    n_left_out: int = 0
    reason: str = ""


class Family(NamedTuple):
    """p values that were adjusted together (Benjamini & Hochberg 1995).

    `p_adjusted` float64, in the order of the tests, is NaN where a test has no p; such tests are no members.
    """

    name: str
    m: int
    n_undefined: int
    alpha: float
    p_adjusted: NDArray[np.float64]

    @property
    def n_significant(self) -> int:
        """Members whose adjusted p is at most `alpha`."""
        return int((self.p_adjusted <= self.alpha).sum())


def adjust(name: str, p_values: ArrayLike, *, alpha: float = 0.05) -> Family:
    """Adjust the p values of a declared family, say ``every pair of labelers × every finding``."""
    adjusted = benjamini_hochberg(p_values)
    return Family(name, adjusted.m, len(adjusted.p) - adjusted.m, alpha, adjusted.p)


def mcnemar(only_first: int, only_second: int, *, n: int, method: str = "auto") -> PairedTest:
    """McNemar's test on reports that one labeler has right and the other wrong (McNemar 1947).

    Parameters
    ----------
    only_first, only_second:
        Reports that the first alone, and the second alone, has right: the discordant pairs.
    n:
        All reports that both labelers were judged on.
    method:
        ``exact`` (binomial; the statistic is the smaller count), ``mid_p`` (Fagerland, Lydersen & Laake 2013),
        ``chi_squared`` or ``chi_squared_corrected`` (Edwards 1948); ``auto`` is ``exact`` below `FEW_DISCORDANT`
        discordant pairs, else ``chi_squared_corrected``. The result names what was taken.
    """
    _check(method, MCNEMAR_METHODS)
    discordant, fewer = only_first + only_second, min(only_first, only_second)
    if method == "auto":
        method = "exact" if discordant < FEW_DISCORDANT else "chi_squared_corrected"
    if discordant == 0:
        reason = "no discordant pair" if n else "no report that both were judged on"
        return PairedTest("McNemar", method, math.nan, 1.0 if n else math.nan, n, n, reason=reason)
    if method in ("exact", "mid_p"):
        statistic, p = float(fewer), mcnemar_p(only_first, only_second, mid=method == "mid_p")
    else:
        distance = abs(only_first - only_second) - (method == "chi_squared_corrected")
        statistic = max(distance, 0) ** 2 / discordant
        p = math.erfc(math.sqrt(statistic / 2))
    return PairedTest("McNemar", method, statistic, p, n, n - discordant)


def paired_t(first: ArrayLike, second: ArrayLike) -> PairedTest:
    """Student's paired t test of scores ``(n_findings,)``; a finding that either lacks (NaN) is left out.

    Findings are the units, as in the papers that print it: it says whether a labeler is better over findings like
    these, on these very reports, and nothing about other reports.
    """
    differences, left_out = _differences(first, second)
    n, n_zero = len(differences), int((differences == 0).sum())
    reason, p = _degenerate(differences)
    if not reason and np.ptp(differences) == 0:
        reason = ALL_EQUAL
    if reason:
        return PairedTest("paired t", "student_t", math.nan, p, n, n_zero, left_out, reason)
    from scipy.stats import t

    statistic = float(differences.mean() / (differences.std(ddof=1) / math.sqrt(n)))
    return PairedTest("paired t", "student_t", statistic, float(2 * t.sf(abs(statistic), n - 1)), n, n_zero, left_out)


def wilcoxon(first: ArrayLike, second: ArrayLike, *, method: str = "auto") -> PairedTest:
    """Wilcoxon's signed-rank test of scores ``(n_findings,)``; zero differences are dropped (Wilcoxon 1945).

    Parameters
    ----------
    first, second:
        Scores of two labelers, finding by finding; a finding that either lacks (NaN) is left out.
    method:
        ``exact`` (all signs of the ranks at hand, ties among them), ``normal_approximation`` (variance corrected for
        ties, no continuity correction), or ``auto``, which chooses as SciPy does: exact for at most 50 differences
        without ties and zeros, or at most 13 with them. The result names what was taken.
    """
    _check(method, WILCOXON_METHODS)
    differences, left_out = _differences(first, second)
    n, n_zero = len(differences), int((differences == 0).sum())
    nonzero = differences[differences != 0]
    ranks = _ranks(np.abs(nonzero))
    if method == "auto":
        broken = n_zero > 0 or len(np.unique(ranks)) < len(ranks)
        method = "exact" if n <= (_EXACT_WITH_TIES if broken else _EXACT_WITHOUT) else "normal_approximation"
    reason, p = _degenerate(differences)
    if reason:
        return PairedTest("Wilcoxon", method, math.nan, p, n, n_zero, left_out, reason)
    upper, whole = float(ranks[nonzero > 0].sum()), float(ranks.sum())
    statistic = min(upper, whole - upper)
    if method == "exact":
        p = _signed_rank_p(ranks, statistic)
    else:  # the sum of squared ranks over 4 is the variance, ties or none
        p = math.erfc((whole / 2 - statistic) / math.sqrt(float((ranks**2).sum()) / 4) / math.sqrt(2))
    return PairedTest("Wilcoxon", method, statistic, p, n, n_zero, left_out)


def sign_flip(
    first: ArrayLike, second: ArrayLike, *, method: str = "auto", draws: int = 9999, seed: int = 0
) -> PairedTest:
    """Permutation test of the mean difference: which of the two a score belongs to is exchanged (Fisher 1935).

    ``exact`` goes through all ``2**n`` exchanges (at most 2**16), ``monte_carlo`` through `draws` random ones and the
    one at hand; ``auto`` is exact where it can be.

    Raises
    ------
    InputError
        If ``exact`` is asked for more than 16 pairs.
    """
    _check(method, SIGN_FLIP_METHODS)
    differences, left_out = _differences(first, second)
    n, n_zero = len(differences), int((differences == 0).sum())
    if method == "exact" and n > _FLIPS_AT_MOST:
        raise InputError(f"an exact permutation test takes at most {_FLIPS_AT_MOST} pairs; there are {n}: monte_carlo")
    if method == "auto":
        method = "exact" if n <= _FLIPS_AT_MOST else "monte_carlo"
    reason, p = _degenerate(differences)
    if reason:
        return PairedTest("permutation", method, math.nan, p, n, n_zero, left_out, reason)
    if method == "exact":
        bits = (np.arange(2**n)[:, None] >> np.arange(n)) & 1
        extra = 0
    else:
        bits = np.random.default_rng(seed).integers(2, size=(draws, n))
        extra = 1
    observed = float(differences.mean())
    means = (1 - 2 * bits) @ differences / n
    beyond = int((np.abs(means) >= abs(observed) - 10.0**-DECIMALS).sum())
    return PairedTest("permutation", method, observed, (beyond + extra) / (len(bits) + extra), n, n_zero, left_out)


def _check(method: str, known: Sequence[str]) -> None:
    if method not in known:
        raise InputError(f"method {method!r}: expected one of {', '.join(known)}")


def _differences(first: ArrayLike, second: ArrayLike) -> tuple[NDArray[np.float64], int]:
    """Rounded differences of the pairs in which both are defined, and how many pairs were left out."""
    ours, theirs = np.asarray(first, dtype=np.float64), np.asarray(second, dtype=np.float64)
    if ours.shape != theirs.shape or ours.ndim != 1:
        raise InputError(f"paired tests need two lists of the same length; found {ours.shape} and {theirs.shape}")
    defined = ~np.isnan(ours) & ~np.isnan(theirs)
    return np.round(ours[defined] - theirs[defined], DECIMALS), int((~defined).sum())


def _degenerate(differences: NDArray[np.float64]) -> tuple[str, float]:
    """Why a test has no statistic, with the p value that it then has; no reason if it has one."""
    if len(differences) < 2:
        return TOO_FEW, math.nan
    return ("", math.nan) if differences.any() else (ALL_ZERO, 1.0)


def _ranks(sizes: NDArray[np.float64]) -> NDArray[np.float64]:
    """Ranks from 1, equal sizes sharing the mean of theirs."""
    _, place, counts = np.unique(sizes, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    return np.asarray((last - (counts - 1) / 2)[place], dtype=np.float64)


def _signed_rank_p(ranks: NDArray[np.float64], statistic: float) -> float:
    """Twice the share of all sign patterns whose positive ranks sum to at most `statistic`; at most 1."""
    doubled = np.rint(2 * ranks).astype(np.int64)  # midranks are halves
    shares = np.zeros(int(doubled.sum()) + 1)
    shares[0] = 1.0
    for rank in doubled:
        shares[rank:] = (shares[rank:] + shares[: len(shares) - rank]) / 2
        shares[:rank] /= 2
    return min(1.0, 2 * float(shares[: round(2 * statistic) + 1].sum()))
