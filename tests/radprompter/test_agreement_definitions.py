"""One confusion matrix, and what each definition makes of it: the golden numbers of the published measures."""

from __future__ import annotations

import numpy as np
import pytest

from radprompter.agreement.definitions import DEFINITIONS, differences
from radprompter.agreement.scores import score

MATRIX = np.zeros(
    (1, 4, 5)
)  # reference in rows: positive, negative, uncertain, not mentioned; the last column: no label
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


def test_definitions_that_differ_say_in_what() -> None:
    assert differences(DEFINITIONS["mention"], DEFINITIONS["uncertain_is_positive"]) == (
        "negative by the reference: positive in mention, negative in uncertain_is_positive",
        "negative by the labeler: positive in mention, negative in uncertain_is_positive",
    )
    assert differences(DEFINITIONS["macro"], DEFINITIONS["macro"]) == ()
