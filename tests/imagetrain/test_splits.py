from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from imagetrain.recipe import Fractions, SplitRecipe
from imagetrain.records import EXTERNAL, TEST, TRAIN, VALIDATION
from imagetrain.targets.splits import make_splits, stratified_parts
from radprompter.errors import SplitError

SHARES = {TRAIN: 0.64, VALIDATION: 0.16, TEST: 0.20}


def cohort(n_patients: int, *, sites: tuple[str, ...] = ("alpha",), seed: int = 0) -> tuple:
    rng = np.random.default_rng(seed)
    patients = [f"p{i:04d}" for i in range(n_patients) for _ in range(rng.integers(1, 4))]
    studies = [f"s{i:04d}" for i in range(len(patients))]
    where = [sites[int(patient[1:]) % len(sites)] for patient in patients]
    strata = rng.random((len(studies), 5)) < np.array([0.5, 0.2, 0.1, 0.05, 0.02])
    return studies, patients, where, strata


@settings(deadline=None, max_examples=30)
@given(st.integers(40, 90), st.integers(0, 5))
def test_no_patient_is_in_two_parts_and_no_study_is_lost(n_patients: int, seed: int) -> None:
    studies, patients, sites, strata = cohort(n_patients, sites=("alpha", "beta"), seed=seed)
    (split,) = make_splits(studies, patients, sites, strata=strata, recipe=SplitRecipe(external=("beta",), seed=seed))
    assert split.study_ids == tuple(studies)
    parts_of: dict[str, set[str]] = {}
    for patient, site, part in zip(split.patient_ids, split.sites, split.parts, strict=True):
        parts_of.setdefault(patient, set()).add(part)
        assert (part == EXTERNAL) == (site == "beta")
    assert all(len(parts) == 1 for parts in parts_of.values())


def test_parts_have_their_share_of_studies_and_of_every_label() -> None:
    _, patients, _, strata = cohort(500)
    part_of = stratified_parts(patients, strata, SHARES)
    parts = np.array([part_of[patient] for patient in patients])
    for part, share in SHARES.items():
        assert abs((parts == part).mean() - share) < 0.01
        for column in range(strata.shape[1]):
            n_wanted = share * strata[:, column].sum()
            assert abs(strata[parts == part, column].sum() - n_wanted) <= max(3, 0.1 * n_wanted)


def test_the_rarest_label_reaches_every_part() -> None:
    patients = [f"p{i}" for i in range(100)]
    strata = np.zeros((100, 2), dtype=bool)
    strata[:50, 0] = True
    strata[[7, 60, 61, 62, 90], 1] = True  # five positives: 3.2, 0.8 and 1.0 wanted
    for seed in range(10):
        part_of = stratified_parts(patients, strata, SHARES, seed=seed)
        rare = [part_of[patients[i]] for i in (7, 60, 61, 62, 90)]
        assert sorted(rare) == [TEST, TRAIN, TRAIN, TRAIN, VALIDATION]


def test_a_split_depends_on_its_seed_and_on_nothing_else() -> None:
    _, patients, _, strata = cohort(80)
    first = stratified_parts(patients, strata, SHARES, seed=3)
    assert stratified_parts(patients, strata, SHARES, seed=3) == first
    assert stratified_parts(patients, strata, SHARES, seed=4) != first


def test_a_patient_at_an_internal_and_an_external_site_is_refused_by_name() -> None:
    studies, patients, sites, strata = cohort(12, sites=("alpha", "beta"))
    patients[-1] = "p0000"  # alpha's first patient
    with pytest.raises(SplitError, match=r"p0000 in \w+ and external"):
        make_splits(studies, patients, sites, strata=strata, recipe=SplitRecipe(external=("beta",)))


def test_an_unknown_site_is_refused_with_the_known_ones() -> None:
    studies, patients, sites, strata = cohort(12, sites=("alpha", "beta"))
    with pytest.raises(SplitError, match="site 'gamma', but the studies have: alpha, beta"):
        make_splits(studies, patients, sites, strata=strata, recipe=SplitRecipe(external=("gamma",)))


def test_sites_that_are_neither_internal_nor_external_are_not_in_the_split() -> None:
    studies, patients, sites, strata = cohort(30, sites=("alpha", "beta", "gamma"))
    recipe = SplitRecipe(internal=("alpha",), external=("beta",))
    (split,) = make_splits(studies, patients, sites, strata=strata, recipe=recipe)
    assert set(split.sites) == {"alpha", "beta"}


def test_a_split_file_is_taken_as_it_is(tmp_path: Path) -> None:
    file = tmp_path / "split.csv"
    file.write_text("study_id,part\na,train\nb,validation\nc,test\n")
    (split,) = make_splits(
        ["a", "b", "c", "d"],
        ["1", "2", "3", "4"],
        [""] * 4,
        strata=np.zeros((4, 1), bool),
        recipe=SplitRecipe(file=file),
    )
    assert dict(zip(split.study_ids, split.parts, strict=True)) == {"a": "train", "b": "validation", "c": "test"}


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ("a,train\nb,test\nc,validation\n", "p1 in train and test"),
        ("a,train\nb,training\n", "split.csv:3: part 'training' of study 'b' is not one of train, validation"),
        ("a,train\na,test\n", "split.csv:3: study 'a' is in 'train' and in 'test'"),
        ("x,train\ny,test\n", "none of its 2 studies"),
        ("a,train\nb,train\n", "no study in 'validation'"),
    ],
)
def test_a_wrong_split_file_is_refused(tmp_path: Path, rows: str, message: str) -> None:
    file = tmp_path / "split.csv"
    file.write_text("study_id,part\n" + rows)
    with pytest.raises(SplitError, match=message):
        make_splits(
            ["a", "b", "c"], ["p1", "p1", "p2"], [""] * 3, strata=np.zeros((3, 1), bool), recipe=SplitRecipe(file=file)
        )


def test_a_split_file_cannot_train_on_an_external_site(tmp_path: Path) -> None:
    file, sites = tmp_path / "split.csv", ["alpha", "alpha", "beta"]
    recipe, strata = SplitRecipe(file=file, external=("beta",)), np.zeros((3, 1), bool)
    file.write_text("study_id,part\na,train\nb,validation\nc,test\n")
    with pytest.raises(
        SplitError, match=r"study 'c' is in 'test', but its site 'beta' is one of data\.split\.external"
    ):
        make_splits(["a", "b", "c"], ["1", "2", "3"], sites, strata=strata, recipe=recipe)
    file.write_text("study_id,part\na,train\nb,validation\nc,external\n")
    (split,) = make_splits(["a", "b", "c"], ["1", "2", "3"], sites, strata=strata, recipe=recipe)
    assert split.of("external") == ("c",)


def test_too_few_patients_are_refused() -> None:
    with pytest.raises(SplitError, match="2 internal patients"):
        make_splits(["a", "b"], ["1", "2"], ["", ""], strata=np.zeros((2, 1), bool), recipe=SplitRecipe())


def test_shares_must_sum_to_one() -> None:
    with pytest.raises(ValueError, match=r"must sum to 1, not 1\.2"):
        Fractions(train=0.8, validation=0.2, test=0.2)
