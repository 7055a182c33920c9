"""The numbers of `radprompter agree` on real reports, worked out again from the files with pandas and scikit-learn."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn import metrics
from typer.testing import CliRunner

from radprompter.cli.app import app

RECIPE = Path(__file__).parents[2] / "recipes" / "label" / "rules.yaml"
LABELER = "rules"
STATES = {"1": "positive", "0": "negative", "-1": "uncertain", "": "blank"}


@pytest.fixture(scope="module")
def reference(shared: Path) -> pd.DataFrame:
    """A reading of 200 reports, a column a finding."""
    return pd.read_csv(shared / "data/iu_reports/annotated_200.csv", dtype=str, index_col="report_id")


@pytest.fixture(scope="module")
def folder(shared: Path, reference: pd.DataFrame, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the rules say of those reports, and how they agree."""
    made = tmp_path_factory.mktemp("real")
    reports = pd.read_csv(shared / "data/iu_reports/reports.csv", dtype=str, keep_default_na=False)
    reports[reports["report_id"].isin(reference.index)].to_csv(made / "reports.csv", index=False)
    for arguments in (
        ["label", RECIPE, "--set", f"label.reports.path={made}/reports.csv", "--out", made / LABELER],
        ["agree", made / LABELER / "label/labels.parquet", shared / "data/iu_reports/annotated_200.csv",
         "--definition", "uncertain_is_negative", "--definition", "macro", "--out", made / "agree"],
    ):  # fmt: skip
        done = CliRunner().invoke(app, [str(one) for one in arguments])
        assert done.exit_code == 0, done.output
    return made


@pytest.fixture(scope="module")
def labels(folder: Path, reference: pd.DataFrame) -> pd.DataFrame:
    codes = pd.read_csv(folder / LABELER / "label/labels.csv", dtype=str, keep_default_na=False, index_col=0)
    return codes.loc[reference.index, reference.columns].replace(STATES)


@pytest.fixture(scope="module")
def numbers(folder: Path) -> pd.DataFrame:
    found = pd.read_csv(folder / "agree/agreement.csv", dtype=str, keep_default_na=False)
    for column in ("n", "support", "value", "low", "high"):
        found[column] = pd.to_numeric(found[column])
    return found[found["group"] == ""].set_index(["definition", "finding", "task", "measure"]).sort_index()


def test_each_finding_has_the_measures_that_scikit_learn_gives_it(
    numbers: pd.DataFrame, reference: pd.DataFrame, labels: pd.DataFrame
) -> None:
    for finding in reference:
        truth, called = reference[finding] == "positive", labels[finding] == "positive"
        expected = {
            "accuracy": metrics.accuracy_score(truth, called),
            "sensitivity": metrics.recall_score(truth, called, zero_division=np.nan),
            "specificity": metrics.recall_score(~truth, ~called, zero_division=np.nan),
            "ppv": metrics.precision_score(truth, called, zero_division=np.nan),
            "npv": metrics.precision_score(~truth, ~called, zero_division=np.nan),
            "f1": metrics.f1_score(truth, called, zero_division=np.nan),
        }
        found = {name: numbers.loc[("uncertain_is_negative", finding, "", name), "value"] for name in expected}
        assert found == pytest.approx(expected, abs=1e-9, nan_ok=True), finding
        assert numbers.loc[("uncertain_is_negative", finding, "", "f1"), "support"] == truth.sum()


def test_all_findings_have_the_averages_that_scikit_learn_gives_them(
    numbers: pd.DataFrame, reference: pd.DataFrame, labels: pd.DataFrame
) -> None:
    classes = ["positive", "negative", "uncertain"]
    one, other = reference.to_numpy().ravel(), labels.to_numpy().ravel()
    of_findings = []
    for name in reference:
        there = sorted(set(reference[name]) - {"blank"})
        of_findings.append(metrics.f1_score(reference[name], labels[name], labels=there, average="macro"))
    tasks = [
        metrics.f1_score(reference[name] == state, labels[name] == state, average="weighted", zero_division=1.0)
        for name in reference
        for state in classes
    ]
    expected = {
        ("cell_accuracy", "same"): metrics.accuracy_score(one, other),
        ("micro", "f1"): metrics.f1_score(one, other, labels=classes, average="micro"),
        ("macro_pooled", "f1"): metrics.f1_score(one, other, labels=classes, average="macro"),
        ("macro", "f1"): np.mean(of_findings),
        ("jmir_three_task", "weighted_f1"): np.mean(tasks),
        ("macro", "report_accuracy"): (reference == labels).all(axis=1).mean(),
        ("macro", "errors_per_report"): (reference != labels).sum(axis=1).mean(),
        ("macro", "uncertain_reports_reference"): (reference == "uncertain").any(axis=1).mean(),
        ("macro", "uncertain_reports_labeler"): (labels == "uncertain").any(axis=1).mean(),
    }
    found = {key: numbers.loc[(key[0], "", "", key[1]), "value"] for key in expected}
    assert found == pytest.approx(expected, abs=1e-9)


def test_intervals_are_those_of_resamples_drawn_by_hand(
    numbers: pd.DataFrame, reference: pd.DataFrame, labels: pd.DataFrame
) -> None:
    """Another generator, so the limits agree to within what a thousand resamples leave open."""
    generator = np.random.default_rng(2026)
    right = (reference == labels).to_numpy()
    truth, called = (table["pleural_effusion"].to_numpy() == "positive" for table in (reference, labels))
    accuracies, f1s = [], []
    for _ in range(1000):
        rows = generator.integers(len(right), size=len(right))
        accuracies.append(right[rows].mean())
        f1s.append(metrics.f1_score(truth[rows], called[rows], zero_division=np.nan))
    places = {
        ("cell_accuracy", "", "", "same"): accuracies,
        ("uncertain_is_negative", "pleural_effusion", "", "f1"): f1s,
    }
    for place, drawn in places.items():
        limits = np.nanquantile(drawn, [0.025, 0.975])
        found = numbers.loc[place, ["low", "high"]].to_numpy(dtype=float)
        assert found == pytest.approx(limits, abs=0.25 * (limits[1] - limits[0])), place
