"""Resamples of patients, and metrics computed from their counts."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reference.roc import pair_counting_auroc, stepwise_average_precision

from imagetrain.evaluation.bootstrap import patient_counts, replicate
from radprompter.statistics import percentile_interval


def test_a_resample_takes_whole_patients_and_as_many_as_there_are():
    patients = ["a", "b", "b", "c", "d", "d", "d"]
    counts = patient_counts(patients, resamples=200, seed=1)
    assert counts.shape == (7, 200)
    assert (counts[1] == counts[2]).all() and (counts[4] == counts[6]).all()
    assert (counts[[0, 1, 3, 4]].sum(axis=0) == 4).all()


def test_the_seed_decides_the_resamples():
    patients = [str(i % 9) for i in range(20)]
    first, again, other = (patient_counts(patients, resamples=5, seed=seed) for seed in (3, 3, 4))
    assert (first == again).all() and not (first == other).all()


@given(
    st.lists(st.tuples(st.sampled_from([0.0, 1.0]), st.integers(0, 5)), min_size=3, max_size=14),
    st.integers(0, 1000),
)
@settings(max_examples=100, deadline=None)
def test_counts_give_what_the_copied_cases_give(rows, seed):
    targets, scores = (np.array(column, dtype=float) for column in zip(*rows, strict=True))
    counts = patient_counts([str(i // 2) for i in range(len(rows))], resamples=4, seed=seed)
    result = replicate(targets, scores, counts)
    for row, area, average in zip(counts.T, result.auroc, result.average_precision, strict=True):
        copies_targets, copies_scores = np.repeat(targets, row), np.repeat(scores, row)
        slow = pair_counting_auroc(copies_targets, copies_scores)
        assert area == pytest.approx(slow, abs=1e-12, nan_ok=True)
        if not np.isnan(slow):
            assert average == pytest.approx(stepwise_average_precision(copies_targets, copies_scores), abs=1e-12)


def test_resamples_without_a_positive_are_skipped_and_counted():
    targets, scores = [1, 0, 0, 0], [3, 2, 4, 1]
    values = replicate(targets, scores, patient_counts(["a", "b", "c", "d"], resamples=400, seed=0)).auroc
    interval = percentile_interval(values)
    assert interval.n_used + interval.n_skipped == 400
    assert 400 * 0.25 < interval.n_skipped < 400 * 0.40  # (3/4)^4 = 0.32 lack the positive
    assert 0 <= interval.low <= interval.high <= 1


def test_one_class_and_unknown_targets():
    counts = patient_counts(["a", "b", "c"], resamples=3, seed=0)
    assert np.isnan(replicate([1, 1, 1], [1, 2, 3], counts).auroc).all()
    assert np.isnan(replicate([np.nan, np.nan, np.nan], [1, 2, 3], counts).auroc).all()


def test_the_interval_is_near_delongs_for_many_independent_cases():
    from imagetrain.evaluation.delong import delong

    generator = np.random.default_rng(5)
    targets = np.arange(600) % 3 == 0
    scores = generator.normal(size=600) + targets
    exact = delong(targets, scores)
    counts = patient_counts([str(i) for i in range(600)], resamples=1000, seed=0)
    found = percentile_interval(replicate(targets, scores, counts).auroc)
    assert (found.low, found.high) == pytest.approx((exact.low, exact.high), abs=0.006)
