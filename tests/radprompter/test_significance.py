"""Tests of paired labelers: published numbers, SciPy, all sign patterns, and the cases that have no statistic."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reference.significance import exact_mcnemar_p, sign_flip_p, signed_rank_p
from scipy import stats

from radprompter.agreement.comparing.significance import (
    ALL_EQUAL,
    ALL_ZERO,
    TOO_FEW,
    adjust,
    mcnemar,
    paired_t,
    sign_flip,
    wilcoxon,
)
from radprompter.errors import InputError

X = [0.91, 0.85, 0.77, 0.80, 0.69, 0.95, 0.88, 0.73]
Y = [0.89, 0.86, 0.74, 0.78, 0.70, 0.93, 0.85, 0.72]

SMALL = st.lists(st.integers(-4, 4), min_size=2, max_size=9)
DISTINCT = st.lists(st.integers(1, 99), min_size=2, max_size=40, unique=True)


@pytest.mark.parametrize(
    ("method", "statistic", "p"),
    [
        ("exact", 59, 4.4344492637551645e-06),
        ("chi_squared_corrected", 20.67222222222222, 5.450094825427117e-06),
        ("chi_squared", 21.355555555555554, 3.815135865112594e-06),
        ("auto", 20.67222222222222, 5.450094825427117e-06),
    ],
)
def test_mcnemar_equals_statsmodels(method: str, statistic: float, p: float) -> None:
    found = mcnemar(121, 59, n=314, method=method)
    assert (found.statistic, found.p) == pytest.approx((statistic, p), rel=1e-9)
    assert (found.method, found.n, found.n_zero) == (
        method.replace("auto", "chi_squared_corrected"),
        314,
        101 + 33,
    )


@pytest.mark.parametrize(
    ("method", "p"), [("chi_squared", 0.034), ("chi_squared_corrected", 0.077), ("exact", 0.070), ("mid_p", 0.039)]
)
def test_mcnemar_equals_the_example_of_fagerland_2013(method: str, p: float) -> None:
    assert mcnemar(1, 7, n=21, method=method).p == pytest.approx(p, abs=5e-4)


@pytest.mark.parametrize(("discordant", "method"), [((20, 4), "exact"), ((20, 5), "chi_squared_corrected")])
def test_mcnemar_says_which_method_the_automatic_one_took(discordant: tuple[int, int], method: str) -> None:
    assert mcnemar(*discordant, n=100).method == method


@given(st.integers(0, 60), st.integers(0, 60), st.booleans())
def test_exact_mcnemar_equals_the_sum_of_binomial_terms(b: int, c: int, mid: bool) -> None:
    found = mcnemar(b, c, n=200, method="mid_p" if mid else "exact")
    assert found.p == pytest.approx(exact_mcnemar_p(b, c, mid=mid) if b + c else 1.0, rel=1e-12)


def test_labelers_that_are_right_on_the_same_reports_do_not_differ() -> None:
    found = mcnemar(0, 0, n=40)
    assert (found.p, found.reason, found.n_zero) == (1.0, "no discordant pair", 40)
    nobody = mcnemar(0, 0, n=0)
    assert math.isnan(nobody.p) and nobody.reason == "no report that both were judged on"


def test_a_correction_beyond_the_difference_leaves_no_evidence() -> None:
    assert mcnemar(15, 15, n=30, method="chi_squared_corrected")[2:4] == (0.0, 1.0)


def test_paired_t_equals_scipy_and_r() -> None:
    found = paired_t(X, Y)
    assert (found.statistic, found.p) == pytest.approx((2.433737233777902, 0.04517212617456855), rel=1e-10)


@pytest.mark.parametrize(
    ("method", "p"),
    [
        ("exact", 0.0546875),
        ("auto", 0.0546875),  # with binary near-ties among the differences, SciPy says 0.0625
        ("normal_approximation", 0.0474368928248654),  # and here 0.0483
    ],
)
def test_wilcoxon_ranks_the_printed_differences_and_not_their_binary_noise(method: str, p: float) -> None:
    found = wilcoxon(X, Y, method=method)
    assert (found.statistic, found.p) == pytest.approx((4, p), rel=1e-12)


@given(SMALL)
@settings(deadline=None)
def test_exact_wilcoxon_equals_counting_all_signs(differences: list[int]) -> None:
    found = wilcoxon(differences, [0] * len(differences), method="exact")
    if any(differences):
        assert found.p == pytest.approx(signed_rank_p(differences), abs=1e-12)
        assert found.n_zero == differences.count(0)


@given(SMALL | DISTINCT, st.randoms(use_true_random=False))
@settings(deadline=None)
def test_automatic_wilcoxon_equals_scipys(differences: list[int], random: object) -> None:
    if not any(differences):
        return
    signed = [d * random.choice((1, -1)) for d in differences]  # type: ignore[attr-defined]
    ours, theirs = wilcoxon(signed, [0] * len(signed)), stats.wilcoxon(signed)
    assert (ours.statistic, ours.p) == pytest.approx((theirs.statistic, theirs.pvalue), abs=1e-12)


@given(SMALL)
def test_the_normal_approximation_equals_scipys_with_ties(differences: list[int]) -> None:
    if any(differences):
        found = wilcoxon(differences, [0] * len(differences), method="normal_approximation")
        nonzero = [d for d in differences if d]
        assert found.p == pytest.approx(stats.wilcoxon(nonzero, method="asymptotic").pvalue, abs=1e-12)


@given(st.lists(st.integers(-50, 50), min_size=2, max_size=30))
def test_paired_t_equals_scipys(differences: list[int]) -> None:
    if len(set(differences)) > 1:
        expected = stats.ttest_1samp(differences, 0)
        found = paired_t(differences, [0] * len(differences))
        assert (found.statistic, found.p) == pytest.approx((expected.statistic, expected.pvalue), abs=1e-10)


@given(SMALL)
@settings(deadline=None)
def test_exact_permutation_equals_trying_every_exchange(differences: list[int]) -> None:
    if any(differences):
        found = sign_flip(differences, [0] * len(differences))
        assert found.method == "exact" and found.p == pytest.approx(sign_flip_p(differences), abs=1e-12)


def test_a_drawn_permutation_is_seeded_near_the_exact_one_and_never_zero() -> None:
    exact = sign_flip(X, Y, method="exact").p
    drawn = sign_flip(X, Y, method="monte_carlo", seed=3)
    assert drawn == sign_flip(X, Y, method="monte_carlo", seed=3) != sign_flip(X, Y, method="monte_carlo", seed=4)
    assert drawn.p == pytest.approx(exact, abs=0.01)
    assert sign_flip(np.arange(1, 60), np.zeros(59)).p == pytest.approx(1 / 10_000)


@pytest.mark.parametrize("test", [paired_t, wilcoxon, sign_flip])
def test_all_zero_differences_have_p_one_without_warnings_and_say_so(test) -> None:
    found = test([0.5, 0.7, math.nan], [0.5, 0.7, 0.1])
    assert (found.p, found.reason, found.n, found.n_zero, found.n_left_out) == (1.0, ALL_ZERO, 2, 2, 1)
    assert math.isnan(found.statistic)


@pytest.mark.parametrize("test", [paired_t, wilcoxon, sign_flip])
@pytest.mark.parametrize("scores", [([], []), ([0.5], [0.4]), ([0.5, math.nan], [0.4, 0.2])])
def test_one_finding_is_too_few(test, scores: tuple[list[float], list[float]]) -> None:
    found = test(*scores)
    assert math.isnan(found.p) and found.reason == TOO_FEW


def test_differences_without_variance_have_no_t_but_ranks() -> None:
    first, second = [0.30, 0.50, 0.93], [0.28, 0.48, 0.91]
    found = paired_t(first, second)
    assert math.isnan(found.p) and found.reason == ALL_EQUAL
    assert wilcoxon(first, second).p == sign_flip(first, second).p == 0.25


def test_a_family_is_named_and_counts_its_members() -> None:
    family = adjust("one pair × four findings", [0.02, math.nan, 0.001, 0.9])
    assert (family.name, family.m, family.n_undefined, family.n_significant) == ("one pair × four findings", 3, 1, 2)
    assert family.p_adjusted == pytest.approx([0.03, math.nan, 0.003, 0.9], nan_ok=True)


def test_a_wrong_request_is_one_message() -> None:
    with pytest.raises(InputError, match="'asymptotic': expected one of auto, exact, normal_approximation"):
        wilcoxon(X, Y, method="asymptotic")
    with pytest.raises(InputError, match="same length"):
        paired_t(X, Y[:-1])
    with pytest.raises(InputError, match="at most 16 pairs; there are 17"):
        sign_flip(range(17), range(17), method="exact")
