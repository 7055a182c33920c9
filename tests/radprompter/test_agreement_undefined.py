"""What has no value has a reason: cases by case, and no warning, no NaN, no 0 that stands for nothing."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from random_cells import make_cells, random_cells

from radprompter.agreement.definitions import DEFINITIONS, Definition
from radprompter.agreement.measuring.cells import Cells
from radprompter.agreement.measuring.numbers import ALL, Number, measure
from radprompter.agreement.measuring.resampling import Bootstrap
from radprompter.agreement.measuring.whole_reports import REPORT_MEASURES

P, N, U, M, SILENT, UNREAD = 0, 1, 2, 3, 4, -1
ROUNDS = Bootstrap(rounds=20)

NO_CELL = "the reference has no cell that counts"
NOT_POSITIVE = "negative, uncertain or not mentioned"


def _row(*outcomes: object) -> dict[str, object]:
    return dict(zip(("f1", "accuracy", "sensitivity", "specificity", "ppv", "npv"), outcomes, strict=True))


def _outcomes(cells: Cells, name: str, finding: str = "finding 0", task: str = ALL) -> dict[str, object]:
    """Measure -> value, or why it has none."""
    found = measure(cells, [DEFINITIONS[name]], ROUNDS).numbers
    chosen = [number for number in found if (number.finding, number.task) == (finding, task)]
    return {number.measure: number.value if number.reason is None else number.reason for number in chosen}


@pytest.mark.parametrize(
    ("reference", "labels", "expected"),
    [
        pytest.param(
            [N, M, U],
            [N, N, M],
            _row(
                "neither calls a cell positive",
                1.0,
                "the reference calls no cell positive",
                1.0,
                "the labeler calls no cell positive",
                1.0,
            ),
            id="nobody is positive",
        ),
        pytest.param(
            [N, M],
            [P, N],
            _row(0.0, 0.5, "the reference calls no cell positive", 0.5, 0.0, 1.0),
            id="the labeler alone calls one positive",
        ),
        pytest.param(
            [P, M],
            [N, N],
            _row(0.0, 0.5, 0.0, 1.0, "the labeler calls no cell positive", 0.5),
            id="the reference alone calls one positive",
        ),
        pytest.param(
            [P, P],
            [P, P],
            _row(
                1.0,
                1.0,
                1.0,
                f"the reference calls no cell {NOT_POSITIVE}",
                1.0,
                f"the labeler calls no cell {NOT_POSITIVE}",
            ),
            id="all are positive",
        ),
        pytest.param(
            [M, M],
            [M, M],
            _row(
                "neither calls a cell positive",
                1.0,
                "the reference calls no cell positive",
                1.0,
                "the labeler calls no cell positive",
                1.0,
            ),
            id="nothing is mentioned",
        ),
        pytest.param(
            [P, N, U],
            [SILENT, SILENT, SILENT],
            _row(
                0.0,
                0.0,
                0.0,
                0.0,
                "the labeler calls no cell positive",
                f"the labeler calls no cell {NOT_POSITIVE}",
            ),
            id="the labeler failed on all",
        ),
        pytest.param([UNREAD, UNREAD], [P, N], dict.fromkeys(_row(*"abcdef"), NO_CELL), id="the reference is empty"),
        pytest.param([], [], dict.fromkeys(_row(*"abcdef"), NO_CELL), id="there is no report"),
        pytest.param(
            [P],
            [P],
            _row(
                1.0,
                1.0,
                1.0,
                f"the reference calls no cell {NOT_POSITIVE}",
                1.0,
                f"the labeler calls no cell {NOT_POSITIVE}",
            ),
            id="one report",
        ),
    ],
)
def test_each_binary_measure_has_a_value_or_says_what_is_lacking(
    reference: list[int], labels: list[int], expected: Mapping[str, object]
) -> None:
    cells = make_cells(np.reshape(reference, (-1, 1)), np.reshape(labels, (1, -1, 1)))
    assert _outcomes(cells, "uncertain_is_negative") == expected


@pytest.mark.parametrize(
    ("name", "reference", "labels", "expected"),
    [
        ("macro", [M, M], [P, M], "the reference calls no cell positive, negative or uncertain"),
        ("chexbert", [M, M], [P, M], "the reference calls no cell positive, negative or uncertain"),
        ("micro", [M, M], [M, M], "neither calls a cell positive, negative or uncertain"),
        ("uncertain", [P, N], [U, N], "the reference calls no cell uncertain"),
        ("absent_macro", [M, M], [M, M], 1.0),
        ("macro_zero", [M, M], [M, M], 0.0),
        ("macro_zero", [UNREAD, UNREAD], [M, M], NO_CELL),
        ("jmir_three_task", [M, M], [M, M], 1.0),
        ("jmir_three_task", [UNREAD, UNREAD], [M, M], NO_CELL),
        ("definite_reference", [U, U], [P, N], NO_CELL),
        ("definite_reference", [U, N], [P, N],
         "the reference calls no cell positive and the labeler none positive or uncertain"),
        ("definite_answer", [U, U], [P, N], NO_CELL),
        ("mention", [M, M], [M, M], "neither calls a cell positive, negative or uncertain"),
        ("cell_accuracy", [UNREAD, UNREAD], [M, M], NO_CELL),
        ("four_class_weighted", [M, M], [SILENT, SILENT], 0.0),
    ],
)  # fmt: skip
def test_each_kind_of_average_says_what_is_lacking(
    name: str, reference: list[int], labels: list[int], expected: object
) -> None:
    cells = make_cells(np.reshape(reference, (-1, 1)), np.reshape(labels, (1, -1, 1)))
    assert _outcomes(cells, name)[DEFINITIONS[name].measures[0]] == expected


def test_a_task_that_nobody_has_is_no_part_of_a_mean_and_says_so_in_its_own_row() -> None:
    cells = make_cells([[P], [N], [P]], [[[P], [N], [N]]])
    assert _outcomes(cells, "macro", task="uncertain") == {"f1": "neither calls a cell uncertain"}
    assert _outcomes(cells, "macro")["f1"] == pytest.approx((2 / 3 + 2 / 3) / 2)


def test_a_finding_without_a_value_is_no_part_of_the_mean_over_findings() -> None:
    cells = make_cells([[P, M], [N, M]], [[[P, M], [N, M]]])
    assert _outcomes(cells, "uncertain_is_negative", "finding 1")["f1"] == "neither calls a cell positive"
    assert _outcomes(cells, "uncertain_is_negative", ALL)["f1"] == 1.0
    nobody = make_cells([[M, M]] * 2, [[[M, M]] * 2])
    assert _outcomes(nobody, "uncertain_is_negative", ALL)["f1"] == "no finding has a value"
    assert _outcomes(nobody, "positive_pooled", ALL)["f1"] == "the reference calls no cell positive"


def test_too_little_support_says_how_much_is_asked() -> None:
    asked = replace(DEFINITIONS["macro"], least_support=5)
    (number, *_) = measure(make_cells([[P], [N]], [[[P], [N]]]), [asked], ROUNDS).numbers[1:]
    assert number.reason == "the reference calls fewer than 5 cells positive, negative and uncertain each"


def test_support_counts_cells_whatever_each_of_them_stands_for() -> None:
    asked = replace(DEFINITIONS["macro"], least_support=2)
    few = make_cells([[P], [N], [N]], [[[N], [N], [N]]], weights=[90, 0.1, 0.1])
    assert measure(few, [asked], ROUNDS).numbers[1].value == pytest.approx(2 * 0.2 / (0.2 + 90.2))


def test_no_cell_with_a_label_in_both_tables_is_said_where_unlabelled_cells_are_left_out() -> None:
    strict = replace(DEFINITIONS["cell_accuracy"], unlabelled="left_out")
    assert measure(make_cells([[P]], [[[SILENT]]]), [strict], ROUNDS).numbers[0].reason == (
        "no cell has a label in both tables"
    )


@pytest.mark.parametrize(
    ("reference", "labels", "expected"),
    [
        ([U, P], [SILENT, SILENT], (0.0, 1.0, 0.5, 0.0, 0.0)),
        ([P, P], [P, U], (0.5, 0.5, 0.0, 0.5, "the reference has no uncertain cell")),
        (
            [UNREAD, UNREAD], [P, U],
            (
                "no report has a cell that counts", "no report has a cell that counts",
                "no report has a label in the reference", "no report has a label in the reference",
                "the reference has no uncertain cell",
            ),
        ),
    ],
)  # fmt: skip
def test_measures_of_whole_reports_say_what_is_lacking(
    reference: list[int], labels: list[int], expected: tuple[object, ...]
) -> None:
    cells = make_cells(np.reshape(reference, (-1, 1)), np.reshape(labels, (1, -1, 1)))
    found = _outcomes(cells, "cell_accuracy", ALL)
    assert tuple(found[name] for name in REPORT_MEASURES) == expected


@pytest.mark.parametrize(
    ("units", "strata"), [([0], [0]), ([0, 0, 0], [0, 0, 0]), ([0, 1, 2], [0, 1, 2]), ([0, 0, 1], [1, 1, 0])]
)
def test_what_cannot_be_resampled_has_values_and_no_interval(units: list[int], strata: list[int]) -> None:
    cells = make_cells([[P]] * len(units), [[[P]] * len(units)], units=units, strata=strata)
    accuracy = measure(cells, [DEFINITIONS["cell_accuracy"]], ROUNDS).numbers[0]
    assert accuracy[8:14] == (1.0, None, None, None, 0, None)


def test_a_number_that_few_resamples_have_counts_those_that_do_not() -> None:
    cells = make_cells([[P], *[[N]] * 9], [[[P], *[[N]] * 9]])
    sensitivity = next(
        number
        for number in measure(cells, [DEFINITIONS["uncertain_is_negative"]], Bootstrap(rounds=1000)).numbers
        if number.measure == "sensitivity"
    )
    assert sensitivity.value == sensitivity.low == 1.0
    assert sensitivity.n_undefined == pytest.approx(1000 * 0.9**10, abs=60)  # the positive report is not drawn


def test_a_resample_without_a_state_that_must_be_there_is_undefined_and_not_zero() -> None:
    cells = make_cells([[P], *[[N]] * 9], [[[P], [P], *[[N]] * 8]])
    found = measure(cells, [DEFINITIONS["positive"]], Bootstrap(rounds=1000)).numbers[0]
    assert found.value == pytest.approx(2 / 3) and found.low is not None and found.low > 0.15
    assert found.n_undefined == pytest.approx(1000 * 0.9**10, abs=60)  # though others were called positive there


@pytest.mark.parametrize("weight", [0.25, 1.0, 40.0])
def test_support_is_the_same_if_all_reports_stand_for_as_many(weight: float) -> None:
    asked = replace(DEFINITIONS["positive"], least_support=2)
    values = [
        measure(make_cells([[P]] * n, [[[P]] * n], weights=[weight] * n), [asked], ROUNDS).numbers[1].value
        for n in (1, 2)
    ]
    assert values == [None, 1.0]


@given(
    random_cells() | random_cells(patients=True),
    st.lists(st.sampled_from(list(DEFINITIONS.values())), max_size=4, unique_by=lambda one: one.name),
)
@settings(deadline=None, max_examples=60)
def test_all_definitions_write_valid_json_without_nan(cells: Cells, detailed: list[Definition]) -> None:
    found = measure(cells, detailed, Bootstrap(rounds=5), overview=list(DEFINITIONS.values()))
    text = json.dumps([number._asdict() for number in found.numbers], allow_nan=False)
    assert len(json.loads(text)) == len(found.numbers)
    assert {number.definition for number in found.numbers} == set(DEFINITIONS)
    for number in found.numbers:
        _check(number, rounds=5)


def _check(number: Number, *, rounds: int) -> None:
    assert (number.value is None) is (number.reason is not None), number
    assert (number.low is None) is (number.high is None), number
    assert 0 <= number.n_undefined <= rounds
    if number.low is not None and number.high is not None:
        assert number.low <= number.high and rounds - number.n_undefined >= 2
    assert (number.score_low is None) is (number.score_high is None), number
    if number.value is None:
        assert number.mean is None and number.low is None and number.score_low is None, number
    elif number.score_low is not None and number.score_high is not None:
        assert number.score_low - 1e-12 <= number.value <= number.score_high + 1e-12, number
