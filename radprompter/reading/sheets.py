"""Sheets for people to fill, as CSV and as JSONL, and what stands in them when they come back.

A cell that is blank has not been answered. Whatever else is blank in a row takes the label in its column `rest`, which
is blank until somebody writes ``not mentioned`` (or another label) there.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from radprompter.errors import SchemaError, TableError
from radprompter.labels import LabelSchema
from radprompter.reading.sample import Sample
from radprompter.reading.saved_csv import column_name, decoded, read_saved
from radprompter.spreadsheet import csv_text

ROW, REPORT_ID, REST, NOTE = "row", "report_id", "rest", "note"
TEXT, PREDICTED = "text_", "predicted_"

Texts = Mapping[str, Mapping[str, str]]
"""Report id -> section -> its words."""

Predicted = Mapping[str, Mapping[str, str]]
"""Report id -> finding -> what the label table says."""


class Row(NamedTuple):
    """What a person wrote about one report: the words in its cells, as they are."""

    where: str
    report_id: str
    words: Mapping[str, str]
    rest: str = ""
    note: str = ""

    @property
    def says_anything(self) -> bool:
        """Whether any cell has been written into."""
        return any(word.strip() for word in (*self.words.values(), self.rest, self.note))


@dataclass(frozen=True, slots=True)
class Sheet:
    """The rows that one rater gave back; `ignored` are columns that mean nothing here."""

    source: str
    rater: str
    rows: tuple[Row, ...]
    ignored: tuple[str, ...] = ()


def write_csv(
    sample: Sample, rater: str, *, texts: Texts | None = None, predicted: Predicted | None = None, delimiter: str = ","
) -> str:
    """A sheet as CSV with a byte order mark, which spreadsheets need to know it as UTF-8; no cell is run as a formula.

    Raises
    ------
    SchemaError
        If a finding has the name of another column, or names differ in case alone.
    """
    names = sample.schema.names
    _check_names(sample.schema)
    sections = tuple(dict.fromkeys(section for report in (texts or {}).values() for section in report))
    header = (
        ROW, REPORT_ID, *(f"{TEXT}{name}" for name in sections),
        *(f"{PREDICTED}{name}" for name in names if predicted is not None), *names, REST, NOTE,
    )  # fmt: skip
    rows = [
        (
            number,
            report_id,
            *((texts or {})[report_id].get(section, "") for section in sections),
            *(predicted[report_id][name] for name in names if predicted is not None),
            *[""] * (len(names) + 2),
        )
        for number, report_id in enumerate(sample.raters[rater], start=1)
    ]
    return "\ufeff" + csv_text(header, rows, delimiter=delimiter)


def write_jsonl(sample: Sample, rater: str, *, texts: Texts | None = None, predicted: Predicted | None = None) -> str:
    """A sheet as lines of JSON: an object a report, each label null until it is known."""
    lines = []
    for number, report_id in enumerate(sample.raters[rater], start=1):
        row: dict[str, Any] = {ROW: number, REPORT_ID: report_id}
        if texts is not None:
            row["text"] = dict(texts[report_id])
        if predicted is not None:
            row["predicted"] = dict(predicted[report_id])
        row |= {"labels": dict.fromkeys(sample.schema.names), REST: None, NOTE: None}
        lines.append(json.dumps(row, ensure_ascii=False) + "\n")
    return "".join(lines)


def read_csv(content: bytes, schema: LabelSchema, *, source: str, rater: str) -> Sheet:
    """The rows of a CSV sheet, however a spreadsheet saved it.

    Raises
    ------
    TableError
        If it is no CSV, or lacks the column of the report or of a finding.
    """
    table = read_saved(content, (REPORT_ID, *schema.names), source=source)
    rows = tuple(
        Row(
            f"{source}, row {number}",
            cells[REPORT_ID],
            {name: cells[column_name(name)] for name in schema.names},
            cells.get(REST, ""),
            cells.get(NOTE, ""),
        )
        for number, cells in table.rows.items()
    )
    known = {REPORT_ID, ROW, REST, NOTE, *map(column_name, schema.names)}
    strange = (
        name for name in table.header if name.strip() and not column_name(name).startswith((TEXT, PREDICTED))
    )  # fmt: skip
    return Sheet(source, rater, rows, tuple(name for name in strange if column_name(name) not in known))


def read_jsonl(content: bytes, schema: LabelSchema, *, source: str, rater: str) -> Sheet:
    """The rows of a JSONL sheet; labels may be words, the numbers 1, 0 and -1, or true and false.

    Raises
    ------
    TableError
        If a line is no object with a report and its labels, or has a finding that the schema does not have.
    """
    rows = []
    for number, line in enumerate(decoded(content, source).split("\n"), start=1):
        where = f"{source}, line {number}"
        if not line.strip():
            continue
        try:
            item = json.loads(line)
            labels, report_id = item["labels"], item[REPORT_ID]
            words = {name: as_word(labels.get(name)) for name in schema.names}
            strangers = sorted(set(labels) - set(schema.names))
        except (ValueError, KeyError, TypeError, AttributeError):
            raise TableError(f"{where}: expected an object with {REPORT_ID!r} and 'labels' (finding: label)") from None
        if strangers:
            raise TableError(f"{where}: findings that {schema.name!r} does not have: {', '.join(strangers)}")
        rows.append(Row(where, str(report_id), words, as_word(item.get(REST)), as_word(item.get(NOTE))))
    return Sheet(source, rater, tuple(rows))


def as_word(value: Any) -> str:
    """A JSON value as the word that a sheet would have; null as nothing."""
    return "" if value is None else str(value)


def _check_names(schema: LabelSchema) -> None:
    if len({column_name(name) for name in schema.names}) < len(schema.names):
        raise SchemaError(f"findings of {schema.name!r} have names that differ in case alone; a sheet cannot hold them")
    taken = [
        name for name in schema.names
        if name.strip().casefold() in (ROW, REPORT_ID, REST, NOTE) or name.startswith((TEXT, PREDICTED))
    ]  # fmt: skip
    if taken:
        raise SchemaError(f"a sheet has columns of its own with the names of these findings: {', '.join(taken)}")
