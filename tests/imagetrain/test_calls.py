"""Sensitivity, specificity and F1 of two runs on the same studies, each at its own frozen threshold."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reference.predictions import make_predictions, two_runs
from reference.significance import exact_mcnemar_p

from imagetrain.evaluation.bootstrap import patient_counts
from imagetrain.evaluation.comparison.calls import BOOTSTRAP, MCNEMAR, compare_calls
from imagetrain.evaluation.comparison.families import Rules, Scored
from imagetrain.evaluation.numbers import Definitions, Options
from imagetrain.evaluation.report import evaluate
from imagetrain.records import Predictions

OPTIONS = Options(resamples=200)
RULES = Rules(1, 0.05, Definitions(OPTIONS))


def run_of(truth, scores, patients=None) -> Predictions:
    n = len(truth)
    ids = tuple(f"s{i}" for i in range(n))
    column = [np.array(values, dtype=np.float32)[:, None] for values in (scores, truth)]
    return Predictions(ids, tuple(patients or ids), ("a",) * n, ("test",) * n, ("fracture",), *column)


def compare(a: Predictions, b: Predictions, cuts=(0.0, 0.0)):
    counts = patient_counts(a.patient_ids, resamples=OPTIONS.resamples, seed=0)
    nothing = np.full((OPTIONS.resamples, 1), np.nan)
    scored = {"test": {name: Scored(run, counts, nothing) for name, run in (("a", a), ("b", b))}}
    places = {"test": {name: np.full((len(a.study_ids), 1), cut) for name, cut in zip("ab", cuts, strict=True)}}
    found = compare_calls(scored, places, RULES)
    return {row["measure"]: row for row in found["rows"]} | {"family": found}


def test_studies_that_one_run_alone_calls_rightly_decide():
    truth = [1] * 10 + [0] * 10
    a = [1] * 9 + [-1] + [-1] * 10
    b = [1] * 2 + [-1] * 8 + [-1] * 9 + [1]
    found = compare(run_of(truth, a), run_of(truth, b))
    row = found["sensitivity"]
    assert (row["a"], row["b"], row["only_a"], row["only_b"], row["method"]) == (0.9, 0.2, 7, 0, MCNEMAR)
    assert row["p"] == pytest.approx(2 / 2**7) and row["difference"]["value"] == pytest.approx(0.7)
    assert 0 < row["difference"]["low"] < 0.7 < row["difference"]["high"] <= 1
    assert found["specificity"]["difference"]["value"] == pytest.approx(0.1) and found["specificity"]["p"] == 1.0
    assert found["f1"]["a"] == pytest.approx(18 / 19) and found["f1"]["method"] == BOOTSTRAP
    assert found["family"]["m"] == 3


def test_each_run_is_called_at_its_own_threshold():
    found = compare(run_of([1, 1, 0, 0], [3, 2, 1, 0]), run_of([1, 1, 0, 0], [13, 12, 11, 10]), cuts=(1.5, 11.5))
    assert {found[name]["p"] for name in ("sensitivity", "specificity", "f1")} == {1.0}
    assert {found[name]["difference"]["value"] for name in ("sensitivity", "specificity", "f1")} == {0.0}


def test_patients_with_several_studies_are_resampled_instead_of_counted_as_independent():
    truth, a, b = [1] * 12 + [0] * 12, [1] * 12 + [-1] * 12, [-1] * 12 + [-1] * 12
    alone = compare(run_of(truth, a), run_of(truth, b))["sensitivity"]
    together = compare(*(run_of(truth, scores, [f"p{i // 6}" for i in range(24)]) for scores in (a, b)))["sensitivity"]
    assert (alone["method"], together["method"]) == (MCNEMAR, BOOTSTRAP)
    assert together["p"] > alone["p"]


rows = st.lists(st.tuples(st.sampled_from([0.0, 1.0, np.nan]), st.booleans(), st.booleans()), min_size=2, max_size=25)


@given(rows)
@settings(max_examples=60, deadline=None)
def test_any_calls_give_the_exact_p_of_counting_or_a_reason(cases):
    truth, a, b = zip(*cases, strict=True)
    found = compare(*(run_of(truth, np.where(calls, 1.0, -1.0)) for calls in (a, b)))
    for measure, label in (("sensitivity", 1), ("specificity", 0)):
        row = found[measure]
        if {0.0, 1.0} <= set(truth):
            chosen = [(x == label, y == label) for t, x, y in cases if t == label]
            only = [sum(x and not y for x, y in chosen), sum(y and not x for x, y in chosen)]
            assert [row["only_a"], row["only_b"]] == only
            expected = exact_mcnemar_p(*only) if sum(only) else 1.0
            assert row["p"] == pytest.approx(expected, abs=1e-12)
        else:
            assert row["p"] is None and row["difference"]["reason"]
    assert (found["f1"]["difference"]["value"] is None) == ("reason" in found["f1"]["difference"])


def test_resampled_differences_are_those_of_copied_studies():
    generator = np.random.default_rng(3)
    truth, a, b = (generator.random(30) < 0.5 for _ in range(3))
    first, second = (run_of(truth, np.where(calls, 1.0, -1.0), [str(i // 3) for i in range(30)]) for calls in (a, b))
    counts = patient_counts(first.patient_ids, resamples=OPTIONS.resamples, seed=0)
    slow = []
    for column in counts.T:
        rows = np.repeat(np.arange(30), column)
        t, x, y = truth[rows], a[rows], b[rows]
        slow.append(((x & t).sum() - (y & t).sum()) / t.sum() if t.any() else np.nan)
    limits = np.nanquantile(slow, [0.025, 0.975])
    number = compare(first, second)["sensitivity"]["difference"]
    assert (number["low"], number["high"]) == pytest.approx(limits, abs=1e-12)


def test_a_run_without_a_threshold_and_a_scarce_finding_are_not_tested_and_say_why():
    truth = [1, 1, 0, 0]
    found = compare(run_of(truth, [1, 2, 3, 4]), run_of(truth, [1, 2, 3, 4]), cuts=(0.0, np.nan))
    assert "no threshold" in found["f1"]["difference"]["reason"] and found["f1"]["p"] is None
    rows = evaluate(two_runs(), options=OPTIONS).metrics["comparisons"]["calls"]["rows"]
    scarce = [row for row in rows if (row["set"], row["finding"]) == ("test", "foreign_body")]
    assert len(scarce) == 3 and all("fewer than 10" in row["difference"]["reason"] for row in scarce)


def test_a_run_against_itself_differs_at_no_threshold():
    run = make_predictions()
    compared = evaluate({"one": run, "same": run}, options=OPTIONS).metrics["comparisons"]["calls"]
    assert {row["p"] for row in compared["rows"]} == {1.0, None} and compared["n_significant"] == 0


def test_cells_with_differing_labels_are_left_out():
    runs = two_runs()
    first = runs["inclusive"]
    targets = first.targets.copy()
    tested = [i for i, part in enumerate(first.parts) if part == "test"][:8]
    targets[tested, 0] = 1 - targets[tested, 0]
    changed = evaluate({**runs, "inclusive": replace(first, targets=targets)}, options=OPTIONS).metrics
    row = next(
        row
        for row in changed["comparisons"]["calls"]["rows"]
        if (row["set"], row["finding"], row["measure"]) == ("test", "fracture", "f1")
    )
    assert row["difference"]["n"] == 132
