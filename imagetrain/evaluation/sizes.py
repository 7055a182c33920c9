"""How many studies a validation needs: for an interval of a wanted width, and for a difference to be found.

Variances are those of J. Hanley, B. McNeil, Radiology 143 (1982) 29; two classifiers of the same studies as in
Radiology 148 (1983) 839, where `correlation` is that of the two AUROCs. They are for planning: intervals of results are
DeLong's or the score's.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from scipy.special import ndtr, ndtri

from imagetrain.evaluation.intervals import hanley_mcneil_variance
from radprompter.errors import InputError

MOST = 100_000_000


class SampleSize(NamedTuple):
    """Studies to gather."""

    n: int
    n_positive: int
    n_negative: int


def interval_width(auroc: float, n_positive: int, n_negative: int, *, alpha: float = 0.05) -> float:
    """Expected width of the normal ``1 - alpha`` interval of an AUROC."""
    error: float = hanley_mcneil_variance(auroc, n_positive, n_negative) ** 0.5
    return 2 * float(ndtri(1 - alpha / 2)) * error


def studies_for_width(auroc: float, prevalence: float, width: float, *, alpha: float = 0.05) -> SampleSize:
    """The fewest studies whose interval is expected to be no wider than `width`.

    Raises
    ------
    InputError
        If a number is out of range, or more than 100 million studies would be needed.
    """
    _check(auroc=auroc, prevalence=prevalence, width=width, alpha=alpha)
    return _fewest(prevalence, lambda size: interval_width(auroc, *size[1:], alpha=alpha) <= width)


def power_of_difference(
    auroc_a: float, auroc_b: float, n_positive: int, n_negative: int, *, correlation: float = 0.0, alpha: float = 0.05
) -> float:
    """The chance that a two-sided test tells two AUROCs apart.

    Parameters
    ----------
    correlation:
        Of the two estimates: 0 for two independent sets of studies of this size each; that of two classifiers on the
        same studies is often 0.3 to 0.6.
    """
    a, b = (hanley_mcneil_variance(auroc, n_positive, n_negative) for auroc in (auroc_a, auroc_b))
    error = (a + b - 2 * correlation * (a * b) ** 0.5) ** 0.5
    if error == 0:
        return float(auroc_a != auroc_b)
    shift, z = abs(auroc_a - auroc_b) / error, float(ndtri(1 - alpha / 2))
    return float(ndtr(shift - z) + ndtr(-shift - z))


def studies_for_power(
    auroc_a: float,
    auroc_b: float,
    prevalence: float,
    *,
    power: float = 0.8,
    correlation: float = 0.0,
    alpha: float = 0.05,
) -> SampleSize:
    """The fewest studies with which two AUROCs are told apart with a chance of `power`.

    Raises
    ------
    InputError
        If a number is out of range, or more than 100 million studies would be needed.
    """
    _check(auroc_a=auroc_a, auroc_b=auroc_b, prevalence=prevalence, power=power, alpha=alpha)
    if not -1 < correlation < 1:
        raise InputError(f"correlation: expected a number between -1 and 1, found {correlation:g}")
    return _fewest(
        prevalence,
        lambda size: power_of_difference(auroc_a, auroc_b, *size[1:], correlation=correlation, alpha=alpha) >= power,
    )


def _fewest(prevalence: float, is_enough: Callable[[SampleSize], bool]) -> SampleSize:
    few, many = 1, 4
    while not is_enough(_sized(many, prevalence)):
        few, many = many, many * 2
        if many > MOST:
            raise InputError("more than 100 million studies would be needed; ask for less")
    while many - few > 1:
        middle = (few + many) // 2
        few, many = (few, middle) if is_enough(_sized(middle, prevalence)) else (middle, many)
    return _sized(many, prevalence)


def _sized(n: int, prevalence: float) -> SampleSize:
    n_positive = min(max(round(n * prevalence), 1), n - 1)
    return SampleSize(n, n_positive, n - n_positive)


def _check(**numbers: float) -> None:
    for name, value in numbers.items():
        if not 0 < value < 1:
            raise InputError(f"{name}: expected a number between 0 and 1, found {value:g}")
