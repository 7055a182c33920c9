"""Trained and evaluated runs in MLflow: one a classifier, with its epochs, its test results and the page."""

from __future__ import annotations

import itertools
import json
import math
from pathlib import Path

import pytest
from shapes import shapes_recipe, write_study
from tracked_runs import logged_runs, open_mlflow

from imagetrain.assess import run_evaluate, run_report
from imagetrain.recipe import StudyRecipe
from imagetrain.run import run_train
from radprompter.files import read_json

STAGES = (run_train, run_evaluate, run_report)


def tracked(folder: Path, *, mlflow: dict | None = None, **train: object) -> StudyRecipe:
    recipe = shapes_recipe(folder, data={"bad_images": "exclude"}, train=train)
    sections = {"tracking": {"mlflow": {"experiment": "shapes"} | (mlflow or {})}, "evaluate": {"bootstrap": 20}}
    return StudyRecipe.model_validate({**recipe.model_dump(), **sections})


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A study of which all stages ran twice with tracking; of the first case an image is missing."""
    folder = tmp_path_factory.mktemp("study")
    write_study(folder)
    (folder / "images/s000_ap.png").unlink()
    for _ in range(2):
        for stage in STAGES:
            stage(tracked(folder))
    return folder


def test_each_classifier_is_one_run_whatever_stages_follow_and_however_often(study: Path) -> None:
    runs = {run.info.run_name: run for run in logged_runs(study / "out/mlflow.db", "shapes")}
    assert sorted(runs) == ["shapes: exclusive", "shapes: inclusive"]
    assert len(logged_runs(study / "out/mlflow.db", "shapes")) == 2
    for name, run in runs.items():
        assert run.info.status == "FINISHED"
        assert run.data.params["policy.policy"] == name.removeprefix("shapes: ")
        assert run.data.params["train.learning_rate"] == "0.001"
        assert run.data.metrics["excluded"] == 1


def test_numbers_are_those_of_the_stages_own_files(study: Path) -> None:
    client = open_mlflow(study / "out/mlflow.db")
    metrics = read_json(study / "out/evaluate/metrics.json")
    for run in logged_runs(study / "out/mlflow.db", "shapes"):
        name = run.data.params["run"]
        lines = (study / "out/train" / name / "epochs.jsonl").read_text().splitlines()
        losses = client.get_metric_history(run.info.run_id, "epoch/loss")
        assert [(one.step, one.value) for one in losses] == [
            (i + 1, json.loads(x)["loss"]) for i, x in enumerate(lines)
        ]
        macro = next(row for row in metrics["macro"] if (row["run"], row["set"]) == (name, "test"))
        assert run.data.metrics.get("test/macro/auroc") == macro["auroc"]["value"]
        for row in metrics["results"]:
            if row["run"] == name and row["auroc"]["value"] is not None:
                assert math.isclose(run.data.metrics[f"{row['set']}/{row['finding']}/auroc"], row["auroc"]["value"])


def test_manifest_metrics_and_page_are_kept_and_no_study_is_named(study: Path) -> None:
    artifacts = study / "out/mlflow_artifacts"
    for name in ("train/manifest.json", "evaluate/metrics.json", "report/report.html"):
        assert len(list(artifacts.glob(f"*/artifacts/{name}"))) == 2
    kept = [study / "out/mlflow.db", *(path for path in artifacts.rglob("*") if path.is_file())]
    assert b"s000" in (study / "out/train/inclusive/manifest.json").read_bytes()
    for path in kept:
        content = path.read_bytes()
        assert not [number for number in range(60) if b"s%03d" % number in content], path


def test_a_run_that_is_trained_anew_is_another_run(study: Path) -> None:
    before = {run.info.run_id for run in logged_runs(study / "out/mlflow.db", "shapes")}
    longer = tracked(study, epochs=3)
    for stage in STAGES:
        stage(longer)
    after = [run for run in logged_runs(study / "out/mlflow.db", "shapes") if run.info.run_id not in before]
    assert [run.data.params["train.epochs"] for run in after] == ["3", "3"]
    assert all("test/disc/auroc" in run.data.metrics for run in after)


def test_an_evaluation_whose_training_was_not_tracked_is_a_run_of_its_own(study: Path, tmp_path: Path) -> None:
    write_study(tmp_path)
    run_train(shapes_recipe(tmp_path, train={"epochs": 1}))
    database = study / "out/mlflow.db"  # a new one takes seconds to make
    run_evaluate(tracked(tmp_path, mlflow={"experiment": "others", "uri": f"sqlite:///{database}"}, epochs=1))
    runs = logged_runs(database, "others")
    assert sorted(run.info.run_name for run in runs) == ["shapes: exclusive", "shapes: inclusive"]
    assert all(run.data.params == {} and "test/disc/auroc" in run.data.metrics for run in runs)


def test_the_flow_of_a_trained_study_adds_up_and_says_what_was_lost(study: Path) -> None:
    flow = read_json(study / "out/evaluate/metrics.json")["study"]["flow"]
    for before, step in itertools.pairwise(flow):
        assert before["unit"] != step["unit"] or before["n"] == step["n"] + sum(lost["n"] for lost in step["lost"])
    lost = {(step["step"], one["reason"]): one["n"] for step in flow for one in step["lost"]}
    assert lost["with the images that are needed", "no such image file"] == 1
    assert lost["seen", "no such image file"] == 1
