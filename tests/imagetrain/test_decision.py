"""Net benefit by counting, case by case."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagetrain.evaluation.decision import decision_curve, replicate_net_benefit

CASES = st.lists(st.tuples(st.sampled_from([0.0, 1.0, np.nan]), st.integers(0, 10)), min_size=1, max_size=20)


def counted(targets, probabilities, threshold):
    known = [(y, p) for y, p in zip(targets, probabilities, strict=True) if y == y]
    worth = [(1.0 if y else -threshold / (1 - threshold)) for y, p in known if p >= threshold]
    return sum(worth) / len(known) if known else float("nan")


@given(CASES, st.integers(0, 1000))
def test_net_benefit_is_that_of_counting(cases, seed):
    targets, probabilities = (np.array(column, dtype=float) for column in zip(*cases, strict=True))
    probabilities = probabilities / 10
    thresholds = [0.05, 0.1, 0.5, 0.7, 0.99]
    found = decision_curve(targets, probabilities, thresholds)
    expected = [counted(targets, probabilities, t) for t in thresholds]
    assert found.classifier == pytest.approx(expected, abs=1e-12, nan_ok=True)
    on_all = [counted(targets, np.ones(len(targets)), t) for t in thresholds]
    assert found.everybody == pytest.approx(on_all, abs=1e-12, nan_ok=True)
    counts = np.random.default_rng(seed).integers(0, 3, (len(cases), 4)).astype(np.uint8)
    resampled = replicate_net_benefit(targets, probabilities, thresholds, counts)
    for column in range(4):
        copies = np.repeat(np.arange(len(cases)), counts[:, column])
        slow = [counted(targets[copies], probabilities[copies], t) for t in thresholds]
        assert resampled[:, column] == pytest.approx(slow, abs=1e-12, nan_ok=True)


def test_a_perfect_classifier_is_worth_the_prevalence_and_a_blind_one_no_more_than_treating_all():
    targets = np.array([1.0, 0, 0, 0])
    perfect = decision_curve(targets, targets, [0.2, 0.8])
    assert perfect.classifier == pytest.approx([0.25, 0.25])
    blind = decision_curve(targets, np.full(4, 0.25), [0.1, 0.25, 0.3])
    assert blind.classifier[:2] == pytest.approx(blind.everybody[:2]) and blind.classifier[2] == 0
    assert blind.everybody[1] == pytest.approx(0)
