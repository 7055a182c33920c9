"""Label tables from files: what a run wrote, and references from elsewhere."""

from __future__ import annotations

from pathlib import Path

from radprompter.errors import SchemaError, TableError
from radprompter.files import read_table
from radprompter.label_table import LabelTable
from radprompter.labels import LabelSchema


def read_labels(path: Path, *, only: str | None = None) -> LabelTable:
    """The label table in a ``labels.parquet``, or its rows about `only` one report.

    Raises
    ------
    TableError
        If the file is absent or no Parquet.
    SchemaError
        If it is no label table.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    if path.is_dir():
        raise TableError(f"{path}: is a folder; name the labels.parquet in it")
    if not path.is_file():
        raise TableError(f"{path}: no such file; `radprompter label` writes it")
    try:
        rows = None if only is None else [("report_id", "==", only)]
        return LabelTable.from_arrow(pq.read_table(path, filters=rows))
    except pa.ArrowInvalid:
        raise TableError(f"{path}: cannot be read as Parquet") from None
    except SchemaError as error:
        raise SchemaError(f"{path}: {error}") from None


def read_reference(path: Path, schema: LabelSchema) -> LabelTable:
    """A reference table for labels of a schema: a ``labels.parquet``, or a table with one column a finding.

    Raises
    ------
    InputError
        If the file is absent or cannot be read, or does not fit the schema.
    """
    if path.suffix == ".parquet":
        return read_labels(path)
    return LabelTable.from_wide(read_table(path), schema, source=str(path))
