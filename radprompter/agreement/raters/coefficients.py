"""Chance-corrected agreement of two or many raters, with missing ratings, weights, standard errors and intervals.

Every coefficient is (pa - pe) / (1 - pe): observed agreement pa, agreement by chance pe. They differ in pe. Weights
count near categories as agreement in part; with them Gwet's AC1 is called AC2.

K. Gwet, Br J Math Stat Psychol 61 (2008) 29, and Handbook of Inter-Rater Reliability, 4th ed. (2014), chapters 2 to 5:
estimates with missing ratings, and variances by linearisation. A subject with one rating counts in how often
categories are chosen (but not in Krippendorff's alpha), and in n. Checked against Gwet's irrCAC 1.4.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtr, stdtrit

from radprompter.agreement.raters import chance
from radprompter.agreement.raters.ratings import MISSING, Ratings
from radprompter.agreement.raters.weights import Floats, WeightsLike, is_identity, named, weigh
from radprompter.errors import InputError

ZERO = 1e-12
"""Differences from one, and standard errors, up to here are rounding."""


class Reason(StrEnum):
    """Why a coefficient, or its standard error and interval, is undefined or says little."""

    RATER_SILENT = "rater_silent"
    NO_PAIRS = "no_pairs"
    ONE_CATEGORY = "one_category"
    TWO_RATERS_ONLY = "two_raters_only"
    ONE_SUBJECT = "one_subject"
    ZERO_VARIANCE = "zero_variance"

    @property
    def words(self) -> str:
        """The reason in words."""
        return WORDS[self]


WORDS: Mapping[Reason, str] = {
    Reason.RATER_SILENT: "fewer than two raters gave a rating",
    Reason.NO_PAIRS: "no subject has two ratings",
    Reason.ONE_CATEGORY: "all ratings are in one category, so chance alone agrees always: 0 / 0",
    Reason.TWO_RATERS_ONLY: "Cohen's kappa is for two raters; Conger's and Fleiss' are for more",
    Reason.ONE_SUBJECT: "one subject shows no variance: no interval",
    Reason.ZERO_VARIANCE: "the estimated variance is zero, which says nothing about the uncertainty",
}


INTERVALS = ("t", "score")
"""Student's t around the value, as papers and irrCAC have it; or Wilson's around pa, with the size that gives the same
standard error (Korn and Graubard 1998 do so for a proportion), which holds near 1 and where nobody differs."""


class Coefficient(NamedTuple):
    """One coefficient of agreement; what is undefined is NaN, and `reason` says why.

    `p` is two-sided for the value 0, by Student's t; the interval is cut to what the coefficient can be. Where `reason`
    is `Reason.ONE_SUBJECT` the value holds without an interval; where it is `Reason.ZERO_VARIANCE` the t interval is
    the value alone and means nothing, and the score interval holds.
    """

    name: str
    value: float
    se: float
    low: float
    high: float
    p: float
    pa: float
    pe: float
    n_subjects: int  # with two ratings or more
    n_raters: int  # who rated any subject
    n_left_out: int  # subjects with fewer than two ratings
    reason: Reason | None
    weights: str


class Kind(NamedTuple):
    """A coefficient's name without and with weights, how it is made, and the least that it can be."""

    title: str
    weighted_title: str
    parts: Callable[[Ratings, Floats], chance.Parts]
    lowest: float = -1.0


COEFFICIENTS: Mapping[str, Kind] = {
    "percent": Kind("percent agreement", "weighted percent agreement", chance.percent, 0.0),
    "gwet": Kind("AC1", "AC2", chance.gwet),
    "cohen": Kind("Cohen's kappa", "Cohen's weighted kappa", chance.conger),
    "conger": Kind("Conger's kappa", "Conger's weighted kappa", chance.conger),
    "fleiss": Kind("Fleiss' kappa", "Fleiss' weighted kappa", chance.fleiss),
    "krippendorff": Kind("Krippendorff's alpha", "Krippendorff's weighted alpha", chance.krippendorff),
    "brennan_prediger": Kind("Brennan-Prediger", "weighted Brennan-Prediger", chance.brennan_prediger),
}
"""Every coefficient by the name that options use. Cohen's kappa takes only subjects that both raters rated."""


