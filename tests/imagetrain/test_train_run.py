from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from shapes import FINDINGS, SCHEMA, shapes_recipe, write_study

from imagetrain.prediction import run_predict
from imagetrain.recipe import StudyRecipe
from imagetrain.run import run_cache, run_train
from imagetrain.store import read_model, read_predictions
from radprompter.errors import ImageError, RecipeError, SchemaError, SplitError, TableError
from radprompter.label_table import LabelTable
from radprompter.labels import Cell, LabelState


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict]:
    folder = tmp_path_factory.mktemp("study")
    write_study(folder)
    return folder, run_train(shapes_recipe(folder))


@pytest.fixture
def study(tmp_path: Path) -> Path:
    write_study(tmp_path / "study", n_patients=12)
    return tmp_path / "study"


def edit(path: Path, **columns: object) -> None:
    """Rewrite columns of a CSV, by functions of the frame."""
    frame = pd.read_csv(path, dtype=str)
    frame.assign(**columns).to_csv(path, index=False)


def relabel(path: Path, **states: LabelState) -> None:
    """Give findings the same state in every report."""
    table = LabelTable.from_arrow(pq.read_table(path))
    rows = table.frame.itertuples()
    cells = [Cell(row.report_id, row.finding, LabelState(states.get(row.finding, row.state))) for row in rows]
    pq.write_table(LabelTable.from_cells(cells, SCHEMA).to_arrow(), path)


def test_a_run_leaves_weights_predictions_epochs_split_and_manifest(trained: tuple[Path, dict]) -> None:
    folder, summary = trained
    out = folder / "out" / "train"
    assert not summary["up_to_date"]
    for run in ("inclusive", "exclusive"):
        weights, card = read_model(out / run / "model.safetensors", schema=SCHEMA)
        manifest = json.loads((out / run / "manifest.json").read_text())
        epochs = [json.loads(line) for line in (out / run / "epochs.jsonl").read_text().splitlines()]
        predictions = read_predictions(out / run / "predictions.parquet")
        assert weights["head.weight"].shape[0] == len(card.findings)
        assert manifest["thresholds"] == card.thresholds
        assert card.policy["policy"] == run
        assert [epoch["epoch"] for epoch in epochs] == [1, 2]
        assert len(predictions.study_ids) == 60
        assert np.isfinite(predictions.logits).all()
        assert manifest["n_studies"]["external"] == 20
    assert len(pd.read_csv(out / "split.csv")) == 60


def test_runs_share_findings_split_and_test_targets_and_differ_in_what_they_were_taught(
    trained: tuple[Path, dict],
) -> None:
    folder, _ = trained
    one, other = (
        read_predictions(folder / "out" / "train" / run / "predictions.parquet") for run in ("inclusive", "exclusive")
    )
    assert (one.study_ids, one.parts, one.findings) == (other.study_ids, other.parts, other.findings)
    tested = np.isin(one.parts, ("test", "external"))
    assert np.array_equal(one.targets[tested], other.targets[tested], equal_nan=True)
    assert np.isnan(one.targets[tested]).any()  # uncertain: not known
    assert (one.targets[~tested] > other.targets[~tested]).any()  # uncertain: 1 or 0


def test_thresholds_are_youdens_on_validation(trained: tuple[Path, dict]) -> None:
    from imagetrain.evaluation.thresholds import youden

    folder, summary = trained
    part = read_predictions(folder / "out" / "train" / "inclusive" / "predictions.parquet").part("validation")
    thresholds = summary["runs"]["inclusive"]["thresholds"]
    for column, finding in enumerate(part.findings):
        expected = youden(part.targets[:, column], part.logits[:, column]).threshold
        assert thresholds[finding] == (None if np.isnan(expected) else expected)


