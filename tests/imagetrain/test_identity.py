"""What an evaluation says of itself, so that another one knows whether they may be compared."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from reference.predictions import FINDINGS, make_predictions, two_runs

from imagetrain.assess import run_evaluate
from imagetrain.describing.identity import identify
from imagetrain.evaluation.numbers import Options
from imagetrain.recipe import StudyRecipe, load_recipe
from imagetrain.store import read_predictions, save_predictions

RECIPE = """
name: Made-up study
train:
  runs:
    inclusive: {policy: inclusive}
    exclusive: {policy: exclusive, per_finding: {effusion: {not_mentioned: ignore}}}
  model: resnet10t
evaluate: {bootstrap: 20, permutations: 0}
"""


@pytest.fixture
def study(tmp_path: Path) -> StudyRecipe:
    (tmp_path / "recipe.yaml").write_text(RECIPE)
    return load_recipe(tmp_path / "recipe.yaml", out=tmp_path / "out")


def test_the_order_of_studies_changes_no_identity_and_a_single_label_does(study: StudyRecipe):
    run = make_predictions()
    shuffled = run.take(np.random.default_rng(0).permutation(len(run.study_ids)).tolist())
    assert identify(study, {"a": run}, Options()) == identify(study, {"a": shuffled}, Options())
    targets = run.targets.copy()
    targets[run.parts.index("test"), 1] = np.nan
    changed = identify(study, {"a": replace(run, targets=targets)}, Options())
    differing = [f for f in FINDINGS if changed["labels"][f] != identify(study, {"a": run}, Options())["labels"][f]]
    assert differing == ["effusion"]


def test_labels_of_studies_that_are_not_tested_are_no_part_of_it(study: StudyRecipe):
    run = make_predictions()
    targets = run.targets.copy()
    targets[run.parts.index("train")] = np.nan
    assert (
        identify(study, {"a": replace(run, targets=targets)}, Options())["labels"]
        == identify(study, {"a": run}, Options())["labels"]
    )


def test_the_projection_says_what_becomes_of_findings_that_are_not_mentioned(study: StudyRecipe):
    projection = identify(study, two_runs(), Options())["projection"]
    assert projection["not_mentioned"]["effusion"] == "not known"  # one run ignores them, so no run is tested on them
    assert projection["not_mentioned"]["fracture"] == "negative"


def test_an_evaluation_keeps_its_identity_and_the_labels_that_it_tested_against(study: StudyRecipe, tmp_path: Path):
    run = make_predictions()
    for name, predictions in two_runs().items():
        save_predictions(study.out / "train" / name / "predictions.parquet", predictions)
    with (tmp_path / "reference.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["study_id", *FINDINGS])
        for one, row in zip(run.study_ids, run.targets, strict=True):
            writer.writerow([one, *(str(1 - int(value)) for value in row)])
    read = load_recipe(
        tmp_path / "recipe.yaml", out=study.out, settings=[f"evaluate.reference.path={tmp_path / 'reference.csv'}"]
    )
    metrics = json.loads(Path(run_evaluate(read)["metrics"]).read_text())
    assert metrics["identity"]["projection"]["source"] == "reference"
    assert str(tmp_path) not in json.dumps(metrics["identity"])
    held = read_predictions(study.out / "evaluate/tested/inclusive.parquet")
    tested = np.isin(held.parts, ("test", "external"))
    assert (held.targets[tested] == 1 - run.targets[tested]).all()
    assert (held.targets[~tested] == run.targets[~tested]).all()
