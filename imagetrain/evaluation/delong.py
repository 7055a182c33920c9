"""DeLong's variance of an AUROC, and his tests between two, in O(n log n).

E. DeLong, D. DeLong, D. Clarke-Pearson, Biometrics 44 (1988) 837; placements from a single sort of each score, where
X. Sun, W. Xu, IEEE Signal Processing Letters 21 (2014) 1389, take three. They hold for fixed models on cases that none
of them was trained on, and count studies as independent, unless it is said whose they are: then patients are, by
N. Obuchowski's variance for clustered data, Biometrics 53 (1997) 567. With a single study of each patient both are the
same.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtr, ndtri, stdtr, stdtrit

from imagetrain.evaluation.auroc import Floats, known_cases
from imagetrain.evaluation.clusters import Patients, clustered_covariance
from radprompter.errors import InputError

ZERO = 1e-14
"""Standard errors up to here are rounding: one case of a million that moves by one rank makes 1e-12."""


class DelongStatus(StrEnum):
    """Whether a result is defined, and if not, why."""

    OK = "ok"
    ONE_CLASS = "one_class"
    ONE_POSITIVE = "one_positive"
    ONE_NEGATIVE = "one_negative"
    ONE_PATIENT = "one_patient"
    ZERO_VARIANCE = "zero_variance"

    @property
    def reason(self) -> str:
        """The status in words."""
        return REASONS[self]


REASONS = {
    DelongStatus.OK: "",
    DelongStatus.ONE_CLASS: "positives or negatives are absent",
    DelongStatus.ONE_POSITIVE: "a variance needs at least two positives",
    DelongStatus.ONE_NEGATIVE: "a variance needs at least two negatives",
    DelongStatus.ONE_PATIENT: "a variance needs positives, and negatives, of at least two patients",
    DelongStatus.ZERO_VARIANCE: "the estimated variance is zero, which says nothing about the uncertainty",
}


class DelongMethod(StrEnum):
    """What a variance takes for independent."""

    STUDIES = "delong"
    PATIENTS = "delong_clustered"


class DelongAuroc(NamedTuple):
    """An AUROC with DeLong's variance and normal interval, cut to [0, 1]; undefined numbers are NaN."""

    auroc: float
    variance: float
    low: float
    high: float
    n_positive: int
    n_negative: int
    status: DelongStatus
    method: DelongMethod = DelongMethod.STUDIES


class DelongTest(NamedTuple):
    """A two-sided test of ``auroc_a - auroc_b = 0``; undefined numbers are NaN."""

    auroc_a: float
    auroc_b: float
    difference: float
    low: float
    high: float
    statistic: float
    df: float  # inf for the normal distribution
    p: float
    status: DelongStatus
    method: DelongMethod = DelongMethod.STUDIES


class _Placements(NamedTuple):
    """For each curve, the share of the other class that each case is rightly ranked against."""

    positives: Floats  # (n_curves, n_positive)
    negatives: Floats  # (n_curves, n_negative)
    status: DelongStatus
    patients: Patients | None  # None if each case is a patient of its own

    @property
    def aurocs(self) -> Floats:
        if self.status is DelongStatus.ONE_CLASS:
            return np.full(len(self.positives), np.nan)
        return np.asarray(self.positives.mean(axis=1))

    @property
    def method(self) -> DelongMethod:
        return DelongMethod.STUDIES if self.patients is None else DelongMethod.PATIENTS

    @property
    def n_units(self) -> int:
        """Independent cases, or patients."""
        cases = self.positives.shape[1] + self.negatives.shape[1]
        return cases if self.patients is None else self.patients.n

    def covariance(self) -> Floats:
        """Of the AUROCs, ``(n_curves, n_curves)``."""
        if self.patients is not None:
            return clustered_covariance(self.positives, self.negatives, self.patients)
        of_positives = np.atleast_2d(np.cov(self.positives)) / self.positives.shape[1]
        return np.asarray(of_positives + np.atleast_2d(np.cov(self.negatives)) / self.negatives.shape[1])

    def variance(self, weights: ArrayLike) -> float:
        """Of a weighted sum of the AUROCs."""
        of_positives, of_negatives = np.asarray(weights) @ self.positives, np.asarray(weights) @ self.negatives
        if self.patients is not None:
            return float(clustered_covariance(of_positives[None], of_negatives[None], self.patients)[0, 0])
        return float(of_positives.var(ddof=1) / of_positives.size + of_negatives.var(ddof=1) / of_negatives.size)


