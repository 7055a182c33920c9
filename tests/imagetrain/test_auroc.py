"""AUROC, average precision and ROC curve against counting, scikit-learn and saved numbers."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reference.roc import pair_counting_auroc, stepwise_average_precision
from sklearn.metrics import roc_auc_score

from imagetrain.evaluation.auroc import auroc, average_precision, corners, precision_recall_curve, roc_curve
from radprompter.errors import InputError

cases = st.lists(st.tuples(st.sampled_from([0, 1]), st.integers(-4, 4)), min_size=2, max_size=30)


@pytest.mark.parametrize(
    ("targets", "scores", "expected"),
    [
        ([0, 0, 1, 1], [1, 2, 3, 4], 1.0),
        ([1, 1, 0, 0], [1, 2, 3, 4], 0.0),
        ([0, 1, 0, 1], [5, 5, 5, 5], 0.5),
        ([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8], 0.75),
        ([0, 0, 1, 1, np.nan], [0.1, 0.4, 0.35, 0.8, 0.9], 0.75),
        ([0, 1, 1, 1], [18, 20, 25, 30], 1.0),
    ],
)
def test_auroc_is_the_share_of_pairs_in_the_right_order(targets, scores, expected):
    assert auroc(targets, scores) == expected


@given(cases)
@settings(max_examples=200, deadline=None)
def test_auroc_equals_counting_every_pair(rows):
    targets, scores = zip(*rows, strict=True)
    slow = pair_counting_auroc(targets, scores)
    assert auroc(targets, scores) == pytest.approx(slow, abs=1e-13, nan_ok=True)


@given(cases)
@settings(max_examples=100, deadline=None)
def test_average_precision_equals_trying_every_threshold(rows):
    targets, scores = zip(*rows, strict=True)
    if len(set(targets)) == 2:
        assert average_precision(targets, scores) == pytest.approx(
            stepwise_average_precision(targets, scores), abs=1e-12
        )
    else:
        assert np.isnan(average_precision(targets, scores))


@given(cases)
@settings(max_examples=100, deadline=None)
def test_the_precision_recall_curve_has_the_points_of_counting_and_its_steps_the_average_precision(rows):
    targets, scores = (np.array(column, dtype=float) for column in zip(*rows, strict=True))
    if len(set(targets)) < 2:
        with pytest.raises(InputError, match="one class"):
            precision_recall_curve(targets, scores)
        return
    curve = precision_recall_curve(targets, scores)
    for recall, precision, threshold in zip(*curve, strict=True):
        called = scores >= threshold
        assert recall == pytest.approx(targets[called].sum() / targets.sum(), abs=1e-12)
        assert precision == pytest.approx(targets[called].mean(), abs=1e-12)
    steps = np.diff(curve.recall, prepend=0) * curve.precision
    assert steps.sum() == pytest.approx(average_precision(targets, scores), abs=1e-12)


def test_one_class_has_no_auroc_rather_than_a_low_one():
    for targets in ([1, 1, 1], [0, 0, 0], [np.nan, np.nan, 1]):
        assert np.isnan(auroc(targets, [1, 2, 3]))
        assert np.isnan(average_precision(targets, [1, 2, 3]))


def test_a_million_cases_lose_no_precision():
    i = np.arange(1_000_000)
    targets, scores = (i * 7919 % 10007 < 40), (i * 104729 % 9973).astype(np.float32)
    assert auroc(targets, scores) == pytest.approx(roc_auc_score(targets, scores), abs=1e-12)


def test_logits_that_saturate_a_sigmoid_are_still_told_apart():
    assert auroc([0, 0, 1, 1], np.array([18, 20, 25, 30], dtype=np.float32)) == 1.0


@pytest.mark.parametrize(
    ("targets", "scores", "found"),
    [([0, 1, 2], [1, 2, 3], "other values"), ([0, 1], [np.nan, 1], "finite"), ([0, 1], [1, 2, 3], "shape|one score")],
)
def test_wrong_input_is_refused(targets, scores, found):
    with pytest.raises(InputError, match=found):
        auroc(targets, scores)


def test_the_curve_runs_from_corner_to_corner_and_its_area_is_the_auroc():
    targets, scores = [0, 1, 0, 1, 1, 0], [1, 1, 2, 3, 3, 3]
    curve = roc_curve(targets, scores)
    assert curve.false_positive_rate.tolist() == pytest.approx([0, 1 / 3, 2 / 3, 1])
    assert curve.true_positive_rate.tolist() == pytest.approx([0, 2 / 3, 2 / 3, 1])
    assert curve.thresholds.tolist() == [np.inf, 3, 2, 1]
    assert np.trapezoid(curve.true_positive_rate, curve.false_positive_rate) == pytest.approx(auroc(targets, scores))
    with pytest.raises(InputError, match="one class"):
        roc_curve([1, 1], [1, 2])


def test_drawing_keeps_the_corners_and_thins_long_curves():
    curve = roc_curve([1, 1, 1, 0, 0, 0], [6, 5, 4, 3, 2, 1])
    assert corners(curve) == ([0, 0, 1], [0, 1, 1])
    generator = np.random.default_rng(0)
    x, y = corners(roc_curve(np.arange(5000) % 2, generator.normal(size=5000)), at_most=50)
    assert len(x) <= 50 and (x[0], y[0], x[-1], y[-1]) == (0, 0, 1, 1)


def test_average_precision_of_the_subarachnoid_study(shared: Path):
    import pandas as pd

    frame = pd.read_csv(shared / "data/oracles/asah.csv")
    saved = json.loads((shared / "data/oracles/asah_auprc_sklearn.json").read_text())["average_precision"]
    for marker, expected in saved.items():
        assert average_precision(frame["outcome"] == "Poor", frame[marker]) == pytest.approx(expected, abs=1e-12)
