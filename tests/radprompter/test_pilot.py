"""Which way of asking a pilot takes: the rule, on tables written out here."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from radprompter.agreement.definitions import Definition
from radprompter.agreement.matching.joining import match
from radprompter.agreement.measuring.cells import count
from radprompter.agreement.measuring.scores import score as score_cells
from radprompter.label_table import LabelTable
from radprompter.labels import PROJECTIONS, Cell, FindingSpec, LabelSchema, LabelState
from radprompter.pilot import (
    Interval,
    Score,
    Trial,
    advise,
    compare_pairs,
    count_unanswered,
    percentiles,
    resample,
    score,
    wilson,
)

SCHEMA = LabelSchema("two", (FindingSpec("fracture"), FindingSpec("effusion")))
STATES = {"+": "positive", "-": "negative", "?": "uncertain", ".": "not_mentioned", "m": "missing", "i": "invalid",
          "f": "failed", "s": "skipped"}  # fmt: skip


def table(**rows: str) -> LabelTable:
    """Two letters a report, one a finding."""
    cells = [
        Cell(report_id, name, LabelState(STATES[letter]))
        for report_id, letters in rows.items()
        for name, letter in zip(SCHEMA.names, letters, strict=True)
    ]
    return LabelTable.from_cells(cells, SCHEMA)


def trial(plan: str, right: str | None = None, **taken: Any) -> Trial:
    """A way with ten cells a report; `right` has one digit a report: how many cells are wrong."""
    scored = None if right is None else Score(tuple(10 - int(wrong) for wrong in right), (10,) * len(right))
    numbers = {"n_reports": 20, "n_cells": 200, "n_unanswered": 0, "n_requests": 20, "prompt_tokens": 0,
               "completion_tokens": 0, "cached_tokens": 0, "seconds": 0.0, **taken}  # fmt: skip
    return Trial("zero_shot", plan, score=scored, **numbers)


ALL_RIGHT, TWO_WRONG, ALL_WRONG_ONCE = "0" * 20, "1" + "0" * 18 + "1", "1" * 20


@pytest.mark.parametrize(
    ("trials", "taken"),
    [
        # a cheaper way is taken if its accuracy may be that of the best
        ([trial("a", ALL_RIGHT, prompt_tokens=900), trial("b", TWO_WRONG, prompt_tokens=100)], "b"),
        # not if it is below it in nearly every resample
        ([trial("a", ALL_RIGHT, prompt_tokens=900), trial("b", ALL_WRONG_ONCE, prompt_tokens=100)], "a"),
        # the best is taken where it is the cheapest, too
        ([trial("a", ALL_RIGHT, prompt_tokens=100), trial("b", TWO_WRONG, prompt_tokens=900)], "a"),
        # differences are paired: wrong in the same reports is no difference at all
        ([trial("a", "5" * 10 + "0" * 10, prompt_tokens=9), trial("b", "5" * 10 + "0" * 10, prompt_tokens=1)], "b"),
        # money goes before tokens
        (
            [
                trial("a", ALL_RIGHT, prompt_tokens=900, cost_usd=0.1),
                trial("b", ALL_RIGHT, completion_tokens=100, cost_usd=0.2),
            ],
            "a",
        ),
        # but not where one has no price
        ([trial("a", ALL_RIGHT, prompt_tokens=900, cost_usd=0.1), trial("b", ALL_RIGHT, prompt_tokens=100)], "b"),
        # then the seconds decide
        (
            [trial("a", ALL_RIGHT, prompt_tokens=9, seconds=2.0), trial("b", ALL_RIGHT, prompt_tokens=9, seconds=1.0)],
            "b",
        ),
        ([trial("a", ALL_RIGHT, seconds=2.0), trial("b", ALL_RIGHT, seconds=1.0)], "b"),
        ([trial("a", TWO_WRONG)], "a"),
        ([trial("a", "9" * 20), trial("b", "9" * 20)], "a"),
    ],
)
def test_the_cheapest_way_that_may_be_as_right_as_the_best_is_taken(trials: list[Trial], taken: str) -> None:
    assert advise(trials).take == f"zero_shot_{taken}"


def test_the_advice_says_what_it_may_cost_in_accuracy() -> None:
    advice = advise([trial("a", ALL_RIGHT, prompt_tokens=9), trial("b", TWO_WRONG, prompt_tokens=1)])
    assert advice.from_best["zero_shot_a"] == (0, 0)
    low, high = advice.from_best["zero_shot_b"]
    assert (low, high) == (pytest.approx(-0.025, abs=0.005), 0)
    assert "the cheapest (by tokens) of 2 ways" in advice.reason
    assert f"it may be up to {-100 * low:.1f} points below" in advice.reason
    assert "paired bootstrap over 20 reports, 2,000 resamples" in advice.reason


def test_where_no_cell_is_right_no_way_is_taken() -> None:
    nothing = Score((0, 0), (10, 10))
    blank = Trial("zero_shot", "a", 2, 20, 20, 2, 0, 0, 0, 0.0, score=nothing)
    assert advise([blank, blank]).take is None


@pytest.mark.parametrize(
    ("trials", "taken"),
    [
        ([trial("a", prompt_tokens=9, n_unanswered=2), trial("b", prompt_tokens=1, n_unanswered=3)], "zero_shot_a"),
        ([trial("a", prompt_tokens=9), trial("b", prompt_tokens=1)], "zero_shot_b"),
        ([trial("a", n_unanswered=3), trial("b", n_unanswered=200)], None),
    ],
)
def test_without_a_reference_the_cheapest_way_that_answers_is_taken_and_accuracy_stays_unknown(
    trials: list[Trial], taken: str | None
) -> None:
    advice = advise(trials)
    assert advice.take == taken
    assert "without a reference nobody knows how right it is" in advice.reason
    assert advice.from_best == {}


TRUTH = table(a="+-", b="-.", c="?m", e="++")
LABELS = table(a="++", b="-.", c="?+", d="++")


def test_right_cells_are_counted_by_report_and_a_cell_without_a_label_is_not_right() -> None:
    assert score(LABELS, TRUTH, PROJECTIONS["four_states"]) == Score((1, 2, 1), (2, 2, 1))
    unlabelled = table(a="f-", b="mi", c="s+", d="++")
    assert score(unlabelled, TRUTH, PROJECTIONS["four_states"]) == Score((1, 0, 0), (2, 2, 1))
    assert score(LABELS, table(z="++"), PROJECTIONS["four_states"]) is None
    assert score(LABELS, table(a="mm"), PROJECTIONS["four_states"]) is None


@pytest.mark.parametrize("projection", PROJECTIONS)
def test_a_score_is_what_the_agreement_says(projection: str) -> None:
    chosen = PROJECTIONS[projection]
    same = Definition("same", "", ("same",), reference=chosen, labeler=chosen, over_findings="pooled")
    cells, _ = match({"ours": LABELS}, TRUTH)
    found = score(LABELS, TRUTH, chosen)
    assert found is not None
    assert found.accuracy == pytest.approx(float(score_cells(same, "same", count(cells)).overall[0]))


def test_skipped_cells_are_not_unanswered() -> None:
    assert count_unanswered(table(a="++", b="mi", c="f.", d="ss")) == 3


def test_two_ways_are_compared_in_the_cells_that_both_label() -> None:
    pairs = compare_pairs({"x": table(a="+-", b="f."), "y": table(a="++", b="-."), "z": table(a="ff", b="ss")})
    assert pairs == {("x", "y"): (3, 2), ("x", "z"): (0, 0), ("y", "z"): (0, 0)}


def test_all_ways_are_resampled_alike_and_reports_stay_whole() -> None:
    one, same, none = resample([Score((1, 0), (1, 1)), Score((1, 0), (1, 1)), Score((0, 0), (1, 1))])
    assert np.array_equal(one, same) and not none.any()
    assert set(one) == {0.0, 0.5, 1.0}
    assert np.mean(one == 0.5) == pytest.approx(0.5, abs=0.05)


def test_a_percentile_interval_is_near_the_normal_one() -> None:
    right = tuple(int(n % 5 > 0) for n in range(400))  # 80 % of 400 reports: standard error 2 points
    low, high = percentiles(resample([Score(right, (1,) * 400)])[0])
    assert (low, high) == (pytest.approx(0.8 - 1.96 * 0.02, abs=0.005), pytest.approx(0.8 + 1.96 * 0.02, abs=0.005))


@pytest.mark.parametrize(
    ("n_right", "n", "expected"),
    [(0, 10, (0.0, 0.2775)), (10, 10, (0.7225, 1.0)), (81, 263, (0.2553, 0.3662)), (15, 148, (0.0624, 0.1605))],
)
def test_the_interval_of_a_share_is_wilsons(n_right: int, n: int, expected: tuple[float, float]) -> None:
    # the last two: Newcombe, Two-sided confidence intervals for the single proportion, Stat Med 17 (1998), table I
    assert wilson(n_right, n) == pytest.approx(Interval(*expected), abs=5e-5)


def test_what_all_reports_would_take_is_in_proportion() -> None:
    one = trial("a", prompt_tokens=100, completion_tokens=10, cached_tokens=50, seconds=4.0, cost_usd=0.5)
    assert one.scaled(200) == {
        "n_requests": 200, "prompt_tokens": 1000, "completion_tokens": 100, "cached_tokens": 500, "seconds": 40.0,
        "cost_usd": 5.0,
    }  # fmt: skip
    assert trial("a").scaled(7)["cost_usd"] is None
