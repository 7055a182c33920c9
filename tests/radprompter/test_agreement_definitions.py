"""One confusion matrix, and what each definition makes of it: the golden numbers of the published measures."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from radprompter.agreement.definitions import DEFINITIONS, differences
from radprompter.agreement.measuring.scores import score

FOUR_MEASURES = ("sensitivity", "specificity", "ppv", "npv")

# Reference in rows: positive, negative, uncertain, not mentioned; the labeler in columns, the last for no label.
MATRIX = np.zeros((1, 4, 5))
MATRIX[0, :, :4] = [[20, 1, 2, 1], [0, 15, 1, 2], [3, 1, 7, 1], [2, 3, 1, 40]]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("jmir_three_task", 0.913510),
        ("jmir_two_task", 0.916116),
        ("chexbert", 0.761235),
        ("macro", 0.738165),
        ("four_class_weighted", 0.819956),
        ("absent_macro", 0.787507),
        ("uncertain_is_negative", 0.816327),
        ("uncertain_is_positive", 0.888889),
        ("mention", 0.909091),
        ("positive", 0.816327),
        ("negative", 0.789474),
        ("uncertain", 0.608696),
    ],
)
def test_one_matrix_has_as_many_f1s_as_definitions(name: str, expected: float) -> None:
    definition = DEFINITIONS[name]
    assert score(definition, definition.measures[0], MATRIX).overall == pytest.approx(expected, abs=5e-7)


DOUBTED = np.zeros((1, 4, 5))  # the reference doubts three cells; the labeler says yes, no and perhaps
DOUBTED[0, [0, 1, 2, 2, 2], [0, 1, 0, 1, 2]] = 1


@pytest.mark.parametrize(
    ("name", "sensitivity", "specificity", "ppv", "npv"),
    [
        ("uncertain_is_negative", 1 / 1, 3 / 4, 1 / 2, 3 / 3),  # what was called positive of the doubted is false
        ("uncertain_is_positive", 3 / 4, 1 / 1, 3 / 3, 1 / 2),  # and what was called negative of them is missed
        ("definite_reference", 1 / 1, 1 / 1, 1 / 1, 1 / 1),  # they are not asked
        ("mention", 5 / 5, math.nan, 5 / 5, math.nan),  # all five were mentioned by both
    ],
)
def test_what_a_reference_that_doubts_does_to_sensitivity_and_ppv_is_the_definitions_business(
    name: str, sensitivity: float, specificity: float, ppv: float, npv: float
) -> None:
    assert _four(name, DOUBTED) == pytest.approx([sensitivity, specificity, ppv, npv], nan_ok=True)


@pytest.mark.parametrize(("name", "expected"), [("cell_accuracy", 3 / 5), ("definite_answer", 2 / 2)])
def test_a_doubt_of_the_reference_counts_as_a_label_or_is_not_asked(name: str, expected: float) -> None:
    assert score(DEFINITIONS[name], "same", DOUBTED).overall == pytest.approx(expected)


UNSURE = np.zeros((1, 4, 5))  # the labeler doubts one positive and two negatives of a reference that is sure
UNSURE[0, [0, 0, 1, 1], [0, 2, 1, 2]] = [3, 1, 4, 2]


@pytest.mark.parametrize(
    ("name", "sensitivity", "specificity", "ppv", "npv"),
    [
        ("uncertain_is_negative", 3 / 4, 6 / 6, 3 / 3, 6 / 7),
        ("uncertain_is_positive", 4 / 4, 4 / 6, 4 / 6, 4 / 4),
        ("definite_reference", 4 / 4, 4 / 6, 4 / 6, 4 / 4),
    ],
)
def test_what_a_labeler_that_doubts_is_taken_to_say_is_too(
    name: str, sensitivity: float, specificity: float, ppv: float, npv: float
) -> None:
    assert _four(name, UNSURE) == pytest.approx([sensitivity, specificity, ppv, npv])
    assert score(DEFINITIONS["definite_answer"], "same", UNSURE).overall == pytest.approx(7 / 10)


def test_a_cell_that_the_labeler_failed_on_lowers_sensitivity_and_leaves_ppv_alone() -> None:
    """One of four positives and two of six negatives have no answer."""
    failed = np.zeros((1, 4, 5))
    failed[0, [0, 0, 1, 1, 1], [0, 4, 0, 1, 4]] = [3, 1, 1, 3, 2]
    assert _four("uncertain_is_negative", failed) == pytest.approx([3 / 4, 3 / 6, 3 / 4, 3 / 3])
    definition = DEFINITIONS["uncertain_is_negative"]
    assert score(definition, "accuracy", failed).overall == pytest.approx(6 / 10)
    assert score(definition, "f1", failed).overall == pytest.approx(2 * 3 / (4 + 4))
    answered = replace(definition, unlabelled="left_out")
    found = [score(answered, measure, failed).overall for measure in FOUR_MEASURES]
    assert found == pytest.approx([3 / 3, 3 / 4, 3 / 4, 3 / 3])
    assert score(answered, "accuracy", failed).overall == pytest.approx(6 / 7)


def _four(name: str, counts: np.ndarray) -> list[float]:
    return [float(score(DEFINITIONS[name], measure, counts).overall) for measure in FOUR_MEASURES]


def test_definitions_that_differ_say_in_what() -> None:
    assert differences(DEFINITIONS["mention"], DEFINITIONS["uncertain_is_positive"]) == (
        "negative by the reference: positive in mention, negative in uncertain_is_positive",
        "negative by the labeler: positive in mention, negative in uncertain_is_positive",
    )
    assert differences(DEFINITIONS["macro"], DEFINITIONS["macro"]) == ()
