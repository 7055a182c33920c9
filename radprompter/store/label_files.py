"""The label files of a run, written while it goes on, in the memory of one row group."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

from radprompter.errors import SchemaError
from radprompter.files import Parts, remove_parts
from radprompter.label_table import ATTRIBUTE_FIELDS, LabelTable
from radprompter.labels import CHEXPERT_CODES, AttributeValue, Cell, LabelSchema, LabelState
from radprompter.spreadsheet import neutralise
from radprompter.store.part_files import CellPart, CsvPart
from radprompter.store.seen import SeenHashes

LABELS_PARQUET = "labels.parquet"
LABELS_CSV = "labels.csv"
FAILURES_CSV = "failures.csv"
ATTRIBUTES_CSV = "attributes.csv"  # only where attributes were asked
MANIFEST = "manifest.json"

GROUP_REPORTS = 2048
"""Reports of a row group; fixed, so that the same cells give the same bytes however they came."""

CODES = {state: "" if code is None else code for state, code in CHEXPERT_CODES.items()}


class LabelFiles:
    """The label files of a run, written while it goes on; all appear at `finish`, or none does.

    ``labels.parquet`` has every cell. ``labels.csv`` has CheXpert codes (1, 0, -1, blank) of the complete reports, so
    that blank always means `not_mentioned`; the others are in ``failures.csv``, one row a report with its reason.
    ``attributes.csv`` is written where any attribute was asked. The same cells give the same bytes.

    A context manager; leaving it before `finish` leaves the files of an earlier run as they were. On entry it removes
    the parts that a killed run left, so a folder has one writer at a time.

    Raises
    ------
    WriteError
        If the disk is full, the folder cannot be written, or the like.
    """

    def __init__(self, folder: Path, schema: LabelSchema) -> None:
        self.schema = schema
        self.counts = {name: {str(state): 0 for state in LabelState} for name in schema.names}
        """Cells per finding and state; the numbers sum to reports times findings."""
        self.n_reports = 0
        self.n_failed = 0
        """Reports with words that lack a label."""
        self.n_skipped = 0
        """Reports without words."""
        self._has_attributes = False
        self._seen = SeenHashes()
        self._parquet, self._labels, self._failures, self._attributes = self._paths = tuple(
            folder / name for name in (LABELS_PARQUET, LABELS_CSV, FAILURES_CSV, ATTRIBUTES_CSV)
        )
        self._group: list[Cell] = []
        self._open = contextlib.ExitStack()

    def __enter__(self) -> LabelFiles:
        remove_parts(self._paths)
        with contextlib.ExitStack() as opened:
            self._parts = opened.enter_context(Parts(self._paths))
            self._cells = opened.enter_context(CellPart(self._parquet, self._parts[self._parquet], self.schema))
            self._tables = {
                path: opened.enter_context(CsvPart(path, self._parts[path], header))
                for path, header in (
                    (self._labels, ("report_id", *self.schema.names)),
                    (self._failures, ("report_id", "findings", "reason")),
                    (self._attributes, ATTRIBUTE_FIELDS),
                )
            }
            self._open = opened.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()

    def add(self, cells: Sequence[Cell]) -> None:
        """Write all cells of one report, in any order of its findings; reports stand in the order of these calls.

        Raises
        ------
        SchemaError
            If the report lacks a finding, has one twice, or has one that is not in the schema, or was added before.
        """
        row = self._in_order(cells)
        self.n_reports += 1
        bad = [cell for cell in row if cell.state not in CODES]
        shown_id = neutralise(row[0].report_id)
        if bad:
            states = {cell.state for cell in bad}
            self.n_skipped += LabelState.SKIPPED in states
            self.n_failed += states != {LabelState.SKIPPED}
            findings = " ".join(cell.finding for cell in bad)
            self._tables[self._failures].add([shown_id, findings, neutralise(_reason(bad))])
        else:
            self._tables[self._labels].add([shown_id, *(CODES[cell.state] for cell in row)])
        for cell in row:
            self.counts[cell.finding][cell.state] += 1
            for value in cell.attributes:
                self._has_attributes = True
                self._tables[self._attributes].add(_attribute_row(cell, value))
        self._group += row
        if self.n_reports % GROUP_REPORTS == 0:
            self._write_group()

    def finish(self) -> tuple[str, ...]:
        """Put all files in place of those of an earlier run; their names. Nothing can be added after."""
        if self._group:
            self._write_group()
        self._cells.close()
        for table in self._tables.values():
            table.close()
        if not self._has_attributes:
            self._parts.leave_out(self._attributes)
        self._parts.place()
        return tuple(path.name for path in self._paths if path != self._attributes or self._has_attributes)

    def _write_group(self) -> None:
        self._cells.add(self._group)
        self._group = []

    def _in_order(self, cells: Sequence[Cell]) -> list[Cell]:
        by_finding = {cell.finding: cell for cell in cells}
        strangers = sorted(by_finding.keys() - self.counts.keys())
        if strangers:
            raise SchemaError(f"findings that schema {self.schema.name!r} does not have: {', '.join(strangers)}")
        ids = list(dict.fromkeys(cell.report_id for cell in cells))
        if len(ids) != 1:
            raise SchemaError(f"expected the cells of one report, found those of {len(ids)}: {', '.join(ids[:2])}")
        if not len(cells) == len(by_finding) == len(self.counts):
            raise SchemaError(f"report {ids[0]!r} lacks a finding of {self.schema.name!r} or has one twice")
        if self._seen.setdefault(hash(ids[0]), again := hash(f"{ids[0]}\n")) == again:
            raise SchemaError(f"report {ids[0]!r} was added before; it has each finding of {self.schema.name!r} twice")
        return [by_finding[name] for name in self.schema.names]


def write_labels(folder: Path, table: LabelTable) -> tuple[str, ...]:
    """Write the label files of a whole table, as `LabelFiles` does; their names."""
    with LabelFiles(folder, table.schema) as files:
        for _, cells in groupby(table.cells(), key=lambda cell: cell.report_id):
            files.add(list(cells))
        return files.finish()


def _reason(bad: Sequence[Cell]) -> str:
    """Why cells have no label, each reason once."""
    reasons = (str(cell.state) if cell.repair is None else f"{cell.state}: {cell.repair}" for cell in bad)
    return " | ".join(dict.fromkeys(reasons))


def _attribute_row(cell: Cell, attribute: AttributeValue) -> list[Any]:
    value = "; ".join(map(str, attribute.value)) if isinstance(attribute.value, tuple) else attribute.value
    row = (cell.report_id, cell.finding, attribute.name, value, attribute.unit, attribute.status, attribute.written)
    return [neutralise(item) if isinstance(item, str) else item for item in row]
