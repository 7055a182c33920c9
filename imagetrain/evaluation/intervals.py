"""The score interval of an AUROC, in closed form but for a root, and when it is the one to print."""

from __future__ import annotations

from scipy.optimize import brentq
from scipy.special import ndtri

from radprompter.statistics import UNDEFINED, Interval

FEW_ERRORS = 5
"""Below so many misranked cases of the rarer class DeLong's interval is too narrow, whatever the number of cases."""


def is_scarce(auroc: float, n_positive: int, n_negative: int, *, few: int) -> bool:
    """Whether an AUROC rests on too little for DeLong's interval, as simulations of its coverage have it.

    That is with fewer than `few` positives or negatives, or fewer than `FEW_ERRORS` of the rarer class ranked wrongly
    (or rightly, below one half): a normal interval needs both outcomes, as that of a proportion does.
    """
    rarer = min(n_positive, n_negative)
    return rarer < few or rarer * min(auroc, 1 - auroc) < FEW_ERRORS


def hanley_mcneil_variance(auroc: float, n_positive: int, n_negative: int) -> float:
    """Variance of an AUROC of this size under exponential scores (Hanley & McNeil 1982, eq. 1 to 3)."""
    q1 = auroc / (2 - auroc)
    q2 = 2 * auroc * auroc / (1 + auroc)
    spread = auroc * (1 - auroc) + (n_positive - 1) * (q1 - auroc**2) + (n_negative - 1) * (q2 - auroc**2)
    return spread / (n_positive * n_negative)


def auroc_score_interval(auroc: float, n_positive: int, n_negative: int, *, alpha: float = 0.05) -> Interval:
    """The AUROCs that a score test with the Hanley-McNeil variance would not reject.

    Keeps its coverage with few positives, where DeLong's interval is too narrow, and stays inside [0, 1] with a width
    above zero even for an AUROC of 1.
    """
    if not n_positive or not n_negative or auroc != auroc:
        return UNDEFINED
    z = float(ndtri(1 - alpha / 2))
    edge = 1e-12

    def excess(candidate: float) -> float:
        return (auroc - candidate) ** 2 - z * z * hanley_mcneil_variance(candidate, n_positive, n_negative)

    low = float(brentq(excess, edge, auroc, xtol=1e-13)) if auroc > edge and excess(edge) > 0 else 0.0
    high = float(brentq(excess, auroc, 1 - edge, xtol=1e-13)) if auroc < 1 - edge and excess(1 - edge) > 0 else 1.0
    if auroc >= 1 - edge:
        low = float(brentq(excess, edge, 1 - 1e-9, xtol=1e-13))
    if auroc <= edge:
        high = float(brentq(excess, 1e-9, 1 - edge, xtol=1e-13))
    return Interval(low, high)
