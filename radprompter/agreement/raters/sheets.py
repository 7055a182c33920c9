"""What raters filled in, as label tables: label tables as they are, and tables with one row a report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from radprompter.agreement.matching.naming import normalise
from radprompter.agreement.matching.wide import STRATUM, WEIGHT, Blank, take_apart
from radprompter.agreement.report import LeftOut
from radprompter.errors import TableError
from radprompter.files import list_columns
from radprompter.label_table import ID_COLUMNS, SPELLINGS, LabelTable
from radprompter.labels import FindingSpec, LabelSchema

if TYPE_CHECKING:
    import pandas as pd

NO_FINDINGS = frozenset({*ID_COLUMNS, WEIGHT, STRATUM, "patient_id"})
"""Columns that hold no findings, though some look like codes."""


class Sheets(NamedTuple):
    """The label table of each rater, columns that could be findings and are left out, and who has unequal weights.

    Weights are of reports that were drawn with unequal chances; coefficients do not use them.
    """

    tables: dict[str, LabelTable]
    left_out: tuple[LeftOut, ...]
    weighted: tuple[str, ...]


def read_sheets(
    sources: Mapping[str, LabelTable | pd.DataFrame],
    *,
    findings: Sequence[str] = (),
    renames: Mapping[str, str] | None = None,
    blank: Blank | None = None,
    id_column: str | None = None,
) -> Sheets:
    """The label tables of raters, by name; a frame of text cells has one row a report and one column a finding.

    The ids are in `id_column` where a frame has it. A frame's findings are those that pair with one of a label table
    (`wide.take_apart`), the columns of which at least half of what is written is a state or a CheXpert code, and those
    that `findings` names. Where there is no label table, a frame may say all four states.

    Raises
    ------
    TableError
        If a frame has no id column, repeats an id, has no column of labels, a cell that is no state, or empty rows of
        which it must be said (`blank`) whether they were read.
    SchemaError
        If a frame shares no finding with the label tables.
    """
    schemas = [source.schema for source in sources.values() if isinstance(source, LabelTable)]
    frames = {name: source for name, source in sources.items() if not isinstance(source, LabelTable)}
    if id_column and not any(id_column in frame.columns for frame in frames.values()):
        raise TableError(f"no table has a column {id_column!r}: {', '.join(frames) or 'all are label tables'}")
    tables: dict[str, LabelTable] = {}
    left_out: list[LeftOut] = []
    weighted: list[str] = []
    for name, source in sources.items():
        if isinstance(source, LabelTable):
            tables[name] = source
            continue
        own = _schemas(source, {*ID_COLUMNS, id_column}, findings, name)
        if not schemas and not own:
            found = list_columns(source.columns)
            raise TableError(f"{name}: no column holds labels (states, or 1, 0, -1, blank); it has: {found}")
        taken = take_apart(
            source,
            [*schemas, *own],
            name=name,
            id_column=id_column if id_column in source.columns else None,
            renames=renames if schemas else None,
            blank=blank,
        )
        tables[name] = taken.table if schemas else replace(taken.table, schema=own[0])
        left_out += taken.left_out
        weighted += [name] if len(set(taken.columns.get(WEIGHT, {}).values())) > 1 else []
    return Sheets(tables, tuple(left_out), tuple(weighted))


def _schemas(frame: pd.DataFrame, ids: set[str | None], findings: Sequence[str], name: str) -> list[LabelSchema]:
    """The findings of a table that nothing else names, if it has any."""
    columns = [str(column) for column in frame.columns if column not in NO_FINDINGS | ids]
    names = [column for column in columns if column in findings or _mostly_labels(frame[column])]
    none = next((column for column in names if normalise(column) == "no finding"), None)
    return [LabelSchema(name, tuple(FindingSpec(column) for column in names), none)] if names else []


def _mostly_labels(cells: pd.Series) -> bool:
    words = cells.astype(str).str.strip().str.casefold()
    written = words[words != ""]
    return bool(written.empty or written.isin(list(SPELLINGS)).mean() >= 0.5)
