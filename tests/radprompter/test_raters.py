"""Coefficients of agreement against published numbers, and what they are where there is nothing to agree on."""

from __future__ import annotations

import json
import math
import runpy
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.stats import norm, t

from radprompter.agreement.raters.coefficients import COEFFICIENTS, INTERVALS, Coefficient, Reason, coefficient
from radprompter.agreement.raters.ratings import Ratings
from radprompter.agreement.raters.weights import WEIGHTS, krippendorff_ordinal, weigh
from radprompter.errors import InputError, SchemaError
from radprompter.statistics import wilson_interval

FIVE = ("1", "2", "3", "4", "5")

# Krippendorff 2011: four observers, twelve units; 0 is a missing rating.
OBSERVERS = (
    (1, 2, 3, 3, 2, 1, 4, 1, 2, 0, 0, 0),
    (1, 2, 3, 3, 2, 2, 4, 1, 2, 5, 0, 0),
    (0, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, 3),
    (1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, 0),
)
UNITS = Ratings(np.array(OBSERVERS).T - 1, FIVE)
BENCHMARK = Path(__file__).parents[2] / "benchmarks" / "rater_intervals.py"
PARADOX = ((118, 5), (2, 0))


def ratings(*subjects: str, categories: str = "abc") -> Ratings:
    """Subjects with one letter a rater; a dot is a missing rating."""
    codes = [[categories.find(letter) for letter in subject] for subject in subjects]
    return Ratings(np.array(codes, dtype=np.int64).reshape(len(subjects), -1), tuple(categories))


@pytest.mark.parametrize(
    ("name", "value", "se", "low"),
    [
        ("gwet", 0.775444068126995, 0.142949950640765, 0.460813348130838),
        ("fleiss", 0.761169275422411, 0.153019203469492, 0.424376279377015),
        ("conger", 0.762817441303306, 0.149168152480174, 0.434500551336157),
        ("krippendorff", 0.743421052631579, 0.145478717222199, 0.423224554916351),
        ("brennan_prediger", 0.772727272727273, 0.144716619899483, 0.454208139909888),
        ("percent", 0.818181818181818, 0.125608959946865, 0.541718361364223),
    ],
)
def test_four_raters_with_missing_ratings_agree_as_irrcac_says(name: str, value: float, se: float, low: float) -> None:
    found = coefficient(name, UNITS)
    assert (found.value, found.se, found.low) == pytest.approx((value, se, low), abs=1e-12)
    assert found.high == 1.0
    assert (found.n_subjects, found.n_raters, found.n_left_out, found.reason) == (11, 4, 1, None)


@pytest.mark.parametrize(
    ("weights", "value", "se"),
    [
        ("linear", 0.858739136432611, 0.117329021881364),
        ("quadratic", 0.914000723551605, 0.10396224464506),
        ("ordinal", 0.898939769907512, 0.106903523815435),
        ("bipolar", 0.900373015443354, 0.10581570600797),
    ],
)
def test_weights_make_ac2_of_ac1_as_irrcac_says(weights: str, value: float, se: float) -> None:
    found = coefficient("gwet", UNITS, weights=weights)
    assert (found.value, found.se) == pytest.approx((value, se), abs=1e-12)
    assert (found.name, found.weights) == ("AC2", weights)


def test_alpha_has_the_values_that_krippendorff_published_for_his_four_metrics() -> None:
    metrics = {"identity": 0.743, "quadratic": 0.849, "ratio": 0.797}
    for weights, expected in metrics.items():
        assert round(coefficient("krippendorff", UNITS, weights=weights).value, 3) == expected
    assert round(coefficient("krippendorff", UNITS, weights=krippendorff_ordinal(UNITS)).value, 3) == 0.815


def test_a_rare_category_makes_kappa_negative_and_leaves_ac1_high() -> None:
    paradox = Ratings.from_table(PARADOX, ("present", "absent"))
    found = coefficient("gwet", paradox)
    assert (found.value, found.se) == pytest.approx((0.940776337608718, 0.0230569643023896), abs=1e-12)
    assert (found.low, found.high) == pytest.approx((0.89514014661573, 0.986412528601705), abs=1e-12)
    assert coefficient("cohen", paradox).value == pytest.approx(-0.0233918128654961, abs=1e-12)
    assert coefficient("fleiss", paradox).value == pytest.approx(-0.0288065843621695, abs=1e-12)


