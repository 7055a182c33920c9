"""Variance of AUROCs where patients, not studies, are independent.

N. Obuchowski, Biometrics 53 (1997) 567, whose sums over the cases of a cluster are DeLong's placements.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from imagetrain.evaluation.auroc import Floats


class Patients(NamedTuple):
    """Whose each positive and each negative is, as codes below `n`."""

    of_positives: NDArray[np.intp]  # (n_positive,)
    of_negatives: NDArray[np.intp]  # (n_negative,)
    n: int

    @property
    def too_few(self) -> bool:
        """Whether all positives, or all negatives, are of one patient."""
        return min(len(np.unique(codes)) for codes in (self.of_positives, self.of_negatives)) < 2


def clustered_covariance(of_positives: Floats, of_negatives: Floats, patients: Patients) -> Floats:
    """Covariance of the AUROCs of several curves, ``(n_curves, n_curves)``.

    Parameters
    ----------
    of_positives, of_negatives:
        Placements, ``(n_curves, n_positive)`` and ``(n_curves, n_negative)``: for each case, the share of the other
        class that it is rightly ranked against.
    """
    positives, n_with_positives = _sums(of_positives, patients.of_positives, patients.n)
    negatives, n_with_negatives = _sums(of_negatives, patients.of_negatives, patients.n)
    both, of_both = positives + negatives, _unbiased(patients.n)
    return np.asarray(  # his terms in another order: no variance is a difference, which rounding takes below zero
        both @ both.T * of_both
        + positives @ positives.T * (_unbiased(n_with_positives) - of_both)
        + negatives @ negatives.T * (_unbiased(n_with_negatives) - of_both)
    )


def _sums(placements: Floats, patients: NDArray[np.intp], n: int) -> tuple[Floats, int]:
    """Each patient's sum of what its cases add to the AUROC's error, ``(n_curves, n)``, and how many patients have any.

    Divided by the number of cases, so that products are those of the AUROC.
    """
    moved = (placements - placements.mean(axis=1, keepdims=True)) / placements.shape[1]
    sums = np.zeros((len(moved), n))
    for row, into in zip(moved, sums, strict=True):
        into += np.bincount(patients, weights=row, minlength=n)
    return sums, len(np.unique(patients))


def _unbiased(n: int) -> float:
    return n / (n - 1)