def _placements(targets: ArrayLike, scores: ArrayLike, patient_ids: Sequence[str] | None) -> _Placements:
    positive, values = known_cases(targets, scores)
    patients = None if patient_ids is None else _patients(patient_ids, targets, positive)
    values = np.atleast_2d(values)
    m, n = int(positive.sum()), int((~positive).sum())
    if not m or not n:
        return _Placements(values[:, positive], values[:, ~positive], DelongStatus.ONE_CLASS, patients)
    placed = np.stack([_rightly_ranked(positive, row) for row in values])
    of_positives, of_negatives = placed[:, positive], placed[:, ~positive]
    status = DelongStatus.ONE_POSITIVE if m == 1 else DelongStatus.ONE_NEGATIVE if n == 1 else DelongStatus.OK
    if status is DelongStatus.OK and patients is not None and patients.too_few:
        status = DelongStatus.ONE_PATIENT
    return _Placements(of_positives, of_negatives, status, patients)


def _rightly_ranked(positive: NDArray[np.bool_], scores: Floats) -> Floats:
    """Share of the other class that each case is on the right side of, ties one half, ``(n,)``; by one sort."""
    order = np.argsort(scores)
    starts = np.append(0, np.flatnonzero(np.diff(scores[order])) + 1)
    sizes = np.diff(starts, append=scores.size)
    positives = np.add.reduceat(positive[order], starts, dtype=np.int64)
    negatives = sizes - positives
    below, above = negatives.cumsum() - negatives, positives.sum() - positives.cumsum()
    of_positives = np.repeat((below + negatives / 2) / negatives.sum(), sizes)
    of_negatives = np.repeat((above + positives / 2) / positives.sum(), sizes)
    placed = np.empty(scores.size)
    placed[order] = np.where(positive[order], of_positives, of_negatives)
    return placed


def _patients(patient_ids: Sequence[str], targets: ArrayLike, positive: NDArray[np.bool_]) -> Patients | None:
    """Who the known cases are of; None if no two are of one patient."""
    ids = np.asarray(patient_ids, dtype=str)
    truth = np.asarray(targets, dtype=np.float64)
    if ids.shape != truth.shape:
        raise InputError(f"expected one patient a target, found targets {truth.shape} and patients {ids.shape}")
    found, code = np.unique(ids[~np.isnan(truth)], return_inverse=True)
    return None if found.size == code.size else Patients(code[positive], code[~positive], found.size)


def delong(
    targets: ArrayLike, scores: ArrayLike, *, alpha: float = 0.05, patient_ids: Sequence[str] | None = None
) -> DelongAuroc:
    """AUROC, DeLong's variance and the ``1 - alpha`` interval.

    Parameters
    ----------
    targets, scores:
        ``(n,)``; 1, 0 or NaN (left out), and any finite score that is higher for positives.
    patient_ids:
        ``(n,)``, for the variance that takes patients, not studies, for independent.
    """
    return _summarise(_placements(targets, scores, patient_ids), alpha)


def _summarise(found: _Placements, alpha: float) -> DelongAuroc:
    auroc = float(found.aurocs[0])
    counts = found.positives.shape[1], found.negatives.shape[1]
    if found.status is not DelongStatus.OK:
        return DelongAuroc(auroc, np.nan, np.nan, np.nan, *counts, found.status, found.method)
    variance = found.variance([1.0])
    half = float(ndtri(1 - alpha / 2)) * variance**0.5
    status = DelongStatus.OK if variance**0.5 > ZERO else DelongStatus.ZERO_VARIANCE
    limits = max(0.0, auroc - half), min(1.0, auroc + half)
    return DelongAuroc(auroc, variance, *limits, *counts, status, found.method)