def test_a_contingency_table_has_the_standard_error_of_the_classic_formulas() -> None:
    table = Ratings.from_table(((13, 0, 0), (0, 20, 7), (0, 4, 56)), ("ectopic", "abnormal", "normal"))
    expected = {"gwet": (0.849330548231346, 0.0432174675225593), "cohen": (0.796409402183972, 0.0589107183260815)}
    for name, (value, se) in expected.items():
        found = coefficient(name, table, ddof=0)
        assert (found.value, found.se) == pytest.approx((value, se), abs=1e-12)
        assert coefficient(name, table).se == pytest.approx(se * math.sqrt(100 / 99), abs=1e-12)


def test_unused_categories_count() -> None:
    pairs = ("aa", "bb", "ab", "aa", "bb")
    two, three = (coefficient("gwet", ratings(*pairs, categories=names)) for names in ("ab", "abc"))
    assert two.value == pytest.approx((0.8 - 0.5) / 0.5)
    assert three.value == pytest.approx((0.8 - 0.25) / 0.75)


@pytest.mark.parametrize("name", ["cohen", "conger", "fleiss", "krippendorff"])
def test_where_all_raters_agree_on_one_class_kappa_and_alpha_are_reported_undefined(name: str) -> None:
    found = coefficient(name, ratings("aa", "aa", "aa"))
    assert (found.pa, found.pe, found.reason) == (1.0, 1.0, Reason.ONE_CATEGORY)
    assert all(math.isnan(number) for number in (found.value, found.se, found.low, found.high, found.p))


@pytest.mark.parametrize("name", ["gwet", "percent", "brennan_prediger"])
def test_where_all_raters_agree_on_one_class_ac1_is_one_and_says_that_its_interval_means_nothing(
    name: str,
) -> None:
    found = coefficient(name, ratings("aa", "aa", "aa"))
    assert (found.value, found.se, found.low, found.high) == (1.0, 0.0, 1.0, 1.0)
    assert math.isnan(found.p)
    assert found.reason is Reason.ZERO_VARIANCE


@pytest.mark.parametrize("name", COEFFICIENTS)
@pytest.mark.parametrize(
    ("subjects", "reason"),
    [
        (("a.", "b.", "c."), Reason.RATER_SILENT),
        (("..", ".."), Reason.RATER_SILENT),
        (("a.", ".b", "b."), Reason.NO_PAIRS),
    ],
)
def test_without_a_subject_that_two_rate_nothing_is_defined(
    name: str, subjects: tuple[str, ...], reason: Reason
) -> None:
    found = coefficient(name, ratings(*subjects))
    assert math.isnan(found.value)
    assert (found.reason, found.n_subjects, found.n_left_out) == (reason, 0, len(subjects))
    assert found.reason.words


def test_no_subject_at_all_is_said_as_silence() -> None:
    empty = Ratings(np.zeros((0, 2), dtype=np.int64), ("a", "b"))
    assert {coefficient(name, empty).reason for name in COEFFICIENTS} == {Reason.RATER_SILENT}


def test_one_subject_has_a_value_and_no_interval() -> None:
    found = coefficient("gwet", ratings("aab"))
    assert found.value == pytest.approx((1 / 3 - 2 / 9) / (1 - 2 / 9))
    assert math.isnan(found.se) and math.isnan(found.low) and math.isnan(found.p)
    assert found.reason is Reason.ONE_SUBJECT


def test_a_rater_who_is_silent_among_three_changes_nothing() -> None:
    for name in ("percent", "gwet", "conger", "fleiss", "krippendorff", "brennan_prediger"):
        three = coefficient(name, ratings("aa.", "ab.", "bb.", "cc.", "bc."))
        assert three == coefficient(name, ratings("aa", "ab", "bb", "cc", "bc"))
        assert three.n_raters == 2


