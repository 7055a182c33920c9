"""Of two runs or two references, which is which: in the numbers, their intervals, and the tables of a paper."""

from __future__ import annotations

import csv

import numpy as np
import pytest
from reference.predictions import two_runs
from reference.whole_report import whole_report

from imagetrain.evaluation.matrix.tables import MATRIX_TABLES
from imagetrain.evaluation.numbers import Options
from imagetrain.evaluation.report import evaluate
from imagetrain.evaluation.tables import TABLES
from imagetrain.exports.tables import tables_of
from imagetrain.page.formats import decimal
from imagetrain.records import ReferenceLabels

RUNS = two_runs()
FIRST = RUNS["inclusive"]
TESTED = [i for i, part in enumerate(FIRST.parts) if part == "test"]


@pytest.fixture(scope="module")
def metrics():
    fewer = np.where(np.arange(len(FIRST.study_ids))[:, None] % 3 == 0, 0, FIRST.targets)  # misses, and no false alarm
    references = {
        "truth": ReferenceLabels(FIRST.study_ids, FIRST.targets),
        "fewer": ReferenceLabels(FIRST.study_ids, fewer.astype(np.float32)),
    }
    return evaluate(RUNS, references=references, options=Options(resamples=60, permutations=0, alpha=0.2)).metrics


def test_the_labels_of_a_reference_are_held_against_those_of_the_first(metrics):
    rows = [row for row in metrics["matrix"]["agreement"] if row["set"] == "test"]
    row = next(row for row in rows if row["finding"] == "fracture")
    truth = FIRST.targets[TESTED, 0] == 1
    kept = truth & (np.array(TESTED) % 3 != 0)
    assert (row["n_positive"], row["n_positive_against"]) == (kept.sum(), truth.sum())
    assert row["sensitivity"]["value"] == pytest.approx(kept.sum() / truth.sum())
    assert row["specificity"]["value"] == 1 and row["specificity"]["n"] == (~truth).sum()
    whole = next(row for row in rows if row["finding"] is None)
    assert whole["kappa"]["low"] < whole["kappa"]["value"] < whole["kappa"]["high"]


def test_an_interval_is_about_its_own_difference_and_significant_is_below_the_level(metrics):
    families = [metrics["comparisons"][name] for name in ("runs", "sites")]
    families += [metrics["matrix"][name] for name in ("rows", "columns")]
    for family in families:
        for row in (*family["rows"], *family["macro"]):
            number = row["difference"]
            assert number["value"] is None or number["low"] <= number["value"] <= number["high"]
        for row in family["rows"]:
            assert row["significant"] == (row["p_adjusted"] is not None and row["p_adjusted"] <= 0.2)
    assert any(0.05 < row["p_adjusted"] <= 0.2 for family in families for row in family["rows"] if row["p_adjusted"])
    for cell in metrics["matrix"]["cells"]:
        for name in ("auroc", "average_precision"):
            number = cell[name]
            assert number["low"] is None or number["low"] <= number["value"] <= number["high"]


def test_tables_put_the_first_of_two_first():
    metrics = whole_report().metrics
    tables, compared = tables_of(metrics), metrics["comparisons"]
    for name, rows, keys in (
        ("runs_compared", compared["runs"]["rows"], ("auroc_a", "auroc_b")),
        ("sites_compared", compared["sites"]["rows"], ("auroc_a", "auroc_b")),
        ("calls_compared", compared["calls"]["rows"], ("a", "b")),
        ("matrix_runs", metrics["matrix"]["rows"]["rows"], ("auroc_a", "auroc_b")),
        ("matrix_references", metrics["matrix"]["columns"]["rows"], ("auroc_a", "auroc_b")),
    ):
        table, digits = tables[name], 2 if name == "calls_compared" else 3
        place = list(table.header).index("First")
        printed = {tuple(row[place : place + 2]) for row in table.rows}
        expected = {tuple(decimal(row[key], digits) for key in keys) for row in rows if row["p"] is not None}
        assert expected <= printed and any(one != other for one, other in expected)
    shift = next(row for row in metrics["results"] if row["shift"])
    row = next(row for row in tables["shift"].rows)
    shown = [cell.split(" ")[0] for cell in row[6:]]
    numbers = [*(shift[name] for name in ("sensitivity", "specificity"))]
    numbers += [shift["shift"][f"{name}_here"] for name in ("sensitivity", "specificity")]
    assert shown == [decimal(number["value"], 2) for number in numbers]
    threshold = metrics["results"][0]["threshold"]
    assert tables["threshold"].rows[0][3] == decimal(threshold["probability"], 2)


def test_columns_of_limits_have_the_lower_one_first(metrics):
    findings = list(csv.DictReader(TABLES["findings.csv"](metrics).splitlines()))
    cells = list(csv.DictReader(MATRIX_TABLES["matrix.csv"](metrics).splitlines()))
    assert float(findings[0]["threshold_logit"]) == metrics["results"][0]["threshold"]["value"]
    for row in (*findings, *cells):
        for name in (name.removesuffix("_low") for name in row if name.endswith("_low")):
            assert not row[f"{name}_low"] or float(row[f"{name}_low"]) <= float(row[f"{name}_high"])
    assert float(findings[0]["auroc_low"]) < float(findings[0]["auroc_high"])
    assert float(cells[0]["auroc_low"]) < float(cells[0]["auroc_high"])
