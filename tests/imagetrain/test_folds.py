"""Folds: who is tested where, how even they are, and what the networks of all folds come to together."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reference.splitting import best_imbalance, deal_out, imbalance, random_imbalance
from shapes import shapes_recipe, write_study

from imagetrain.assess import run_evaluate
from imagetrain.classifiers import weights_of
from imagetrain.evaluation.frozen import freeze_thresholds
from imagetrain.evaluation.report import evaluate
from imagetrain.evaluation.thresholds import youden
from imagetrain.pooling import pool_predictions
from imagetrain.prediction import run_predict
from imagetrain.preparation import cache_images, prepare
from imagetrain.recipe import SplitRecipe, StudyRecipe
from imagetrain.records import EXTERNAL, TEST, TRAIN, VALIDATION, Predictions, Split
from imagetrain.run import run_train
from imagetrain.store import read_predictions, save_predictions, save_split
from imagetrain.targets.splits import make_splits, stratified_parts
from radprompter.errors import RecipeError, SplitError, TableError
from radprompter.files import read_json

SHARES = {TRAIN: 0.64, VALIDATION: 0.16, TEST: 0.20}


class Cohort:
    """Patients with one to three studies at two sites, and labels from common to rare."""

    def __init__(self, n_patients: int, seed: int) -> None:
        rng = np.random.default_rng(seed)
        self.patients = [f"p{i:03d}" for i in range(n_patients) for _ in range(rng.integers(1, 4))]
        self.studies = [f"s{i:04d}" for i in range(len(self.patients))]
        self.sites = ["beta" if int(patient[1:]) % 4 == 3 else "alpha" for patient in self.patients]
        self.strata = rng.random((len(self.studies), 4)) < (0.5, 0.2, 0.1, 0.03)

    def splits(self, order: np.ndarray | None = None, **recipe: object) -> tuple[Split, ...]:
        rows = np.arange(len(self.studies)) if order is None else order
        columns = [[column[i] for i in rows] for column in (self.studies, self.patients, self.sites)]
        chosen = SplitRecipe.model_validate({"external": ("beta",), **recipe})
        return make_splits(*columns, strata=self.strata[rows], recipe=chosen)


COHORTS = st.builds(Cohort, st.integers(24, 60), st.integers(0, 1000))


@settings(deadline=None, max_examples=40)
@given(COHORTS, st.integers(2, 7), st.integers(0, 9))
def test_every_internal_study_is_tested_once_and_no_patient_is_in_two_parts(
    cohort: Cohort, n_folds: int, seed: int
) -> None:
    splits = cohort.splits(folds=n_folds, seed=seed)
    assert len(splits) == n_folds
    tested = Counter(study for split in splits for study in split.of(TEST))
    assert tested == Counter(study for study, site in zip(cohort.studies, cohort.sites, strict=True) if site == "alpha")
    for split in splits:
        assert split.study_ids == tuple(cohort.studies)
        parts_of: dict[str, set[str]] = {}
        for patient, site, part in zip(split.patient_ids, split.sites, split.parts, strict=True):
            parts_of.setdefault(patient, set()).add(part)
            assert (part == EXTERNAL) == (site == "beta")
        assert all(len(parts) == 1 for parts in parts_of.values())


@settings(deadline=None, max_examples=30)
@given(COHORTS, st.integers(0, 9), st.sampled_from([None, 2, 5]))
def test_the_order_of_the_studies_does_not_matter(cohort: Cohort, seed: int, n_folds: int | None) -> None:
    order = np.random.default_rng(seed).permutation(len(cohort.studies))
    for straight, shuffled in zip(
        cohort.splits(folds=n_folds, seed=seed), cohort.splits(order, folds=n_folds, seed=seed), strict=True
    ):
        assert dict(zip(straight.study_ids, straight.parts, strict=True)) == dict(
            zip(shuffled.study_ids, shuffled.parts, strict=True)
        )


def test_folds_are_of_one_size_and_share_every_label() -> None:
    cohort = Cohort(400, seed=1)
    inside = np.array(cohort.sites) == "alpha"
    for split in cohort.splits(folds=5):
        parts = np.array(split.parts)
        assert abs((parts == TEST).sum() / inside.sum() - 0.2) < 0.01
        assert abs((parts == VALIDATION).sum() / inside.sum() - 0.16) < 0.01
        for label in cohort.strata.T:
            n = label[inside].sum()
            assert abs(label[parts == TEST].sum() - n / 5) <= max(1.5, 0.1 * n / 5)
            assert abs(label[parts == VALIDATION].sum() - 0.16 * n) <= max(1.5, 0.1 * 0.16 * n)


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 10_000), st.integers(3, 40), st.integers(1, 6), st.integers(0, 3))
def test_the_split_is_that_of_the_rule_written_out(seed: int, n_patients: int, n_labels: int, split_seed: int) -> None:
    rng = np.random.default_rng(seed)
    groups = [f"p{i}" for i in range(n_patients) for _ in range(rng.integers(1, 5))]
    strata = rng.random((len(groups), n_labels)) < rng.random(n_labels)
    assert stratified_parts(groups, strata, SHARES, seed=split_seed) == deal_out(
        groups, strata, SHARES, seed=split_seed
    )


def test_small_splits_are_nearly_as_even_as_the_best_of_all_splits() -> None:
    shares = {TRAIN: 0.5, VALIDATION: 0.25, TEST: 0.25}
    ours, best, drawn = [], [], []
    for seed in range(8):
        rng = np.random.default_rng(seed)
        groups = [f"p{i}" for i in range(7) for _ in range(rng.integers(1, 4))]
        strata = rng.random((len(groups), 3)) < (0.5, 0.3, 0.15)
        ours.append(imbalance(groups, strata, shares, stratified_parts(groups, strata, shares, seed=seed)))
        best.append(best_imbalance(groups, strata, shares))
        drawn.append(random_imbalance(groups, strata, shares, n_draws=20, seed=seed).mean())
    assert all(one >= least - 1e-12 for one, least in zip(ours, best, strict=True))
    assert np.mean(ours) < 1.4 * np.mean(best)
    assert np.mean(ours) < 0.8 * np.mean(drawn)


def test_large_splits_are_several_times_more_even_than_drawn_ones() -> None:
    rng = np.random.default_rng(0)
    groups = [f"p{i}" for i in range(500) for _ in range(rng.integers(1, 4))]
    strata = rng.random((len(groups), 14)) < np.geomspace(0.5, 0.01, 14)
    ours = imbalance(groups, strata, SHARES, stratified_parts(groups, strata, SHARES))
    drawn = random_imbalance(groups, strata, SHARES, n_draws=20, seed=0)
    assert ours < drawn.min() / 2


def test_too_few_patients_for_the_folds_are_refused() -> None:
    with pytest.raises(SplitError, match="18 internal patients cannot be split into 19 folds"):
        Cohort(24, seed=0).splits(folds=19)


def test_what_was_drawn_can_be_read_back_as_a_file(tmp_path: Path) -> None:
    cohort = Cohort(30, seed=2)
    drawn = cohort.splits(folds=4, seed=3)
    save_split(tmp_path / "split.csv", drawn)
    assert cohort.splits(folds=4, file=tmp_path / "split.csv") == drawn
    once = cohort.splits(seed=3)
    save_split(tmp_path / "once.csv", once)
    assert cohort.splits(file=tmp_path / "once.csv") == once


@pytest.mark.parametrize(
    ("rows", "n_folds", "error", "message"),
    [
        (["a,1,test", "b,1,train", "a,2,test", "b,2,train"], 2, SplitError, "'a' is tested in 2 folds"),
        (["a,1,test", "b,1,train", "a,2,train"], 2, SplitError, "study 'b' is not in every fold"),
        (["a,1,external", "b,1,train", "a,2,train", "b,2,test"], 2, SplitError, "'a' is external in some folds only"),
        (["a,1,test", "b,1,train", "a,2,train", "b,2,test"], 3, SplitError, r"has 2 folds, but .*folds is 3"),
        (["a,1,test", "b,1,train", "a,2,train", "b,2,test"], None, SplitError, "has 2 folds, but .*folds is null"),
        (["a,1,test", "a,1,train"], None, SplitError, "split.csv:3: study 'a' is in 'test' and in 'train'"),
        (["a,1,test", "b,1,train", "a,2,train", "b,2,test"], 2, SplitError, "fold 1 has no study in 'validation'"),
    ],
)
def test_files_whose_folds_cannot_be_pooled_are_refused(
    tmp_path: Path, rows: list[str], n_folds: int | None, error: type, message: str
) -> None:
    (tmp_path / "split.csv").write_text("\n".join(["study_id,fold,part", *rows]))
    recipe = SplitRecipe(file=tmp_path / "split.csv", folds=n_folds)
    with pytest.raises(error, match=message):
        make_splits(["a", "b"], ["p1", "p2"], ["", ""], strata=np.zeros((2, 1), bool), recipe=recipe)


def test_folds_without_a_column_of_folds_are_refused(tmp_path: Path) -> None:
    (tmp_path / "split.csv").write_text("study_id,part\na,train\n")
    with pytest.raises(TableError, match="no column 'fold'"):
        Cohort(24, seed=0).splits(folds=3, file=tmp_path / "split.csv")


def predicted(n_folds: int = 3) -> tuple[list[Predictions], tuple[Split, ...]]:
    """What the networks of each fold say of every study: logits that name fold and study, one finding."""
    cohort = Cohort(40, seed=5)
    splits = cohort.splits(folds=n_folds)
    truth = cohort.strata[:, :1].astype(np.float32)
    made = []
    for number, split in enumerate(splits, start=1):
        noise = np.random.default_rng(number).normal(size=truth.shape)
        logits = (10 * number + 2 * truth + noise).astype(np.float32)
        made.append(Predictions(split.study_ids, split.patient_ids, split.sites, split.parts, ("disc",), logits, truth))
    return made, splits


def test_pooled_predictions_are_of_networks_that_were_not_trained_on_the_study() -> None:
    folds, splits = predicted()
    pooled = pool_predictions(folds)
    place = {study: i for i, study in enumerate(splits[0].study_ids)}
    assert Counter(pooled.part(TEST).study_ids) == Counter(s for split in splits for s in split.of(TEST))
    assert TRAIN not in pooled.parts
    for study, part, fold, logit in zip(pooled.study_ids, pooled.parts, pooled.folds, pooled.logits, strict=True):
        if part == EXTERNAL:
            assert fold == 0
            assert logit == pytest.approx(np.mean([one.logits[place[study]] for one in folds]), abs=1e-5)
        else:
            assert splits[fold - 1].parts[place[study]] == part
            assert logit == folds[fold - 1].logits[place[study]]


def test_each_fold_has_its_own_threshold_from_its_own_validation(tmp_path: Path) -> None:
    folds, _ = predicted()
    pooled = pool_predictions(folds)
    own = [youden(one.part(VALIDATION).targets[:, 0], one.part(VALIDATION).logits[:, 0]).threshold for one in folds]
    (inside,) = freeze_thresholds(pooled.part(VALIDATION), pooled.part(TEST))
    assert inside.cuts.tolist() == [own[fold - 1] for fold in pooled.part(TEST).folds]
    (outside,) = freeze_thresholds(pooled.part(VALIDATION), pooled.part(EXTERNAL))
    assert outside.cuts == pytest.approx(np.mean(own))
    assert inside.point.threshold == pytest.approx(np.mean(own))
    save_predictions(tmp_path / "p.parquet", pooled)
    again = read_predictions(tmp_path / "p.parquet")
    assert again.folds == pooled.folds
    metrics = evaluate({"one": again}).metrics
    row = next(row for row in metrics["results"] if row["set"] == "test")
    called = pooled.part(TEST).logits[:, 0] >= inside.cuts
    assert row["confusion"]["true_positive"] == int((called & (pooled.part(TEST).targets[:, 0] == 1)).sum())
    assert row["sensitivity"]["value"] > 0.5  # one threshold for all folds would call whole folds negative
    assert "predictions of 3 networks are pooled" in " ".join(metrics["notes"])
    validation = [row for row in metrics["label_counts"] if row["part"] == VALIDATION]
    assert validation[0]["n_studies"] == len(set(pooled.part(VALIDATION).study_ids))


def test_a_test_label_cannot_change_the_threshold_of_its_own_fold() -> None:
    folds, _ = predicted()
    pooled = pool_predictions(folds)
    (before,) = freeze_thresholds(pooled.part(VALIDATION), pooled.part(TEST))
    for fold in (1, 2, 3):
        tested = {s for s, f in zip(pooled.part(TEST).study_ids, pooled.part(TEST).folds, strict=True) if f == fold}
        own = np.array([study in tested for study in pooled.study_ids])
        changed = replace(pooled, targets=np.where(own[:, None], 1 - pooled.targets, pooled.targets))
        (after,) = freeze_thresholds(changed.part(VALIDATION), changed.part(TEST))
        rows = np.array(pooled.part(TEST).folds) == fold
        assert (after.cuts[rows] == before.cuts[rows]).all()


def test_a_finding_without_a_threshold_in_one_fold_has_none() -> None:
    folds, _ = predicted()
    unseen = np.array(folds[1].parts) == VALIDATION
    folds[1] = replace(folds[1], targets=np.where(unseen[:, None], np.float32(0), folds[1].targets))
    pooled = pool_predictions(folds)
    (frozen,) = freeze_thresholds(pooled.part(VALIDATION), pooled.part(TEST))
    assert math.isnan(frozen.point.threshold)


@pytest.fixture(scope="module")
def cross_validated(tmp_path_factory: pytest.TempPathFactory) -> tuple[StudyRecipe, dict]:
    folder = tmp_path_factory.mktemp("study")
    write_study(folder, n_patients=24)
    recipe = shapes_recipe(folder, data={"split": {"external": ["beta"], "folds": 3}}, train={"epochs": 1})
    return recipe, run_train(recipe)


def test_a_recipe_trains_a_network_a_fold_and_evaluates_them_together(cross_validated: tuple) -> None:
    recipe, summary = cross_validated
    folder = recipe.out / "train"
    n_studies = summary["runs"]["inclusive"]["n_studies"]
    assert (n_studies["test"], n_studies["external"]) == (32, 16)
    assert len(summary["runs"]["inclusive"]["folds"]) == 3
    for run in ("inclusive", "exclusive"):
        pooled = read_predictions(folder / run / "predictions.parquet")
        tested = pooled.part(TEST)
        assert len(tested.study_ids) == len(set(tested.study_ids)) == 32
        for fold in (1, 2, 3):
            own = read_predictions(folder / run / f"fold{fold}" / "predictions.parquet").part(TEST)
            of_fold = [i for i, number in enumerate(tested.folds) if number == fold]
            assert tested.take(of_fold).study_ids == own.study_ids
            assert (tested.take(of_fold).logits == own.logits).all()
    assert len((folder / "split.csv").read_text().splitlines()) == 1 + 3 * 48
    metrics = read_json(Path(run_evaluate(recipe)["metrics"]))
    assert [one["n_studies"] for one in metrics["sets"]] == [32, 16]
    assert "on average over 3 folds" in metrics["study"]["runs"][0][1]


def test_a_fold_that_is_up_to_date_is_not_trained_again(cross_validated: tuple) -> None:
    recipe, _ = cross_validated
    assert run_train(recipe)["up_to_date"]
    one = recipe.out / "train/exclusive/fold2/model.safetensors"
    others = recipe.out / "train/exclusive/fold1/model.safetensors"
    one.unlink()
    before = others.stat().st_mtime_ns
    summary = run_train(recipe)
    assert (summary["runs"]["exclusive"]["up_to_date"], summary["runs"]["inclusive"]["up_to_date"]) == (False, True)
    assert one.is_file()
    assert others.stat().st_mtime_ns == before


def test_the_split_of_one_recipe_gives_the_same_folds_to_another(cross_validated: tuple) -> None:
    recipe, _ = cross_validated
    data = recipe.need_data()
    split = data.split.model_copy(update={"file": recipe.out / "train/split.csv"})
    cache = cache_images(data.images, data.views, recipe.out / "cache", data=data)
    drawn = prepare(data, recipe.need_train(), cache)
    read = prepare(data.model_copy(update={"split": split}), recipe.need_train(), cache)
    assert [one.split for one in drawn] == [one.split for one in read]
    assert [one.fold for one in read] == [1, 2, 3]
    assert len({one.findings for one in drawn}) == 1


def test_new_images_get_the_mean_of_all_folds(cross_validated: tuple) -> None:
    recipe, summary = cross_validated
    predicted = run_predict(recipe, run="exclusive")
    ours = read_predictions(Path(predicted["folder"]) / "predictions.parquet")
    outside = read_predictions(recipe.out / "train/exclusive/predictions.parquet").part(EXTERNAL)
    by_study = dict(zip(ours.study_ids, ours.logits, strict=True))
    assert np.allclose([by_study[study] for study in outside.study_ids], outside.logits, atol=1e-4)
    assert set(summary["runs"]["exclusive"]["thresholds"]) == set(outside.findings)
    assert weights_of(recipe, "exclusive/fold2")[1] == recipe.out / "train/exclusive/fold2/model.safetensors"
    with pytest.raises(RecipeError, match="has a network a fold; name one of: inclusive/fold1, inclusive/fold2"):
        weights_of(recipe, None)