def test_cohens_kappa_is_for_two_raters_and_takes_what_both_rated() -> None:
    assert coefficient("cohen", ratings("aab", "bbb")).reason is Reason.TWO_RATERS_ONLY
    both = coefficient("cohen", ratings("aa", "ab", "bb", "cc", "bc"))
    with_gaps = coefficient("cohen", ratings("aa", "ab", "c.", "bb", "cc", ".a", "bc"))
    assert with_gaps == both._replace(n_left_out=2)


@pytest.mark.parametrize(
    ("weights", "row"),
    [
        ("identity", (1, 0, 0, 0)),
        ("linear", (1, 2 / 3, 1 / 3, 0)),
        ("quadratic", (1, 8 / 9, 5 / 9, 0)),
        ("ordinal", (1, 5 / 6, 1 / 2, 0)),
        ("radical", (1, 1 - (1 / 3) ** 0.5, 1 - (2 / 3) ** 0.5, 0)),
        ("ratio", (1, 1 - (1 / 9) / 0.36, 1 - 0.25 / 0.36, 0)),
        ("circular", (1, 0.5, 0, 0.5)),
        ("bipolar", (1, 0.8, 0.5, 0)),
    ],
)
def test_the_first_of_four_categories_is_as_near_to_the_others_as_the_handbook_says(
    weights: str, row: tuple[float, ...]
) -> None:
    assert weigh(weights, 4)[0].tolist() == pytest.approx(row)


@pytest.mark.parametrize("weights", WEIGHTS)
def test_weights_are_symmetric_with_one_on_the_diagonal_and_zero_somewhere(weights: str) -> None:
    for q in range(2, 8):
        matrix = weigh(weights, q)
        assert np.allclose(matrix, matrix.T)
        assert (np.diag(matrix) == 1).all()
        assert (matrix.min(), matrix.max()) == (0, 1)


def test_weights_may_go_by_scores_of_ones_own() -> None:
    assert weigh("linear", 3, scores=(0, 1, 4)).tolist() == [[1, 0.75, 0], [0.75, 1, 0.25], [0, 0.25, 1]]
    assert weigh("ratio", 2, scores=(0, 5)).tolist() == [[1, 0], [0, 1]]
    assert weigh("ordinal", 3, scores=(9, 1, 5))[1].tolist() == pytest.approx([0, 1, 2 / 3])


@pytest.mark.parametrize(
    ("weights", "scores", "message"),
    [
        ("cubic", None, "expected one of identity, linear"),
        ("linear", (1, 1, 2), "3 different scores"),
        ("ratio", (-1, 0, 1), "must not be negative"),
        (np.eye(2), None, "3 x 3 numbers"),
        (np.array([[1, 0.5, 0], [0, 1, 0], [0, 0, 1]]), None, "symmetric"),
    ],
)
def test_unusable_weights_are_refused(weights: Any, scores: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        weigh(weights, 3, scores=scores)


@pytest.mark.parametrize(
    ("codes", "categories", "message"),
    [
        ([[0], [1]], ("a", "b"), "two raters or more"),
        ([[0, 0]], ("a",), "two different categories or more, found a"),
        ([[0, 1]], ("a", "a"), "two different categories"),
        ([[0, 2]], ("a", "b"), "codes go from -1"),
        ([[0, -2]], ("a", "b"), "codes go from -1"),
    ],
)
def test_ratings_that_are_none_are_refused(codes: list[list[int]], categories: tuple[str, ...], message: str) -> None:
    with pytest.raises(SchemaError, match=message):
        Ratings(np.array(codes), categories)


@pytest.mark.parametrize("table", [((1, 2),), ((1, -2), (0, 1)), ((1, 0.5), (0, 1))])
def test_a_table_that_has_no_counts_is_refused(table: Any) -> None:
    with pytest.raises(SchemaError, match="2 x 2 counts"):
        Ratings.from_table(table, ("a", "b"))


def test_the_score_interval_of_two_raters_is_wilsons_with_students_quantile() -> None:
    pairs = Ratings.from_table(((50, 3), (1, 6)), ("a", "b"))
    found = coefficient("percent", pairs, interval="score", ddof=0)
    expected = wilson_interval(56, 60, alpha=2 * norm.sf(t.ppf(0.975, 59)))
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high), abs=1e-12)