def test_a_second_run_does_nothing_and_imports_no_torch(trained: tuple[Path, dict]) -> None:
    folder, _ = trained
    probe = (
        "import sys; sys.path.insert(0, sys.argv[1])\n"
        "from pathlib import Path\n"
        "from shapes import shapes_recipe\n"
        "from imagetrain.run import run_cache, run_train\n"
        "recipe = shapes_recipe(Path(sys.argv[2]))\n"
        "assert run_cache(recipe)['up_to_date'] and run_train(recipe)['up_to_date']\n"
        "assert not {'torch', 'timm', 'monai'} & set(sys.modules)\n"
    )
    command = [sys.executable, "-c", probe, str(Path(__file__).parent), str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_a_changed_policy_trains_only_the_run_that_it_changes(study: Path) -> None:
    short = {"epochs": 1}
    run_train(shapes_recipe(study, train=short))
    runs = {"inclusive": {"policy": "inclusive"}, "exclusive": {"policy": "ignore"}}
    summary = run_train(shapes_recipe(study, train={**short, "runs": runs}))
    assert summary["runs"]["inclusive"]["up_to_date"]
    assert not summary["runs"]["exclusive"]["up_to_date"]


def test_predicting_the_trained_studies_gives_the_same_logits(trained: tuple[Path, dict]) -> None:
    folder, _ = trained
    recipe = shapes_recipe(folder)
    summary = run_predict(recipe, run="exclusive")
    ours = read_predictions(folder / "out" / "predict" / "exclusive" / "predictions.parquet")
    theirs = read_predictions(folder / "out" / "train" / "exclusive" / "predictions.parquet")
    by_study = dict(zip(theirs.study_ids, theirs.logits, strict=True))
    assert summary["n_studies"] == 60
    assert np.allclose(ours.logits, [by_study[study] for study in ours.study_ids], atol=1e-4)
    assert np.isnan(ours.targets).all()
    table = pd.read_csv(folder / "out" / "predict" / "exclusive" / "predictions.csv")
    assert ((table["disc"] >= 0) & (table["disc"] <= 1)).all()
    assert set(table["disc:positive"]) <= {0, 1}


def test_predicting_new_images_needs_no_labels(trained: tuple[Path, dict], tmp_path: Path) -> None:
    folder, _ = trained
    write_study(tmp_path / "new", n_patients=2, side=60, seed=9)
    summary = run_predict(shapes_recipe(folder), images=tmp_path / "new" / "images.csv")
    assert (summary["run"], summary["n_studies"]) == ("inclusive", 4)
    with pytest.raises(RecipeError, match="no run 'third'; it has: inclusive, exclusive"):
        run_predict(shapes_recipe(folder), run="third")


def test_absent_and_unreadable_images_are_refused_or_left_out_with_their_studies(study: Path) -> None:
    recipe = shapes_recipe(study)
    (study / "images" / "s003_lateral.png").unlink()
    with pytest.raises(ImageError, match=r"s003_lateral.png \(study s003\): no such image file"):
        run_cache(recipe)
    (study / "images" / "s003_lateral.png").write_bytes(b"no image")
    with pytest.raises(ImageError, match=r"s003_lateral.png \(study s003\): the image cannot be decoded"):
        run_train(recipe)
    summary = run_cache(shapes_recipe(study, data={"bad_images": "exclude"}))
    assert summary["n_failed"] == 1
    assert summary["n_studies"] == 23
    assert list(summary["incomplete"]) == ["s003"]


def test_a_study_without_a_view_is_left_out_and_listed(study: Path) -> None:
    frame = pd.read_csv(study / "images.csv")
    frame[~((frame["study_id"] == "s000") & (frame["view"] == "lateral"))].to_csv(study / "images.csv", index=False)
    summary = run_train(shapes_recipe(study, train={"epochs": 1, "runs": {"inclusive": {}}}))
    assert summary["runs"]["inclusive"]["excluded"] == {"s000": "no lateral image"}


def test_one_class_findings_are_left_out_with_the_reason(study: Path) -> None:
    relabel(study / "labels.parquet", bar=LabelState.NEGATIVE, frame=LabelState.FAILED, rare=LabelState.UNCERTAIN)
    summary = run_train(shapes_recipe(study, train={"epochs": 1}))
    run = summary["runs"]["inclusive"]
    assert run["findings"] == ["disc"]
    assert "one class only: all" in run["left_out"]["bar"]
    assert "no label in training" in run["left_out"]["frame"]
    assert "(run inclusive)" in run["left_out"]["rare"]  # all positive there, all negative in the other run


def test_labels_of_one_class_alone_are_refused(study: Path) -> None:
    relabel(study / "labels.parquet", **dict.fromkeys(FINDINGS, LabelState.NEGATIVE))
    with pytest.raises(SchemaError, match=r"no finding can be trained on, of 4:\n  disc: one class only"):
        run_train(shapes_recipe(study))


def test_a_patient_inside_and_outside_is_refused(study: Path) -> None:
    edit(study / "studies.csv", patient_id=lambda frame: frame["patient_id"].replace("p002", "p001"))
    with pytest.raises(SplitError, match=r"p001 in \w+ and external"):
        run_train(shapes_recipe(study))


def test_tables_without_a_common_study_are_refused_with_examples(study: Path) -> None:
    edit(study / "studies.csv", study_id=lambda frame: "x" + frame["study_id"])
    with pytest.raises(TableError, match=r"no study id is in all tables(.|\n)*such as xs000, xs001"):
        run_train(shapes_recipe(study))


def test_of_two_co_taught_networks_one_is_kept(study: Path) -> None:
    noise = {"drop_positives": 0.2, "drop_negatives": 0.1, "warmup_epochs": 0, "co_teaching": True}
    run_train(shapes_recipe(study, train={"epochs": 1, "noise": noise, "runs": {"one": {}}}))
    weights, _ = read_model(study / "out" / "train" / "one" / "model.safetensors")
    assert not [name for name in weights if "second" in name]
    run_predict(shapes_recipe(study, train={"noise": noise, "runs": {"one": {}}}))
    table = study / "out" / "predict" / "one" / "predictions.parquet"
    trained = read_predictions(study / "out" / "train" / "one" / "predictions.parquet")
    places = [read_predictions(table).study_ids.index(name) for name in trained.study_ids]
    assert np.allclose(read_predictions(table).logits[places], trained.logits, atol=1e-4)


def test_soft_targets_are_trained_on_and_never_counted_as_either_class(study: Path) -> None:
    runs = {"soft": {"policy": "soft", "soft": [0.2, 0.9]}}
    summary = run_train(shapes_recipe(study, train={"epochs": 1, "runs": runs}))
    counted = summary["runs"]["soft"]["targets"]
    assert sum(finding["soft"] for finding in counted["train"].values()) > 0
    assert sum(finding["soft"] for finding in counted["test"].values()) == 0
    predictions = read_predictions(study / "out" / "train" / "soft" / "predictions.parquet")
    assert set(np.unique(predictions.targets[~np.isnan(predictions.targets)])) == {0.0, 1.0}


@pytest.mark.parametrize(
    ("train", "data", "error", "message"),
    [
        ({"model": "resnet10"}, {}, RecipeError, "has no model 'resnet10'; did you mean 'resnet10t'"),
        ({"runs": {"a": {"per_finding": {"disk": "ignore"}}}}, {}, SchemaError, "'disk'; did you mean 'disc'"),
        ({"class_weights": {"disk": 2}}, {}, SchemaError, "'disk'; did you mean 'disc'"),
        ({}, {"findings": ["disc", "bars"]}, SchemaError, "'bars'; did you mean 'bar'"),
        ({}, {"split": {"external": ["gamma"]}}, SplitError, "site 'gamma', but the studies have: alpha, beta"),
        ({}, {"views": ["ap", "oblique"]}, TableError, "no image has view 'oblique'"),
    ],
)
def test_wrong_recipes_are_refused(study: Path, train: dict, data: dict, error: type, message: str) -> None:
    with pytest.raises(error, match=message):
        run_train(shapes_recipe(study, train=train, data=data))


def test_a_recipe_without_its_sections_is_refused() -> None:
    bare = StudyRecipe.model_validate({"name": "bare", "out": "nowhere"})
    with pytest.raises(RecipeError, match="recipe 'bare' has no section 'data'"):
        run_train(bare)
