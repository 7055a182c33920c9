"""Permuted labels: what stays together, which p there are, and what chance looks like."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from imagetrain.evaluation.auroc import auroc
from imagetrain.evaluation.permutation import permutation_test


def test_few_cases_have_the_p_of_all_permutations():
    targets, scores = np.array([1.0, 1, 0, 0, 0]), np.array([5.0, 3, 4, 2, 1])
    areas = [auroc(np.isin(np.arange(5), chosen), scores) for chosen in itertools.combinations(range(5), 2)]
    exact = np.mean(np.array(areas) >= auroc(targets, scores))
    found = permutation_test(targets, scores, list("abcde"), permutations=20_000)
    assert found.auroc == auroc(targets, scores)
    assert found.p == pytest.approx(exact, abs=0.01)
    assert sorted(set(found.permuted.round(9))) == sorted(set(np.round(areas, 9)))


def test_studies_of_a_patient_keep_together():
    """Two patients of two studies each: the labels either stay or change places."""
    targets, scores = [1, 0, 0, 0], [4, 2, 3, 1]
    found = permutation_test(targets, scores, ["a", "a", "b", "b"], permutations=200)
    assert set(found.permuted.round(9)) == {1.0, round(2 / 3, 9)}
    alone = permutation_test(targets, scores, ["a", "b", "b", "b"], permutations=50)
    assert set(alone.permuted) == {1.0} and alone.p == 1.0


def test_p_is_even_where_scores_know_nothing_though_patients_repeat():
    generator, ps = np.random.default_rng(0), []
    patients = np.repeat(np.arange(30), 4).astype(str)
    for number in range(150):
        targets = np.repeat(generator.random(30) < 0.3, 4).astype(float)  # alike within a patient, as are the scores
        scores = np.repeat(generator.normal(size=30), 4) + 0.1 * generator.normal(size=120)
        ps.append(permutation_test(targets, scores, patients, permutations=99, seed=number).p)
    assert np.mean(np.array(ps) <= 0.1) == pytest.approx(0.1, abs=0.07)


def test_unknown_labels_do_not_count_and_one_class_has_no_p():
    with_unknown = permutation_test([1, 0, np.nan, 0], [3, 2, 9, 1], list("abcd"), seed=1)
    without = permutation_test([1, 0, 0], [3, 2, 1], list("abd"), seed=1)
    assert with_unknown.auroc == without.auroc == 1 and with_unknown.p == without.p
    assert np.isnan(permutation_test([0, 0, np.nan], [1, 2, 3], list("abc")).p)
