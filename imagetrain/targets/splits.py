"""Patient-level splits, stratified over many labels at once.

The drawn split follows iterative stratification (Sechidis et al. 2011, doi 10.1007/978-3-642-23808-6_10) with patients
instead of samples as the units: the rarest label is dealt out first, each patient to the part that still lacks most of
its share.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from imagetrain.recipe import Fractions, SplitRecipe
from imagetrain.records import EXTERNAL, PARTS, TEST, TRAIN, VALIDATION, Split
from radprompter.errors import SplitError
from radprompter.files import read_table

SHOWN = 5


def make_split(
    study_ids: Sequence[str],
    patient_ids: Sequence[str],
    sites: Sequence[str],
    *,
    strata: NDArray[np.bool_],
    recipe: SplitRecipe,
) -> Split:
    """The split that a recipe asks for: read from its file, or drawn.

    Studies of sites that are neither internal nor external, or that the file does not name, are not in the result.

    Parameters
    ----------
    study_ids, patient_ids, sites:
        ``(n_studies,)`` each.
    strata:
        bool ``(n_studies, n_strata)``: what should be equally frequent in all parts, usually one column a finding.

    Raises
    ------
    SplitError
        If a patient would be in two parts, a site is unknown, or there are too few patients.
    """
    if recipe.file is not None:
        parts = _read_parts(recipe.file, study_ids)
    else:
        parts = _drawn_parts(study_ids, patient_ids, sites, strata, recipe)
    kept = [i for i, study in enumerate(study_ids) if study in parts]
    split = Split(
        tuple(study_ids[i] for i in kept),
        tuple(patient_ids[i] for i in kept),
        tuple(sites[i] for i in kept),
        tuple(parts[study_ids[i]] for i in kept),
    )
    refuse_overlap(split)
    for part in (TRAIN, VALIDATION):
        if part not in split.parts:
            raise SplitError(f"the split has no study in {part!r}: training needs both training and validation studies")
    return split


def refuse_overlap(split: Split) -> None:
    """Raise a `SplitError` that names the patients who are in more than one part of a split."""
    parts: dict[str, set[str]] = defaultdict(set)
    for patient, part in zip(split.patient_ids, split.parts, strict=True):
        parts[patient].add(part)
    torn = {patient: sorted(found, key=PARTS.index) for patient, found in parts.items() if len(found) > 1}
    if torn:
        shown = "; ".join(f"{patient} in {' and '.join(found)}" for patient, found in sorted(torn.items())[:SHOWN])
        more = f"; and {len(torn) - SHOWN} more" if len(torn) > SHOWN else ""
        raise SplitError(
            f"a patient must be in one part only, but {len(torn)} are in several: {shown}{more}. Mend the split file, "
            "or tell patients of different sites apart by their ids"
        )


def stratified_parts(
    groups: Sequence[str], strata: NDArray[np.bool_], fractions: Mapping[str, float], *, seed: int = 0
) -> dict[str, str]:
    """Part of each group (patient), so that the strata are as equally frequent in all parts as whole groups allow.

    Parameters
    ----------
    groups:
        ``(n_samples,)``: the group of each sample; all samples of a group go to one part.
    strata:
        bool ``(n_samples, n_strata)``.
    fractions:
        Part -> its share; they sum to 1.
    """
    names, index = np.unique(np.asarray(groups, dtype=object).astype(str), return_inverse=True)
    counts = np.zeros((len(names), strata.shape[1] + 1))
    np.add.at(counts, index, np.column_stack([strata, np.ones(len(index))]))
    order = np.random.default_rng(seed).permutation(len(names))  # ties are broken by this order
    shares = np.array(list(fractions.values()))
    wanted = np.outer(shares, counts.sum(axis=0))  # (n_parts, n_strata + 1); the last column counts samples
    part_of = np.full(len(names), -1)
    while (free := order[part_of[order] < 0]).size:
        left = counts[free].sum(axis=0)
        label = int(np.argmin(np.where(left[:-1] > 0, left[:-1], np.inf))) if (left[:-1] > 0).any() else -1
        members = free[counts[free, label] > 0]
        for group in members[np.argsort(-counts[members].sum(axis=1), kind="stable")]:
            has_room = wanted[:, -1] >= counts[group, -1] / 2  # else rare labels alone would decide the sizes
            lacks = wanted[:, label] / shares
            part = max(range(len(shares)), key=lambda p: (has_room[p], lacks[p], wanted[p, label], wanted[p, -1]))
            part_of[group] = part
            wanted[part] -= counts[group]
    return {str(name): tuple(fractions)[part] for name, part in zip(names, part_of, strict=True)}


def _drawn_parts(
    study_ids: Sequence[str],
    patient_ids: Sequence[str],
    sites: Sequence[str],
    strata: NDArray[np.bool_],
    recipe: SplitRecipe,
) -> dict[str, str]:
    known = sorted(set(sites))
    for site in (*recipe.external, *(recipe.internal or ())):
        if site not in known:
            raise SplitError(f"the split names site {site!r}, but the studies have: {', '.join(known)}")
    both = sorted(set(recipe.external) & set(recipe.internal or ()))
    if both:
        raise SplitError(f"site {both[0]!r} is named both internal and external")
    inside = [site for site in (recipe.internal or known) if site not in recipe.external]
    rows = [i for i, site in enumerate(sites) if site in inside]
    outside = {study_ids[i]: EXTERNAL for i, site in enumerate(sites) if site in recipe.external}
    patients = sorted({patient_ids[i] for i in rows})
    if len(patients) < 3:
        raise SplitError(f"{len(patients)} internal patients cannot be split into train, validation and test")
    part_of = stratified_parts(
        [patient_ids[i] for i in rows], strata[rows], _shares(recipe.fractions), seed=recipe.seed
    )
    return {**{study_ids[i]: part_of[patient_ids[i]] for i in rows}, **outside}


def _shares(fractions: Fractions) -> dict[str, float]:
    return {TRAIN: fractions.train, VALIDATION: fractions.validation, TEST: fractions.test}


def _read_parts(path: Path, study_ids: Sequence[str]) -> dict[str, str]:
    frame = read_table(path, required=("study_id", "part"))
    parts: dict[str, str] = {}
    for line, (study, part) in enumerate(zip(frame["study_id"], frame["part"], strict=True), start=2):
        if part not in PARTS:
            raise SplitError(f"{path}:{line}: part {part!r} of study {study!r} is not one of {', '.join(PARTS)}")
        if parts.setdefault(str(study), str(part)) != part:
            raise SplitError(f"{path}:{line}: study {study!r} is in {parts[str(study)]!r} and in {part!r}")
    if not set(parts) & set(study_ids):
        raise SplitError(f"{path}: none of its {len(parts)} studies has both labels and images")
    return {study: parts[study] for study in study_ids if study in parts}
