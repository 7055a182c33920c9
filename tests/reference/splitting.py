"""Splits by the slow way: the same rule written out patient by patient, and the best of all splits by trying each."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence

import numpy as np


def deal_out(
    groups: Sequence[str], strata: np.ndarray, fractions: Mapping[str, float], *, seed: int = 0
) -> dict[str, str]:
    """Iterative stratification over groups, with dictionaries and plain numbers."""
    patients = sorted(set(groups))
    order = [patients[i] for i in np.random.default_rng(seed).permutation(len(patients))]
    n_labels = strata.shape[1]
    has = {patient: [0] * (n_labels + 1) for patient in patients}  # the last one counts studies
    for group, row in zip(groups, strata, strict=True):
        for label in np.flatnonzero(row):
            has[group][label] += 1
        has[group][n_labels] += 1
    share = dict(fractions)
    wanted = {part: [share[part] * sum(row[k] for row in has.values()) for k in range(n_labels + 1)] for part in share}
    part_of: dict[str, str] = {}
    while len(part_of) < len(patients):
        free = [patient for patient in order if patient not in part_of]
        left = {label: sum(has[patient][label] for patient in free) for label in range(n_labels)}
        rare = [label for label in left if left[label] > 0]
        label = min(rare, key=lambda label: (left[label], label)) if rare else n_labels
        members = [patient for patient in free if has[patient][label] > 0]
        for patient in sorted(members, key=lambda patient: -sum(has[patient])):
            best = max(
                share,
                key=lambda part: (
                    wanted[part][n_labels] >= has[patient][n_labels] / 2,
                    wanted[part][label] / share[part],
                    wanted[part][label],
                    wanted[part][n_labels],
                ),
            )
            part_of[patient] = best
            for k in range(n_labels + 1):
                wanted[best][k] -= has[patient][k]
    return part_of


def imbalance(
    groups: Sequence[str], strata: np.ndarray, fractions: Mapping[str, float], part_of: Mapping[str, str]
) -> float:
    """How far labels and studies are from their shares: the mean over labels and parts of |found - wanted| / total."""
    parts = np.array([part_of[group] for group in groups])
    counted = np.column_stack([strata, np.ones(len(parts), bool)])
    counted = counted[:, counted.any(axis=0)]
    found = [
        np.abs(counted[parts == part].sum(axis=0) / counted.sum(axis=0) - share) for part, share in fractions.items()
    ]
    return float(np.mean(found))


def best_imbalance(groups: Sequence[str], strata: np.ndarray, fractions: Mapping[str, float]) -> float:
    """The least imbalance that any split by group has."""
    patients = sorted(set(groups))
    choices = itertools.product(fractions, repeat=len(patients))
    return min(imbalance(groups, strata, fractions, dict(zip(patients, choice, strict=True))) for choice in choices)


def random_imbalance(
    groups: Sequence[str], strata: np.ndarray, fractions: Mapping[str, float], *, n_draws: int, seed: int
) -> np.ndarray:
    """Imbalance of splits that shuffle the groups and cut."""
    patients, rng = sorted(set(groups)), np.random.default_rng(seed)
    cuts = np.cumsum(list(fractions.values()))
    found = []
    for _ in range(n_draws):
        places = (np.arange(len(patients)) + 0.5) / len(patients)
        names = [list(fractions)[int(np.searchsorted(cuts, place))] for place in places]
        part_of = dict(zip(rng.permutation(patients), names, strict=True))
        found.append(imbalance(groups, strata, fractions, part_of))
    return np.array(found)
