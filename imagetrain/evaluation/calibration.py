"""Whether probabilities mean what they say: calibration intercept and slope, Brier score, calibration error, curve.

B. Van Calster et al., Journal of Clinical Epidemiology 74 (2016) 167: intercept and slope are those of a logistic
regression of the labels on the logits. Intervals of both are Wald's; where patients have several studies, with the
sandwich variance in which patients are independent (K. Liang, S. Zeger, Biometrika 73 (1986) 13).
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import brentq
from scipy.special import expit, logit, ndtri

from imagetrain.evaluation.auroc import Floats, known_cases
from imagetrain.evaluation.bootstrap import Counts, drawn_sums
from imagetrain.evaluation.thresholds import rate_of
from radprompter.statistics import UNDEFINED

N_BINS = 10
MOST_STEPS = 100
CONVERGED = 1e-12


class FitStatus(StrEnum):
    """Whether a regression of labels on logits has an answer, and if not, why."""

    OK = "ok"
    ONE_CLASS = "one_class"
    SEPARATED = "separated"
    CONSTANT = "constant"

    @property
    def reason(self) -> str:
        """The status in words."""
        return REASONS[self]


REASONS = {
    FitStatus.OK: "",
    FitStatus.ONE_CLASS: "positives or negatives are absent",
    FitStatus.SEPARATED: "a threshold tells positives from negatives without an error, so no slope is steep enough",
    FitStatus.CONSTANT: "all logits are the same",
}


class Coefficient(NamedTuple):
    """A coefficient with its standard error and Wald interval; NaN where there is none."""

    value: float
    error: float
    low: float
    high: float
    status: FitStatus


class CalibrationLine(NamedTuple):
    """``logit(p) = intercept + slope * logit``, fitted; a calibrated classifier has 0 and 1."""

    intercept: Coefficient
    slope: Coefficient


class Bin(NamedTuple):
    """Cases of similar probability: the mean of these, and how many are positive, with the interval of `rate_of`."""

    probability: float
    share: float
    low: float
    high: float
    n: int
    n_positive: int


class CalibrationReplicates(NamedTuple):
    """Brier score and calibration error of each resample, ``(n_resamples,)``; NaN in one without cases."""

    brier: Floats
    error: Floats


def calibration_in_the_large(
    targets: ArrayLike, logits: ArrayLike, *, alpha: float = 0.05, patient_ids: Sequence[str] | None = None
) -> Coefficient:
    """The shift of all logits that makes as many positives expected as there are: 0 if that is so already.

    Above 0, the probabilities are too low. The slope stays 1.
    """
    positive, values = known_cases(targets, logits)
    if positive.all() or not positive.any():
        return _undefined(FitStatus.ONE_CLASS)
    wanted = logit(positive.mean())

    def surplus(shift: float) -> float:
        return float(expit(values + shift).sum() - positive.sum())

    low, high = wanted - values.max(), wanted - values.min()
    margin = 1e-9 * (1 + abs(low) + abs(high))
    shift = brentq(surplus, low - margin, high + margin, xtol=1e-13)  # monotone, however far the logits are
    p = expit(values + shift)
    information = float((p * (1 - p)).sum())
    if not information:
        return _coefficient(shift, np.inf, alpha)
    covariance = _covariance(np.ones((values.size, 1)), p, positive, _patients_of(targets, patient_ids))
    return _coefficient(shift, float(covariance[0, 0]), alpha)


def calibration_line(
    targets: ArrayLike, logits: ArrayLike, *, alpha: float = 0.05, patient_ids: Sequence[str] | None = None
) -> CalibrationLine:
    """Intercept and slope of a logistic regression of the labels on the logits.

    A slope below 1 says that the probabilities are too extreme, as those of overfitted networks are.
    """
    positive, values = known_cases(targets, logits)
    status = _status(positive, values)
    if status is not FitStatus.OK:
        return CalibrationLine(_undefined(status), _undefined(status))
    centre, spread = float(values.mean()), float(values.std())  # the fit is on standardised logits, for its rounding
    standard = np.column_stack([np.ones(values.size), (values - centre) / spread])
    found = _logistic(standard, positive)
    covariance = _covariance(standard, expit(standard @ found), positive, _patients_of(targets, patient_ids))
    back = np.array([[1, -centre / spread], [0, 1 / spread]])
    variances = np.diag(back @ covariance @ back.T)
    intercept, slope = (_coefficient(value, v, alpha) for value, v in zip(back @ found, variances, strict=True))
    return CalibrationLine(intercept, slope)


def brier_score(targets: ArrayLike, probabilities: ArrayLike) -> float:
    """Mean squared distance of probability and label (Brier 1950); 0 is best. NaN without cases."""
    positive, values = known_cases(targets, probabilities)
    return float(np.mean((values - positive) ** 2)) if values.size else float("nan")


def replicate_calibration(
    targets: ArrayLike, probabilities: ArrayLike, counts: Counts, *, n_bins: int = N_BINS
) -> CalibrationReplicates:
    """Brier score and calibration error of each resample, the bins staying those of all cases."""
    known = np.flatnonzero(~np.isnan(np.asarray(targets, dtype=np.float64)))
    positive, values = known_cases(targets, probabilities)
    bins = np.searchsorted(_firsts(np.sort(values), n_bins), values, side="right")
    gaps = np.zeros((n_bins, values.size))  # of a bin, n times |mean probability - share| is the size of a sum
    gaps[bins, np.arange(values.size)] = values - positive
    sums = drawn_sums(np.vstack([gaps, (values - positive) ** 2, np.ones(values.size)]), counts, known)
    whole = np.where(sums[-1] > 0, sums[-1], np.nan)
    return CalibrationReplicates(sums[-2] / whole, np.abs(sums[:-2]).sum(axis=0) / whole)


def calibration_curve(
    targets: ArrayLike,
    probabilities: ArrayLike,
    *,
    n_bins: int = N_BINS,
    alpha: float = 0.05,
    patient_ids: Sequence[str] | None = None,
) -> list[Bin]:
    """Cases in bins of equal number by probability; equal probabilities are never in two bins."""
    positive, values = known_cases(targets, probabilities)
    order = np.argsort(values, kind="stable")
    positive, values = positive[order], values[order]
    patients = _patients_of(targets, patient_ids)
    patients = np.arange(values.size) if patients is None else patients[order]
    bins = []
    for inside in np.split(np.arange(values.size), np.searchsorted(values, _firsts(values, n_bins))):
        if inside.size:
            share = rate_of(positive[inside], patients[inside], alpha=alpha)
            bins.append(Bin(float(values[inside].mean()), *share[:3], share.denominator, share.numerator))
    return bins


def _firsts(ordered: Floats, n_bins: int) -> Floats:
    """The least value of each bin but the first, ascending; fewer than `n_bins` - 1 where values are equal."""
    return np.unique(ordered[np.arange(1, n_bins) * ordered.size // n_bins]) if ordered.size else ordered


def calibration_error(curve: list[Bin]) -> float:
    """Mean distance of a curve from the diagonal, by cases (expected calibration error); NaN without cases.

    Above 0 even for a calibrated classifier, the more so the fewer cases a bin has.
    """
    n = sum(one.n for one in curve)
    return sum(one.n * abs(one.probability - one.share) for one in curve) / n if n else float("nan")


def _status(positive: NDArray[np.bool_], values: Floats) -> FitStatus:
    if positive.all() or not positive.any():
        return FitStatus.ONE_CLASS
    if values.min() == values.max():
        return FitStatus.CONSTANT
    above, below = values[positive], values[~positive]
    apart = above.min() >= below.max() or above.max() <= below.min()
    return FitStatus.SEPARATED if apart else FitStatus.OK


def _logistic(design: Floats, positive: NDArray[np.bool_]) -> Floats:
    """Maximum-likelihood coefficients, by Newton steps that are halved where they overshoot."""
    beta = np.zeros(design.shape[1])
    for _ in range(MOST_STEPS):
        p = expit(design @ beta)
        information = (design * (p * (1 - p))[:, None]).T @ design
        step = np.linalg.solve(information, design.T @ (positive - p))
        before = _deviance(design @ beta, positive)
        while _deviance(design @ (beta + step), positive) > before * (1 + 1e-12):
            step = step / 2
        beta = beta + step
        if np.abs(step).max() < CONVERGED * (1 + np.abs(beta).max()):
            break
    return np.asarray(beta, dtype=np.float64)


def _covariance(design: Floats, p: Floats, positive: NDArray[np.bool_], patients: NDArray[np.intp] | None) -> Floats:
    """Covariance of maximum-likelihood coefficients; by the sandwich where patients have several cases.

    NaN where all cases are of one patient.
    """
    inverse = np.linalg.inv((design * (p * (1 - p))[:, None]).T @ design)
    n_patients = 0 if patients is None else int(patients.max()) + 1
    if patients is None or n_patients == patients.size:
        return np.asarray(inverse, dtype=np.float64)
    if n_patients == 1:  # nobody is independent of whom
        return np.full(inverse.shape, np.nan)
    scores = np.zeros((n_patients, design.shape[1]))
    np.add.at(scores, patients, design * (positive - p)[:, None])
    return np.asarray(inverse @ (scores.T @ scores) @ inverse * n_patients / (n_patients - 1), dtype=np.float64)


def _patients_of(targets: ArrayLike, patient_ids: Sequence[str] | None) -> NDArray[np.intp] | None:
    """Codes of the patients of the cases whose label is known."""
    if patient_ids is None:
        return None
    known = ~np.isnan(np.asarray(targets, dtype=np.float64))
    _, codes = np.unique(np.asarray(patient_ids, dtype=str)[known], return_inverse=True)
    return np.asarray(codes, dtype=np.intp)


def _deviance(logits: Floats, positive: NDArray[np.bool_]) -> float:
    return float(2 * np.logaddexp(0, np.where(positive, -logits, logits)).sum())


def _coefficient(value: float, variance: float, alpha: float) -> Coefficient:
    error = float(variance) ** 0.5
    half = float(ndtri(1 - alpha / 2)) * error
    return Coefficient(float(value), error, float(value) - half, float(value) + half, FitStatus.OK)


def _undefined(status: FitStatus) -> Coefficient:
    return Coefficient(np.nan, np.nan, *UNDEFINED, status)
