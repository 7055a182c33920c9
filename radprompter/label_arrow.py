"""Cells as Arrow columns: the types of a ``labels.parquet``, whatever the cells hold."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from radprompter.labels import CELL_FIELDS, AttributeValue, Cell, LabelSchema, LabelState

if TYPE_CHECKING:
    import pyarrow as pa

SCHEMA_KEY = b"radprompter.schema"

ATTRIBUTES = "attributes"
"""The column with the attributes of a cell as JSON, null where none are asked; older tables lack it."""

NUMBERS = ("p_positive", "p_negative", "p_uncertain")
TRUTHS = ("evidence_found",)
TEXTS = tuple(name for name in CELL_FIELDS if name not in (*NUMBERS, *TRUTHS))


def arrow_schema(schema: LabelSchema) -> pa.Schema:
    """The columns of a label table with their types; the findings are in the metadata."""
    import pyarrow as pa

    types = {**dict.fromkeys(TEXTS, pa.string()), **dict.fromkeys(NUMBERS, pa.float64()),
             **dict.fromkeys(TRUTHS, pa.bool_())}  # fmt: skip
    fields = [(name, types[name]) for name in CELL_FIELDS]
    return pa.schema(fields, metadata={SCHEMA_KEY: schema.to_json().encode()})


def arrow_table(cells: Sequence[Cell], columns: pa.Schema) -> pa.Table:
    """Cells as rows, in their order; `columns` is an `arrow_schema`."""
    import pyarrow as pa

    values: dict[str, list[Any]] = {name: [getattr(cell, name) for cell in cells] for name in CELL_FIELDS}
    values[ATTRIBUTES] = [_as_json(attributes) if attributes else None for attributes in values[ATTRIBUTES]]
    arrays = [pa.array(values[name], columns.field(name).type, from_pandas=True) for name in CELL_FIELDS]  # NaN is null
    return pa.Table.from_arrays(arrays, schema=columns)


def read_cells(table: pa.Table) -> Iterator[Cell]:
    """Inverse of `arrow_table`, a few thousand rows at a time."""
    for batch in table.to_batches(max_chunksize=4096):
        for row in batch.to_pylist():
            attributes = tuple(_read_attribute(item) for item in json.loads(row[ATTRIBUTES] or "[]"))
            yield Cell(**{**row, "state": LabelState(row["state"]), ATTRIBUTES: attributes})


def _as_json(attributes: tuple[AttributeValue, ...]) -> str:
    return json.dumps([asdict(value) for value in attributes], ensure_ascii=False)


def _read_attribute(item: dict[str, Any]) -> AttributeValue:
    value = item["value"]
    return AttributeValue(**{**item, "value": tuple(value) if isinstance(value, list) else value})
