"""Reports read by people: a sample drawn, sheets written and read back, and a reference made of them.

The way of the data: `stratify` -> `draw_reports` -> `Sample` -> a sheet a rater (`write_csv`, `write_jsonl`,
`write_tasks`) -> people -> `Sheet` (`read_csv`, `read_jsonl`, `read_export`) -> `understand` -> `Filled` -> `decide` ->
`Reference`.
"""

from __future__ import annotations

from radprompter.reading.deciding import (
    Decisions,
    Dispute,
    Reference,
    decide,
    read_decisions,
    write_disputes,
    write_rater,
    write_reference,
)
from radprompter.reading.drawing import DrawnReport, Stratum, draw, draw_reports
from radprompter.reading.filled import Filled, left, understand
from radprompter.reading.label_studio import read_export, write_interface, write_tasks
from radprompter.reading.sample import Sample, Weight, assign, set_aside
from radprompter.reading.sheets import Row, Sheet, read_csv, read_jsonl, write_csv, write_jsonl
from radprompter.reading.strata import Strata, stratify

__all__ = [
    "Decisions", "Dispute", "DrawnReport", "Filled", "Reference", "Row", "Sample", "Sheet", "Strata", "Stratum",
    "Weight", "assign", "decide", "draw", "draw_reports", "left", "read_csv", "read_decisions", "read_export",
    "read_jsonl", "set_aside", "stratify", "understand", "write_csv", "write_disputes", "write_interface",
    "write_jsonl", "write_rater", "write_reference", "write_tasks",
]  # fmt: skip
