"""Coefficients of agreement on random ratings: against slow second implementations, and what must change nothing."""

from __future__ import annotations

import math
from random import Random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reference import raters as slow
from sklearn.metrics import cohen_kappa_score

from radprompter.agreement.raters.coefficients import COEFFICIENTS, INTERVALS, Coefficient, coefficient
from radprompter.agreement.raters.ratings import Ratings
from radprompter.agreement.raters.weights import WEIGHTS, weigh

LETTERS = "abcdef"


@st.composite
def random_ratings(draw: st.DrawFn, *, gaps: bool = True, n_raters: int | None = None, most: int = 9) -> Ratings:
    """A few subjects of two to four raters and two to five categories."""
    q, r = draw(st.integers(2, 5)), n_raters or draw(st.integers(2, 4))
    code = st.integers(-1 if gaps else 0, q - 1)
    rows = draw(st.lists(st.lists(code, min_size=r, max_size=r), min_size=2, max_size=most))
    return Ratings(np.array(rows, dtype=np.int64), tuple(LETTERS[:q]))


def subjects(ratings: Ratings) -> list[list[int | None]]:
    return [[None if code < 0 else code for code in row] for row in ratings.codes.tolist()]


def numbers(found: Coefficient) -> tuple[float, ...]:
    return (found.value, found.se, found.low, found.high, found.p, found.pa, found.pe)


names = st.sampled_from(list(COEFFICIENTS))
weight_names = st.sampled_from(list(WEIGHTS))


@settings(max_examples=400, deadline=None)
@given(random_ratings(), names, weight_names)
def test_values_and_standard_errors_are_those_of_the_slow_loops(ratings: Ratings, name: str, weights: str) -> None:
    if name == "cohen" and ratings.codes.shape[1] != 2:
        return
    found = coefficient(name, ratings, weights=weights)
    matrix = weigh(weights, len(ratings.categories)).tolist()
    if found.n_subjects and found.n_raters >= 2:
        expected = slow.value(name, subjects(ratings), matrix)
        assert found.value == pytest.approx(expected, abs=1e-9, nan_ok=True)
    if not math.isnan(found.se):
        assert found.se == pytest.approx(slow.standard_error(name, subjects(ratings), matrix), rel=1e-4, abs=1e-6)


@settings(max_examples=100, deadline=None)
@given(random_ratings(), names, st.integers(1, 4))
def test_the_subjects_of_a_cluster_vary_together(ratings: Ratings, name: str, n_clusters: int) -> None:
    clusters = np.arange(len(ratings.codes)) % n_clusters
    together = Ratings(ratings.codes, ratings.categories, clusters)
    found = coefficient(name, together)
    if not math.isnan(found.se):
        matrix = weigh("identity", len(ratings.categories)).tolist()
        expected = slow.standard_error(name, subjects(ratings), matrix, clusters.tolist())
        assert found.se == pytest.approx(expected, rel=1e-4, abs=1e-6)


@settings(max_examples=60, deadline=None)
@given(random_ratings(most=6), names)
def test_saying_each_subject_twice_in_one_cluster_adds_no_certainty(ratings: Ratings, name: str) -> None:
    alone = coefficient(name, ratings)
    order = np.repeat(np.arange(len(ratings.codes)), 2)
    doubled = coefficient(name, Ratings(ratings.codes[order], ratings.categories, order))
    assert doubled.se == pytest.approx(alone.se, abs=1e-9, nan_ok=True)


@pytest.mark.parametrize("name", COEFFICIENTS)
@pytest.mark.parametrize("weights", ["identity", "quadratic"])
def test_the_standard_error_is_near_that_of_leaving_one_subject_out(name: str, weights: str) -> None:
    rng = np.random.default_rng(5)
    truth = rng.choice(3, size=150, p=(0.7, 0.2, 0.1))
    codes = np.stack([np.where(rng.random(150) < 0.8, truth, rng.integers(0, 3, 150)) for _ in range(2)], axis=1)
    ratings = Ratings(codes, ("a", "b", "c"))
    found = coefficient(name, ratings, weights=weights)
    left_out = slow.leave_one_out_error(name, subjects(ratings), weigh(weights, 3).tolist())
    assert found.se == pytest.approx(left_out, rel=0.02)


@settings(max_examples=200, deadline=None)
@given(random_ratings(gaps=False, n_raters=2), st.sampled_from(["identity", "linear", "quadratic"]))
def test_cohens_kappa_is_that_of_scikit_learn(ratings: Ratings, weights: str) -> None:
    found = coefficient("cohen", ratings, weights=weights)
    if not math.isnan(found.value):
        labels = list(range(len(ratings.categories)))
        theirs = cohen_kappa_score(*ratings.codes.T, labels=labels, weights=None if weights == "identity" else weights)
        assert found.value == pytest.approx(theirs, abs=1e-12)


@settings(max_examples=150, deadline=None)
@given(random_ratings(), names, weight_names, st.randoms(use_true_random=False))
def test_the_order_of_raters_and_subjects_changes_nothing(
    ratings: Ratings, name: str, weights: str, random: Random
) -> None:
    rng = np.random.default_rng(random.randrange(2**32))
    codes = rng.permutation(rng.permutation(ratings.codes, axis=0), axis=1)
    mixed = coefficient(name, Ratings(codes, ratings.categories), weights=weights)
    found = coefficient(name, ratings, weights=weights)
    assert numbers(mixed) == pytest.approx(numbers(found), abs=1e-7, nan_ok=True)
    assert mixed.reason is found.reason


@settings(max_examples=150, deadline=None)
@given(random_ratings(), names, st.permutations(range(5)))
def test_without_weights_the_order_of_the_categories_changes_nothing(
    ratings: Ratings, name: str, order: list[int]
) -> None:
    places = np.array([*(place for place in order if place < len(ratings.categories)), -1])
    renamed = coefficient(name, Ratings(places[ratings.codes], ratings.categories))
    assert numbers(renamed) == pytest.approx(numbers(coefficient(name, ratings)), abs=1e-7, nan_ok=True)


@settings(max_examples=300, deadline=None)
@given(random_ratings(), names, weight_names, st.sampled_from(INTERVALS))
def test_what_is_undefined_has_a_reason_and_what_is_defined_is_in_its_range(
    ratings: Ratings, name: str, weights: str, interval: str
) -> None:
    found = coefficient(name, ratings, weights=weights, interval=interval)
    assert all(type(number) is float for number in numbers(found))
    assert (found.reason is None) is not any(math.isnan(number) for number in numbers(found))
    assert found.n_subjects + found.n_left_out == len(ratings.codes)
    if not math.isnan(found.value):
        assert found.value <= 1 + 1e-12
    if found.reason is None:
        assert found.low <= found.value <= found.high <= 1 + 1e-12
        assert 0 <= found.p <= 1


@settings(max_examples=100, deadline=None)
@given(st.lists(st.integers(0, 12), min_size=9, max_size=9))
def test_a_contingency_table_is_its_ratings_counted(cells: list[int]) -> None:
    table = np.array(cells).reshape(3, 3)
    ratings = Ratings.from_table(table, ("a", "b", "c"))
    counted = np.zeros((3, 3), dtype=int)
    np.add.at(counted, (ratings.codes[:, 0], ratings.codes[:, 1]), 1)
    assert (counted == table).all()
    found = coefficient("percent", ratings)
    if table.sum():
        assert found.value == pytest.approx(np.trace(table) / table.sum())
