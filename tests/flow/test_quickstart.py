"""The quickstart, from reports to the page; one of its two runs is trained here, to keep the tests short."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from radprompter.cli.app import app

RECIPE = Path(__file__).parents[2] / "recipes" / "quickstart.yaml"


def run(out: Path, *settings: str) -> dict[str, Any]:
    arguments = [
        "run",
        str(RECIPE),
        "--json",
        "--out",
        str(out),
        "--set",
        "train.runs={inclusive: {policy: inclusive}}",
    ]
    result = CliRunner().invoke(app, [*arguments, *(part for setting in settings for part in ("--set", setting))])
    assert result.exit_code == 0, result.output
    summaries: dict[str, Any] = json.loads(result.stdout.splitlines()[-1])
    return summaries


@pytest.fixture(scope="module")
def quickstart(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    out = tmp_path_factory.mktemp("quickstart")
    return out, run(out)


@pytest.mark.slow
def test_labels_and_classifier_are_right_against_the_truth(quickstart: tuple[Path, dict[str, Any]]) -> None:
    out, summaries = quickstart
    assert next(iter(summaries["agree"]["values"].values()))["cell_accuracy"]["same"] >= 0.98
    metrics = json.loads((out / "evaluate" / "metrics.json").read_text())
    titles = {one["key"]: one["part"] for one in metrics["sets"]}
    macro = {titles[row["set"]]: row for row in metrics["macro"]}
    assert macro["test"]["auroc"]["value"] >= 0.90
    assert macro["external"]["auroc"]["value"] >= 0.85
    assert macro["test"]["n_findings"] >= 8


@pytest.mark.slow
def test_every_file_of_the_design_is_written(quickstart: tuple[Path, dict[str, Any]]) -> None:
    out, _ = quickstart
    for name in (
        "phantom/elbow/reports.csv", "label/labels.parquet", "label/labels.csv", "label/failures.csv",
        "label/manifest.json", "label/journal.sqlite", "agree/agreement.json", "cache/manifest.json", "train/split.csv",
        "train/inclusive/model.safetensors", "train/inclusive/predictions.parquet", "evaluate/metrics.json",
        "page/report.html",
    ):  # fmt: skip
        assert (out / name).stat().st_size > 0, name
    manifest = json.loads((out / "label" / "manifest.json").read_text())
    counts = sum(sum(states.values()) for states in manifest["counts"].values())
    with (out / "phantom/elbow/reports.csv").open(newline="") as file:
        n_reports = sum(1 for _ in csv.DictReader(file))
    assert counts == n_reports * 29


@pytest.mark.slow
def test_a_second_run_finds_everything_up_to_date(quickstart: tuple[Path, dict[str, Any]]) -> None:
    out, _ = quickstart
    before = {path: path.stat().st_mtime_ns for path in out.rglob("*") if path.suffix in (".parquet", ".html", ".json")}
    assert all(summary["up_to_date"] for summary in run(out).values())
    assert {path: path.stat().st_mtime_ns for path in before} == before


@pytest.mark.slow
def test_another_test_option_makes_only_evaluation_and_page_anew(quickstart: tuple[Path, dict[str, Any]]) -> None:
    out, _ = quickstart
    summaries = run(out, "evaluate.bootstrap=50")
    assert {name for name, summary in summaries.items() if not summary["up_to_date"]} == {"evaluate", "report"}
