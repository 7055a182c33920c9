"""The bootstrap of agreement: each resample written out and scored by hand, whole patients, strata, pairs, coverage."""

from __future__ import annotations

import itertools
import math
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from random_cells import fractions_of, make_cells, random_cells, random_definitions, table_of
from reference.agreement import measure_of_all, measure_of_finding, measure_of_reports, seen_cells
from reference.bootstrap import resampled_reports, spread_of
from scipy import stats

from radprompter.agreement.definitions import DEFINITIONS, Definition
from radprompter.agreement.measuring.cells import Cells, count
from radprompter.agreement.measuring.numbers import Number, measure
from radprompter.agreement.measuring.resampling import Bootstrap, draw, replicate, spread
from radprompter.agreement.measuring.scores import score
from radprompter.agreement.measuring.whole_reports import REPORT_MEASURES, report_sums, score_reports
from radprompter.errors import InputError

BINARY = DEFINITIONS["uncertain_is_negative"]
MACRO = DEFINITIONS["macro"]


def _random(n_reports: int, n_labelers: int = 1, n_findings: int = 1, *, seed: int = 0, **more: object) -> Cells:
    """A reference, and labelers that are wrong in one cell of five."""
    generator = np.random.default_rng(seed)
    reference = generator.choice(4, p=[0.2, 0.3, 0.1, 0.4], size=(n_reports, n_findings))
    other = generator.integers(0, 5, size=(n_labelers, n_reports, n_findings))
    wrong = generator.random(other.shape) < 0.2
    return make_cells(reference, np.where(wrong, other, reference), **more)


def _intervals(numbers: tuple[Number, ...], labeler: str) -> dict[tuple[str, ...], tuple[object, ...]]:
    return {number[2:6]: number[8:14] for number in numbers if number.labeler == labeler}


@given(random_cells(patients=True), random_definitions(), st.sampled_from([1, 2, 3, 4096]))
@settings(deadline=None, max_examples=100)
def test_each_resample_has_the_scores_of_its_reports_written_out(
    cells: Cells, definition: Definition, units_at_once: int
) -> None:
    bootstrap = Bootstrap(rounds=3)
    columns = np.concatenate(list(report_sums(definition, cells)), axis=1)
    found = replicate(cells, bootstrap, columns, units_at_once=units_at_once)
    observed = count(replace(cells, weights=np.ones(cells.n_reports)))
    resamples = resampled_reports(draw(cells, bootstrap, units_at_once=units_at_once), bootstrap.rounds)
    for labeler in range(len(cells.labelers)):
        whole = table_of(cells.reference), table_of(cells.labels[labeler])
        weights = fractions_of(cells.weights)
        sample = seen_cells(definition, *whole, weights)
        for round_, reports in enumerate(resamples):
            tables = [[table[report.row] for report in reports] for table in whole]
            stand_for = [weights[report.row] * report.times for report in reports]
            drawn = seen_cells(definition, tables[0], tables[1], stand_for)
            for name in definition.measures:
                scores = score(definition, name, found.counts, no_finding=cells.no_finding, observed=observed)
                n_findings = len(cells.findings)
                overall = measure_of_all(definition, name, drawn, n_findings, cells.no_finding, sample)
                assert _same(scores.overall[round_, labeler], overall)
                for finding in range(n_findings):
                    one = measure_of_finding(definition, name, drawn, finding, cells.no_finding, sample)
                    assert _same(scores.by_finding[round_, labeler, finding], one)
            of_reports = measure_of_reports(definition, tables[0], tables[1], stand_for)
            sums = found.sums.reshape(bootstrap.rounds, len(cells.labelers), -1)[round_, labeler]
            for name in REPORT_MEASURES:
                assert _same(float(score_reports(name, sums)), of_reports[name])


def _same(found: float, expected: object) -> bool:
    if expected is None or math.isnan(found):
        return expected is None and math.isnan(found)
    return abs(found - float(expected)) < 1e-9  # type: ignore[arg-type]


@given(st.lists(st.none() | st.floats(-5, 5), max_size=30), st.sampled_from([0.5, 0.9, 0.95]))
def test_the_spread_leaves_out_the_undefined_and_counts_them(values: list[float | None], level: float) -> None:
    found = spread(np.array(values, dtype=np.float64), level=level)
    expected = spread_of(values, level)
    for ours, theirs in zip(found, expected, strict=True):
        assert _same(float(ours), theirs)


