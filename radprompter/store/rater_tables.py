"""Label tables of several raters, each from a file of its own."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from radprompter.errors import InputError, SchemaError, TableError
from radprompter.files import read_table
from radprompter.label_table import ID_COLUMNS, SPELLINGS, LabelTable
from radprompter.labels import FindingSpec, LabelSchema
from radprompter.spreadsheet import restore
from radprompter.store.label_table import read_labels

if TYPE_CHECKING:
    import pandas as pd

NO_FINDINGS = (*ID_COLUMNS, "weight", "sampling_stratum")
"""Columns of a table of labels that hold none, though some look like codes."""


def read_rater_tables(paths: Sequence[Path], *, findings: Sequence[str] = ()) -> list[LabelTable]:
    """The label tables of raters: each a ``labels.parquet``, or a table with one column a finding.

    The findings of the latter are those of the former. If there is no ``labels.parquet``, they are the columns in
    which at least half of what is written is a state or a CheXpert code. `findings` takes only those named.

    Raises
    ------
    TableError
        If a file is absent or cannot be read, is named twice, has no column of labels, repeats an id or has a cell that
        is no state.
    SchemaError
        If a Parquet file is no label table, or no table has a finding that `findings` names.
    """
    if len({path.resolve() for path in paths}) < len(paths):
        raise InputError(f"a table is named twice: {', '.join(map(str, paths))}; a rater agrees with itself always")
    kept = {path: _read_labels(path) for path in paths if path.suffix == ".parquet"}
    specs = {spec.name: spec for table in kept.values() for spec in table.schema.findings}
    tables = [kept[path] if path in kept else _read_wide(path, specs or None, findings) for path in paths]
    return [_only(table, path, findings) for table, path in zip(tables, paths, strict=True)] if findings else tables


def _read_labels(path: Path) -> LabelTable:
    try:
        return read_labels(path)
    except SchemaError as error:
        raise SchemaError(f"{path}: {error}") from None


def _read_wide(path: Path, specs: dict[str, FindingSpec] | None, findings: Sequence[str]) -> LabelTable:
    frame = read_table(path)
    for column in ID_COLUMNS:
        if column in frame:
            frame[column] = frame[column].astype(str).map(restore)
    known = specs or {name: FindingSpec(name) for name in findings or _label_columns(frame)}
    if not known:
        columns = ", ".join(map(str, frame.columns))
        raise TableError(f"{path}: no column holds labels (states, or 1, 0, -1, blank); it has: {columns}")
    return LabelTable.from_wide(frame, LabelSchema("findings", tuple(known.values())), source=str(path))


def _label_columns(frame: pd.DataFrame) -> list[str]:
    names = []
    for name in frame.columns:
        cells = frame[name].astype(str).str.strip().str.casefold()
        written = cells[cells != ""]
        if name not in NO_FINDINGS and (written.empty or written.isin(list(SPELLINGS)).mean() >= 0.5):
            names.append(str(name))
    return names


def _only(table: LabelTable, path: Path, findings: Sequence[str]) -> LabelTable:
    names = [name for name in findings if name in table.schema.names]
    if not names:
        raise SchemaError(f"{path}: has none of these findings: {', '.join(findings)}")
    return table.select(table.schema.select(names, name=table.schema.name))
