"""Evaluation where there is little to evaluate: one class, ties, constants, unknown labels; nothing warns or raises."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reference.predictions import make_predictions

from imagetrain.evaluation.bootstrap import patient_counts, replicate
from imagetrain.evaluation.comparison.families import Rules, Scored, compare_runs
from imagetrain.evaluation.delong import DelongStatus, delong, paired_test, unpaired_test
from imagetrain.evaluation.numbers import Definitions, Options
from imagetrain.evaluation.report import evaluate
from imagetrain.records import Predictions
from radprompter.statistics import bootstrap_p

OPTIONS = Options(resamples=50, permutations=20)


def rows_of(metrics: dict[str, Any], finding: str, where: str = "test") -> dict[str, Any]:
    return next(row for row in metrics["results"] if (row["set"], row["finding"]) == (where, finding))


def relabelled(column: int, values) -> Predictions:
    """The made-up run with other labels of one finding, in all parts."""
    run = make_predictions()
    targets = run.targets.copy()
    targets[:, column] = values
    return replace(run, targets=targets)


@pytest.mark.parametrize(
    ("label", "excluded"), [(1.0, "no negatives"), (0.0, "no positives"), (np.nan, "no study with a known label")]
)
def test_one_class_only_or_zero_support_is_undefined_with_a_reason_and_the_label_excluded_and_listed(label, excluded):
    metrics = evaluate({"run": relabelled(0, label)}, options=OPTIONS).metrics
    row, macro = rows_of(metrics, "fracture"), metrics["macro"][0]
    assert row["auroc"]["value"] is None and row["auroc"]["reason"] and row["average_precision"]["reason"]
    assert "fracture" not in macro["findings"] and macro["auroc"]["value"] is not None
    listed = next(item for item in macro["excluded"] if item["finding"] == "fracture")
    assert listed["reason"] == row["excluded_because"] == excluded


def test_ties_in_all_scores_give_an_auroc_of_one_half_and_say_that_its_variance_is_zero():
    run = make_predictions()
    logits = run.logits.copy()
    logits[:, 0] = 0.25
    row = rows_of(evaluate({"run": replace(run, logits=logits)}, options=OPTIONS).metrics, "fracture")
    assert row["auroc"]["value"] == 0.5 and row["auroc"]["method"] == "score"
    assert row["auroc"]["low"] < 0.5 < row["auroc"]["high"]  # not 0.5 to 0.5, as no variance would have it
    assert row["auroc_delong"]["status"] == DelongStatus.ZERO_VARIANCE and DelongStatus.ZERO_VARIANCE.reason


def test_identical_models_have_delong_p_1_without_warnings():
    run = make_predictions()
    for where in ("test", "external"):
        part = run.part(where)
        for targets, logits in zip(part.targets.T, part.logits.T, strict=True):
            test = paired_test(targets, logits, logits)
            both = set(targets.tolist()) == {0.0, 1.0}
            assert (test.p, test.statistic, test.low, test.high) == (1, 0, 0, 0) if both else np.isnan(test.p)


def test_bootstrap_resamples_without_positives_are_skipped_and_counted_beside_the_number():
    run = relabelled(0, 0.0)
    at = run.parts.index("test")
    run.targets[at, 0] = 1.0
    number = rows_of(evaluate({"run": run}, options=Options(resamples=400, permutations=0)).metrics, "fracture")[
        "auroc_bootstrap"
    ]
    assert number["n_resamples"] + number["n_skipped"] == 400
    assert 400 * 0.25 < number["n_skipped"] < 400 * 0.5  # (1 - 1/70)^70 = 0.365 of them lack its patient


def test_a_macro_difference_counts_the_resamples_that_some_finding_lacks():
    truth = np.zeros((12, 1), dtype=np.float32)
    truth[0] = 1
    ids = tuple(str(i) for i in range(12))
    counts = patient_counts(ids, resamples=300, seed=0)
    scored = {}
    for name, seed in (("a", 1), ("b", 2)):
        logits = np.random.default_rng(seed).normal(size=(12, 1)).astype(np.float32)
        run = Predictions(ids, ids, ("s",) * 12, ("test",) * 12, ("f",), logits, truth)
        scored[name] = Scored(run, counts, replicate(truth[:, 0], logits[:, 0], counts).auroc[:, None])
    found = compare_runs({"test": scored}, Rules(1, 0.05, Definitions(OPTIONS)))["macro"][0]
    lacking = int((counts[0] == 0).sum())
    assert (found["difference"]["n_skipped"], found["difference"]["n_resamples"]) == (lacking, 300 - lacking)
    differences = scored["a"].aurocs[:, 0] - scored["b"].aurocs[:, 0]
    used = differences[counts[0] > 0]
    beyond = min((used <= 0).sum(), (used >= 0).sum())
    assert found["p"] == bootstrap_p(differences) == min(1.0, 2 * (1 + beyond) / (1 + len(used)))


LABEL = st.sampled_from([0.0, 1.0, np.nan])
SCORE = st.one_of(st.integers(-3, 3).map(float), st.floats(-1e30, 1e30))


@given(st.lists(st.tuples(LABEL, SCORE, SCORE), min_size=1, max_size=16))
@settings(max_examples=300)
def test_any_labels_and_scores_have_numbers_or_a_status_with_a_reason(cases):
    y, a, b = (np.array(column) for column in zip(*cases, strict=True))
    for found in (delong(y, a), paired_test(y, a, b), unpaired_test(y, a, y[::-1], b)):
        limits = np.array([found.low, found.high])
        if found.status is DelongStatus.OK:
            assert np.isfinite(limits).all() and found.low <= found.high
        else:
            assert found.status.reason
        if hasattr(found, "p"):
            assert np.isnan(found.p) == (found.status is not DelongStatus.OK) and found.p != 0


def numbers_in(value: Any):
    if isinstance(value, dict):
        if "value" in value and "definition" in value:
            yield value
        for item in value.values():
            yield from numbers_in(item)
    elif isinstance(value, list):
        for item in value:
            yield from numbers_in(item)


@given(
    st.lists(st.tuples(LABEL, LABEL, st.integers(-2, 2), st.integers(-2, 2)), min_size=12, max_size=12),
    st.lists(st.integers(0, 5), min_size=12, max_size=12),
)
@settings(max_examples=25)
def test_any_table_is_evaluated_and_every_undefined_number_has_its_reason(cases, patients):
    table = np.array(cases, dtype=np.float32)
    parts = ("validation",) * 4 + ("test",) * 4 + ("external",) * 4
    ids = tuple(f"s{i}" for i in range(12))
    owners = tuple(f"{part}{patient}" for part, patient in zip(parts, patients, strict=True))
    runs = {
        name: Predictions(ids, owners, ("a",) * 8 + ("b",) * 4, parts, ("x", "y"), logits, table[:, :2])
        for name, logits in (("one", table[:, 2:]), ("two", table[:, 3:1:-1]))
    }
    metrics = evaluate(runs, options=Options(min_positives=1, resamples=10, permutations=5)).metrics
    for number in numbers_in(metrics):
        assert (number["value"] is None) == bool(number.get("reason"))
    tested = [row for family in metrics["comparisons"].values() for row in family["rows"]]
    assert all(row["p"] is not None or row["difference"].get("reason") or row["difference"]["n"] for row in tested)
    assert all(row["p"] is None or row["p"] > 0 for row in tested)