def delong_covariance(targets: ArrayLike, scores: ArrayLike, *, patient_ids: Sequence[str] | None = None) -> Floats:
    """Covariance of the AUROCs of several scores of the same cases, shape ``(n_curves, n_curves)``.

    Parameters
    ----------
    scores:
        ``(n_curves, n)``
    """
    found = _placements(targets, scores, patient_ids)
    if found.status is not DelongStatus.OK:
        return np.full((len(found.positives), len(found.positives)), np.nan)
    return found.covariance()


def paired_test(
    targets: ArrayLike,
    scores_a: ArrayLike,
    scores_b: ArrayLike,
    *,
    alpha: float = 0.05,
    patient_ids: Sequence[str] | None = None,
) -> DelongTest:
    """Whether two scores of the same cases have the same AUROC: DeLong's z test.

    Scores that rank all cases alike give ``p = 1``; another difference without variance has no p.
    """
    found = _placements(targets, np.stack([np.asarray(scores_a), np.asarray(scores_b)]), patient_ids)
    a, b = (float(value) for value in found.aurocs)
    if found.status is not DelongStatus.OK:
        return _undefined(a, b, found.status, found.method)
    return _test(a, b, found.variance([1.0, -1.0]), np.inf, alpha, found.method)


def unpaired_test(
    targets_a: ArrayLike,
    scores_a: ArrayLike,
    targets_b: ArrayLike,
    scores_b: ArrayLike,
    *,
    alpha: float = 0.05,
    patient_ids_a: Sequence[str] | None = None,
    patient_ids_b: Sequence[str] | None = None,
) -> DelongTest:
    """Whether scores of two independent sets of cases have the same AUROC.

    The statistic follows t with Welch-Satterthwaite degrees of freedom, where n is all cases of a set, as in R's pROC,
    or its patients where these are given. A set whose variance is estimated as zero, as that of an AUROC of 1, is not
    taken for certain: a difference from it has no p, where pROC counts the other set's variance alone.
    """
    sides = _placements(targets_a, scores_a, patient_ids_a), _placements(targets_b, scores_b, patient_ids_b)
    first, second = (_summarise(side, alpha) for side in sides)
    method = max(first.method, second.method)
    undefined = [one.status for one in (first, second) if one.status is not DelongStatus.OK]
    if undefined and not (first.auroc == second.auroc and set(undefined) == {DelongStatus.ZERO_VARIANCE}):
        return _undefined(first.auroc, second.auroc, undefined[0], method)
    variance = first.variance + second.variance
    spread = sum(one.variance**2 / (side.n_units - 1) for one, side in zip((first, second), sides, strict=True))
    df = variance**2 / spread if spread > 0 else np.inf
    return _test(first.auroc, second.auroc, variance, df, alpha, method)


def _test(a: float, b: float, variance: float, df: float, alpha: float, method: DelongMethod) -> DelongTest:
    difference, error = a - b, variance**0.5
    if error <= ZERO:
        if abs(difference) <= ZERO:
            return DelongTest(a, b, 0.0, 0.0, 0.0, 0.0, df, 1.0, DelongStatus.OK, method)
        return _undefined(a, b, DelongStatus.ZERO_VARIANCE, method)
    statistic = difference / error
    is_normal, beyond = np.isinf(df), -abs(statistic)
    half = float(ndtri(1 - alpha / 2) if is_normal else stdtrit(df, 1 - alpha / 2)) * error
    p = float(2 * (ndtr(beyond) if is_normal else stdtr(df, beyond)))
    return DelongTest(a, b, difference, difference - half, difference + half, statistic, df, p, DelongStatus.OK, method)


def _undefined(a: float, b: float, status: DelongStatus, method: DelongMethod) -> DelongTest:
    return DelongTest(a, b, a - b, np.nan, np.nan, np.nan, np.nan, np.nan, status, method)
