"""Recalibration: what it should find in data made for it, likelihoods beside it, and where there is none."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import expit

from imagetrain.evaluation.calibration import calibration_in_the_large, calibration_line
from imagetrain.evaluation.recalibration import Method, fit_temperature, recalibrate


def drawn(n: int, *, temperature: float = 1.0, shift: float = 0.0, seed: int = 0):
    """Labels, and logits that are `temperature` times too large and `shift` too high."""
    generator = np.random.default_rng(seed)
    true = generator.normal(size=n) * 1.5 - 0.5
    return (generator.random(n) < expit(true)).astype(float), temperature * true + shift


def likelihood(targets, p):
    return float(np.log(np.where(targets == 1, p, 1 - p)).sum())


def test_a_temperature_is_found_and_no_other_is_likelier():
    targets, logits = drawn(20_000, temperature=3)
    found = fit_temperature(targets, logits)
    assert found == pytest.approx(3, rel=0.05)
    best = likelihood(targets, expit(logits / found))
    assert best >= max(likelihood(targets, expit(logits / t)) for t in (found * 0.999, found * 1.001, 3, 1))


def test_a_logistic_map_has_intercept_0_and_slope_1_where_it_was_fitted_and_temperature_keeps_one_half():
    targets, logits = drawn(500, temperature=2, shift=1)
    logistic = recalibrate(Method.LOGISTIC, targets, logits)
    p = logistic(logits)
    line = calibration_line(targets, np.log(p / (1 - p)))
    assert (line.intercept.value, line.slope.value) == pytest.approx((0, 1), abs=1e-9)
    assert recalibrate(Method.TEMPERATURE, targets, logits)([0.0]) == 0.5
    assert recalibrate(Method.NONE, targets, logits)(logits) == pytest.approx(expit(logits))


@pytest.mark.parametrize("method", [Method.TEMPERATURE, Method.LOGISTIC, Method.ISOTONIC])
def test_maps_never_turn_the_order_and_calibrate_new_cases(method):
    seen, new = drawn(3000, temperature=3, seed=1), drawn(3000, temperature=3, seed=2)
    p = recalibrate(method, *seen)(new[1])
    order = np.argsort(new[1])
    assert (np.diff(p[order]) >= 0).all() and p.min() >= 0 and p.max() <= 1
    inside = np.clip(p, 1e-6, 1 - 1e-6)
    assert abs(calibration_in_the_large(new[0], np.log(inside / (1 - inside))).value) < 0.15


@pytest.mark.parametrize("method", [Method.TEMPERATURE, Method.LOGISTIC, Method.ISOTONIC])
def test_one_class_has_no_map(method):
    assert recalibrate(method, [1, 1, np.nan], [0.1, 0.2, 0.3]) is None
    assert recalibrate(method, [], []) is None


@pytest.mark.parametrize("method", [Method.TEMPERATURE, Method.LOGISTIC])
def test_perfect_and_inverted_classifiers_have_no_slope(method):
    assert recalibrate(method, [0, 0, 1, 1], [-2, -1, 1, 2]) is None
    targets, logits = drawn(300)
    assert recalibrate(method, targets, -logits) is None
    assert recalibrate(method, [0, 1, 0, 1], [0.0, 0, 0, 0]) is None


def test_isotonic_means_are_those_of_pooled_violators():
    p = recalibrate(Method.ISOTONIC, [0, 1, 0, 1, 1], [1, 2, 3, 4, 5])
    assert p([1, 2, 3, 4, 5]) == pytest.approx([0, 0.5, 0.5, 1, 1])
    assert p([-9, 9]) == pytest.approx([0, 1])
