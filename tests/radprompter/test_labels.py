"""Label states, schemas, projections and the table that holds them."""

from __future__ import annotations

import pandas as pd
import pytest

from radprompter.errors import SchemaError
from radprompter.label_table import LabelTable
from radprompter.labels import CHEXPERT_CODES, LABELS, PROJECTIONS, Cell, FindingSpec, LabelSchema, LabelState

SCHEMA = LabelSchema("two", (FindingSpec("edema"), FindingSpec("fracture", laterality=True)))


def table(*rows: tuple[str, str, str]) -> LabelTable:
    return LabelTable.from_cells([Cell(report, finding, LabelState(state)) for report, finding, state in rows], SCHEMA)


MIXED = (
    ("r2", "fracture", "failed"),
    ("r2", "edema", "failed"),
    ("r1", "edema", "positive"),
    ("r1", "fracture", "not_mentioned"),
    ("r3", "edema", "uncertain"),
    ("r3", "fracture", "negative"),
)


def test_only_four_states_are_labels() -> None:
    assert [state for state in LabelState if state.is_label] == list(LABELS)
    assert set(CHEXPERT_CODES) == set(LABELS)


def test_reports_keep_their_order_and_findings_take_the_schemas() -> None:
    frame = table(*MIXED).frame
    assert list(zip(frame["report_id"], frame["finding"], strict=True)) == [
        ("r2", "edema"), ("r2", "fracture"), ("r1", "edema"), ("r1", "fracture"), ("r3", "edema"), ("r3", "fracture"),
    ]  # fmt: skip


def test_codes_leave_out_reports_without_a_full_answer() -> None:
    codes = table(*MIXED).codes()
    assert list(codes.index) == ["r1", "r3"]
    assert codes.loc["r1"].tolist() == [1, pd.NA]
    assert codes.loc["r3"].tolist() == [-1, 0]


def test_counts_sum_to_reports_times_findings() -> None:
    counts = table(*MIXED).counts()
    assert sum(sum(states.values()) for states in counts.values()) == 6
    assert counts["edema"]["failed"] == 1


@pytest.mark.parametrize(
    ("projection", "expected"),
    [
        ("four_states", ["positive", "uncertain", "not_mentioned", "negative"]),
        ("not_mentioned_is_negative", ["positive", "uncertain", "negative", "negative"]),
        ("uncertain_is_positive", ["positive", "positive", "negative", "negative"]),
        ("uncertain_is_negative", ["positive", "negative", "negative", "negative"]),
        ("uncertain_is_masked", ["positive", None, "negative", "negative"]),
    ],
)
def test_projections_map_labels_and_mask_the_rest(projection: str, expected: list[str | None]) -> None:
    projected = table(*MIXED).project(PROJECTIONS[projection])
    assert [projected.loc["r1", "edema"], projected.loc["r3", "edema"], projected.loc["r1", "fracture"],
            projected.loc["r3", "fracture"]] == expected  # fmt: skip
    assert projected.loc["r2"].isna().all()


def test_arrow_carries_the_schema() -> None:
    before = table(*MIXED)
    after = LabelTable.from_arrow(before.to_arrow())
    assert after.schema == before.schema
    pd.testing.assert_frame_equal(after.frame, before.frame)


def test_an_arrow_table_of_something_else_is_refused() -> None:
    import pyarrow as pa

    with pytest.raises(SchemaError, match="not a label table"):
        LabelTable.from_arrow(pa.table({"a": [1]}))


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ((("r1", "edema", "positive"),), "lack a finding"),
        ((("r1", "edema", "positive"), ("r1", "edema", "negative")), "lack a finding"),
        ((("r1", "mass", "positive"), ("r1", "edema", "negative")), "does not have: mass"),
    ],
)
def test_cells_that_do_not_fit_the_schema_are_refused(rows: tuple[tuple[str, str, str], ...], message: str) -> None:
    with pytest.raises(SchemaError, match=message):
        table(*rows)


def test_a_schema_survives_json_and_its_hash_follows_its_content() -> None:
    again = LabelSchema.from_json(SCHEMA.to_json())
    assert again == SCHEMA
    assert again.hash == SCHEMA.hash
    assert SCHEMA.select(["edema"], name="one").hash != SCHEMA.hash


@pytest.mark.parametrize(
    ("findings", "no_finding", "message"),
    [
        ((), None, "no findings"),
        ((FindingSpec("a"), FindingSpec("a")), None, "more than once: a"),
        ((FindingSpec("a"),), "b", "not one of its findings"),
    ],
)
def test_impossible_schemas_are_refused(
    findings: tuple[FindingSpec, ...], no_finding: str | None, message: str
) -> None:
    with pytest.raises(SchemaError, match=message):
        LabelSchema("x", findings, no_finding)


def test_selecting_findings_keeps_their_cells() -> None:
    narrow = table(*MIXED).select(SCHEMA.select(["fracture"], name="one"))
    assert narrow.wide()["fracture"].tolist() == ["failed", "not_mentioned", "negative"]
