"""Runs of different studies against each other: compared where their numbers mean the same, else refused with why."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from reference.predictions import make_predictions
from typer.testing import CliRunner

from imagetrain.assess import run_evaluate
from imagetrain.cli.app import app
from imagetrain.comparing import compare_evaluated
from imagetrain.evaluation.delong import paired_test
from imagetrain.pooling import pool_predictions
from imagetrain.recipe import load_recipe
from imagetrain.records import Predictions
from imagetrain.store import save_predictions
from radprompter.errors import DefinitionError, InputError

RECIPE = """
name: Made-up study
out: OUT
train:
  runs: {NAME: {policy: inclusive}}
  model: resnet10t
evaluate: {bootstrap: 100, permutations: 0}
"""


def evaluated(folder: Path, run: Predictions, *settings: str, name: str = "main", manifest: dict | None = None) -> Path:
    """A study with one run, trained and evaluated; its folder."""
    folder.mkdir(parents=True)
    (folder / "recipe.yaml").write_text(RECIPE.replace("NAME", name).replace("OUT", str(folder / "out")))
    save_predictions(folder / "out/train" / name / "predictions.parquet", run)
    (folder / "out/train" / name / "manifest.json").write_text(json.dumps(manifest or {}))
    run_evaluate(load_recipe(folder / "recipe.yaml", settings=settings))
    return folder / "out"


@pytest.fixture
def first(tmp_path: Path) -> Path:
    return evaluated(tmp_path / "a", make_predictions(seed=1), manifest={"model": "resnet10t"})


def second(tmp_path: Path, change=lambda run: run, *settings: str, **more) -> Path:
    return evaluated(tmp_path / "b", change(make_predictions(seed=2, shift=-0.3)), *settings, **more)


def test_runs_of_two_studies_are_tested_on_the_same_studies(tmp_path: Path, first: Path):
    found = compare_evaluated([first, second(tmp_path, manifest={"model": "densenet121"}) / "train/main"])
    row = next(r for r in found["comparisons"]["runs"]["rows"] if (r["set"], r["finding"]) == ("test", "fracture"))
    a, b = (make_predictions(seed=1).part("test"), make_predictions(seed=2, shift=-0.3).part("test"))
    columns = a.targets[:, 0], a.logits[:, 0], b.logits[:, 0]
    assert row["p"] == paired_test(*columns, patient_ids=a.patient_ids).p != paired_test(*columns).p
    assert (row["run_a"], row["run_b"]) == ("a/out/main", "b/out/main")
    assert found["differs"]["model"] == {"a/out/main": "resnet10t", "b/out/main": "densenet121"}
    assert found["comparisons"]["calls"]["m"] == 18 and found["restricted"] is None


def test_the_numbers_are_those_of_one_recipe_with_both_runs(tmp_path: Path, first: Path):
    folder = tmp_path / "both"
    folder.mkdir()
    text = RECIPE.replace("{NAME: {policy: inclusive}}", "{one: {}, two: {}}").replace("OUT", str(folder / "out"))
    (folder / "recipe.yaml").write_text(text)
    for name, run in (("one", make_predictions(seed=1)), ("two", make_predictions(seed=2, shift=-0.3))):
        save_predictions(folder / "out/train" / name / "predictions.parquet", run)
    summary = run_evaluate(load_recipe(folder / "recipe.yaml"))
    together = json.loads(Path(summary["metrics"]).read_text())["comparisons"]
    apart = compare_evaluated([first, second(tmp_path)])["comparisons"]
    for family in ("runs", "calls"):
        assert [row["p"] for row in apart[family]["rows"]] == [row["p"] for row in together[family]["rows"]]
    assert apart["runs"]["macro"][0]["difference"] == together["runs"]["macro"][0]["difference"]


def flip(run: Predictions) -> Predictions:
    targets = run.targets.copy()
    targets[[i for i, part in enumerate(run.parts) if part == "test"][:3], 0] = np.nan
    return replace(run, targets=targets)


def move(run: Predictions) -> Predictions:
    """Two patients, of two studies each, go from test to training."""
    at = run.parts.index("test")
    return replace(run, parts=tuple("train" if at <= i < at + 4 else part for i, part in enumerate(run.parts)))


def rename(run: Predictions) -> Predictions:
    return replace(run, findings=("broken", *run.findings[1:]))


def regroup(run: Predictions) -> Predictions:
    return replace(run, patient_ids=tuple(f"x{patient}" for patient in run.patient_ids))


REFUSED = {
    "labels": (flip, (), ["labels of fracture: 3 of 380 studies differ, such as 's260'", "against not known"]),
    "studies": (move, (), ["tested studies: 380 against 376; 4 only in a/out/main (s260, s261, s262 and 1 more)"]),
    "leakage": (move, (), ["split: 4 studies that a/out/main is tested on are in training or validation of b/out"]),
    "findings": (rename, (), ["findings: only in a/out/main: fracture; only in b/out/main: broken"]),
    "patients": (regroup, (), ["patients: 380 studies differ, such as 's260': 'a130' against 'xa130'"]),
    "min_positives": (lambda run: run, ("evaluate.min_positives=20",), ["options.min_positives: 10 against 20"]),
    "alpha and seed": (
        lambda run: run,
        ("evaluate.alpha=0.1", "evaluate.seed=3"),
        ["options.alpha: 0.05 against 0.1", "options.seed: 0 against 3"],
    ),
}


@pytest.mark.parametrize(("change", "settings", "told"), REFUSED.values(), ids=REFUSED)
def test_comparing_runs_with_different_projection_split_or_metric_definition_is_refused_with_the_differing_fields(
    tmp_path: Path, first: Path, change, settings, told
):
    other = second(tmp_path, change, *settings)
    with pytest.raises(DefinitionError) as refused:
        compare_evaluated([first, other])
    for text in told:
        assert text in str(refused.value)


def test_another_projection_of_the_test_labels_is_refused_whatever_the_labels_came_to(tmp_path: Path, first: Path):
    other = second(tmp_path, lambda run: run, "train.runs.main.not_mentioned=ignore")
    with pytest.raises(DefinitionError, match=r"projection.not_mentioned.fracture: negative against not known"):
        compare_evaluated([first, other])


def test_a_label_schema_that_differs_is_refused(tmp_path: Path, first: Path):
    other = second(tmp_path, manifest={"label_schema": "elbow", "schema_hash": "abc"})
    with pytest.raises(DefinitionError, match=r"projection\.label_schema: not said against elbow"):
        compare_evaluated([first, other])


def test_a_wrong_comparison_ends_with_exit_code_2_and_one_message(tmp_path: Path, first: Path):
    shown = CliRunner().invoke(app, ["compare", str(first), str(second(tmp_path, flip, "evaluate.alpha=0.1"))])
    assert shown.exit_code == 2
    told = " ".join(shown.output.split())
    assert "may not be compared" in told and "labels of fracture" in told and "options.alpha: 0.05 against 0.1" in told
    assert "Traceback" not in told


def test_common_restricts_to_what_both_have_and_says_how_much_is_left_out(tmp_path: Path, first: Path):
    other = second(tmp_path, lambda run: rename(move(run)))
    found = compare_evaluated([first, other], common=True)
    assert found["restricted"]["n_studies"] == 376 and "fracture" not in found["restricted"]["findings"]
    assert found["restricted"]["left_out"] == {
        "a/out/main": {"n_studies": 4, "findings": ["fracture"]},
        "b/out/main": {"n_studies": 0, "findings": ["broken"]},
    }
    assert {one["key"]: one["n_studies"] for one in found["sets"]} == {"test": 136, "external:beta": 240}
    shown = CliRunner().invoke(app, ["compare", "--common", str(first), str(other)])
    assert shown.exit_code == 0 and "restricted to what all have: 376 tested studies" in shown.output


def test_common_never_makes_differing_labels_comparable(tmp_path: Path, first: Path):
    with pytest.raises(DefinitionError, match="labels of fracture: 3 of 380"):
        compare_evaluated([first, second(tmp_path, flip)], common=True)


def test_a_study_may_be_inside_for_one_and_outside_for_the_other(tmp_path: Path, first: Path):
    swapped = {"test": "external", "external": "test"}
    other = second(tmp_path, lambda run: replace(run, parts=tuple(swapped.get(part, part) for part in run.parts)))
    found = compare_evaluated([first, other])
    assert [(one["key"], one["n_studies"]) for one in found["sets"]] == [("test", 140), ("external:beta", 240)]


def test_predictions_newer_than_their_evaluation_are_refused(tmp_path: Path, first: Path):
    save_predictions(first / "train/main/predictions.parquet", make_predictions(seed=9))
    with pytest.raises(InputError, match="newer than its evaluation; evaluate again"):
        compare_evaluated([first, second(tmp_path)])


def test_a_folder_without_an_evaluation_and_a_single_run_are_refused(tmp_path: Path, first: Path):
    with pytest.raises(InputError, match="evaluate first"):
        compare_evaluated([first, tmp_path / "nowhere"])
    with pytest.raises(InputError, match="at least two runs"):
        compare_evaluated([first, first / "train/main"])
    (first / "train/other").mkdir()
    with pytest.raises(InputError, match="run 'other' was not evaluated"):
        compare_evaluated([first / "train/other"])


def test_the_command_says_what_differs_and_takes_recipes(tmp_path: Path, first: Path):
    second(tmp_path, manifest={"model": "densenet121"})
    shown = CliRunner().invoke(app, ["compare", str(first / "train/main"), str(tmp_path / "b/recipe.yaml")])
    assert shown.exit_code == 0, shown.output
    for text in ("what differs", "densenet121", "at frozen thresholds", "not evidence", "macro AUROC"):
        assert text in shown.output
    plain = CliRunner().invoke(app, ["compare", str(first), str(tmp_path / "b/out"), "--json"])
    assert json.loads(plain.stdout)["comparisons"]["runs"]["m"] == 6


def test_a_table_of_scores_is_compared_with_a_run_and_what_it_cannot_say_is_told(tmp_path: Path, first: Path):
    run = make_predictions(seed=4)
    with (tmp_path / "theirs.csv").open("w") as file:
        names = [finding + kind for finding in run.findings for kind in ("", "_logit")]
        file.write(",".join(["study_id", "patient_id", "site", "part", *names]) + "\n")
        for row in zip(run.study_ids, run.patient_ids, run.sites, run.parts, run.targets, run.logits, strict=True):
            cells = [f"{value}" for pair in zip(row[4].astype(int), row[5].tolist(), strict=True) for value in pair]
            file.write(",".join([*row[:4], *cells]) + "\n")
    evaluated_table = ["evaluate", f"theirs={tmp_path / 'theirs.csv'}", "--out", str(tmp_path / "t")]
    assert CliRunner().invoke(app, [*evaluated_table, "--set", "evaluate.bootstrap=100"]).exit_code == 0
    found = compare_evaluated([first, tmp_path / "t"])
    assert found["unchecked"] == ["theirs"] and found["comparisons"]["runs"]["m"] == 6
    found = compare_evaluated([first, tmp_path / "theirs.csv"])
    assert found["unchecked"] == found["compared"][1:] == ["theirs"]
    row = next(r for r in found["comparisons"]["runs"]["rows"] if (r["set"], r["finding"]) == ("test", "fracture"))
    ours, other = make_predictions(seed=1).part("test"), run.part("test")
    columns = ours.targets[:, 0], ours.logits[:, 0], other.logits[:, 0]
    assert row["p"] == pytest.approx(paired_test(*columns, patient_ids=ours.patient_ids).p, rel=1e-9)
    shown = CliRunner().invoke(app, ["compare", str(first), str(tmp_path / "theirs.csv")])
    assert shown.exit_code == 0 and "does not say how its labels came about" in " ".join(shown.output.split())


def test_networks_of_folds_are_compared_with_one_network_on_what_that_one_is_tested_on(tmp_path: Path, first: Path):
    whole = make_predictions(seed=6)
    inside = [i for i, part in enumerate(whole.parts) if part != "external"]
    folds = []
    for number in range(2):  # by patient: each is tested in one fold, and validates the network of the other
        tested = {i for i in inside if i // 2 % 2 == number}
        parts = ["external" if i not in inside else "test" if i in tested else "validation" for i in range(640)]
        folds.append(replace(whole, parts=tuple(parts)))
    other = second(tmp_path, lambda _: pool_predictions(folds))
    with pytest.raises(DefinitionError, match="tested studies: 380 against 640; 0 only in a/out/main"):
        compare_evaluated([first, other])
    found = compare_evaluated([first, other], common=True)
    assert {one["key"]: one["n_studies"] for one in found["sets"]} == {"test": 140, "external:beta": 240}
    assert found["comparisons"]["calls"]["m"] == 18
