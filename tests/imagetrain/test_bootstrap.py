"""Resamples of patients, and metrics computed from their counts."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reference.roc import pair_counting_auroc, stepwise_average_precision

from imagetrain.evaluation import bootstrap
from imagetrain.evaluation.auroc import precision_recall_curve, roc_curve
from imagetrain.evaluation.bootstrap import (
    drawn_sums,
    drawn_totals,
    in_threads,
    patient_counts,
    replicate,
    replicate_curves,
)
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
    st.sampled_from([1, 5, 12, 36]),
)
@settings(max_examples=200, deadline=None)
def test_counts_give_what_the_copied_cases_give_however_few_bits_they_have(rows, seed, factor):
    targets, scores = (np.array(column, dtype=float) for column in zip(*rows, strict=True))
    counts = patient_counts([str(i // 2) for i in range(len(rows))], resamples=4, seed=seed)
    result = replicate(targets, scores, counts * np.uint8(factor))  # all cases so many times: the same areas
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


@given(
    st.lists(st.tuples(st.sampled_from([0.0, 1.0]), st.integers(0, 5)), min_size=3, max_size=14),
    st.integers(0, 1000),
)
@settings(max_examples=60, deadline=None)
def test_the_curves_of_a_resample_are_those_of_the_copied_cases(rows, seed):
    targets, scores = (np.array(column, dtype=float) for column in zip(*rows, strict=True))
    counts = patient_counts([str(i // 2) for i in range(len(rows))], resamples=4, seed=seed)
    rates, recalls = [0.0, 0.1, 1 / 3, 0.5, 1.0], [0.0, 0.25, 0.5, 1.0]
    found = replicate_curves(targets, scores, counts, false_positive_rates=rates, recalls=recalls)
    for b, row in enumerate(counts.T):
        y, x = np.repeat(targets, row), np.repeat(scores, row)
        if not 0 < y.sum() < y.size:
            assert np.isnan(found.true_positive_rate[b]).all() and np.isnan(found.precision[b]).all()
            continue
        roc, steps = roc_curve(y, x), precision_recall_curve(y, x)
        for rate, height in zip(rates, found.true_positive_rate[b], strict=True):
            assert height == pytest.approx(_height(roc, rate), abs=1e-12)
        for recall, precision in zip(recalls, found.precision[b], strict=True):
            reached = (steps.recall >= recall - 1e-9) & (steps.recall > 0)
            assert precision == pytest.approx(steps.precision[reached][0], abs=1e-12)


def _height(roc, rate):
    """The upper value of a ROC curve at a false positive rate, on the straight line between its corners."""
    x, y = roc.false_positive_rate, roc.true_positive_rate
    at = np.flatnonzero(np.abs(x - rate) < 1e-12)
    if at.size:
        return y[at[-1]]
    right = int(np.flatnonzero(x > rate)[0])
    share = (rate - x[right - 1]) / (x[right] - x[right - 1])
    return y[right - 1] + share * (y[right] - y[right - 1])


@pytest.mark.parametrize("factor", [1, 300, 30_000])
def test_counts_too_large_for_16_bits_are_summed_in_pieces(factor):
    generator = np.random.default_rng(1)
    targets, scores = (generator.random(60) < 0.2).astype(float), generator.integers(0, 9, 60).astype(float)
    counts = generator.integers(0, 3, (60, 5)).astype(np.uint16)
    once, more = replicate(targets, scores, counts), replicate(targets, scores, counts * factor)
    assert more.auroc == pytest.approx(once.auroc, abs=1e-12)
    assert more.average_precision == pytest.approx(once.average_precision, abs=1e-12)


def test_neither_the_resamples_at_once_nor_the_threads_change_a_bit(monkeypatch):
    generator = np.random.default_rng(2)
    targets, scores = (generator.random((80, 3)) < 0.3).astype(float), generator.normal(size=(80, 3))
    counts = patient_counts([str(i // 2) for i in range(80)], resamples=30, seed=0)

    def all_three():
        return in_threads(lambda f: replicate(targets[:, f], scores[:, f], counts), range(3))

    whole = all_three()
    monkeypatch.setattr(bootstrap, "MOST_THREADS", 1)
    monkeypatch.setattr(bootstrap, "_CELLS_AT_ONCE", 500)
    for a, b in zip(whole, all_three(), strict=True):
        assert (a.auroc == b.auroc).all() and (a.average_precision == b.average_precision).all()


def test_totals_and_sums_are_those_of_the_copied_cases():
    generator = np.random.default_rng(3)
    counts, rows = generator.integers(0, 4, (20, 6)).astype(np.uint8), generator.permutation(20)[:11]
    totals = drawn_totals(counts, rows, np.array([0, 11, 4, 4]))
    assert (totals == [counts[rows[:end]].sum(axis=0) for end in (0, 11, 4, 4)]).all()
    weights = generator.normal(size=(2, 11))
    for b in range(6):
        copies = np.repeat(np.arange(11), counts[rows, b])
        assert drawn_sums(weights, counts, rows)[:, b] == pytest.approx(weights[:, copies].sum(axis=1), abs=1e-12)


def test_the_interval_is_near_delongs_for_many_independent_cases():
    from imagetrain.evaluation.delong import delong

    generator = np.random.default_rng(5)
    targets = np.arange(600) % 3 == 0
    scores = generator.normal(size=600) + targets
    exact = delong(targets, scores)
    counts = patient_counts([str(i) for i in range(600)], resamples=1000, seed=0)
    found = percentile_interval(replicate(targets, scores, counts).auroc)
    assert (found.low, found.high) == pytest.approx((exact.low, exact.high), abs=0.006)
