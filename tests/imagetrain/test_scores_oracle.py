"""A published study as tables of scores: what the command writes is what pROC says of it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from typer.testing import CliRunner

from imagetrain.cli.app import app
from radprompter.files import read_json

MARKERS = ("wfns", "s100b", "ndka")


@pytest.fixture(scope="module")
def oracle(shared: Path) -> dict[str, Any]:
    return json.loads((shared / "data/oracles/asah_pROC_oracle.json").read_text())


def evaluated(shared: Path, folder: Path, part: dict[str, str]) -> dict[str, Any]:
    """Metrics of the three markers as runs; part and site of a study are said by the gender."""
    frame = pd.read_csv(shared / "data/oracles/asah.csv")
    for marker in MARKERS:
        table = pd.DataFrame(
            {
                "study_id": range(len(frame)),
                "patient_id": range(len(frame)),
                "site": frame["gender"],
                "part": frame["gender"].map(part),
                "poor": (frame["outcome"] == "Poor").astype(int),
                "poor_score": frame[marker],
            }
        )
        table.to_csv(folder / f"{marker}.csv", index=False)
    tables = [str(folder / f"{marker}.csv") for marker in MARKERS]
    done = CliRunner().invoke(app, ["evaluate", *tables, "--out", str(folder / "out"), "--set", "evaluate.bootstrap=0"])
    assert done.exit_code == 0, done.output
    metrics: dict[str, Any] = read_json(folder / "out/evaluate/metrics.json")
    return metrics


def test_aurocs_intervals_and_paired_tests_are_those_of_proc(shared: Path, tmp_path: Path, oracle: dict[str, Any]):
    metrics = evaluated(shared, tmp_path, {"Male": "test", "Female": "test"})
    for row in metrics["results"]:
        expected, found = oracle["single"][row["run"]], row["auroc_delong"]
        assert (row["n"], row["n_positive"]) == (113, 41)
        assert [found["low"], found["value"], found["high"]] == pytest.approx(expected["ci95"], rel=0, abs=1e-12)
        assert found["variance"] == pytest.approx(expected["var"], abs=1e-15)
    for row in metrics["comparisons"]["runs"]["rows"]:
        expected = oracle["paired"][f"{row['run_a']}_vs_{row['run_b']}"]
        limits = [row["difference"]["low"], row["difference"]["high"]]
        assert row["statistic"] == pytest.approx(expected["statistic_Z"], rel=1e-12)
        assert row["p"] == pytest.approx(expected["p"], rel=1e-10)
        assert limits == pytest.approx(expected["conf_int"], rel=0, abs=1e-12)


def test_unpaired_tests_of_a_site_are_those_of_proc(shared: Path, tmp_path: Path, oracle: dict[str, Any]):
    metrics = evaluated(shared, tmp_path, {"Male": "test", "Female": "external"})
    for row in metrics["comparisons"]["sites"]["rows"]:
        expected = oracle["unpaired_male_vs_female"][row["run"]]
        assert row["set_b"] == "external:Female"
        assert row["auroc_a"] == pytest.approx(expected["auc_male"], abs=1e-12)
        assert row["statistic"] == pytest.approx(expected["statistic_D"], rel=1e-12)
        assert row["df"] == pytest.approx(expected["df"], rel=1e-12)
        assert row["p"] == pytest.approx(expected["p"], rel=1e-10)