def coefficient(
    name: str,
    ratings: Ratings,
    *,
    weights: WeightsLike = "identity",
    confidence: float = 0.95,
    interval: str = "t",
    ddof: int = 1,
) -> Coefficient:
    """One coefficient of agreement with its standard error, interval and two-sided p.

    Parameters
    ----------
    name:
        A key of `COEFFICIENTS`.
    weights:
        A key of `weights.WEIGHTS` for the categories in their order, or a matrix ``(q, q)``.
    interval:
        One of `INTERVALS`.
    ddof:
        The variance is over n - ddof: 1 for subjects that stand for others, as irrCAC takes ratings; 0 for the
        classic formulas of a contingency table, as irrCAC takes those.

    Raises
    ------
    InputError
        If the name, the weights or the interval is unknown, or `confidence` is not between 0 and 1.
    """
    for what, given, known in (("coefficient", name, COEFFICIENTS), ("interval", interval, INTERVALS)):
        if given not in known:
            raise InputError(f"{what} {given!r}: expected one of {', '.join(known)}")
    if not 0 < confidence < 1:
        raise InputError(f"confidence {confidence}: expected a number between 0 and 1, such as 0.95")
    kind, matrix = COEFFICIENTS[name], weigh(weights, len(ratings.categories))
    n_given = (ratings.codes != MISSING).sum(axis=1)
    n_subjects, n_raters = int((n_given >= 2).sum()), int((ratings.codes != MISSING).any(axis=0).sum())
    title = kind.title if is_identity(matrix) else kind.weighted_title
    undefined = Coefficient(
        title, *(np.nan,) * 7, n_subjects, n_raters, len(n_given) - n_subjects, None, named(weights)
    )  # fmt: skip
    if name == "cohen" and ratings.codes.shape[1] != 2:
        return undefined._replace(reason=Reason.TWO_RATERS_ONLY)
    if n_raters < 2 or not n_subjects:
        return undefined._replace(reason=Reason.RATER_SILENT if n_raters < 2 else Reason.NO_PAIRS)
    rated = ratings.take(n_given >= (2 if name == "cohen" else 1))
    used = ratings.take(n_given >= 2) if name == "krippendorff" else rated
    parts = kind.parts(used, matrix)
    found = undefined._replace(pa=parts.pa, pe=parts.pe)
    if 1 - parts.pe < ZERO:
        return found._replace(reason=Reason.ONE_CATEGORY)
    value = (parts.pa - parts.pe) / (1 - parts.pe)
    se = _standard_error(_linearised(parts), used.clusters, ddof)
    return _with_interval(found._replace(value=value, se=se), kind.lowest, _n_units(rated), confidence, interval)


def _linearised(parts: chance.Parts) -> Floats:
    """How much each subject moves the coefficient; the sum is 0."""
    value = (parts.observed.mean() - parts.pe) / (1 - parts.pe)
    moved = parts.observed - parts.pe * parts.paired - (1 - value) * parts.by_chance
    return np.asarray(moved / (1 - parts.pe) - value, dtype=np.float64)


def _standard_error(moved: Floats, clusters: NDArray[np.int64] | None, ddof: int) -> float:
    """The subjects of a cluster are summed first."""
    n = len(moved)
    if clusters is not None:
        moved = np.bincount(np.unique(clusters, return_inverse=True)[1], weights=moved).astype(np.float64)
    n_units = len(moved)
    if n_units < 2:
        return float("nan")
    return float(np.sqrt((moved**2).sum() * n_units / (n_units - ddof)) / n)


def _n_units(ratings: Ratings) -> int:
    return len(ratings.codes) if ratings.clusters is None else len(np.unique(ratings.clusters))


def _with_interval(found: Coefficient, lowest: float, n_units: int, confidence: float, interval: str) -> Coefficient:
    value, se = found.value, found.se
    if np.isnan(se):
        return found._replace(reason=Reason.ONE_SUBJECT)
    t = float(stdtrit(n_units - 1, (1 + confidence) / 2))
    if se < ZERO:
        found = found._replace(se=0.0, reason=Reason.ZERO_VARIANCE)
    else:
        found = found._replace(p=float(2 * stdtr(n_units - 1, -abs(value / se))))
    low, high = (value - t * found.se, value + t * found.se) if interval == "t" else _score(found, t, n_units)
    return found._replace(low=min(value, max(low, lowest)), high=max(value, min(high, 1.0)))


def _score(found: Coefficient, t: float, n_units: int) -> tuple[float, float]:
    pa, beyond_chance = found.pa, 1 - found.pe
    spread = pa * (1 - pa)
    size = spread / (found.se * beyond_chance) ** 2 if found.se and spread > ZERO else n_units
    middle = pa + t**2 / (2 * size)
    half = t * np.sqrt(max(spread, 0.0) / size + (t / (2 * size)) ** 2)
    ends = ((middle + side) / (1 + t**2 / size) for side in (-half, half))
    low, high = (float((end - found.pe) / beyond_chance) for end in ends)
    return low, high
