"""The study of labelers, smaller: a weak labeler of the test set understates classifiers that were really trained."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from radprompter.cli.app import app

RECIPE = Path(__file__).parents[2] / "recipes" / "study" / "cross_schema.yaml"
SMALL = [
    "phantom.patients=200",
    "phantom.size=96",
    "data.size=64",
    "data.findings=[cardiomegaly, consolidation, support_devices]",
    "train.runs={rules: {}, weak: {labels: '{out}/weaken/weak/labels.parquet'}}",
    "train.epochs=10",
    "evaluate.bootstrap=200",
    "evaluate.permutations=0",
]


@pytest.mark.slow
def test_one_recipe_shows_that_a_weak_labeler_of_the_test_set_understates_the_auroc(tmp_path: Path) -> None:
    settings = [part for setting in SMALL for part in ("--set", setting)]
    done = CliRunner().invoke(app, ["run", str(RECIPE), "--out", str(tmp_path), *settings])
    assert done.exit_code == 0, done.output
    assert "positives missed" in done.output and "macro AUROC by reference" in done.output
    matrix = json.loads((tmp_path / "evaluate/metrics.json").read_text())["matrix"]
    assert [one["name"] for one in matrix["references"]] == ["really_there", "perfect_reader", "rules", "weak"]
    against = {(row["set"], row["reference_a"], row["run"]): row for row in matrix["columns"]["macro"]}
    for where in ("test", "external:beta"):
        for run in ("rules", "weak"):
            weak, rules = against[where, "weak", run], against[where, "rules", run]
            assert weak["difference"]["high"] < 0 and weak["p"] < 0.05
            assert weak["auroc_a"] < rules["auroc_a"] - 0.05
            assert weak["auroc_a"] == pytest.approx(weak["auroc_expected"], abs=0.1)
    kappa = {row["reference"]: row["kappa"]["value"] for row in matrix["agreement"] if row["finding"] is None}
    assert kappa["weak"] < 0.75 < 0.9 < kappa["rules"]
    assert "Cross-schema matrix" in (tmp_path / "page/report.html").read_text()
