"""Drawing reports to read: which come first, and weights that undo it, shown by going through every possible draw."""

from __future__ import annotations

import itertools
from collections import Counter
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from radprompter.errors import InputError, TableError
from radprompter.label_table import LabelTable
from radprompter.labels import Cell, FindingSpec, LabelSchema, LabelState
from radprompter.reading import Sample, assign, draw, draw_reports, stratify
from radprompter.reading.drawing import allocate
from radprompter.reading.strata import Strata

STATES = {
    "+": "positive", "-": "negative", "?": "uncertain", ".": "not_mentioned", "0": "missing", "_": "skipped",
}  # fmt: skip
THREE = LabelSchema(
    "three", (FindingSpec("edema"), FindingSpec("mass"), FindingSpec("normal")), no_finding="normal"
)  # fmt: skip


def table(rows: dict[str, str], schema: LabelSchema = THREE) -> LabelTable:
    """Reports with one sign a finding."""
    cells = [
        Cell(report, name, LabelState(STATES[sign]))
        for report, signs in rows.items()
        for name, sign in zip(schema.names, signs, strict=True)
    ]
    return LabelTable.from_cells(cells, schema)


def strata_of(sizes: dict[str, int]) -> Strata:
    of = {f"{name}{number}": name for name, size in sizes.items() for number in range(size)}
    return Strata(tuple(sizes), of, 0, 0)


def sample_of(strata: Strata, **settings: Any) -> Sample:
    drawn = draw_reports(strata, **settings)
    raters = {"rater1": tuple(report.report_id for report in drawn.reports)}
    return Sample(THREE, settings["seed"], settings["random_share"], drawn.reports, drawn.strata, raters, {}, "")


def test_a_report_belongs_to_its_most_urgent_label() -> None:
    rows = {
        "a": "+..", "b": "+?.", "c": "?+.", "d": "++.", "e": "+..", "f": "-.+", "g": "..?", "h": "?..",
        "i": "0+.", "j": "___",
    }  # fmt: skip
    strata = stratify(table(rows))
    assert strata.of == {
        "a": "positive:edema", "b": "uncertain:mass", "c": "uncertain:edema", "d": "positive:mass",
        "e": "positive:edema", "f": "nothing_positive", "g": "nothing_positive", "h": "uncertain:edema",
    }  # fmt: skip
    assert strata.names == (
        "uncertain:mass", "uncertain:edema", "positive:mass", "positive:edema", "nothing_positive",
    )  # fmt: skip
    assert (strata.n_failed, strata.n_without_words) == (1, 1)


def test_failed_reports_are_a_stratum_where_asked_for_and_silent_ones_never() -> None:
    strata = stratify(table({"a": "0+.", "b": "___", "c": "..."}), with_failed=True)
    assert strata.of == {"a": "failed", "c": "nothing_positive"}
    assert strata.names == ("failed", "nothing_positive")


def test_of_findings_that_equally_many_have_the_first_of_the_schema_comes_first() -> None:
    assert stratify(table({"a": "++.", "b": "++."})).of == {"a": "positive:edema", "b": "positive:edema"}


def test_reports_of_earlier_samples_are_no_part_of_the_population() -> None:
    strata = stratify(table({"a": "+..", "b": "++.", "c": "..."}), without={"b"})
    assert strata.of == {"a": "positive:edema", "c": "nothing_positive"}


@pytest.mark.parametrize(
    ("left", "drawn", "n", "places"),
    [
        ({"u": 5, "p": 5, "rest": 9}, {}, 4, "u p rest u"),
        ({"u": 1, "p": 5, "rest": 9}, {}, 6, "u p rest p rest p"),
        ({"u": 5, "p": 5, "rest": 9}, {"rest": 4}, 5, "u p u p u"),
        ({"u": 0, "p": 1, "rest": 2}, {"u": 7}, 3, "p rest rest"),
    ],
)
def test_places_go_to_what_fewest_were_drawn_of(
    left: dict[str, int], drawn: dict[str, int], n: int, places: str
) -> None:
    assert allocate(left, drawn, n) == places.split()


