"""Score intervals of agreement: SciPy's Wilson intervals, an F1 by the share that it is a function of, coverage."""

from __future__ import annotations

import runpy
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from random_cells import make_cells, random_cells, table_of
from scipy.stats import binomtest

from radprompter.agreement.definitions import DEFINITIONS
from radprompter.agreement.measuring.cells import Cells
from radprompter.agreement.measuring.numbers import Number, measure
from radprompter.agreement.measuring.resampling import Bootstrap
from radprompter.agreement.measuring.score_intervals import wilson_limits

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "f1_intervals.py"
BINARY = DEFINITIONS["uncertain_is_negative"]
P, N, UNCERTAIN, SILENT, NONE = range(5)


@pytest.mark.parametrize(
    ("part", "whole", "low", "high"),
    [
        (8, 10, 0.49016247153664183, 0.9433178485456247),
        (0, 10, 0.0, 0.27753279986288926),
        (10, 10, 0.7224672001371107, 1.0),
    ],
)
def test_a_share_has_wilsons_interval(part: int, whole: int, low: float, high: float) -> None:
    found = wilson_limits(np.array([float(part)]), np.array([float(whole)]), level=0.95)
    assert (found.low[0], found.high[0]) == pytest.approx((low, high), abs=1e-12)


def test_nothing_has_no_interval() -> None:
    assert np.isnan(wilson_limits(np.zeros(1), np.zeros(1), level=0.95)).all()


def of(numbers: tuple[Number, ...], finding: str = "finding 0") -> dict[str, Number]:
    return {number.measure: number for number in numbers if number.finding == finding and not number.task}


def test_a_perfect_score_has_a_width_that_its_resamples_have_not() -> None:
    cells = make_cells([[P]] * 4 + [[N]] * 36, [[[P]] * 4 + [[N]] * 36])
    found = of(measure(cells, [BINARY], Bootstrap(rounds=50)).numbers)
    f1, sensitivity = found["f1"], found["sensitivity"]
    assert (f1.value, f1.low, f1.high, f1.shows_score) == (1.0, 1.0, 1.0, True)
    assert f1.shown_limits == (f1.score_low, f1.score_high)
    wilson = binomtest(4, 4).proportion_ci(method="wilson")
    assert (sensitivity.score_low, sensitivity.score_high) == pytest.approx((wilson.low, 1.0), abs=1e-9)
    assert (f1.score_low, f1.score_high) == pytest.approx((2 * wilson.low / (1 + wilson.low), 1.0), abs=1e-9)


@given(random_cells())
@settings(deadline=None, max_examples=100)
def test_every_share_of_cells_has_the_interval_that_scipy_gives_it(cells: Cells) -> None:
    reference, labels = table_of(cells.reference), table_of(cells.labels[0])  # states, None without a label
    numbers = measure(cells, [BINARY], Bootstrap(rounds=2)).numbers
    for column, finding in enumerate(cells.findings):
        pairs = [(row[column], other[column]) for row, other in zip(reference, labels, strict=True)]
        known = [(truth == "positive", said) for truth, said in pairs if truth is not None]
        hits = sum(truth and said == "positive" for truth, said in known)
        union = sum(truth or said == "positive" for truth, said in known)
        positives = sum(truth for truth, _ in known)
        found = of(tuple(number for number in numbers if number.labeler == cells.labelers[0]), finding)
        for name, whole in (("sensitivity", positives), ("f1", union)):
            number = found[name]
            if number.score_low is None or number.score_high is None:
                assert whole == 0 or (cells.weights != 1).any() or cells.n_units < cells.n_reports
                continue
            wilson = binomtest(hits, whole).proportion_ci(method="wilson")
            low, high = wilson.low, wilson.high
            if name == "f1":
                low, high = 2 * low / (1 + low), 2 * high / (1 + high)
            assert (number.score_low, number.score_high) == pytest.approx((low, high), abs=1e-9)
            assert number.value is not None
            assert number.score_low - 1e-12 <= number.value <= number.score_high + 1e-12


def test_reports_that_do_not_stand_for_themselves_have_none() -> None:
    labels = [[P], [N], [P], [N]]
    alike = make_cells(labels, [labels])
    patients = make_cells(labels, [labels], units=np.array([0, 0, 1, 2]))
    weighted = make_cells(labels, [labels], weights=np.array([1.0, 1.0, 2.0, 1.0]))
    for cells, has in ((alike, True), (patients, False), (weighted, False)):
        numbers = measure(cells, [BINARY], Bootstrap(rounds=2)).numbers
        assert (of(numbers)["f1"].score_low is not None) is has
        assert all(number.score_low is None for number in numbers if number.measure == "errors_per_report")
        assert all(number.score_low is None for number in numbers if not number.finding and number.measure == "f1")


def test_the_score_interval_of_an_f1_covers_it_where_that_of_resamples_does_not() -> None:
    """200 reports of which six are positive on average."""
    simulation = runpy.run_path(str(SCRIPT))
    found = simulation["cover"](simulation["SETTINGS"][0], tables=600, rounds=200)
    assert found.f1 == pytest.approx(0.901, abs=1e-3)
    assert 0.93 <= found.score <= 0.98
    assert found.resampled <= 0.8
