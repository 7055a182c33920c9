"""Files that grow part by part: rows of CSV, and cells as row groups of Parquet."""

from __future__ import annotations

import contextlib
import csv
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from radprompter.files import writing
from radprompter.label_arrow import arrow_schema, arrow_table
from radprompter.labels import Cell, LabelSchema


class CsvPart:
    """A CSV file at `part` that will stand at `path`; faults name `path`."""

    def __init__(self, path: Path, part: Path, header: Sequence[str]) -> None:
        self._path = path
        with writing(path):
            self._file = part.open("w", encoding="utf-8", newline="")
        self._writer = csv.writer(self)  # quotes what its line's end has, so a lone CR too, as readers need it
        self._writer.writerow(header)  # stays in the buffer

    def add(self, row: Sequence[Any]) -> None:
        """Add a row."""
        with writing(self._path):
            self._writer.writerow(row)

    def write(self, line: str) -> None:
        """Add a line, for the `csv` module; it ends in LF, not in CR LF."""
        self._file.write(line.removesuffix("\r\n") + "\n")

    def close(self) -> None:
        """Hand all rows to the system."""
        with writing(self._path):
            self._file.close()

    def __enter__(self) -> CsvPart:
        return self

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(OSError):  # what ended the writing is told, not this
            self._file.close()


class CellPart:
    """Label cells as Parquet at `part` that will stand at `path`, one row group an `add`; faults name `path`."""

    def __init__(self, path: Path, part: Path, schema: LabelSchema) -> None:
        import pyarrow as pa
        import pyarrow.parquet as pq

        self._path = path
        self._columns = arrow_schema(schema)
        with writing(path):
            self._sink = pa.OSFile(str(part), "wb")
            self._writer = pq.ParquetWriter(self._sink, self._columns)

    def add(self, cells: Sequence[Cell]) -> None:
        """Add a row group."""
        with writing(self._path):
            self._writer.write_table(arrow_table(cells, self._columns), row_group_size=len(cells))

    def close(self) -> None:
        """Write the footer and hand all to the system."""
        with writing(self._path):
            self._writer.close()
            self._sink.close()

    def __enter__(self) -> CellPart:
        return self

    def __exit__(self, *_: object) -> None:
        for file in (self._writer, self._sink):
            with contextlib.suppress(OSError):  # what ended the writing is told, not this
                file.close()