@pytest.mark.parametrize(
    ("sizes", "n", "random_share"),
    [
        ({"u": 1, "p": 2, "rest": 4}, 6, 0.2),
        ({"u": 2, "rest": 5}, 5, 0.2),
        ({"u": 2, "rest": 5}, 4, 0.0),
        ({"u": 1, "p": 1, "rest": 5}, 5, 0.2),
        ({"u": 3, "rest": 3}, 6, 0.5),
    ],
)
def test_over_all_draws_each_report_stands_for_itself_on_average(
    sizes: dict[str, int], n: int, random_share: float
) -> None:
    of = strata_of(sizes).of
    stands_for: Counter[str] = Counter()
    n_draws = 0
    for order in itertools.permutations(of):
        drawn = draw(of, list(sizes), order, n=n, random_share=random_share)
        assert len({unit.unit for unit in drawn}) == n
        n_drawn = Counter(unit.stratum for unit in drawn)
        assert all(n_drawn[name] >= min(2, size) for name, size in sizes.items())
        for unit in drawn:
            stands_for[unit.unit] += Fraction(sizes[unit.stratum], n_drawn[unit.stratum])  # type: ignore[assignment]
        n_draws += 1
    assert stands_for == dict.fromkeys(of, n_draws)


def test_over_all_draws_an_earlier_sample_and_what_it_left_make_all_reports() -> None:
    of = strata_of({"u": 2, "rest": 4}).of
    stands_for: Counter[str] = Counter()
    for first in itertools.combinations(of, 2):
        rest = {unit: stratum for unit, stratum in of.items() if unit not in first}
        names = [name for name in ("u", "rest") if name in rest.values()]
        orders = list(itertools.permutations(rest))
        n = 3 if {"u0", "u1"} & set(first) else 4  # two of each stratum, where it has them
        for order in orders:
            later = draw(rest, names, order, n=n, random_share=0)
            population, n_drawn = Counter(rest.values()), Counter(unit.stratum for unit in later)
            for unit in later:
                stands_for[unit.unit] += Fraction(population[unit.stratum], n_drawn[unit.stratum])  # type: ignore[assignment]
        stands_for.update(dict.fromkeys(first, len(orders)))
    assert stands_for == dict.fromkeys(of, 15 * 24)


def test_a_later_draw_with_the_same_seed_is_random_whatever_the_earlier_took() -> None:
    strata = strata_of({"u": 20, "rest": 80})
    n_urgent = n_expected = 0.0
    for seed in range(200):
        first = {report.report_id for report in draw_reports(strata, n=20, random_share=0, seed=seed).reports}
        rest = {unit: stratum for unit, stratum in strata.of.items() if unit not in first}
        later = draw_reports(Strata(strata.names, rest, 0, 0), n=20, random_share=0.8, seed=seed, after=("first",))
        n_urgent += sum(report.at_random and report.stratum == "u" for report in later.reports)
        n_expected += 16 * list(rest.values()).count("u") / len(rest)
    assert n_urgent == pytest.approx(n_expected, abs=3.5 * n_expected**0.5)


def test_the_random_share_is_a_simple_random_sample() -> None:
    of = strata_of({"u": 2, "rest": 4}).of
    pairs: Counter[frozenset[str]] = Counter()
    for order in itertools.permutations(of):
        drawn = draw(of, ["u", "rest"], order, n=6, random_share=0.3)
        pairs[frozenset(unit.unit for unit in drawn if unit.at_random)] += 1
    assert len(pairs) == 15
    assert set(pairs.values()) == {48}


def population(n: int, seed: int) -> tuple[Strata, dict[str, bool], dict[str, str]]:
    """Reports with a stratum, a truth that depends on it, and a patient."""
    generator = np.random.default_rng(seed)
    names = ("uncertain:edema", "positive:edema", "nothing_positive")
    stratum = generator.choice(names, size=n, p=(0.04, 0.16, 0.8)).tolist()
    chance = {"uncertain:edema": 0.5, "positive:edema": 0.9, "nothing_positive": 0.05}
    truth = {f"r{i}": bool(generator.random() < chance[name]) for i, name in enumerate(stratum)}
    patients = {f"r{i}": f"p{generator.integers(n // 2)}" for i in range(n)}
    return Strata(names, {f"r{i}": name for i, name in enumerate(stratum)}, 0, 0), truth, patients


@pytest.mark.parametrize("one_per", [False, True], ids=["reports", "one report a patient"])
@pytest.mark.parametrize("at_random", [False, True], ids=["all", "random share"])
def test_the_weighted_prevalence_is_the_truth_on_average(one_per: bool, at_random: bool) -> None:
    strata, truth, patients = population(400, 3)
    totals, plain = [], []
    for seed in range(300):
        sample = sample_of(strata, n=60, random_share=0.4, seed=seed, groups=patients if one_per else None)
        plain.append(np.mean([truth[report] for report in sample.report_ids]))
        sample = sample.random_part() if at_random else sample
        weights = sample.weigh(set(sample.report_ids))
        totals.append(sum(weight.weight * truth[report] for report, weight in weights.items()))
    error = np.std(totals, ddof=1) / np.sqrt(len(totals))
    assert abs(np.mean(totals) - sum(truth.values())) < 3.5 * error
    assert np.mean(plain) > 1.3 * np.mean(list(truth.values()))  # what the weights undo