@pytest.mark.parametrize("units_at_once", [1, 2, 5, 4096])
def test_a_stratum_keeps_its_size_and_a_patient_all_reports(units_at_once: int) -> None:
    """Of 3, 6 and 1 patients 2, 5 and 1 are drawn, and count for 3/2, 6/5 and 1."""
    units = [0, 1, 1, 2, 3, 3, 3, 4, 5, 6, 7, 8, 8, 9, 9]
    strata = {unit: 2 if unit == 9 else int(unit % 3 > 0) for unit in units}
    cells = _random(15, units=units, strata=[strata[unit] for unit in units])
    n_reports = Counter(units)
    for reports in resampled_reports(draw(cells, Bootstrap(rounds=20), units_at_once=units_at_once), 20):
        drawn = Counter(report.row for report in reports)
        times = {unit: n / n_reports[unit] for unit, n in Counter(units[report.row] for report in reports).items()}
        assert all(n == int(n) for n in times.values())
        assert all(drawn[row] == times.get(units[row], 0) for row in range(15))
        n_drawn, n_stood_for = [0.0] * 3, [0.0] * 3
        for report in reports:
            unit = units[report.row]
            n_drawn[strata[unit]] += 1 / n_reports[unit]
            n_stood_for[strata[unit]] += float(report.times) / n_reports[unit]
        assert n_drawn == pytest.approx([2, 5, 1])
        assert n_stood_for == pytest.approx([3, 6, 1])


@pytest.mark.parametrize("units_at_once", [1, 2, 3, 4096])
def test_every_resample_has_the_chance_that_drawing_unit_by_unit_gives_it(units_at_once: int) -> None:
    rounds, size = 20_000, 5  # in blocks of 1, 2 and 2, or of 2 and 3
    cells = make_cells([[0]] * size, [[[0]] * size])
    times = np.concatenate(
        [block.times for block in draw(cells, Bootstrap(rounds, seed=11), units_at_once=units_at_once)], axis=1
    )
    seen = Counter(tuple(row) for row in times.astype(int).tolist())
    outcomes = [times for times in itertools.product(range(size + 1), repeat=size) if sum(times) == size]
    chances = [math.factorial(size) / math.prod(map(math.factorial, times)) / size**size for times in outcomes]
    assert set(seen) <= set(outcomes) and sum(chances) == pytest.approx(1)
    expected = rounds * np.array(chances)
    statistic = ((np.array([seen[times] for times in outcomes]) - expected) ** 2 / expected).sum()
    assert 0.001 < stats.chi2.sf(statistic, df=len(outcomes) - 1) < 0.999


def test_a_seed_means_the_same_draws_everywhere() -> None:
    cells = make_cells([[0]] * 6, [[[0]] * 6])
    (block,) = draw(cells, Bootstrap(rounds=3, seed=7))
    assert block.times.astype(int).tolist() == [[0, 0, 0, 2, 2, 2], [1, 3, 0, 0, 0, 2], [2, 0, 1, 0, 2, 1]]
    number = measure(_random(200), [BINARY], Bootstrap(rounds=200, seed=7)).numbers[0]
    expected = (0.8947368421052632, 0.8941380741727073, 0.8234891216760677, 0.9545948616600791)
    assert (number.value, number.mean, number.low, number.high) == pytest.approx(expected, abs=1e-12)


def test_another_seed_draws_others_and_the_same_one_the_same() -> None:
    cells = _random(60, 2, 2)
    one, again, other = (measure(cells, [MACRO], Bootstrap(rounds=50, seed=seed)).numbers for seed in (1, 1, 2))
    assert one == again
    assert [number.value for number in one] == [number.value for number in other]
    assert [number.low for number in one] != [number.low for number in other]


@pytest.mark.parametrize("name", ["uncertain_is_negative", "macro", "chexbert", "jmir_three_task", "cell_accuracy"])
def test_neither_another_labeler_nor_another_finding_changes_an_interval(name: str) -> None:
    cells, bootstrap = _random(80, 3, 4), Bootstrap(rounds=60)
    together = measure(cells, [DEFINITIONS[name]], bootstrap).numbers
    for labeler in cells.labelers:
        alone = measure(cells.only((labeler,)), [DEFINITIONS[name]], bootstrap).numbers
        assert _intervals(alone, labeler) == _intervals(together, labeler)
    second = replace(cells, findings=("finding 1",), reference=cells.reference[:, 1:2], labels=cells.labels[..., 1:2])
    among_others = {place: row for place, row in _intervals(together, "labeler 0").items() if place[0] == "finding 1"}
    alone = _intervals(measure(second, [DEFINITIONS[name]], bootstrap).numbers, "labeler 0")
    assert among_others and {place: alone[place] for place in among_others} == among_others


def test_a_labeler_that_stands_there_twice_never_differs_from_itself() -> None:
    cells = _random(40, 1, 3)
    twice = replace(cells, labelers=("one", "two"), labels=np.concatenate([cells.labels, cells.labels]))
    counts = replicate(twice, Bootstrap(rounds=100)).counts
    assert counts.any() and (counts[:, 0] == counts[:, 1]).all()


def test_reports_of_one_patient_say_no_more_than_one_of_them_if_they_are_alike() -> None:
    cells = _random(50, 2, 2)
    copies = cells.of(np.repeat(np.arange(50), 3))
    one, three = measure(cells, [BINARY], Bootstrap()).numbers, measure(copies, [BINARY], Bootstrap()).numbers
    assert [number[8:14] for number in one] == [number[8:14] for number in three]
    apart = measure(replace(copies, units=np.arange(150)), [BINARY], Bootstrap()).numbers
    ratio = (one[0].high - one[0].low) / (apart[0].high - apart[0].low)  # type: ignore[operator]
    assert ratio == pytest.approx(math.sqrt(3), rel=0.1)


