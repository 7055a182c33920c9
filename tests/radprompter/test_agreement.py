"""Agreement of a label table with a reference."""

from __future__ import annotations

import math

import pandas as pd
import pytest

from radprompter.agreement.metrics import agree
from radprompter.errors import SchemaError, TableError
from radprompter.label_table import LabelTable
from radprompter.labels import LABELS, PROJECTIONS, Cell, FindingSpec, LabelSchema, LabelState

ONE = LabelSchema("one", (FindingSpec("edema"),))
FOUR = PROJECTIONS["four_states"]

# Rows truth, columns labeler, order blank, positive, negative, uncertain, with the class F1s computed by hand.
CONFUSION = ((40, 2, 3, 1), (1, 20, 1, 2), (2, 0, 15, 1), (1, 3, 1, 7))
ORDER = (LabelState.NOT_MENTIONED, LabelState.POSITIVE, LabelState.NEGATIVE, LabelState.UNCERTAIN)


def tables() -> tuple[LabelTable, LabelTable]:
    truth, found = [], []
    for row, true_state in zip(CONFUSION, ORDER, strict=True):
        for count, found_state in zip(row, ORDER, strict=True):
            for _ in range(count):
                report = f"r{len(truth)}"
                truth.append(Cell(report, "edema", true_state))
                found.append(Cell(report, "edema", found_state))
    return LabelTable.from_cells(found, ONE), LabelTable.from_cells(truth, ONE)


def test_a_four_by_four_confusion_gives_the_published_class_scores() -> None:
    finding = agree(*tables(), projection=FOUR).findings[0]
    assert finding.n == 100
    assert finding.accuracy == pytest.approx(0.82)
    assert finding.f1(LabelState.POSITIVE) == pytest.approx(0.816327, abs=1e-6)
    assert finding.f1(LabelState.NEGATIVE) == pytest.approx(0.789474, abs=1e-6)
    assert finding.f1(LabelState.UNCERTAIN) == pytest.approx(0.608696, abs=1e-6)


@pytest.mark.parametrize(
    ("projection", "expected"), [("uncertain_is_negative", 0.816327), ("uncertain_is_positive", 0.888889)]
)
def test_the_projection_decides_the_score(projection: str, expected: float) -> None:
    finding = agree(*tables(), projection=PROJECTIONS[projection]).findings[0]
    assert finding.f1(LabelState.POSITIVE) == pytest.approx(expected, abs=1e-6)


def test_a_cell_without_a_label_is_not_right_and_is_counted() -> None:
    truth = LabelTable.from_cells(
        [Cell("a", "edema", LabelState.NEGATIVE), Cell("b", "edema", LabelState.NEGATIVE)], ONE
    )
    found = LabelTable.from_cells([Cell("a", "edema", LabelState.FAILED), Cell("b", "edema", LabelState.NEGATIVE)], ONE)
    agreement = agree(found, truth, projection=FOUR)
    assert agreement.accuracy == 0.5
    assert agreement.report_accuracy == 0.5
    assert agreement.findings[0].n_unlabelled == 1


def test_scores_without_cases_are_undefined() -> None:
    truth = LabelTable.from_cells([Cell("a", "edema", LabelState.NEGATIVE)], ONE)
    agreement = agree(truth, truth, projection=FOUR)
    assert math.isnan(agreement.findings[0].f1(LabelState.POSITIVE))
    assert agreement.macro_f1([LabelState.POSITIVE, LabelState.NEGATIVE]) == 1.0
    assert math.isnan(agreement.macro_f1([LabelState.POSITIVE]))


def test_tables_with_nothing_in_common_are_refused() -> None:
    other = LabelTable.from_cells([Cell("z", "edema", LabelState.NEGATIVE)], ONE)
    with pytest.raises(SchemaError, match="no report id in common"):
        agree(other, tables()[1], projection=FOUR)


@pytest.mark.parametrize(
    ("value", "state"),
    [("positive", "positive"), ("1", "positive"), ("1.0", "positive"), ("0", "negative"), ("-1", "uncertain"),
     ("", "not_mentioned"), ("blank", "not_mentioned"), ("Uncertain ", "uncertain"), ("failed", "failed")],
)  # fmt: skip
def test_a_reference_may_be_written_in_states_or_codes(value: str, state: str) -> None:
    frame = pd.DataFrame({"study_id": ["a"], "edema": [value]})
    assert LabelTable.from_wide(frame, ONE, source="ref.csv").wide().loc["a", "edema"] == state


@pytest.mark.parametrize(
    ("frame", "message"),
    [
        ({"id": ["a"], "edema": ["1"]}, "no column 'report_id'"),
        ({"report_id": ["a"], "mass": ["1"]}, "no column is a finding"),
        ({"report_id": ["a", "a"], "edema": ["1", "1"]}, "'a' stands in more than one row"),
        ({"report_id": ["a"], "edema": ["maybe"]}, "a, edema: expected positive"),
    ],
)
def test_unusable_references_say_why(frame: dict[str, list[str]], message: str) -> None:
    with pytest.raises(TableError, match=message):
        LabelTable.from_wide(pd.DataFrame(frame), ONE, source="ref.csv")


def test_every_state_has_a_row_in_the_confusion() -> None:
    assert agree(*tables(), projection=FOUR).findings[0].confusion.shape == (len(LABELS), len(LABELS))