def test_a_report_of_a_group_stands_for_the_group_whichever_is_drawn() -> None:
    strata = Strata(("rest",), dict.fromkeys("abcd", "rest"), 0, 0)
    groups = {"a": "g", "b": "g", "c": "g", "d": "h"}
    seen: Counter[str] = Counter()
    for seed in range(600):
        sample = sample_of(strata, n=1, random_share=0, seed=seed, groups=groups)
        ((report, weight),) = sample.weigh(set(sample.report_ids)).items()
        assert weight.weight == (2 if report == "d" else 6)
        seen[report] += 1
    assert abs(seen["d"] - 300) < 60
    assert all(abs(seen[report] - 100) < 40 for report in "abc")


def test_the_same_seed_draws_the_same_reports_whatever_the_order_of_the_table() -> None:
    rows = {f"r{number}": "+.." if number % 5 else "?.." for number in range(60)}
    turned = dict(reversed(rows.items()))
    first = draw_reports(stratify(table(rows)), n=20, random_share=0.3, seed=7)
    assert draw_reports(stratify(table(turned)), n=20, random_share=0.3, seed=7) == first
    assert draw_reports(stratify(table(rows)), n=20, random_share=0.3, seed=8) != first


def test_weights_of_a_whole_sample_sum_to_the_population() -> None:
    strata, _, _ = population(300, 1)
    sample = sample_of(strata, n=50, random_share=0.3, seed=1)
    for part in (sample, sample.random_part()):
        weights = part.weigh(set(part.report_ids))
        assert sum(weight.weight for weight in weights.values()) == pytest.approx(300)


def test_a_sample_that_is_drawn_wholly_at_random_has_one_stratum() -> None:
    strata, _, _ = population(300, 1)
    sample = sample_of(strata, n=50, random_share=1, seed=1)
    assert [tuple(stratum) for stratum in sample.strata] == [("all", 300, 50, 50)]
    assert {weight.weight for weight in sample.weigh(set(sample.report_ids)).values()} == {6.0}


def test_what_was_not_read_raises_the_weights_of_its_stratum_alone() -> None:
    sample = sample_of(strata_of({"u": 4, "rest": 8}), n=6, random_share=0, seed=1)
    unread = next(report.report_id for report in sample.reports if report.stratum == "rest")
    weights = sample.weigh(set(sample.report_ids) - {unread})
    assert set(weights.values()) == {(4 / 3, "u"), (4.0, "rest")}


@pytest.mark.parametrize(
    ("n", "random_share", "said"),
    [(13, 0.3, "only 12 can be drawn; --n 12"), (4, 0.5, "leaves 2 places for 3 strata, which need 6.*take --n 12")],
)
def test_too_few_reports_or_places_are_refused(n: int, random_share: float, said: str) -> None:
    with pytest.raises(InputError, match=said):
        sample_of(strata_of({"u": 2, "p": 2, "rest": 8}), n=n, random_share=random_share, seed=1)


def test_all_reports_may_be_drawn() -> None:
    sample = sample_of(strata_of({"u": 1, "rest": 3}), n=4, random_share=0.5, seed=1)
    assert {weight.weight for weight in sample.weigh(set(sample.report_ids)).values()} == {1.0}


@given(n=st.integers(2, 40), n_raters=st.integers(2, 4), overlap=st.floats(0, 1), seed=st.integers(0, 5))
def test_raters_share_the_overlap_and_divide_the_rest(n: int, n_raters: int, overlap: float, seed: int) -> None:
    drawn = draw_reports(strata_of({"rest": n}), n=n, random_share=0, seed=seed)
    raters = assign(drawn, n_raters=n_raters, overlap=overlap, seed=seed)
    readers = Counter(report for ids in raters.values() for report in ids)
    assert set(readers) == {report.report_id for report in drawn.reports}
    assert set(readers.values()) <= {1, n_raters}
    assert sum(times == n_raters for times in readers.values()) == int(overlap * n + 0.5)
    sizes = [len(ids) for ids in raters.values()]
    assert max(sizes) - min(sizes) <= 1


def test_a_sample_comes_back_from_json_and_a_changed_one_is_refused() -> None:
    sample = sample_of(strata_of({"u": 2, "rest": 8}), n=5, random_share=0.2, seed=1)
    data = sample.to_json()
    assert Sample.from_json(data, source="sample.json") == sample
    data["strata"][0]["n_population"] = 3
    with pytest.raises(TableError, match=r"sample\.json: was changed after it was drawn"):
        Sample.from_json(data, source="sample.json")
    with pytest.raises(TableError, match="no sample"):
        Sample.from_json([], source="sample.json")
