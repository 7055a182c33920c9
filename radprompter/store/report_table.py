"""Tables of reports in, one report at a time."""

from __future__ import annotations

import csv
import difflib
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import orjson

from radprompter.compressed import kind_of, open_expanded
from radprompter.errors import RecipeError, TableError
from radprompter.recipe import Reports
from radprompter.records import Report
from radprompter.region import LANGUAGES
from radprompter.store.seen import SeenHashes

MAX_NAME = 30  # characters of a column's name in a message

MAX_ROW_BYTES = 64 * 2**20
"""No row of a table is longer: a quote that is never closed, or a bomb, is an error before it fills the memory."""

PARQUET_BATCH_ROWS = 16  # a few bytes of Parquet may stand for many long rows
PARQUET_BUFFER_BYTES = 2**20  # else a column of a whole row group is read at once

Row = tuple[int, Mapping[str, Any]]
"""Number of the line (or of the row, in Parquet), and its cells by column."""

Columns = Sequence[str]
"""Columns that the recipe names."""


def read_reports(reports: Reports) -> Iterator[Report]:
    """Reports of a table, one at a time, in order; rows that repeat an id and its text give one report.

    Raises
    ------
    TableError
        If the file is absent, empty, unreadable, not UTF-8 or irregular, lacks a column that the recipe names, has a
        row without an id or with an unknown language, or gives one id two texts.
    RecipeError
        If the recipe names an unknown language.
    """
    path = reports.path
    if reports.language not in LANGUAGES:
        raise RecipeError(f"label.reports.language: unknown language {reports.language!r}; known: en, de")
    if not path.is_file():
        raise TableError(f"{path}: no such file; label.reports.path must name a table of reports")
    kind = kind_of(path)
    if path.stat().st_size == 0:
        raise TableError(f"{path}: the file is empty")
    wanted = None if reports.only is None else set(reports.only)
    seen = SeenHashes()  # id -> what it says
    for number, report in _numbered(reports, kind):
        says = hash((report.language, *report.sections.items()))
        first = seen.setdefault(hash(report.id), says)
        if first == says:
            continue
        if first is not None:
            line = next((line for line, other in _numbered(reports, kind) if other.id == report.id), number)
            if line != number:  # else the hashes of two ids are equal
                raise TableError(
                    f"{path}: id {report.id!r} stands on line {line} and again, with another text, on line {number}; "
                    "ids must be unique"
                )
        if wanted is None:
            yield report
        elif report.id in wanted:
            wanted.remove(report.id)
            yield report
    if not len(seen):
        raise TableError(f"{path}: has a header but no rows")
    if wanted:
        raise TableError(f"{path}: no report {min(wanted)!r}, which label.reports.only names ({len(wanted)} absent)")


def _numbered(reports: Reports, kind: str) -> Iterator[tuple[int, Report]]:
    """All reports of a table, with the numbers of their lines."""
    columns = {"report": reports.text} if isinstance(reports.text, str) else reports.text
    names = (reports.id, *columns.values(), *([reports.language_column] if reports.language_column else []))
    for number, cells in ROWS[kind](reports.path, names):
        yield number, _report(cells, reports, columns, f"{reports.path}:{number}")


def _require(names: Iterable[str], wanted: Iterable[str], where: str) -> None:
    """Refuse a table, or a row of JSON, that lacks a column that the recipe names."""
    missing = [name for name in wanted if name not in names]
    if missing:
        shown = [str(name)[:MAX_NAME] for name in names]  # in a table without a header these are a patient's words
        close = difflib.get_close_matches(missing[0], shown, n=1)
        meant = f"; did you mean {close[0]!r}?" if close else ";"
        raise TableError(f"{where}: no column {', '.join(map(repr, missing))}{meant} it has: {', '.join(shown)}")


def _report(cells: Mapping[str, Any], reports: Reports, columns: Mapping[str, str], where: str) -> Report:
    report_id = _text(cells[reports.id])
    if not report_id.strip():
        raise TableError(f"{where}: the id (column {reports.id!r}) is empty")
    language = reports.language
    if reports.language_column is not None:
        language = _text(cells[reports.language_column]).strip().lower()
        if language not in LANGUAGES:
            expected = " or ".join(LANGUAGES)
            raise TableError(f"{where}: {reports.language_column!r}: expected {expected}, found {language[:9]!r}")
    return Report(report_id, {name: _text(cells[column]) for name, column in columns.items()}, language)


