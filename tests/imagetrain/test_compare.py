"""Comparisons of runs and sites, adjusted over a declared family."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from reference.predictions import make_predictions, two_runs
from reference.roc import step_up

from imagetrain.evaluation.comparison.families import few
from imagetrain.evaluation.delong import paired_test, unpaired_test
from imagetrain.evaluation.numbers import Options
from imagetrain.evaluation.report import evaluate

OPTIONS = Options(resamples=200)


@pytest.mark.parametrize(
    ("targets", "reason"),
    [
        ([1] * 10 + [0], ""),
        ([1] * 10, "no negatives"),
        ([0] * 5, "no positives"),
        ([1, 0], "1 positive, fewer than 10"),
        ([1, 1, np.nan], "2 positives, fewer than 10"),
        ([np.nan], "no study with a known label"),
    ],
)
def test_a_finding_that_does_not_count_says_why(targets, reason):
    assert few(targets, 10) == reason


def test_pairs_of_runs_are_tested_on_the_same_studies():
    runs = two_runs()
    compared = evaluate(runs, options=OPTIONS).metrics["comparisons"]["runs"]
    row = next(r for r in compared["rows"] if (r["set"], r["finding"]) == ("test", "fracture"))
    a, b = (run.part("test") for run in runs.values())
    expected = paired_test(a.targets[:, 0], a.logits[:, 0], b.logits[:, 0], patient_ids=a.patient_ids)
    assert (row["p"], row["difference"]["value"]) == (expected.p, expected.difference)
    defined = [r["p"] for r in compared["rows"] if r["p"] is not None]
    assert compared["m"] == len(defined) == 6 and compared["n_undefined"] == 4
    found = [r["p_adjusted"] for r in compared["rows"] if r["p"] is not None]
    assert found == pytest.approx(step_up(defined))


def test_findings_with_few_positives_are_shown_but_not_tested():
    rows = evaluate(two_runs(), options=OPTIONS).metrics["comparisons"]["runs"]["rows"]
    row = next(r for r in rows if (r["set"], r["finding"]) == ("test", "foreign_body"))
    assert row["p"] is row["p_adjusted"] is row["difference"]["value"] is None and not row["significant"]
    assert "fewer than 10" in row["difference"]["reason"] and row["auroc_a"] is not None


def test_a_run_against_itself_differs_nowhere():
    run = make_predictions()
    compared = evaluate({"one": run, "same": run}, options=OPTIONS).metrics["comparisons"]["runs"]
    assert {row["p"] for row in compared["rows"]} == {1.0, None}
    assert compared["n_significant"] == 0
    assert [(row["difference"]["value"], row["p"]) for row in compared["macro"]] == [(0, 1), (0, 1)]


def test_inside_and_outside_are_compared_without_pairing_and_with_the_caveat():
    runs = two_runs()
    compared = evaluate(runs, options=OPTIONS).metrics["comparisons"]["sites"]
    row = next(r for r in compared["rows"] if (r["run"], r["finding"]) == ("inclusive", "effusion"))
    inside, outside = runs["inclusive"].part("test"), runs["inclusive"].part("external")
    sides = [(part.targets[:, 1], part.logits[:, 1]) for part in (inside, outside)]
    patients = {"patient_ids_a": inside.patient_ids, "patient_ids_b": outside.patient_ids}
    expected = unpaired_test(*sides[0], *sides[1], **patients)
    assert (row["p"], row["df"], row["set_b"]) == (expected.p, expected.df, "external:beta")
    assert "scanners" in compared["caveat"]
    assert all(row["n_findings"] == 3 for row in compared["macro"])


def test_labels_that_differ_between_runs_are_left_out_and_counted():
    runs = two_runs()
    first = runs["inclusive"]
    targets = first.targets.copy()
    rows = [i for i, part in enumerate(first.parts) if part == "test"][:8]
    targets[rows, 0] = 1 - targets[rows, 0]
    metrics = evaluate({**runs, "inclusive": replace(first, targets=targets)}, options=OPTIONS).metrics
    row = next(r for r in metrics["comparisons"]["runs"]["rows"] if (r["set"], r["finding"]) == ("test", "fracture"))
    assert (row["n_left_out"], row["difference"]["n"]) == (8, 132)
    assert any("8 cells" in note for note in metrics["notes"])