def test_a_weight_is_that_many_reports_of_the_same_unit() -> None:
    weights = [1 + row % 3 for row in range(50)]
    cells = _random(50, 2, 2)
    weighted = measure(replace(cells, weights=np.array(weights, dtype=np.float64)), [BINARY], Bootstrap(rounds=80))
    repeated = measure(cells.of(np.repeat(np.arange(50), weights)), [BINARY], Bootstrap(rounds=80))
    assert weighted.numbers == repeated.numbers
    scaled = measure(replace(cells, weights=np.array(weights) / 7), [BINARY], Bootstrap(rounds=80))
    for one, other in zip(weighted.numbers, scaled.numbers, strict=True):
        assert one[8:12] == pytest.approx(other[8:12], abs=1e-12)


def test_weights_that_are_no_whole_numbers_are_summed_in_double_precision() -> None:
    cells = _random(300, weights=1 + np.arange(300) / 997)
    counts = replicate(cells, Bootstrap(rounds=2), units_at_once=7).counts
    resamples = resampled_reports(draw(cells, Bootstrap(rounds=2), units_at_once=7), 2)
    for of_round, reports in zip(counts, resamples, strict=True):
        assert of_round.sum() == pytest.approx(math.fsum(cells.weights[report.row] for report in reports), rel=1e-14)


def test_a_patient_in_two_strata_is_refused() -> None:
    with pytest.raises(InputError, match="reports of one patient were sampled from different strata"):
        replicate(_random(3, units=[0, 0, 1], strata=[0, 1, 1]), Bootstrap())


@pytest.mark.parametrize(
    ("measure_name", "least", "most"),
    [("accuracy", 0.935, 0.955), ("f1", 0.93, 0.955)],
)
def test_intervals_of_200_reports_cover_the_truth_about_as_often_as_they_say(
    measure_name: str, least: float, most: float
) -> None:
    n_studies, n_reports, prevalence, sensitivity, specificity = 2000, 200, 0.3, 0.8, 0.9
    generator = np.random.default_rng(5)
    truth = generator.random((n_reports, n_studies)) < prevalence
    called = np.where(truth, sensitivity, 1 - specificity) > generator.random(truth.shape)
    cells = make_cells(np.where(truth, 0, 1), np.where(called, 0, 1)[None])  # each finding is a study of its own
    counts = replicate(cells, Bootstrap(rounds=500)).counts
    found = spread(score(BINARY, measure_name, counts).by_finding[:, 0], level=0.95)  # type: ignore[arg-type]
    hits, false_calls = prevalence * sensitivity, (1 - prevalence) * (1 - specificity)
    values = {
        "accuracy": hits + (1 - prevalence) * specificity,
        "f1": 2 * hits / (hits + false_calls + prevalence),
    }
    covered = ((found.low <= values[measure_name]) & (values[measure_name] <= found.high)).mean()
    assert least < covered < most


@pytest.mark.parametrize(("n_of_stratum", "if_drawn_in_full"), [(2, 0.77), (3, 0.86)])
def test_resamples_of_small_strata_vary_as_samples_do(n_of_stratum: int, if_drawn_in_full: float) -> None:
    """As many draws as a stratum has would vary less: by that share here, and cover the truth in 84 of 100 studies."""
    n_studies, sizes = 1000, np.array([6000, *[200] * 20])
    n_drawn = np.array([60, *[n_of_stratum] * 20])
    generator = np.random.default_rng(3)
    right, drawn = [], []
    for size, n, chance in zip(sizes, n_drawn, [0.97, *np.linspace(0.5, 0.95, 20)], strict=True):
        right.append(generator.random(size) < chance)
        drawn.append(np.stack([right[-1][generator.permutation(size)[:n]] for _ in range(n_studies)], axis=1))
    cells = make_cells(
        np.zeros((n_drawn.sum(), n_studies)),
        np.where(np.concatenate(drawn), 0, 1)[None],
        weights=np.repeat(sizes / n_drawn, n_drawn),
        strata=np.repeat(np.arange(21), n_drawn),
    )
    resampled = score(BINARY, "accuracy", replicate(cells, Bootstrap(rounds=400)).counts).by_finding[:, 0]
    of_studies = score(BINARY, "accuracy", count(cells)).by_finding[0]
    ratio = resampled.std(axis=0).mean() / of_studies.std()
    assert if_drawn_in_full + 0.05 < ratio and ratio == pytest.approx(1, abs=0.04)
    found, truth = spread(resampled, level=0.95), np.concatenate(right).mean()
    assert ((found.low <= truth) & (truth <= found.high)).mean() > 0.9
