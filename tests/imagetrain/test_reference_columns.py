"""The references of a recipe side by side: what its matrix of runs and references is made of."""

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
from imagetrain.evaluation.matrix.tables import MATRIX_TABLES
from imagetrain.gathering.reference_columns import reference_columns
from imagetrain.recipe import StudyRecipe, load_recipe
from imagetrain.records import Predictions
from imagetrain.store import save_predictions
from radprompter.errors import TableError

RECIPE = """
name: Made-up study
train:
  runs: {inclusive: {policy: inclusive}, exclusive: {policy: exclusive}}
  model: resnet10t
evaluate: {bootstrap: 50}
"""


def write(path: Path, *, flip: float = 0.0, blank: float = 0.0) -> str:
    """A reference table of the made-up runs, some of whose cells are wrong or blank; its path as a recipe has it."""
    run, generator = two_runs()["inclusive"], np.random.default_rng(0)
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["study_id", *FINDINGS])
        for study, row in zip(run.study_ids, run.targets.astype(int), strict=True):
            cells = [1 - value if generator.random() < flip else value for value in row.tolist()]
            writer.writerow([study, *("" if generator.random() < blank else cell for cell in cells)])
    return f"{{path: {path}}}"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, run in two_runs().items():
        save_predictions(tmp_path / "out/train" / name / "predictions.parquet", run)
    (tmp_path / "recipe.yaml").write_text(RECIPE)
    return tmp_path


def recipe(folder: Path, *settings: str) -> StudyRecipe:
    return load_recipe(folder / "recipe.yaml", settings=settings, out=folder / "out")


def test_without_references_there_is_no_matrix(folder: Path) -> None:
    study = recipe(folder)
    assert reference_columns(study, two_runs()) == {}
    metrics = json.loads(Path(run_evaluate(study)["metrics"]).read_text())
    assert metrics["matrix"] is None
    assert not any((folder / "out/evaluate" / name).exists() for name in MATRIX_TABLES)


def test_the_primary_reference_is_the_first_column_under_the_name_it_has_among_the_others(folder: Path) -> None:
    human, weak = write(folder / "findings.csv"), write(folder / "weak.csv", flip=0.1)
    named = f"evaluate.references={{weak: {weak}, human: {human}}}"
    found = reference_columns(recipe(folder, f"evaluate.reference={human}", named), two_runs())
    assert list(found) == ["human", "weak"]
    own = f"evaluate.references={{weak: {weak}}}"
    assert list(reference_columns(recipe(folder, f"evaluate.reference={human}", own), two_runs())) == [
        "findings",
        "weak",
    ]
    assert list(reference_columns(recipe(folder, own), two_runs())) == ["labels", "weak"]
    taken = f"evaluate.references={{labels: {weak}}}"
    assert list(reference_columns(recipe(folder, taken), two_runs())) == ["reference", "labels"]


def test_a_column_holds_the_tested_studies_alone(folder: Path) -> None:
    weak = write(folder / "weak.csv", flip=0.1, blank=0.2)
    found = reference_columns(recipe(folder, f"evaluate.references={{weak: {weak}}}"), two_runs())
    run = two_runs()["inclusive"]
    tested = [study for study, part in zip(run.study_ids, run.parts, strict=True) if part in ("test", "external")]
    assert list(found["weak"].study_ids) == tested == list(found["labels"].study_ids)
    assert 0.15 < np.isnan(found["weak"].targets).mean() < 0.25
    assert "weak.csv" in found["weak"].about and "what the runs are tested against" in found["labels"].about


def test_labels_in_which_runs_differ_are_not_known_to_the_primary_column(folder: Path) -> None:
    runs = two_runs()
    order = list(reversed(range(len(runs["exclusive"].study_ids))))
    other = runs["exclusive"].targets.copy()
    other[-3:, 0] = 1 - other[-3:, 0]
    runs["exclusive"] = replace(runs["exclusive"], targets=other).take(order)
    weak = write(folder / "weak.csv")
    primary = reference_columns(recipe(folder, f"evaluate.references={{weak: {weak}}}"), runs)["labels"]
    assert np.isnan(primary.targets[-3:, 0]).all() and np.isnan(primary.targets).sum() == 3


def test_with_folds_a_study_is_held_against_what_its_reference_says_not_against_its_validation_label(
    folder: Path,
) -> None:
    run = two_runs()["inclusive"].part("test")
    again = replace(run, parts=("validation",) * len(run.parts), targets=1 - run.targets)
    both = Predictions(
        *((*getattr(run, key), *getattr(again, key)) for key in ("study_ids", "patient_ids", "sites", "parts")),
        run.findings,
        np.concatenate([run.logits, again.logits]),
        np.concatenate([run.targets, again.targets]),
        (1,) * len(run.parts) + (2,) * len(run.parts),
    )
    truth = write(folder / "truth.csv")
    found = reference_columns(recipe(folder, f"evaluate.references={{truth: {truth}}}"), {"run": both})
    assert (found["truth"].targets == run.targets).all() and (found["labels"].targets == run.targets).all()


