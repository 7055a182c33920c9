"""Intervals of rates and of calibration where patients have several studies."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from reference.clustering import logistic_covariance, share_variance

from imagetrain.evaluation.calibration import calibration_curve, calibration_in_the_large, calibration_line
from imagetrain.evaluation.thresholds import at_threshold, rate_of
from radprompter.statistics import wilson_interval

CASES = st.lists(st.tuples(st.booleans(), st.sampled_from("abcdefgh")), min_size=2, max_size=30)


@given(CASES)
def test_the_interval_is_wilsons_of_as_many_single_cases_as_give_the_variance(cases):
    hits, patients = (np.array(column) for column in zip(*cases, strict=True))
    assume(0 < hits.sum() < hits.size and len(set(patients)) > 1)
    found = rate_of(hits, patients)
    share = hits.mean()
    effect = max(share_variance(hits.tolist(), patients.tolist()) / (share * (1 - share) / hits.size), 1)
    if len(set(patients)) == hits.size:
        effect = 1
    expected = wilson_interval(hits.sum() / effect, hits.size / effect)
    assert (found.low, found.high) == pytest.approx(expected, abs=1e-12)
    assert (found.value, found.numerator, found.denominator) == (share, hits.sum(), hits.size)


def test_patients_of_one_study_each_change_nothing():
    generator = np.random.default_rng(0)
    targets, scores = (generator.random(60) < 0.4).astype(float), generator.normal(size=60)
    ids = [str(i) for i in range(60)]
    assert at_threshold(targets, scores, 0.1, patient_ids=ids) == at_threshold(targets, scores, 0.1)
    assert calibration_line(targets, scores, patient_ids=ids) == calibration_line(targets, scores)


@pytest.mark.parametrize("share", [0, 1])
def test_where_all_are_hits_or_none_is_patients_are_counted(share):
    found = rate_of(np.full(12, bool(share)), np.repeat(list("abc"), 4))
    assert (found.low, found.high) == wilson_interval(3 * share, 3) and found.denominator == 12


def test_unknown_labels_take_their_patients_with_them():
    targets = np.array([1, 1, 0, 0, 1, np.nan, np.nan])
    scores, ids = np.array([2.0, -1, -1, 2, 3, 1, 1]), list("aabbcaa")
    with_them, without = (at_threshold(targets[:n], scores[:n], 0, patient_ids=ids[:n]) for n in (7, 5))
    assert with_them == without


def test_calibration_is_as_sure_as_loops_over_patients_say():
    generator = np.random.default_rng(1)
    patients = np.repeat(np.arange(40), 3).astype(str)
    logits = np.repeat(generator.normal(size=40), 3) + 0.3 * generator.normal(size=120)
    targets = (np.repeat(generator.normal(size=40), 3) + logits > 0).astype(float)
    intercept, slope = calibration_line(targets, logits, patient_ids=patients)
    expected = logistic_covariance(logits, targets == 1, patients, (intercept.value, slope.value))
    assert (intercept.error, slope.error) == pytest.approx(np.sqrt(np.diag(expected)), rel=1e-9)
    plain = calibration_line(targets, logits)
    assert (plain.intercept.value, plain.slope.value) == (intercept.value, slope.value)
    assert intercept.error > 1.2 * plain.intercept.error  # a patient's three studies say little more than one
    large = calibration_in_the_large(targets, logits, patient_ids=patients)
    assert large.error > 1.2 * calibration_in_the_large(targets, logits).error


def test_one_patient_gives_a_calibration_without_an_interval():
    generator = np.random.default_rng(0)
    logits = generator.normal(size=60)
    targets = (generator.normal(size=60) + logits > 0).astype(float)
    line = calibration_line(targets, logits, patient_ids=["one"] * 60)
    for found in (*line, calibration_in_the_large(targets, logits, patient_ids=["one"] * 60)):
        assert np.isfinite(found.value) and np.isnan([found.error, found.low, found.high]).all()


def test_bins_of_a_calibration_curve_are_as_sure_as_their_patients_make_them():
    targets, p = np.repeat([1.0, 0.0, 0.0, 1.0, 0.0], 20), np.full(100, 0.4)
    patients = np.repeat(np.arange(5), 20).astype(str)
    (by_studies,), (by_patients,) = calibration_curve(targets, p), calibration_curve(targets, p, patient_ids=patients)
    assert by_studies[:2] == by_patients[:2] and by_studies[4:] == by_patients[4:] == (100, 40)
    rate = rate_of(targets == 1, patients)
    assert (by_patients.low, by_patients.high) == (rate.low, rate.high)
    assert by_patients.low < by_studies.low < by_studies.high < by_patients.high


def test_intervals_hold_the_truth_as_often_as_they_say_though_studies_of_a_patient_are_alike():
    generator = np.random.default_rng(2)
    patients, held, naive = np.repeat(np.arange(60), 4).astype(str), 0, 0
    for _ in range(400):
        own = generator.beta(1.5, 1.5, size=60)
        hits = generator.random(240) < np.repeat(own, 4)
        found, plain = rate_of(hits, patients), rate_of(hits)
        held += found.low <= 0.5 <= found.high
        naive += plain.low <= 0.5 <= plain.high
    assert held / 400 == pytest.approx(0.95, abs=0.03) and naive / 400 < 0.88