def _text(value: Any) -> str:
    """A cell as text; nothing as empty text, and a whole number that became a float as the number it was."""
    if value is None or value != value:  # NaN differs from itself
        return ""
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def _lines(path: Path) -> Iterator[str]:
    """Lines of a UTF-8 file with their ends, decoded one by one so that an error has a line number."""
    with open_expanded(path) as file:
        for number, line in enumerate(iter(lambda: file.readline(MAX_ROW_BYTES + 1), b""), start=1):
            if len(line) > MAX_ROW_BYTES:
                raise TableError(f"{path}:{number}: a line of more than {MAX_ROW_BYTES >> 20} MiB is no report")
            try:
                yield line.decode("utf-8-sig" if number == 1 else "utf-8")
            except UnicodeDecodeError:
                raise TableError(f"{path}:{number}: not UTF-8 text; save the table as UTF-8") from None


def _csv_rows(path: Path, wanted: Columns) -> Iterator[Row]:
    limit = csv.field_size_limit(sys.maxsize)  # the limit is the module's; a long report is no error
    line, n_characters = 1, 0

    def lines_of_a_row() -> Iterator[str]:
        nonlocal n_characters
        for text in _lines(path):
            n_characters += len(text)
            if n_characters > MAX_ROW_BYTES:
                raise TableError(
                    f"{path}:{line}: a row of more than {MAX_ROW_BYTES >> 20} MiB begins there; is a quote not closed?"
                )
            yield text

    reader = csv.reader(lines_of_a_row(), strict=True)
    try:
        header = next(reader, None)
        if header is None:
            raise TableError(f"{path}: the file is empty")
        repeated = sorted({name for name in header if header.count(name) > 1})
        if repeated:
            raise TableError(f"{path}:1: columns that stand twice: {', '.join(map(repr, repeated))}")
        _require(header, wanted, str(path))
        line, n_characters = reader.line_num + 1, 0
        for cells in reader:
            if cells and len(cells) != len(header):
                raise TableError(f"{path}:{line}: expected {len(header)} cells, as in the header, found {len(cells)}")
            if cells:
                yield line, dict(zip(header, cells, strict=True))
            line, n_characters = reader.line_num + 1, 0
    except csv.Error as error:
        raise TableError(f"{path}:{line}: not regular CSV ({error}), in the row that begins there") from None
    finally:
        csv.field_size_limit(limit)


def _jsonl_rows(path: Path, wanted: Columns) -> Iterator[Row]:
    for number, line in enumerate(_lines(path), start=1):
        if line.strip():
            try:
                row = orjson.loads(line)
            except orjson.JSONDecodeError:
                raise TableError(f"{path}:{number}: not valid JSON") from None
            if not isinstance(row, dict):
                raise TableError(f"{path}:{number}: expected a JSON object, found {type(row).__name__}")
            _require(row, wanted, f"{path}:{number}")
            yield number, row


def _parquet_rows(path: Path, wanted: Columns) -> Iterator[Row]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(path, buffer_size=PARQUET_BUFFER_BYTES) as file:
            _require(file.schema_arrow.names, wanted, str(path))
            batches = file.iter_batches(batch_size=PARQUET_BATCH_ROWS, columns=list(dict.fromkeys(wanted)))
            rows = (row for batch in batches for row in batch.to_pylist())
            for number, row in enumerate(rows, start=1):
                if any(isinstance(cell, str) and len(cell) > MAX_ROW_BYTES for cell in row.values()):
                    raise TableError(f"{path}:{number}: a cell of more than {MAX_ROW_BYTES >> 20} MiB is no report")
                yield number, row
    except (pa.ArrowInvalid, OSError) as error:
        raise TableError(f"{path}: cannot be read as Parquet ({type(error).__name__})") from None


ROWS: dict[str, Callable[[Path, Columns], Iterator[Row]]] = {
    ".csv": _csv_rows, ".jsonl": _jsonl_rows, ".parquet": _parquet_rows,
}  # fmt: skip
