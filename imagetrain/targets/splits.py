"""Patient-level splits, stratified over many labels at once.

The drawn split follows iterative stratification (Sechidis et al. 2011, doi 10.1007/978-3-642-23808-6_10) with patients
instead of samples as the units: the rarest label is dealt out first, each patient to the part that still lacks most of
its share.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from imagetrain.recipe import Fractions, SplitRecipe
from imagetrain.records import EXTERNAL, PARTS, TEST, TRAIN, VALIDATION, Split
from imagetrain.targets.split_files import read_parts
from radprompter.errors import SplitError

SHOWN = 5


def make_splits(
    study_ids: Sequence[str],
    patient_ids: Sequence[str],
    sites: Sequence[str],
    *,
    strata: NDArray[np.bool_],
    recipe: SplitRecipe,
) -> tuple[Split, ...]:
    """The split that a recipe asks for, or one a fold: read from its file, or drawn.

    All splits have the same studies in the given order. Studies of sites that are neither internal nor external, or
    that the file does not name, are not among them. With folds, each internal study is tested in one fold; sites that
    are external are so in all.

    Parameters
    ----------
    study_ids, patient_ids, sites:
        ``(n_studies,)`` each.
    strata:
        bool ``(n_studies, n_strata)``: what should be equally frequent in all parts, usually one column a finding.

    Raises
    ------
    SplitError
        If a patient would be in two parts, a study would be tested in two folds, a file has an external site's study in
        another part, a site is unknown, or there are too few patients.
    """
    if recipe.file is not None:
        folds = read_parts(recipe.file, study_ids, n_folds=recipe.folds)
    else:
        folds = _drawn_parts(study_ids, patient_ids, sites, strata, recipe)
    kept = [i for i, study in enumerate(study_ids) if study in folds[0]]
    splits = tuple(
        Split(
            tuple(study_ids[i] for i in kept),
            tuple(patient_ids[i] for i in kept),
            tuple(sites[i] for i in kept),
            tuple(parts[study_ids[i]] for i in kept),
        )
        for parts in folds
    )
    for number, split in enumerate(splits, start=1):
        refuse_overlap(split)
        _refuse_inside(split, recipe)
        for part in (TRAIN, VALIDATION, *((TEST,) if recipe.folds else ())):
            if part not in split.parts:
                where = f"fold {number}" if recipe.folds else "the split"
                raise SplitError(
                    f"{where} has no study in {part!r}: training needs both training and validation studies"
                )
    return splits


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


def _refuse_inside(split: Split, recipe: SplitRecipe) -> None:
    """Raise a `SplitError` if a study of an external site is in another part, as a file may have it."""
    for study, site, part in zip(split.study_ids, split.sites, split.parts, strict=True):
        if site in recipe.external and part != EXTERNAL:
            raise SplitError(
                f"{recipe.file}: study {study!r} is in {part!r}, but its site {site!r} is one of data.split.external, "
                "which are never trained on; mend the file, or take the site out of external"
            )


def stratified_parts(
    groups: Sequence[str],
    strata: NDArray[np.bool_],
    fractions: Mapping[str, float],
    *,
    seed: int | Sequence[int] = 0,
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
) -> list[dict[str, str]]:
    """Study -> part, once a fold."""
    known = sorted(set(sites))
    for site in (*recipe.external, *(recipe.internal or ())):
        if site not in known:
            raise SplitError(f"the split names site {site!r}, but the studies have: {', '.join(known)}")
    both = sorted(set(recipe.external) & set(recipe.internal or ()))
    if both:
        raise SplitError(f"site {both[0]!r} is named both internal and external")
    nameless = [study for study, site in zip(study_ids, sites, strict=True) if not site.strip()]
    if recipe.external and recipe.internal is None and nameless:
        raise SplitError(
            f"{len(nameless)} studies, such as {nameless[0]!r}, have no site, so it is not known whether they are "
            "external: name their sites, or name those to train on in data.split.internal"
        )
    inside = [site for site in (recipe.internal or known) if site not in recipe.external]
    rows = np.array([i for i, site in enumerate(sites) if site in inside], dtype=np.int64)
    outside = {study_ids[i]: EXTERNAL for i, site in enumerate(sites) if site in recipe.external}
    patients = [patient_ids[i] for i in rows]
    n_patients, needed = len(set(patients)), max(3, recipe.folds or 0)
    if n_patients < needed:
        into = f"{recipe.folds} folds" if recipe.folds else "train, validation and test"
        raise SplitError(f"{n_patients} internal patients cannot be split into {into}")
    if recipe.folds is None:
        drawn = [stratified_parts(patients, strata[rows], _shares(recipe.fractions), seed=recipe.seed)]
    else:
        drawn = _drawn_folds(patients, strata[rows], recipe, recipe.folds)
    return [{**{study_ids[i]: parts[patient_ids[i]] for i in rows}, **outside} for parts in drawn]


def _drawn_folds(
    patients: Sequence[str], strata: NDArray[np.bool_], recipe: SplitRecipe, n_folds: int
) -> list[dict[str, str]]:
    """Patient -> part, once a fold: the fold is tested, of the others a share is for validation."""
    names = [str(number) for number in range(n_folds)]
    fold_of = stratified_parts(patients, strata, dict.fromkeys(names, 1 / n_folds), seed=recipe.seed)
    shares = {name: share for name, share in _shares(recipe.fractions).items() if name != TEST}
    shares = {name: share / sum(shares.values()) for name, share in shares.items()}
    drawn = []
    for number, name in enumerate(names):
        rest = np.array([fold_of[patient] != name for patient in patients])
        others = [patient for patient, is_other in zip(patients, rest, strict=True) if is_other]
        taught = stratified_parts(others, strata[rest], shares, seed=[recipe.seed, number])
        drawn.append({patient: taught.get(patient, TEST) for patient in patients})
    return drawn


def _shares(fractions: Fractions) -> dict[str, float]:
    return {TRAIN: fractions.train, VALIDATION: fractions.validation, TEST: fractions.test}
