"""Tables of reports in, one report at a time."""

from __future__ import annotations

import csv
import difflib
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

from radprompter.errors import RecipeError, TableError
from radprompter.recipe import Reports
from radprompter.records import Report
from radprompter.region import LANGUAGES

if TYPE_CHECKING:
    from collections.abc import Callable

MAX_NAME = 30  # characters of a column's name in a message

Row = tuple[int, Mapping[str, Any]]
"""Number of the line (or of the row, in Parquet), and its cells by column."""


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
    readers: dict[str, Callable[[Path], Iterator[Row]]] = {
        ".csv": _csv_rows, ".jsonl": _jsonl_rows, ".parquet": _parquet_rows,
    }  # fmt: skip
    if path.suffix not in readers:
        raise TableError(f"{path}: expected a file that ends in {', '.join(readers)}")
    if path.stat().st_size == 0:
        raise TableError(f"{path}: the file is empty")
    wanted = None if reports.only is None else frozenset(reports.only)
    seen: dict[str, tuple[int, int]] = {}  # id -> hash of what it says, line
    for number, cells in readers[path.suffix](path):
        report = _report(cells, reports, f"{path}:{number}")
        says = hash((report.language, *report.sections.items()))
        first, line = seen.setdefault(report.id, (says, number))
        if first != says:
            raise TableError(
                f"{path}: id {report.id!r} stands on line {line} and again, with another text, on line {number}; "
                "ids must be unique"
            )
        if line == number and (wanted is None or report.id in wanted):
            yield report
    if not seen:
        raise TableError(f"{path}: has a header but no rows")
    absent = sorted(wanted - seen.keys()) if wanted is not None else []
    if absent:
        raise TableError(f"{path}: no report {absent[0]!r}, which label.reports.only names ({len(absent)} absent)")


def _report(cells: Mapping[str, Any], reports: Reports, where: str) -> Report:
    columns = {"report": reports.text} if isinstance(reports.text, str) else reports.text
    wanted = [reports.id, *columns.values(), *([reports.language_column] if reports.language_column else [])]
    missing = [name for name in wanted if name not in cells]
    if missing:
        names = [str(name)[:MAX_NAME] for name in cells]  # in a table without a header these are a patient's words
        close = difflib.get_close_matches(missing[0], names, n=1)
        meant = f"; did you mean {close[0]!r}?" if close else ";"
        place = where if reports.path.suffix == ".jsonl" else reports.path  # elsewhere all rows have the same columns
        raise TableError(f"{place}: no column {', '.join(map(repr, missing))}{meant} it has: {', '.join(names)}")
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
    with path.open("rb") as file:
        for number, line in enumerate(file, start=1):
            try:
                yield line.decode("utf-8-sig" if number == 1 else "utf-8")
            except UnicodeDecodeError:
                raise TableError(f"{path}:{number}: not UTF-8 text; save the table as UTF-8") from None


def _csv_rows(path: Path) -> Iterator[Row]:
    limit = csv.field_size_limit(sys.maxsize)  # the limit is the module's; a long report is no error
    reader = csv.reader(_lines(path), strict=True)
    line = 1
    try:
        header = next(reader, [])
        repeated = sorted({name for name in header if header.count(name) > 1})
        if repeated:
            raise TableError(f"{path}:1: columns that stand twice: {', '.join(map(repr, repeated))}")
        line = reader.line_num + 1
        for cells in reader:
            if cells and len(cells) != len(header):
                raise TableError(f"{path}:{line}: expected {len(header)} cells, as in the header, found {len(cells)}")
            if cells:
                yield line, dict(zip(header, cells, strict=True))
            line = reader.line_num + 1
    except csv.Error as error:
        raise TableError(f"{path}:{line}: not regular CSV ({error}), in the row that begins there") from None
    finally:
        csv.field_size_limit(limit)


def _jsonl_rows(path: Path) -> Iterator[Row]:
    for number, line in enumerate(_lines(path), start=1):
        if line.strip():
            try:
                row = orjson.loads(line)
            except orjson.JSONDecodeError:
                raise TableError(f"{path}:{number}: not valid JSON") from None
            if not isinstance(row, dict):
                raise TableError(f"{path}:{number}: expected a JSON object, found {type(row).__name__}")
            yield number, row


def _parquet_rows(path: Path) -> Iterator[Row]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(path) as file:
            number = 0
            for batch in file.iter_batches(batch_size=1024):
                for row in batch.to_pylist():
                    number += 1
                    yield number, row
    except (pa.ArrowInvalid, OSError) as error:
        raise TableError(f"{path}: cannot be read as Parquet ({type(error).__name__})") from None
