"""Sample sizes against simulation and their own definition."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import ndtri

from imagetrain.evaluation.auroc import auroc
from imagetrain.evaluation.delong import unpaired_test
from imagetrain.evaluation.sizes import (
    interval_width,
    power_of_difference,
    studies_for_power,
    studies_for_width,
)
from radprompter.errors import InputError


def test_power_without_a_difference_is_alpha_and_grows_with_size_and_difference():
    assert power_of_difference(0.8, 0.8, 50, 50, alpha=0.1) == pytest.approx(0.1)
    small, larger, other = (power_of_difference(0.8, b, n, n) for b, n in ((0.85, 100), (0.85, 200), (0.9, 100)))
    assert small < larger < other
    assert power_of_difference(0.8, 0.8, 50, 50, correlation=1.0) == 0.0


@pytest.mark.parametrize(("area", "prevalence", "width"), [(0.85, 0.1, 0.1), (0.95, 0.5, 0.02), (0.6, 0.02, 0.2)])
def test_one_study_fewer_is_too_few(area, prevalence, width):
    size = studies_for_width(area, prevalence, width)
    assert size.n == size.n_positive + size.n_negative
    assert size.n_positive == pytest.approx(size.n * prevalence, abs=0.5)
    assert interval_width(area, size.n_positive, size.n_negative) <= width
    fewer = round((size.n - 1) * prevalence)
    assert interval_width(area, fewer, size.n - 1 - fewer) > width


def test_the_width_and_the_power_are_those_of_simulated_studies():
    generator = np.random.default_rng(0)
    shift = 2**0.5 * ndtri(0.8)
    targets = np.arange(200) < 60
    areas, found = [], 0
    for _ in range(600):
        first = generator.normal(size=200) + shift * targets
        second = generator.normal(size=200) + 2**0.5 * ndtri(0.68) * targets
        areas.append(auroc(targets, first))
        found += unpaired_test(targets, first, targets, second).p < 0.05
    assert 2 * 1.959964 * np.std(areas) == pytest.approx(interval_width(0.8, 60, 140), rel=0.12)
    assert found / 600 == pytest.approx(power_of_difference(0.8, 0.68, 60, 140), abs=0.07)


def test_classifiers_of_the_same_studies_need_fewer():
    apart = studies_for_power(0.85, 0.80, 0.2)
    together = studies_for_power(0.85, 0.80, 0.2, correlation=0.5)
    assert together.n < 0.6 * apart.n
    assert power_of_difference(0.85, 0.80, *together[1:], correlation=0.5) >= 0.8


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        ({"auroc": 1.0, "prevalence": 0.1, "width": 0.1}, "auroc: expected a number between 0 and 1, found 1"),
        ({"auroc": 0.8, "prevalence": 0.0, "width": 0.1}, "prevalence: expected"),
        ({"auroc": 0.8, "prevalence": 1e-8, "width": 1e-4}, "more than 100 million studies"),
    ],
)
def test_what_cannot_be_is_refused(wanted, message):
    with pytest.raises(InputError, match=message):
        studies_for_width(**wanted)
    with pytest.raises(InputError, match="correlation"):
        studies_for_power(0.8, 0.7, 0.1, correlation=1.0)
    with pytest.raises(InputError, match="100 million"):
        studies_for_power(0.8, 0.8, 0.1)
