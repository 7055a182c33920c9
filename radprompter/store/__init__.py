"""Tables of reports in; label tables and lists of failures out; both one report at a time."""

from __future__ import annotations

from radprompter.spreadsheet import csv_text, neutralise, restore
from radprompter.store.label_files import (
    ATTRIBUTES_CSV,
    FAILURES_CSV,
    LABELS_CSV,
    LABELS_PARQUET,
    MANIFEST,
    LabelFiles,
    write_labels,
)
from radprompter.store.label_table import read_labels, read_reference
from radprompter.store.report_table import read_reports

__all__ = [
    "ATTRIBUTES_CSV", "FAILURES_CSV", "LABELS_CSV", "LABELS_PARQUET", "MANIFEST", "LabelFiles", "csv_text",
    "neutralise", "read_labels", "read_reference", "read_reports", "restore", "write_labels",
]  # fmt: skip
