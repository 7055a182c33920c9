"""Thresholds, rates at a threshold, and the score interval of an AUROC."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from reference.roc import best_youden_threshold

from imagetrain.evaluation.intervals import auroc_score_interval, hanley_mcneil_variance, is_scarce
from imagetrain.evaluation.thresholds import at_threshold, with_sensitivity, youden


@pytest.mark.parametrize(
    ("targets", "scores", "point"),
    [
        ([0, 0, 1, 1], [1, 2, 3, 4], (3, 1, 1)),
        ([0, 1, 0, 1], [1, 2, 3, 4], (4, 0.5, 1)),  # 4 and 2 are equally good: the higher
        ([1, 1, 0, 0], [1, 2, 3, 4], (1, 1, 0)),  # worse than chance: call everything positive
        ([1, 0], [5, 5], (5, 1, 0)),
    ],
)
def test_youden_takes_the_highest_of_the_best_thresholds(targets, scores, point):
    assert tuple(youden(targets, scores)) == point


@given(st.lists(st.tuples(st.sampled_from([0, 1]), st.integers(-9, 9)), min_size=2, max_size=40))
@settings(max_examples=200, deadline=None)
def test_youden_equals_trying_every_threshold(rows):
    targets, scores = zip(*rows, strict=True)
    assume(len(set(targets)) == 2)
    point = youden(targets, scores)
    assert point.threshold == best_youden_threshold(targets, scores)
    there = at_threshold(targets, scores, point.threshold)
    assert (there.sensitivity.value, there.specificity.value) == pytest.approx(point[1:])


@given(st.lists(st.tuples(st.sampled_from([0, 1]), st.integers(-9, 9)), min_size=2, max_size=40), st.integers(1, 20))
@settings(max_examples=200, deadline=None)
def test_a_wanted_sensitivity_is_reached_and_not_by_the_next_higher_threshold(rows, twentieths):
    targets, scores = (np.array(column, dtype=float) for column in zip(*rows, strict=True))
    assume(len(set(targets)) == 2)
    wanted = twentieths / 20
    point = with_sensitivity(targets, scores, wanted)
    reached = {score: (scores[targets == 1] >= score).mean() for score in scores}
    assert point.threshold == max(score for score, share in reached.items() if share >= wanted - 1e-12)
    there = at_threshold(targets, scores, point.threshold)
    assert (there.sensitivity.value, there.specificity.value) == pytest.approx(point[1:])


def test_one_class_has_no_threshold():
    assert all(np.isnan(value) for value in youden([1, 1], [1, 2]))
    assert all(np.isnan(value) for value in with_sensitivity([0, 0], [1, 2], 0.9))


def test_counts_and_rates_at_a_threshold():
    there = at_threshold([1, 1, 1, 0, 0, np.nan], [0.9, 0.5, 0.2, 0.5, 0.1, 0.9], 0.5)
    assert there[:4] == (2, 1, 1, 1)
    assert (there.sensitivity.value, there.specificity.value, there.ppv.value, there.npv.value) == (
        2 / 3,
        0.5,
        2 / 3,
        0.5,
    )
    assert there.f1 == 2 / 3
    assert (there.sensitivity.numerator, there.sensitivity.denominator) == (2, 3)


def test_rates_without_a_denominator_are_undefined_not_zero():
    there = at_threshold([0, 0], [0.1, 0.2], 0.5)
    assert np.isnan([there.sensitivity.value, there.ppv.value, there.ppv.low, there.f1]).all()
    assert there.specificity.value == 1 and there.specificity.high == 1


@pytest.mark.parametrize(
    ("auroc", "n_positive", "n_negative"), [(0.5, 10, 10), (0.9, 10, 490), (1.0, 12, 80), (0.0, 12, 80), (0.97, 3, 40)]
)
def test_the_score_interval_ends_where_the_score_test_rejects(auroc, n_positive, n_negative):
    low, high = auroc_score_interval(auroc, n_positive, n_negative)
    assert 0 <= low <= auroc <= high <= 1 and high - low > 0.01
    for limit in (low, high):
        if 0 < limit < 1:
            z = abs(auroc - limit) / hanley_mcneil_variance(limit, n_positive, n_negative) ** 0.5
            assert z == pytest.approx(1.959964, abs=1e-5)
    assert np.isnan(auroc_score_interval(np.nan, 0, 5).low)


def test_the_thresholds_of_the_subarachnoid_study(shared: Path):
    import pandas as pd

    frame = pd.read_csv(shared / "data/oracles/asah.csv")
    saved = json.loads((shared / "data/oracles/asah_pROC_oracle.json").read_text())["single"]
    for marker, expected in saved.items():
        best = expected["youden"]
        point = youden(frame["outcome"] == "Poor", frame[marker])
        assert (point.sensitivity, point.specificity) == pytest.approx(
            (best["sensitivity"], best["specificity"]), abs=1e-12
        )
        below = frame[marker][frame[marker] < point.threshold].max()  # pROC cuts halfway between two scores
        assert (point.threshold + below) / 2 == pytest.approx(best["threshold"], abs=1e-9)
        there = at_threshold(frame["outcome"] == "Poor", frame[marker], point.threshold)
        assert there[:4] == (best["tp"], best["fp"], best["tn"], best["fn"])
        assert (there.ppv.value, there.npv.value) == pytest.approx((best["ppv"], best["npv"]), abs=1e-12)


@pytest.mark.parametrize(
    ("auroc", "n_positive", "n_negative", "scarce"),
    [
        (0.8, 29, 500, True),
        (0.8, 500, 29, True),
        (0.8, 30, 500, False),
        (0.95, 99, 500, True),
        (0.95, 101, 500, False),
        (0.02, 100, 500, True),
        (1.0, 5000, 5000, True),
    ],
)
def test_an_auroc_is_scarce_with_few_cases_or_few_of_them_ranked_wrongly(auroc, n_positive, n_negative, scarce):
    assert is_scarce(auroc, n_positive, n_negative, few=30) == scarce
