"""Statistics that both packages use, against SciPy, published examples and definitions."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from reference.roc import step_up
from scipy.stats import binomtest

from radprompter.statistics import benjamini_hochberg, bootstrap_p, percentile_interval, wilson_interval

BENJAMINI_HOCHBERG_1995 = [
    0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344, 0.0459, 0.3240, 0.4262, 0.5719, 0.6528, 0.7590, 1.0,
]  # fmt: skip


def test_the_example_of_1995_rejects_four() -> None:
    adjusted, m = benjamini_hochberg(BENJAMINI_HOCHBERG_1995)
    assert m == 15 and (adjusted <= 0.05).sum() == 4
    assert (adjusted[3], adjusted[4]) == pytest.approx((0.035625, 0.0603), abs=1e-12)


@pytest.mark.parametrize(
    ("p", "adjusted", "m"),
    [
        ([0.001, 0.02, 0.03, 0.2, 0.5], [0.005, 0.05, 0.05, 0.25, 0.5], 5),
        ([0.02, np.nan, 0.001, np.nan], [0.02, np.nan, 0.002, np.nan], 2),
        ([np.nan], [np.nan], 0),
        ([], [], 0),
    ],
)
def test_undefined_tests_are_dropped_before_adjusting(p: list[float], adjusted: list[float], m: int) -> None:
    found = benjamini_hochberg(p)
    assert found.m == m
    assert found.p == pytest.approx(np.array(adjusted), nan_ok=True, abs=1e-12)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=20))
def test_adjusted_p_equals_the_step_up_by_definition(p: list[float]) -> None:
    assert benjamini_hochberg(p).p == pytest.approx(np.array(step_up(p)), abs=1e-12)


@pytest.mark.parametrize(("successes", "total"), [(0, 10), (8, 10), (10, 10), (1, 1), (37, 411)])
def test_wilson_interval_equals_scipys(successes: int, total: int) -> None:
    expected = binomtest(successes, total).proportion_ci(method="wilson")
    assert wilson_interval(successes, total) == pytest.approx((expected.low, expected.high), abs=1e-12)


def test_wilson_interval_of_eight_in_ten_and_of_none() -> None:
    assert wilson_interval(8, 10) == pytest.approx((0.49016247153664183, 0.9433178485456247), abs=1e-12)
    assert np.isnan(wilson_interval(0, 0)).all()


@pytest.mark.parametrize(
    ("differences", "p"),
    [
        ([1.0] * 99, 0.02),
        ([-1.0] * 99, 0.02),
        ([0.0] * 99, 1.0),
        ([1.0] * 50 + [-1.0] * 49, 1.0),
        ([1.0, np.nan], 2 / 2),
    ],
)
def test_bootstrap_p_is_two_sided_and_never_zero(differences: list[float], p: float) -> None:
    assert bootstrap_p(differences) == pytest.approx(p)


def test_without_a_defined_resample_there_is_neither_interval_nor_p() -> None:
    assert percentile_interval([np.nan, np.nan])[2:] == (0, 2)
    assert np.isnan(percentile_interval([np.nan, np.nan]).low)
    assert np.isnan(bootstrap_p([]))
