"""Whether an AUROC could be chance: labels dealt anew among patients, scores left where they are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from imagetrain.evaluation.auroc import Floats, known_cases, midranks


class PermutationTest(NamedTuple):
    """AUROCs under permuted labels, ``(n_permutations,)``, and the share of them that is at least the one observed."""

    auroc: float
    permuted: Floats
    p: float  # (1 + # at least as large) / (1 + n), one-sided; NaN if a class is absent


def permutation_test(
    targets: ArrayLike,
    scores: ArrayLike,
    patient_ids: Sequence[str],
    *,
    permutations: int = 1000,
    seed: int | Sequence[int] = 0,
) -> PermutationTest:
    """Test that scores know nothing of labels.

    Labels move between patients with equally many studies, all of a patient's together and in order, so that what
    studies of one patient have in common stays. Patients without a peer of their number keep theirs.
    """
    known = ~np.isnan(np.asarray(targets, dtype=np.float64))
    positive, values = known_cases(targets, scores)
    n_positive = int(positive.sum())
    n_negative = positive.size - n_positive
    if not n_positive or not n_negative:
        return PermutationTest(np.nan, np.full(permutations, np.nan), np.nan)
    ranks = midranks(values) - (n_positive + 1) / 2  # so that sums are those of the statistic
    generator = np.random.default_rng(seed)
    sums = np.zeros(permutations)
    for rows in _by_size(np.asarray(patient_ids, dtype=str)[known]):
        labels, scored = positive[rows], ranks[rows]
        moving = labels[labels.any(axis=1)]  # where the patients without a positive go makes no difference
        for number in range(permutations if len(moving) else 0):
            places = generator.choice(len(rows), len(moving), replace=False)
            sums[number] += scored[places][moving].sum()
    pairs = n_positive * n_negative
    observed, permuted = ranks[positive].sum() / pairs, sums / pairs
    as_large = int((permuted >= observed - 1e-12).sum())
    return PermutationTest(float(observed), permuted, (1 + as_large) / (1 + permutations))


def _by_size(patients: NDArray[np.str_]) -> list[NDArray[np.intp]]:
    """Indices of the cases, ``(n_patients, n_studies)`` for each number of studies that patients have."""
    order = np.argsort(patients, kind="stable")
    _, starts, counts = np.unique(patients[order], return_index=True, return_counts=True)
    return [order[starts[counts == n, None] + np.arange(n)] for n in np.unique(counts)]
