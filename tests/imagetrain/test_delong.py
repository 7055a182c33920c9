"""DeLong's variance and tests against pROC, closed-form data, a jackknife by counting, and the degenerate cases."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from reference.closed_form import closed_form
from reference.roc import leave_one_out_covariance

from imagetrain.evaluation.delong import DelongStatus, delong, delong_covariance, paired_test, unpaired_test

Y = [1] * 5 + [0] * 7
A = [0.9, 0.8, 0.7, 0.55, 0.4, 0.6, 0.5, 0.35, 0.3, 0.2, 0.1, 0.05]
B = [0.7, 0.9, 0.35, 0.6, 0.3, 0.65, 0.4, 0.5, 0.2, 0.45, 0.1, 0.15]

# n, p -> positives, AUROC 1 and 2, variance 1 and 2, covariance, Z, p; even against odd: D, df, p. From R, pROC 1.18.0
CLOSED_FORM = {
    (2000, 40): (
        9, 0.804983537027736, 0.722278028907863, 0.00639676007019905, 0.00953272285234691,
        0.00438216147871821, 0.977060573355128, 0.32853916519584,
        -0.305218060898563, 1956.27722880254, 0.760232547819109,
    ),
    (2000, 1500): (
        298, 0.755812348677829, 0.759546605257139, 0.000210678500542502, 0.000211634288497112,
        3.28227656785039e-05, -0.197729985055288, 0.84325632818233,
        0.000545688338942092, 1942.52038954497, 0.999564659752328,
    ),
    (20000, 40): (
        80, 0.762358496485944, 0.759537211345382, 0.000656725305773231, 0.000691029265668839,
        0.000106469100877961, 0.083749878480379, 0.933255299119977,
        -0.0285177157092832, 19995.3950650171, 0.977249523284822,
    ),
    (20000, 1500): (
        2998, 0.753531939380989, 0.757926195395605, 2.14561233081251e-05, 2.1094030842091e-05,
        3.74142392057392e-06, -0.742051679547633, 0.458056024588774,
        -0.0363873945233767, 19997.9994838742, 0.970973828423262,
    ),
    (100000, 40): (
        400, 0.754101116967872, 0.756954932228916, 0.000137328601051251, 0.000137457014993216,
        2.54296586185254e-05, -0.190709929288746, 0.848752859025862,
        -0.198898675116495, 99986.4063431725, 0.842342410331178,
    ),
    (100000, 1500): (
        14989, 0.754580882418627, 0.758285133965219, 4.27005501708679e-06, 4.21263664249325e-06,
        7.39188237336626e-07, -1.39964414136168, 0.161619908638892,
        -0.0800879435871563, 99997.5486090483, 0.936167471835058,
    ),
}  # fmt: skip


@pytest.mark.parametrize(("size", "expected"), CLOSED_FORM.items())
def test_closed_form_data_give_the_numbers_of_proc(size, expected):
    y, first, second = closed_form(*size)
    one, two = delong(y, first), delong(y, second)
    test = paired_test(y, first, second)
    even = np.arange(y.size) % 2 == 0
    apart = unpaired_test(y[even], first[even], y[~even], first[~even])
    found = (
        one.n_positive, one.auroc, two.auroc, one.variance, two.variance, delong_covariance(y, [first, second])[0, 1],
        test.statistic, test.p, apart.statistic, apart.df, apart.p,
    )  # fmt: skip
    assert found == pytest.approx(expected, abs=1e-9, rel=1e-9)
    assert one.status is test.status is apart.status is DelongStatus.OK


def test_twelve_cases_give_the_known_z():
    test = paired_test(Y, A, B)
    assert (test.auroc_a, test.auroc_b) == pytest.approx((0.914286, 0.742857), abs=1e-6)
    assert (test.statistic, test.p) == pytest.approx((1.289007, 0.197396), abs=1e-6)


cases = st.lists(st.tuples(st.booleans(), st.integers(0, 6), st.integers(0, 6)), min_size=4, max_size=18)


@given(cases)
@settings(max_examples=60, deadline=None)
def test_covariance_equals_the_jackknife_by_counting(rows):
    y, a, b = zip(*rows, strict=True)
    assume(2 <= sum(y) <= len(y) - 2)
    slow = leave_one_out_covariance([float(t) for t in y], [a, b])
    assert delong_covariance(y, [a, b]) == pytest.approx(np.array(slow), abs=1e-12)
    assert delong(y, a).variance == pytest.approx(slow[0][0], abs=1e-12)
    test = paired_test(y, a, b)
    if test.status is DelongStatus.OK and test.p < 1:
        variance = slow[0][0] + slow[1][1] - 2 * slow[0][1]
        assert (test.difference / test.statistic) ** 2 == pytest.approx(variance, abs=1e-12)


@given(cases)
@settings(max_examples=60, deadline=None)
def test_only_the_order_of_the_scores_matters_and_swapping_changes_the_sign(rows):
    y, a, b = (np.array(column) for column in zip(*rows, strict=True))
    assume(2 <= sum(y) <= len(y) - 2)
    test, mirrored = paired_test(y, a, b), paired_test(y, b, np.exp(a.astype(float)))
    assert mirrored.status is test.status
    assert (mirrored.difference, mirrored.p) == pytest.approx((-test.difference, test.p), abs=1e-12, nan_ok=True)


@pytest.mark.parametrize(
    ("targets", "scores", "status", "auroc", "variance"),
    [
        ([1, 1, 1], [1, 2, 3], DelongStatus.ONE_CLASS, np.nan, np.nan),
        ([0, 0, 0], [1, 2, 3], DelongStatus.ONE_CLASS, np.nan, np.nan),
        ([1, 0, 0, 0], [2, 1, 2, 0], DelongStatus.ONE_POSITIVE, 2.5 / 3, np.nan),
        ([0, 1, 1, 1], [2, 1, 2, 3], DelongStatus.ONE_NEGATIVE, 0.5, np.nan),
        ([0, 0, 1, 1], [1, 2, 3, 4], DelongStatus.ZERO_VARIANCE, 1.0, 0.0),
        ([0, 0, 1, 1], [1, 1, 1, 1], DelongStatus.ZERO_VARIANCE, 0.5, 0.0),
    ],
)
def test_degenerate_cases_say_what_they_are(targets, scores, status, auroc, variance):
    result = delong(targets, scores)
    assert result.status is status
    assert (result.auroc, result.variance) == pytest.approx((auroc, variance), nan_ok=True)
    assert status.reason


def test_identical_models_have_p_one():
    for scores in (A, np.exp(A), [1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0]):
        test = paired_test(Y, scores, scores)
        assert (test.difference, test.p, test.status) == (0.0, 1.0, DelongStatus.OK)


def test_two_perfect_models_have_p_one_and_perfect_against_useless_has_none():
    perfect, useless = [4, 3, 2, 1], [1, 1, 1, 1]
    assert paired_test([1, 1, 0, 0], perfect, [9, 8, 1, 0]).p == 1.0
    assert unpaired_test([1, 1, 0, 0], perfect, [1, 1, 0, 0], perfect).p == 1.0
    for test in (
        paired_test([1, 1, 0, 0], perfect, useless),
        unpaired_test([1, 1, 0, 0], perfect, [1, 1, 0, 0], useless),
    ):
        assert test.status is DelongStatus.ZERO_VARIANCE and np.isnan(test.p) and test.difference == 0.5


def test_an_auroc_of_1_is_not_taken_for_certain():
    test = unpaired_test([1, 1, 0, 0], [4, 3, 2, 1], Y, A)
    assert test.status is DelongStatus.ZERO_VARIANCE and np.isnan(test.p)
    assert test.difference == pytest.approx(1 - 0.914286, abs=1e-6)
    assert unpaired_test(Y, A, [1, 1, 0, 0], [4, 3, 2, 1]).status is DelongStatus.ZERO_VARIANCE


def test_a_test_without_positives_is_undefined_rather_than_significant():
    assert paired_test([0, 0, 0], [1, 2, 3], [3, 2, 1]).status is DelongStatus.ONE_CLASS
    test = unpaired_test(Y, A, [1, 0, 0], [3, 2, 1])
    assert test.status is DelongStatus.ONE_POSITIVE and np.isnan(test.p)


def test_unknown_targets_are_left_out_of_both_scores():
    assert paired_test([*Y, np.nan], [*A, 9], [*B, -9]).p == paired_test(Y, A, B).p
