"""The whole evaluation: every number with n, interval, definition, or null with a reason."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import orjson
import pytest
from reference.predictions import FINDINGS, make_predictions, two_runs

from imagetrain.evaluation.auroc import auroc
from imagetrain.evaluation.numbers import Options
from imagetrain.evaluation.report import evaluate
from imagetrain.evaluation.thresholds import at_threshold, youden
from imagetrain.records import Predictions
from radprompter.errors import InputError, SchemaError, TableError

OPTIONS = Options(resamples=200)


@pytest.fixture(scope="module")
def metrics():
    return evaluate(two_runs(), titles={"fracture": "Fracture"}, options=OPTIONS).metrics


def row_of(metrics, run="inclusive", where="test", finding="fracture"):
    return next(r for r in metrics["results"] if (r["run"], r["set"], r["finding"]) == (run, where, finding))


def numbers_in(value):
    if isinstance(value, dict):
        if "value" in value:
            yield value
        for item in value.values():
            yield from numbers_in(item)
    elif isinstance(value, list):
        for item in value:
            yield from numbers_in(item)


def test_every_number_has_n_and_definition_and_undefined_ones_a_reason(metrics):
    found = list(numbers_in(metrics))
    assert len(found) > 200
    for number in found:
        assert number["n"] >= 0 and number["definition"]
        assert (number["value"] is None) == ("reason" in number)
        if number["low"] is not None:
            assert number["low"] <= number["high"]


def test_the_report_is_plain_json(metrics):
    assert json.loads(orjson.dumps(metrics)) == metrics


def test_sets_are_the_internal_test_and_each_external_site(metrics):
    assert [(s["key"], s["title"], s["n_studies"], s["n_patients"]) for s in metrics["sets"]] == [
        ("test", "internal test (alpha)", 140, 70),
        ("external:beta", "external (beta)", 240, 120),
    ]


def test_the_numbers_are_those_of_the_functions(metrics):
    test = two_runs()["inclusive"].part("test")
    row = row_of(metrics)
    assert row["auroc"]["value"] == auroc(test.targets[:, 0], test.logits[:, 0])
    assert row["n_positive"] + row["n_negative"] == row["n"] == 140


def test_the_threshold_comes_from_validation_and_is_only_applied_to_the_test_sets(metrics):
    run = two_runs()["inclusive"]
    validation, outside = run.part("validation"), run.part("external")
    chosen = youden(validation.targets[:, 0], validation.logits[:, 0])
    for where in ("test", "external:beta"):
        assert row_of(metrics, where=where)["threshold"]["value"] == chosen.threshold
    expected = at_threshold(
        outside.targets[:, 0], outside.logits[:, 0], chosen.threshold, patient_ids=outside.patient_ids
    )
    row = row_of(metrics, where="external:beta")
    assert row["sensitivity"]["value"] == expected.sensitivity.value
    assert row["specificity"]["low"] == expected.specificity.low
    assert row["f1"]["value"] == expected.f1 and row["f1"]["low"] < expected.f1 < row["f1"]["high"]
    assert sum(row["confusion"].values()) == row["n"]


def test_the_macro_mean_covers_findings_with_enough_positives_and_lists_the_others(metrics):
    macro = next(m for m in metrics["macro"] if (m["run"], m["set"]) == ("inclusive", "test"))
    values = [row_of(metrics, finding=name)["auroc"]["value"] for name in FINDINGS[:3]]
    assert macro["findings"] == list(FINDINGS[:3]) and macro["n_findings"] == 3 and macro["n_all_findings"] == 5
    assert macro["auroc"]["value"] == pytest.approx(np.mean(values))
    assert (macro["min"], macro["max"]) == (min(values), max(values))
    assert macro["auroc"]["low"] < macro["auroc"]["value"] < macro["auroc"]["high"]
    assert [e["finding"] for e in macro["excluded"]] == ["foreign_body", "osteopenia"]
    assert macro["excluded"][1]["reason"] == "no positives"


def test_few_positives_get_the_wider_score_interval(metrics):
    row = row_of(metrics, finding="dislocation")
    assert row["few_positives"] and row["auroc"]["method"] == "score"
    delong_width = row["auroc_delong"]["high"] - row["auroc_delong"]["low"]
    assert row["auroc"]["high"] - row["auroc"]["low"] > delong_width
    assert row_of(metrics, where="external:beta")["auroc"]["method"] == "delong_clustered"


def test_many_positives_of_which_few_are_ranked_wrongly_get_it_too(metrics):
    row = row_of(metrics)
    assert not row["few_positives"] and row["n_positive"] * (1 - row["auroc"]["value"]) < 5
    assert row["auroc"]["method"] == "score" and row["auroc"]["high"] < 1


def test_a_one_class_finding_is_undefined_with_a_reason_and_breaks_nothing(metrics):
    row = row_of(metrics, finding="osteopenia")
    assert row["auroc"]["value"] is None and "absent" in row["auroc"]["reason"]
    assert "validation" in row["sensitivity"]["reason"]
    assert not any(curve["finding"] == "osteopenia" for curve in metrics["curves"])


def test_all_undefined_is_said_in_a_note():
    run = make_predictions()
    empty = replace(run, targets=np.zeros_like(run.targets))
    metrics = evaluate({"run": empty}, options=OPTIONS).metrics
    assert any("No AUROC is defined" in note for note in metrics["notes"])
    assert all(m["auroc"]["value"] is None and m["auroc"]["reason"] for m in metrics["macro"])


def test_label_counts_sum_to_the_studies_of_each_site(metrics):
    rows = [r for r in metrics["label_counts"] if (r["run"], r["finding"]) == ("inclusive", "fracture")]
    assert [(r["part"], r["site"], r["n_studies"]) for r in rows] == [
        ("train", "alpha", 200),
        ("validation", "alpha", 60),
        ("test", "alpha", 140),
        ("external", "beta", 240),
    ]


def test_the_same_seed_gives_the_same_report_and_the_order_of_studies_is_free():
    runs = two_runs()
    order = np.random.default_rng(0).permutation(len(runs["exclusive"].study_ids))
    run = runs["exclusive"]
    shuffled = Predictions(
        *(tuple(values[i] for i in order) for values in (run.study_ids, run.patient_ids, run.sites, run.parts)),
        run.findings,
        run.logits[order],
        run.targets[order],
    )
    assert evaluate(runs, options=OPTIONS).metrics == evaluate({**runs, "exclusive": shuffled}, options=OPTIONS).metrics


def test_without_resamples_only_bootstrap_intervals_are_missing():
    metrics = evaluate(two_runs(), options=Options(resamples=0)).metrics
    assert metrics["macro"][0]["auroc"]["value"] and metrics["macro"][0]["auroc"]["low"] is None
    assert metrics["comparisons"]["runs"]["macro"][0]["p"] is None
    assert row_of(metrics)["auroc"]["low"] is not None


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        (lambda r: replace(r, findings=("x", *r.findings[1:])), SchemaError, "different findings \\(fracture, x\\)"),
        (
            lambda r: replace(r, study_ids=("other", *r.study_ids[1:]), parts=("test", *r.parts[1:])),
            TableError,
            "other",
        ),
        (lambda r: replace(r, study_ids=(r.study_ids[1], *r.study_ids[1:])), TableError, "'s1' more than once"),
        (lambda r: replace(r, parts=("tset", *r.parts[1:])), TableError, "'tset' is none of"),
        (lambda r: replace(r, logits=np.where(r.logits > 2, np.inf, r.logits)), TableError, "diverged"),
    ],
)
def test_runs_that_cannot_be_compared_are_refused(change, error, message):
    runs = two_runs()
    with pytest.raises(error, match=message):
        evaluate({**runs, "exclusive": change(runs["exclusive"])}, options=OPTIONS)


def test_nothing_to_evaluate_is_refused():
    with pytest.raises(InputError, match="no run"):
        evaluate({})
    with pytest.raises(InputError, match="no study is in part 'test' or 'external'; parts found: train"):
        evaluate({"run": make_predictions().part("train")})