def test_a_reference_may_know_some_of_the_tested_studies_and_must_know_one(folder: Path) -> None:
    some = write(folder / "some.csv")
    lines = (folder / "some.csv").read_text().splitlines()
    (folder / "some.csv").write_text("\n".join([lines[0], *lines[-240:]]))  # those of the external site
    study = recipe(folder, f"evaluate.references={{some: {some}}}")
    found = reference_columns(study, two_runs())["some"]
    assert np.isnan(found.targets[:140]).all() and not np.isnan(found.targets[140:]).any()
    assert "knows 240 of 380 tested studies" in found.about
    matrix = json.loads(Path(run_evaluate(study)["metrics"]).read_text())["matrix"]
    macro = {(c["set"], c["reference"]): c["auroc"] for c in matrix["cells"] if c["finding"] is None}
    assert macro["test", "some"]["reason"] == "no study with a known label"
    assert macro["test", "labels"]["value"] > 0.8 and macro["external:beta", "some"]["value"] > 0.8
    (folder / "some.csv").write_text(lines[0] + "\nother,1,1,1,1,1\n")
    with pytest.raises(TableError, match=r"some\.csv: knows none of the 380 tested studies"):
        run_evaluate(study)


def test_with_references_of_single_sites_the_named_references_are_all_columns(folder: Path) -> None:
    human, weak = write(folder / "human.csv"), write(folder / "weak.csv", flip=0.1)
    named = f"evaluate.references={{human: {human}, weak: {weak}}}"
    found = reference_columns(recipe(folder, f"evaluate.sites={{beta: {human}}}", named), two_runs())
    assert list(found) == ["human", "weak"]


def test_the_matrix_is_evaluated_printed_written_and_redone_when_a_reference_changes(folder: Path) -> None:
    human, weak = write(folder / "human.csv"), write(folder / "weak.csv", flip=0.15)
    settings = [f"evaluate.reference={human}", f"evaluate.references={{human: {human}, weak: {weak}}}"]
    arguments = [str(folder / "recipe.yaml"), "--out", str(folder / "out")]
    shown = CliRunner().invoke(app, ["evaluate", *arguments, *(x for one in settings for x in ("--set", one))])
    assert shown.exit_code == 0, shown.output
    for text in (
        "macro AUROC by reference",
        "kappa 0.",
        "references against the first",
        "differs from human",
        "not in these means: osteopenia (human: no positives",
    ):
        assert text in shown.output
    out = folder / "out/evaluate"
    metrics = json.loads((out / "metrics.json").read_text())
    cells = list(csv.DictReader((out / "matrix.csv").read_text().splitlines()))
    assert len(cells) == len(metrics["matrix"]["cells"]) == 2 * 2 * 2 * (len(FINDINGS) + 1)
    assert float(cells[0]["auroc"]) == metrics["matrix"]["cells"][0]["auroc"]["value"]
    tests = list(csv.DictReader((out / "matrix_tests.csv").read_text().splitlines()))
    families = metrics["matrix"]["rows"], metrics["matrix"]["columns"]
    assert len(tests) == sum(len(family["rows"]) + len(family["macro"]) for family in families)
    assert {(row["compared"], row["reference_a"], row["reference_b"]) for row in tests} == {
        ("two runs", "human", "human"),
        ("two runs", "weak", "weak"),
        ("two references", "weak", "human"),
    }
    many = ", ".join(f"of_a_long_name_{i}: {weak}" for i in range(5))
    more = ("--set", settings[0], "--set", f"evaluate.references={{human: {human}, {many}}}")
    shown = CliRunner().invoke(app, ["evaluate", str(folder / "recipe.yaml"), "--out", str(folder / "many"), *more])
    assert shown.exit_code == 2 and "imagetrain train" in shown.output
    (folder / "many").mkdir(exist_ok=True)
    (folder / "many/train").symlink_to(folder / "out/train")
    shown = CliRunner().invoke(app, ["evaluate", str(folder / "recipe.yaml"), "--out", str(folder / "many"), *more])
    assert shown.exit_code == 0 and "6 of a long name 4, kappa 0." in shown.output
    kept = list(csv.DictReader((out / "references_compared.csv").read_text().splitlines()))
    assert [row["finding"] for row in kept[: len(FINDINGS) + 1]] == [*FINDINGS, "macro mean"]
    run_report(recipe(folder, *settings))
    assert run_evaluate(recipe(folder, *settings))["up_to_date"]
    write(folder / "weak.csv", flip=0.2)
    assert not run_evaluate(recipe(folder, *settings))["up_to_date"]
    run_evaluate(recipe(folder))
    assert not any((out / name).exists() for name in MATRIX_TABLES)
