"""The recipes of the two image papers, scaled down, from tables to classifiers."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from benchmarked import run_script

from imagetrain.assess import run_evaluate
from imagetrain.recipe import StudyRecipe, load_recipe
from imagetrain.run import run_train
from imagetrain.store import read_predictions
from radprompter.label_table import LabelTable
from radprompter.labels import Cell, FindingSpec, LabelSchema, LabelState
from radprompter.phantom import write_phantom

RECIPES = Path(__file__).resolve().parents[2] / "recipes" / "train"
SMALL = [
    "train.model=test_resnet",
    "train.pretrained=false",
    "train.epochs=2",
    "train.batch_size=16",
    "train.precision=fp32",
    "train.device=cpu",
    "data.size=32",
    "data.split.external=[beta]",
    "data.min_positives=1",
]
"""What makes it train in seconds without a GPU; all else is the recipe's."""


@pytest.fixture(scope="module")
def phantom(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("phantom") / "study"
    write_phantom(folder, regions=("chest", "elbow"), patients=24, seed=3, size=64)
    return folder


def write_labels(path: Path, truth: pd.DataFrame, findings: list[str], *, uncertain: float, seed: int) -> None:
    """A label table as `radprompter label` leaves one, right but for some cells that are uncertain."""
    rng = np.random.default_rng(seed)
    cells = []
    for row in truth.itertuples():
        for finding in findings:
            state = LabelState.POSITIVE if getattr(row, finding) == 1 else LabelState.NEGATIVE
            if rng.random() < uncertain:
                state = LabelState.UNCERTAIN
            cells.append(Cell(row.study_id, finding, state))
    path.parent.mkdir(parents=True, exist_ok=True)
    schema = LabelSchema("small", tuple(FindingSpec(finding) for finding in findings))
    pq.write_table(LabelTable.from_cells(cells, schema).to_arrow(), path)


def lay_out(phantom: Path, region: str, folder: Path) -> pd.DataFrame:
    """The phantom's tables under the names that the recipes use; returns what is really there."""
    source = phantom / region
    shutil.copy(source / "reports.csv", folder / "studies.csv")
    shutil.copy(source / "images.csv", folder / "images.csv")
    (folder / "images").symlink_to(source / "images")
    return pd.read_csv(source / "findings.csv")


def small(name: str, *settings: str) -> StudyRecipe:
    return load_recipe(RECIPES / f"{name}.yaml", settings=[*SMALL, *settings])


def test_seven_label_sets_make_seven_classifiers_that_are_tested_alike_and_against_eight_references(
    phantom: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    truth = lay_out(phantom, "chest", tmp_path)
    findings = ["pneumothorax", "rib_fracture"]
    truth["rib_fracture"] = truth["fracture"]  # the chest's own name for it
    monkeypatch.chdir(tmp_path)
    fractions = "data.split.fractions={train: 0.6, validation: 0.2, test: 0.2}"
    sites = "evaluate.sites={beta: {path: labels/human.csv}}"
    study = small("open_source_llm_labels", fractions, sites, "evaluate.bootstrap=50", "evaluate.min_positives=3")
    runs = study.need_train().runs
    assert len(runs) == 7
    for seed, (name, run) in enumerate(runs.items()):
        assert run.labels is not None
        if run.labels.suffix == ".csv":
            wrong = truth.copy()
            wrong["rib_fracture"] = 1 - wrong["rib_fracture"]  # a labeler who is always wrong about one finding
            wrong[["study_id", *findings]].to_csv(run.labels, index=False)
        else:
            write_labels(run.labels, truth, findings, uncertain=0.1 + 0.02 * seed, seed=seed)
        assert run.labels.stem == name
    outside = pd.read_csv("studies.csv").query("site == 'beta'")["study_id"]
    truth[truth["study_id"].isin(outside)][["study_id", *findings]].to_csv("labels/human.csv", index=False)
    summary = run_train(study)
    assert set(summary["runs"]) == set(runs)
    found = {name: read_predictions(study.out / "train" / name / "predictions.parquet") for name in runs}
    first = found["chexpert"]
    tested = np.isin(first.parts, ("test", "external"))
    for name, predictions in found.items():
        assert predictions.findings == tuple(findings)
        assert np.array_equal(predictions.targets[tested], first.targets[tested], equal_nan=True), name
    logits = {predictions.logits.tobytes() for predictions in found.values()}
    assert len(logits) == 7
    metrics = json.loads(Path(run_evaluate(study)["metrics"]).read_text())
    matrix = metrics["matrix"]
    assert [one["name"] for one in matrix["references"]] == ["human", *runs]
    cells = {(c["set"], c["run"], c["reference"], c["finding"]): c["auroc"]["value"] for c in matrix["cells"]}
    for name in runs:
        held = [cells["external:beta", name, reference, "rib_fracture"] for reference in ("human", "chexpert")]
        assert held[0] + held[1] == pytest.approx(1)
        primary = next(r for r in metrics["results"] if (r["set"], r["run"]) == ("external:beta", name))
        assert primary["auroc"]["value"] == cells["external:beta", name, "human", primary["finding"]]
    assert len(cells) == 2 * 7 * 8 * 3
    declared = "every other reference against human × every run × every finding × every test set"
    assert matrix["columns"]["family"] == declared and matrix["columns"]["m"] == 7 * 7 * 2
    train = study.need_train()
    assert (train.optimiser, train.learning_rate, train.weight_decay, train.ema_decay) == ("lion", 1e-5, 3e-4, 0.9999)
    assert train.mix.on
    assert not train.normalise


@pytest.mark.parametrize("views", [("ap", "lateral"), ("ap",)])  # the clavicle has one
def test_uncertain_is_taught_as_positive_and_as_negative(
    phantom: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, views: tuple[str, ...]
) -> None:
    truth = lay_out(phantom, "elbow", tmp_path)
    monkeypatch.chdir(tmp_path)
    findings = [name for name in truth.columns[1:] if truth[name].sum() > 6]
    write_labels(Path("labels.parquet"), truth, findings, uncertain=0.2, seed=0)
    study = small("upper_extremity", f"data.views=[{', '.join(views)}]")
    run_train(study)
    one, other = (
        read_predictions(study.out / "train" / run / "predictions.parquet") for run in ("inclusive", "exclusive")
    )
    taught = np.isin(one.parts, ("train", "validation"))
    assert (one.targets[taught] > other.targets[taught]).any()
    assert np.array_equal(one.targets[~taught], other.targets[~taught], equal_nan=True)
    weights = (study.out / "train/inclusive/MODEL_CARD.md").read_text()
    assert f"Views, in this order: {', '.join(views)}" in weights


def test_the_benchmark_of_their_steps_trains_with_what_they_say() -> None:
    tiny = ["--size", "32", "--model", "test_resnet", "--steps", "1", "--case", "the same, checkpointing"]
    found = json.loads(run_script("paper_steps.py", *tiny))
    assert len(found["seconds"]) == 1
    assert found["peak_gb"] > 0
    assert 0 < found["loss"] < 2
