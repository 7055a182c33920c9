"""CSV as spreadsheets save it: with a comma, a semicolon or a tab, in UTF-8, UTF-16 or Windows' cp1252."""

from __future__ import annotations

import csv
import io
import sys
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from radprompter.errors import TableError
from radprompter.spreadsheet import restore

DELIMITERS = (",", ";", "\t")


class SavedTable(NamedTuple):
    """A header, and the rows below it that say anything: number -> cell by column.

    Columns are named without case and white space around. Rows have the numbers that a spreadsheet shows.
    """

    header: tuple[str, ...]
    rows: Mapping[int, Mapping[str, str]]


def read_saved(content: bytes, required: Sequence[str], *, source: str) -> SavedTable:
    """The table in a CSV file. A row may lack cells at its end, which are blank then.

    Raises
    ------
    TableError
        If it is no text or no regular CSV, lacks a required column or has one twice, or has a row with too many cells.
    """
    header, *lines = _lines(decoded(content, source), required[0], source)
    columns = [column_name(name) for name in header[1]]
    lacking = [name for name in required if columns.count(column_name(name)) != 1]
    if lacking:
        raise TableError(f"{source}: these columns are missing, or there twice: {', '.join(lacking)}")
    rows = {}
    for number, cells in lines:
        if any(cell.strip() for cell in cells[len(columns) :]):
            raise TableError(
                f"{source}, row {number}: has {len(cells)} cells, and the header {len(columns)}; is one out of place?"
            )
        if any(cell.strip() for cell in cells):
            padded = [restore(cell) for cell in cells] + [""] * (len(columns) - len(cells))
            rows[number] = dict(zip(columns, padded, strict=False))
    return SavedTable(tuple(header[1]), rows)


def column_name(name: str) -> str:
    """A column's name without the differences that do not count."""
    return name.strip().casefold()


def decoded(content: bytes, source: str) -> str:
    """The text of a file that a spreadsheet or an editor saved.

    Raises
    ------
    TableError
        If it is a workbook, or in none of the known encodings.
    """
    if content.startswith(b"PK"):
        raise TableError(f"{source}: is a workbook, not text; save it as CSV (UTF-8)")
    wide = content.startswith((b"\xff\xfe", b"\xfe\xff"))
    for encoding in ("utf-16",) if wide else ("utf-8-sig", "cp1252"):
        try:
            return content.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise TableError(f"{source}: not UTF-8, UTF-16 or cp1252 text; save it as CSV (UTF-8)")


def _lines(text: str, key: str, source: str) -> list[tuple[int, list[str]]]:
    """All rows with their numbers, the header first; a line such as ``sep=;`` before it is counted and left out."""
    lines = io.StringIO(text, newline="")
    n_before = int(text.casefold().startswith("sep="))
    for _ in range(n_before):
        lines.readline()
    start = lines.tell()
    head = lines.readline()
    delimiter = next((mark for mark in DELIMITERS if column_name(key) in _names(head, mark)), None)
    if delimiter is None:
        raise TableError(f"{source}: no column {key!r} in its first row")
    lines.seek(start)
    limit = csv.field_size_limit(sys.maxsize)  # the limit is the module's; a long report is no error
    try:
        return list(enumerate(csv.reader(lines, delimiter=delimiter, strict=True), start=1 + n_before))
    except csv.Error as error:
        raise TableError(f"{source}: not regular CSV ({error}); is a quote not closed?") from None
    finally:
        csv.field_size_limit(limit)


def _names(head: str, delimiter: str) -> list[str]:
    return [column_name(name.strip().strip('"')) for name in head.split(delimiter)]
