"""References with one row a report: how their cells are written, and what cannot be read."""

from __future__ import annotations

import pandas as pd
import pytest

from radprompter.errors import TableError
from radprompter.label_table import LabelTable
from radprompter.labels import FindingSpec, LabelSchema

ONE = LabelSchema("one", (FindingSpec("edema"),))


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