def test_the_score_interval_says_how_uncertain_perfect_agreement_is() -> None:
    few, many = (Ratings.from_table(((n, 0), (0, n)), ("a", "b")) for n in (5, 50))
    lows = [coefficient("gwet", ratings, interval="score").low for ratings in (few, many)]
    assert lows == pytest.approx([0.323, 0.924], abs=1e-3)
    found = coefficient("gwet", many, interval="score")
    assert (found.value, found.high, found.se, found.reason) == (1.0, 1.0, 0.0, Reason.ZERO_VARIANCE)
    clustered = Ratings(many.codes, many.categories, np.arange(100) // 10)
    assert coefficient("gwet", clustered, interval="score").low == pytest.approx(lows[0], abs=1e-12)


def test_near_one_the_score_interval_holds_and_that_of_t_does_not() -> None:
    benchmark = runpy.run_path(str(BENCHMARK))
    case, rng = benchmark["CASES"][0], np.random.default_rng(3)
    drawn = [benchmark["simulate"](case, rng) for _ in range(400)]
    held = {name: benchmark["coverage"]("gwet", name, 0.961, drawn) for name in INTERVALS}
    assert held["score"] > 0.95
    assert held["t"] < 0.8


def test_unknown_coefficients_and_confidences_are_refused() -> None:
    with pytest.raises(InputError, match="expected one of percent, gwet"):
        coefficient("kappa", UNITS)
    with pytest.raises(InputError, match="interval 'wald': expected one of t, score"):
        coefficient("gwet", UNITS, interval="wald")
    with pytest.raises(InputError, match="between 0 and 1"):
        coefficient("gwet", UNITS, confidence=95)


KEYS = {
    "gwet": "gwet", "kappa": "cohen", "scott": "fleiss", "bp": "brennan_prediger", "fleiss": "fleiss",
    "conger": "conger", "kripp": "krippendorff", "pa": "percent",
}  # fmt: skip


def assert_as_irrcac(found: Coefficient, entry: Mapping[str, Any]) -> None:
    low, high = map(float, (entry.get("conf.int") or entry["coeff.ci"]).strip("()").split(","))
    expected = (entry["coeff.val"], entry["coeff.se"], low, high)
    assert (found.value, found.se, found.low, found.high) == pytest.approx(expected, abs=1e-12)
    if "pa" in entry:
        assert (found.pa, found.pe) == pytest.approx((entry["pa"], entry["pe"]), abs=1e-12)
    one_sided = found.p / 2 if found.value > 0 else 1 - found.p / 2
    printed = entry.get("p.value", entry.get("coeff.pval"))
    if found.reason is None:
        assert one_sided == pytest.approx(float(printed), abs=5e-5 if isinstance(printed, str) else 1e-12)


def test_every_entry_of_the_irrcac_oracle_is_met(shared: Path) -> None:
    oracle = json.loads((shared / "data/oracles/irrcac_oracle_fullprec.json").read_text())
    n_met = 0
    for key, entry in oracle.items():
        if key == "raw4raters_gwet":
            for weights, item in entry.items():
                assert_as_irrcac(
                    coefficient("gwet", UNITS, weights="identity" if weights == "unweighted" else weights), item
                )
                n_met += 1
        elif key.startswith("raw4raters_") and key != "raw4raters_columns":
            assert_as_irrcac(coefficient(KEYS[key.removeprefix("raw4raters_")], UNITS), entry)
            n_met += 1
        elif key.startswith(("cont", "paradox")):
            rows = entry.get("table", PARADOX)
            table = Ratings.from_table(rows, FIVE[: len(rows)])
            for name, item in entry.items():
                if name != "table":
                    assert_as_irrcac(coefficient(KEYS[name], table, ddof=0 if "coeff.ci" in item else 1), item)
                    n_met += 1
    assert_as_irrcac(coefficient("gwet", ratings("aa", "aa", "bb", categories="ab")), oracle["edge_perfect"])
    assert coefficient("gwet", ratings("aa", "aa", "aa", categories="ab")).value == 1.0
    assert oracle["edge_single_category"]["coeff.val"] == 1
    assert n_met == 5 + 5 + 8 + 2 + 3
