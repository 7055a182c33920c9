"""Calibration against R's glm, closed forms and scikit-learn, and the cases that have no answer."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import expit, logit

from imagetrain.evaluation.calibration import (
    FitStatus,
    brier_score,
    calibration_curve,
    calibration_error,
    calibration_in_the_large,
    calibration_line,
    replicate_calibration,
)


def two_by_two(a: int, b: int, c: int, d: int):
    """Labels and a score of 0 or 1: `a` positives and `b` negatives with 0, `c` positives and `d` negatives with 1."""
    targets = [1] * a + [0] * b + [1] * c + [0] * d
    return np.array(targets, dtype=float), np.array([0.0] * (a + b) + [1.0] * (c + d))


def test_a_regression_on_two_scores_has_its_closed_form():
    targets, scores = two_by_two(7, 23, 31, 12)
    line = calibration_line(targets, scores)
    assert line.intercept.value == pytest.approx(np.log(7 / 23), abs=1e-12)
    assert line.slope.value == pytest.approx(np.log(31 / 12 * 23 / 7), abs=1e-12)
    assert line.intercept.error == pytest.approx((1 / 7 + 1 / 23) ** 0.5, abs=1e-12)
    assert line.slope.error == pytest.approx((1 / 7 + 1 / 23 + 1 / 31 + 1 / 12) ** 0.5, abs=1e-12)
    assert line.slope.low == pytest.approx(line.slope.value - 1.959963984540054 * line.slope.error)


@given(st.integers(0, 10_000), st.floats(-3, 3), st.floats(0.2, 5))
@settings(max_examples=50, deadline=None)
def test_a_shift_and_a_stretch_of_the_logits_come_back(seed, shift, stretch):
    generator = np.random.default_rng(seed)
    logits = generator.normal(size=300) * 2
    targets = (generator.random(300) < expit(logits)).astype(float)
    before, after = calibration_line(targets, logits), calibration_line(targets, stretch * logits + shift)
    assert after.slope.value == pytest.approx(before.slope.value / stretch, rel=1e-8)
    expected = before.intercept.value - shift * before.slope.value / stretch
    assert after.intercept.value == pytest.approx(expected, rel=1e-8, abs=1e-8)
    large = calibration_in_the_large(targets, logits + shift)
    assert expit(logits + shift + large.value).sum() == pytest.approx(targets.sum(), abs=1e-8)


@pytest.mark.parametrize(
    ("targets", "scores", "status"),
    [
        ([1, 1, 1], [0.1, 2, 3], FitStatus.ONE_CLASS),
        ([np.nan, np.nan, 0], [0.1, 2, 3], FitStatus.ONE_CLASS),
        ([1, 0, 1, 0], [2, 2, 2, 2], FitStatus.CONSTANT),
        ([0, 0, 1, 1], [1, 2, 3, 4], FitStatus.SEPARATED),
        ([0, 0, 1, 1], [1, 2, 2, 4], FitStatus.SEPARATED),
        ([1, 1, 0, 0], [1, 2, 2, 4], FitStatus.SEPARATED),
    ],
)
def test_what_has_no_answer_says_why(targets, scores, status):
    line = calibration_line(targets, scores)
    assert line.slope.status is line.intercept.status is status and status.reason
    assert np.isnan([line.slope.value, line.slope.low, line.intercept.error]).all()
    large = calibration_in_the_large(targets, scores)
    assert large.status is (FitStatus.ONE_CLASS if status is FitStatus.ONE_CLASS else FitStatus.OK)


def test_far_and_near_logits_converge():
    generator = np.random.default_rng(1)
    logits = np.append(generator.normal(size=100) * 1e-9 + 5, 5 + 1e-8)
    targets = (generator.random(101) < 0.5).astype(float)
    assert np.isfinite(calibration_line(targets, logits).slope.value)
    large = calibration_in_the_large(targets, logits + 400)
    assert large.value == pytest.approx(calibration_in_the_large(targets, logits).value - 400, abs=1e-6)


def test_the_curve_takes_each_case_once_and_parts_no_ties():
    generator = np.random.default_rng(2)
    p = np.round(generator.random(203), 1)
    targets = (generator.random(203) < p).astype(float)
    targets[::20] = np.nan
    known = ~np.isnan(targets)
    curve = calibration_curve(targets, p)
    assert sum(one.n for one in curve) == known.sum()
    assert sum(one.n_positive for one in curve) == targets[known].sum()
    assert len({one.probability for one in curve}) == len(curve) <= 10
    rows = [p[known] == value for value in np.unique(p[known])]
    whole = sum(abs((p[known][row] - targets[known][row]).sum()) for row in rows) / known.sum()
    assert calibration_error(calibration_curve(targets, p, n_bins=100)) == pytest.approx(whole, abs=1e-12)
    assert calibration_curve([np.nan], [0.5]) == [] and np.isnan(calibration_error([]))


def test_brier_is_that_of_scikit_learn_and_of_the_copied_cases():
    from sklearn.metrics import brier_score_loss

    generator = np.random.default_rng(3)
    p, targets = generator.random(50), generator.integers(0, 2, 50).astype(float)
    assert brier_score(targets, p) == pytest.approx(brier_score_loss(targets, p), abs=1e-15)
    targets[7] = np.nan
    counts = generator.integers(0, 4, (50, 6)).astype(np.uint8)
    counts[:, 5] = 0
    found = replicate_calibration(targets, p, counts).brier
    for column in range(5):
        copies = np.repeat(np.arange(50), counts[:, column])
        assert found[column] == pytest.approx(brier_score(targets[copies], p[copies]), abs=1e-7)
    assert np.isnan(found[5])


def test_the_calibration_error_of_a_resample_is_that_of_the_copied_cases_in_the_bins_of_all():
    generator = np.random.default_rng(8)
    targets, p = (generator.random(61) < 0.4).astype(float), generator.integers(0, 30, 61) / 30
    targets[3] = np.nan
    counts = generator.integers(0, 4, (61, 6)).astype(np.uint8)
    counts[:, 5] = 0
    found = replicate_calibration(targets, p, counts, n_bins=5).error
    ordered = sorted((value, i) for i, value in enumerate(p) if targets[i] == targets[i])
    bins = calibration_curve(targets, p, n_bins=5)
    members = [[ordered.pop(0)[1] for _ in range(one.n)] for one in bins]
    for column in range(5):
        off = [sum(counts[i, column] * (p[i] - targets[i]) for i in inside) for inside in members]
        whole = sum(int(counts[i, column]) for inside in members for i in inside)
        assert found[column] == pytest.approx(sum(map(abs, off)) / whole, abs=1e-12)
    assert np.isnan(found[5])
    once = np.ones((61, 1), dtype=np.uint8)
    assert replicate_calibration(targets, p, once, n_bins=5).error[0] == pytest.approx(
        calibration_error(bins), abs=1e-12
    )


def test_numbers_of_r_glm(shared):
    import json

    import pandas as pd

    oracle = json.loads((shared / "data/oracles/calibration_glm_oracle.json").read_text())
    data = pd.read_csv(shared / "data/oracles/asah.csv")
    poor = (data.outcome == "Poor").to_numpy(dtype=float)
    line = calibration_line(poor, data.s100b)
    assert line.intercept.value == pytest.approx(oracle["glm_s100b"]["intercept"], abs=1e-9)
    assert line.slope.value == pytest.approx(oracle["glm_s100b"]["slope"], abs=1e-9)
    p = expit(line.intercept.value + line.slope.value * data.s100b)
    assert brier_score(poor, p) == pytest.approx(oracle["glm_s100b"]["brier"], abs=1e-9)
    expected, logits = oracle["recalibration"], 0.5 * logit(p) + 0.3
    again, large = calibration_line(poor, logits), calibration_in_the_large(poor, logits)
    assert again.slope.value == pytest.approx(expected["slope"], abs=1e-9)
    assert again.intercept.value == pytest.approx(expected["slope_intercept"], abs=1e-9)
    assert again.slope.error == pytest.approx(expected["slope_se"], abs=1e-7)
    assert large.value == pytest.approx(expected["citl"], abs=1e-9)
    assert large.error == pytest.approx(expected["citl_se"], abs=1e-7)
    assert brier_score(poor, expit(logits)) == pytest.approx(expected["brier"], abs=1e-9)
