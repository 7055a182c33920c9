"""The stages evaluate and report: from predictions on disk to metrics, tables and page."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from reference.predictions import FINDINGS, two_runs
from typer.testing import CliRunner

from imagetrain.assess import run_evaluate, run_report
from imagetrain.cli.app import app
from imagetrain.evaluation.numbers import Options
from imagetrain.evaluation.report import evaluate
from imagetrain.gathering.references import hold_against
from imagetrain.gathering.sources import changed_since
from imagetrain.recipe import Reference, StudyRecipe, load_recipe
from imagetrain.store import save_predictions
from radprompter.errors import InputError, TableError
from radprompter.files import sha256

RECIPE = """
name: Made-up study
phantom: {regions: [elbow]}
train:
  runs:
    inclusive: {policy: inclusive}
    exclusive: {policy: exclusive, per_finding: {effusion: ignore}}
  model: resnet10t
evaluate: {bootstrap: 100}
"""


@pytest.fixture
def study(tmp_path: Path) -> StudyRecipe:
    for name, run in two_runs().items():
        save_predictions(tmp_path / "out/train" / name / "predictions.parquet", run)
    return recipe_in(tmp_path)


def recipe_in(folder: Path, *settings: str) -> StudyRecipe:
    (folder / "recipe.yaml").write_text(RECIPE)
    return load_recipe(folder / "recipe.yaml", settings=settings, out=folder / "out")


def write_reference(path: Path, change=lambda study, finding, value: value, columns=FINDINGS) -> Path:
    run = two_runs()["inclusive"]
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["study_id", *columns])
        for study, row in zip(run.study_ids, run.targets, strict=True):
            writer.writerow([study, *(change(study, f, str(int(v))) for f, v in zip(FINDINGS, row, strict=True))])
    return path


def test_numbers_tables_and_page_are_written_once(study: StudyRecipe):
    first = run_evaluate(study)
    page = run_report(study)
    assert not first["up_to_date"] and not page["up_to_date"]
    assert "internal test (alpha): inclusive 0." in first["line"] and first["n_failed"] == 0
    out = study.out
    metrics = json.loads((out / "evaluate/metrics.json").read_text())
    assert metrics["study"]["synthetic"] and metrics["study"]["title"] == "Made-up study"
    assert metrics["study"]["runs"][1][1].startswith("exclusive: uncertain counts as negative")
    rows = list(csv.DictReader((out / "evaluate/findings.csv").read_text().splitlines()))
    assert len(rows) == 2 * 2 * len(FINDINGS)
    assert float(rows[0]["auroc"]) == metrics["results"][0]["auroc"]["value"]
    assert next(row for row in rows if row["finding"] == "osteopenia")["auroc"] == ""
    assert float(rows[0]["slope_as_trained"]) == metrics["results"][0]["calibration"]["as_trained"]["slope"]["value"]
    assert rows[0]["slope_at_site"] == "" and rows[-len(FINDINGS)]["slope_at_site"] != ""
    shifts = list(csv.DictReader((out / "evaluate/shift.csv").read_text().splitlines()))
    assert {row["set"] for row in shifts} == {"external:beta"} and len(shifts) == 2 * len(FINDINGS)
    assert len(list(csv.DictReader((out / "evaluate/macro.csv").read_text().splitlines()))) == 4
    assert {p.name for p in (out / "page/plots").iterdir()} >= {f"roc_{name}.svg" for name in FINDINGS[:4]}
    assert "Made-up study" in (out / "page/report.html").read_text()
    assert {p.stem for p in (out / "page/plots").glob("*.svg")} == {p.stem for p in (out / "page/plots").glob("*.csv")}
    assert {p.stem for p in (out / "page/tables").glob("*.tex")} == {
        p.stem for p in (out / "page/tables").glob("*.docx")
    }
    assert run_evaluate(study)["up_to_date"] and run_report(study)["up_to_date"]


def test_new_predictions_or_settings_are_evaluated_anew(study: StudyRecipe, tmp_path: Path):
    run_evaluate(study)
    run_report(study)
    assert not run_evaluate(recipe_in(tmp_path, "evaluate.min_positives=20"))["up_to_date"]
    assert not run_report(study)["up_to_date"]
    run = two_runs()["inclusive"]
    save_predictions(tmp_path / "out/train/inclusive/predictions.parquet", replace(run, logits=-run.logits))
    assert not run_evaluate(recipe_in(tmp_path, "evaluate.min_positives=20"))["up_to_date"]


def test_tables_that_a_new_evaluation_does_not_have_are_removed(study: StudyRecipe):
    run_evaluate(study)
    run_report(study)
    tables, metrics = study.out / "page/tables", study.out / "evaluate/metrics.json"
    (tables / "mine.tex").write_text("written by somebody")
    assert (tables / "runs_compared.tex").is_file()
    one_run = json.loads(metrics.read_text())
    one_run["comparisons"]["runs"] |= {"rows": [], "macro": []}
    metrics.write_text(json.dumps(one_run))
    run_report(study)
    assert not (tables / "runs_compared.tex").exists() and (tables / "mine.tex").is_file()
    (study.out / "page/stage.json").write_text("damaged")
    assert not run_report(study)["up_to_date"]


def test_the_reference_replaces_the_labels_of_test_and_external_studies_only(tmp_path: Path):
    run = two_runs()["inclusive"]
    flipped = write_reference(
        tmp_path / "r.csv",
        lambda study, finding, value: {"fracture": str(1 - int(value)), "effusion": ""}.get(finding, value),
    )
    held = hold_against({"run": run}, Reference(path=flipped)).runs["run"]
    tested = np.isin(run.parts, ("test", "external"))
    assert (held.targets[tested, 0] == 1 - run.targets[tested, 0]).all()
    assert np.isnan(held.targets[tested, 1]).all()
    assert (held.targets[~tested] == run.targets[~tested]).all()
    assert (held.targets[tested, 2] == run.targets[tested, 2]).all()


def test_a_finding_that_the_reference_lacks_is_not_known(tmp_path: Path, study: StudyRecipe):
    write_reference(tmp_path / "r.csv", columns=("fracture", "a", "b", "c", "d"))
    summary = run_evaluate(recipe_in(tmp_path, f"evaluate.reference.path={tmp_path / 'r.csv'}"))
    metrics = json.loads(Path(summary["metrics"]).read_text())
    excluded = metrics["macro"][0]["excluded"]
    assert [(item["finding"], item["reason"]) for item in excluded] == [
        (name, "no counterpart in the reference r.csv") for name in FINDINGS[1:]
    ]
    assert "held against the reference r.csv" in metrics["study"]["reference"]


@pytest.mark.parametrize(
    ("change", "columns", "message"),
    [
        (lambda s, f, v: "yes" if s == "s300" else v, FINDINGS, "study 's300', fracture: expected 1, 0 or blank"),
        (lambda s, f, v: v, ("a", "b", "c", "d", "e"), "none of the findings .*its columns are study_id, a"),
    ],
)
def test_a_reference_that_cannot_be_used_is_refused(tmp_path: Path, change, columns, message):
    path = write_reference(tmp_path / "r.csv", change, columns)
    with pytest.raises(TableError, match=message):
        hold_against(two_runs(), Reference(path=path))


def test_a_reference_must_cover_the_tested_studies_once(tmp_path: Path):
    path = write_reference(tmp_path / "r.csv")
    lines = path.read_text().splitlines()
    path.write_text("\n".join(lines[:-2]))
    with pytest.raises(TableError, match="2 of 380 tested studies have no row, such as 's638'"):
        hold_against(two_runs(), Reference(path=path))
    path.write_text("\n".join([*lines, lines[-1]]))
    with pytest.raises(TableError, match="'s639' has more than one row"):
        hold_against(two_runs(), Reference(path=path))


def test_missing_stages_are_named(tmp_path: Path):
    with pytest.raises(InputError, match=r"run 'inclusive' has no predictions .*imagetrain train"):
        run_evaluate(recipe_in(tmp_path))
    with pytest.raises(InputError, match="imagetrain evaluate"):
        run_report(recipe_in(tmp_path))


def test_the_commands_print_what_is_worth_reading(study: StudyRecipe, tmp_path: Path):
    recipe = [str(tmp_path / "recipe.yaml"), "--out", str(tmp_path / "out")]
    shown = CliRunner().invoke(app, ["evaluate", *recipe])
    assert shown.exit_code == 0, shown.output
    texts = (
        "macro AUROC",
        "internal test (alpha)",
        "240 studies",
        "3 of 5 findings",
        "Dislocation",
        "differ",
        "outside",
    )
    for text in (*texts, "calibration slope"):
        assert text in shown.output
    assert "–~" not in shown.output and "~" in shown.output  # what is absent is not too few
    compared = CliRunner().invoke(app, ["compare", *recipe])
    assert compared.exit_code == 0 and "adjusted p" in compared.output and "scanners" in compared.output
    page = CliRunner().invoke(app, ["report", *recipe, "--json"])
    assert json.loads(page.stdout)["page"].endswith("page/report.html")


def test_one_class_everywhere_is_told_and_not_called_done(study: StudyRecipe, tmp_path: Path):
    for name, run in two_runs().items():
        empty = replace(run, targets=np.zeros_like(run.targets))
        save_predictions(tmp_path / "out/train" / name / "predictions.parquet", empty)
    recipe = [str(tmp_path / "recipe.yaml"), "--out", str(tmp_path / "out")]
    shown = CliRunner().invoke(app, ["evaluate", *recipe])
    assert shown.exit_code == 1 and "No AUROC is defined" in shown.output
    assert CliRunner().invoke(app, ["report", *recipe]).exit_code == 0


def trained(folder: Path, name: str, recipe: StudyRecipe, **more: object) -> None:
    """A manifest as a training of just this recipe leaves."""
    train = recipe.need_train()
    told = {"recipe": train.model_dump(mode="json"), "policy": train.runs[name].model_dump(mode="json"), **more}
    (folder / "out/train" / name / "manifest.json").write_text(json.dumps(told))


@pytest.mark.parametrize(
    ("setting", "changed"),
    [
        ("train.epochs=30", "train.epochs was 10, is 30"),
        ("train.augment.noise=0.5", "train.augment.noise was 0.02, is 0.5"),
        ("train.runs.inclusive.policy=exclusive", 'train.runs.inclusive.policy was "inclusive", is "exclusive"'),
    ],
)
def test_runs_of_another_recipe_are_not_evaluated(study: StudyRecipe, tmp_path: Path, setting: str, changed: str):
    trained(tmp_path, "inclusive", study)
    assert run_evaluate(study)["n_failed"] == 0
    with pytest.raises(InputError) as error:
        run_evaluate(recipe_in(tmp_path, setting))
    assert changed in str(error.value) and "imagetrain train RECIPE" in str(error.value)


@pytest.mark.parametrize("setting", ["train.device=cpu", "train.checkpoint_minutes=3", "evaluate.bootstrap=0"])
def test_what_does_not_change_a_run_asks_for_no_training(study: StudyRecipe, tmp_path: Path, setting: str):
    trained(tmp_path, "inclusive", study)
    assert run_evaluate(recipe_in(tmp_path, setting))["n_failed"] == 0


def test_a_manifest_of_an_older_version_is_compared_as_far_as_it_goes(study: StudyRecipe, tmp_path: Path):
    trained(tmp_path, "inclusive", study)
    path = tmp_path / "out/train/inclusive/manifest.json"
    told = json.loads(path.read_text())
    del told["recipe"]["normalise"]
    path.write_text(json.dumps(told | {"hashes": {}}))
    assert run_evaluate(recipe_in(tmp_path, "train.normalise=false"))["n_failed"] == 0
    path.write_text("{")
    with pytest.raises(InputError, match=r"manifest.json: damaged; run the training again"):
        run_evaluate(study)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda text: "{}", "not the numbers of an evaluation"),
        (lambda text: "[1]", "not the numbers of an evaluation"),
        (lambda text: text[:100], "metrics.json: not JSON"),
        (lambda text: text.replace('"format": 2', '"format": 99'), "of format 99, and this version reads up to"),
        (lambda text: text.replace('"results"', '"result"'), "has no results, or not as they were written"),
    ],
)
def test_metrics_that_were_changed_by_hand_are_refused_in_one_message(study: StudyRecipe, change, message: str):
    path = Path(run_evaluate(study)["metrics"])
    path.write_text(change(path.read_text()))
    with pytest.raises(InputError, match=message):
        run_report(study)


def test_a_recipe_chooses_thresholds_recalibration_and_subgroups(study: StudyRecipe, tmp_path: Path):
    table = "\n".join(f"{name},{'FM'[i % 2]},{i % 90:03d}Y" for i, name in enumerate(two_runs()["inclusive"].study_ids))
    (tmp_path / "who.csv").write_text(f"study_id,sex,age\n{table}\n")
    recipe = recipe_in(
        tmp_path,
        "evaluate.threshold={sensitivity: 0.95}",
        "evaluate.recalibrate=isotonic",
        "evaluate.permutations=0",
        f"evaluate.metadata.path={tmp_path / 'who.csv'}",
        "evaluate.subgroups={sex: {column: sex}, age: {column: age, bands: [40, 60]}}",
    )
    metrics = json.loads(Path(run_evaluate(recipe)["metrics"]).read_text())
    assert metrics["options"]["wanted_sensitivity"] == 0.95 and metrics["options"]["recalibrate"] == "isotonic"
    rows = list(csv.DictReader((study.out / "evaluate/subgroups.csv").read_text().splitlines()))
    assert {row["group"] for row in rows} == {"F", "M", "under 40", "40 to under 60", "60 and over"}
    assert sum(int(row["n_studies"]) for row in rows if (row["attribute"], row["finding"]) == ("age", "")) == 2 * 380
    (tmp_path / "who.csv").write_text((tmp_path / "who.csv").read_text().replace("s639,M", "s639,F"))
    assert not run_evaluate(recipe)["up_to_date"]


def test_changed_data_are_told_but_moved_files_are_not(study: StudyRecipe, tmp_path: Path):
    labels = tmp_path / "labels.csv"
    labels.write_text("study_id,fracture\n")
    settings = f"data={{labels: {labels}, studies: {{path: s.csv}}, images: {{path: i.csv}}, size: 96}}"
    before = recipe_in(tmp_path, settings)
    trained(
        tmp_path,
        "inclusive",
        before,
        data=before.need_data().model_dump(mode="json"),
        hashes={"labels": sha256(labels)},
    )
    assert changed_since(before, "inclusive") == []
    moved = recipe_in(tmp_path, settings, "data.images.path=elsewhere.csv", "data.split.leakage=warn")
    assert changed_since(moved, "inclusive") == []
    other = recipe_in(tmp_path, settings, "data.size=128", "data.split.seed=5")
    labels.write_text("study_id,fracture\na,1\n")
    assert changed_since(other, "inclusive") == [
        "data.size was 96, is 128",
        "data.split.seed was 0, is 5",
        f"{labels} has other content",
    ]


def test_a_table_in_place_of_a_recipe_is_told_what_to_do(tmp_path: Path):
    table = tmp_path / "scores.csv"
    table.write_text("case,fracture,fracture_probability\n1,1,0.5\n")
    shown = CliRunner().invoke(app, ["report", str(table)])
    assert shown.exit_code == 2 and "folder of an evaluation" in " ".join(shown.output.split())
    shown = CliRunner().invoke(app, ["compare", str(table), str(table)])
    assert shown.exit_code == 2 and "evaluate.columns.study=NAME" in shown.output


def test_scores_without_validation_say_that_there_is_none():
    run = two_runs()["inclusive"].part("test")
    metrics = evaluate({"one": run}, options=Options(resamples=0, permutations=0)).metrics
    assert "no study of part validation" in metrics["results"][0]["sensitivity"]["reason"]
