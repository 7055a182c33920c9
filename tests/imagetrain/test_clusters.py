"""AUROCs of patients with several studies: patients are independent, their studies are not."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from reference.predictions import make_predictions
from reference.roc import clustered_covariance

from imagetrain.evaluation.delong import (
    DelongMethod,
    DelongStatus,
    delong,
    delong_covariance,
    paired_test,
    unpaired_test,
)
from imagetrain.evaluation.numbers import Options
from imagetrain.evaluation.report import evaluate
from radprompter.errors import InputError

CASES = st.lists(
    st.tuples(st.booleans(), st.integers(0, 6), st.integers(0, 6), st.integers(0, 5)), min_size=6, max_size=20
)


@given(CASES)
@settings(max_examples=100)
def test_the_covariance_is_that_of_obuchowskis_formulas_by_counting(cases):
    y, a, b, patients = (list(column) for column in zip(*cases, strict=True))
    assume(all(len({p for p, t in zip(patients, y, strict=True) if t == label}) > 1 for label in (True, False)))
    ids = [f"p{patient}" for patient in patients]
    slow = np.array(clustered_covariance(y, [a, b], ids))
    assert delong_covariance(y, [a, b], patient_ids=ids) == pytest.approx(slow, abs=1e-12)
    assert delong(y, a, patient_ids=ids).variance == pytest.approx(slow[0, 0], abs=1e-12)
    test = paired_test(y, a, b, patient_ids=ids)
    if test.status is DelongStatus.OK and test.p < 1:
        variance = slow[0, 0] + slow[1, 1] - 2 * slow[0, 1]
        assert (test.difference / test.statistic) ** 2 == pytest.approx(variance, abs=1e-12)


@given(CASES)
def test_with_one_study_a_patient_it_is_delongs_to_the_last_bit(cases):
    y, a, b, _ = zip(*cases, strict=True)
    ids = [str(i) for i in range(len(y))]
    np.testing.assert_equal(delong(y, a, patient_ids=ids), delong(y, a))
    np.testing.assert_equal(paired_test(y, a, b, patient_ids=ids), paired_test(y, a, b))
    np.testing.assert_equal(unpaired_test(y, a, y, b, patient_ids_a=ids, patient_ids_b=ids), unpaired_test(y, a, y, b))


@given(CASES, st.integers(2, 4))
def test_saying_each_study_several_times_in_one_patient_adds_no_certainty(cases, times):
    y, a, b, _ = (np.array(column) for column in zip(*cases, strict=True))
    assume(2 <= y.sum() <= len(y) - 2)
    ids = np.repeat([str(i) for i in range(len(y))], times)
    again = [np.repeat(column, times) for column in (y, a, b)]
    once, several = delong(y, a), delong(again[0], again[1], patient_ids=ids)
    assert several.variance == pytest.approx(once.variance, abs=1e-12)
    assert delong(again[0], again[1]).variance <= once.variance
    test, repeated = paired_test(y, a, b), paired_test(*again, patient_ids=ids)
    assert repeated.status is test.status
    assert repeated.p == pytest.approx(test.p, abs=1e-9, nan_ok=True)
    assert several.method is DelongMethod.PATIENTS or len(y) == len(set(ids.tolist()))


def studies_of_patients(generator: np.random.Generator, n_patients: int, each: int):
    """Patients of whom a third have the finding in all their studies; two scores, alike within a patient."""
    truth = np.repeat(np.arange(n_patients) % 3 == 0, each)
    of_patient = np.repeat(generator.normal(size=(2, n_patients)), each, axis=1)
    scores = of_patient + 0.5 * generator.normal(size=(2, n_patients * each)) + 1.2 * truth
    return truth, scores, np.repeat([f"p{i}" for i in range(n_patients)], each)


def test_intervals_and_tests_hold_where_studies_of_a_patient_are_alike_and_delongs_own_do_not():
    generator = np.random.default_rng(8)
    large, true_auroc = studies_of_patients(generator, 60_000, 1), 0.0
    true_auroc = delong(large[0], large[1][0]).auroc
    held, naive, rejected, naively = [], [], [], []
    for _ in range(300):
        y, (a, b), ids = studies_of_patients(generator, 90, 4)
        clustered, independent = delong(y, a, patient_ids=ids), delong(y, a)
        held.append(clustered.low <= true_auroc <= clustered.high)
        naive.append(independent.low <= true_auroc <= independent.high)
        rejected.append(paired_test(y, a, b, patient_ids=ids).p < 0.05)
        naively.append(paired_test(y, a, b).p < 0.05)
    assert 0.90 < np.mean(held) < 0.98 and np.mean(naive) < 0.80
    assert 0.02 < np.mean(rejected) < 0.09 and np.mean(naively) > 0.15


def test_all_positives_of_one_patient_have_an_auroc_without_a_variance():
    found = delong([1, 1, 0, 0, 0], [5, 3, 4, 2, 1], patient_ids=["a", "a", "b", "c", "d"])
    assert found.status is DelongStatus.ONE_PATIENT and found.auroc == pytest.approx(5 / 6)
    assert np.isnan(found.variance) and "two patients" in found.status.reason
    test = paired_test([1, 1, 0, 0, 0], [5, 3, 4, 2, 1], [1, 2, 3, 4, 5], patient_ids=["a", "a", "b", "c", "d"])
    assert test.status is DelongStatus.ONE_PATIENT and np.isnan(test.p)


@pytest.mark.parametrize("seed", range(20))
def test_scores_that_tell_patients_and_not_their_studies_apart_have_no_variance(seed):
    """Each patient has a study of either class with one score, so that what one moves the other moves back."""
    generator = np.random.default_rng(seed)
    ids = np.repeat(np.arange(9), 2).astype(str)
    y, a, b = np.tile([1, 0], 9), *(np.repeat(generator.normal(size=9), 2) for _ in "ab")
    found = delong(y, a, patient_ids=ids)
    assert (found.auroc, found.status) == (pytest.approx(0.5), DelongStatus.ZERO_VARIANCE)
    assert paired_test(y, a, b, patient_ids=ids).p == 1


def test_the_degrees_of_freedom_count_patients():
    y, (a, b), ids = studies_of_patients(np.random.default_rng(1), 40, 3)
    assert unpaired_test(y, a, y, b).df > 200
    assert unpaired_test(y, a, y, b, patient_ids_a=ids, patient_ids_b=ids).df < 80


def test_a_patient_is_needed_for_each_study():
    with pytest.raises(InputError, match="one patient a target"):
        delong([1, 0], [1, 2], patient_ids=["a"])


def test_an_evaluation_names_the_variance_that_it_took():
    run = make_predictions()
    single = run.take([i for i, part in enumerate(run.parts) if part != "test" or i % 2])
    for predictions, method in ((run, "delong_clustered"), (single, "delong")):
        metrics = evaluate({"a": predictions, "b": predictions}, options=Options(resamples=20, permutations=0)).metrics
        row = next(r for r in metrics["results"] if (r["set"], r["finding"]) == ("test", "effusion"))
        assert row["auroc_delong"]["method"] == method
        assert row["auroc"]["method"] == "score"  # few positives, or few of them ranked wrongly
        tests = [r for r in metrics["comparisons"]["runs"]["rows"] if r["set"] == "test"]
        assert {r["method"] for r in tests} == {method}
