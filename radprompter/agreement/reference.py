"""A reference table, in whatever form people keep one, as a label table."""

from __future__ import annotations

from typing import TYPE_CHECKING

from radprompter.errors import TableError
from radprompter.label_table import LabelTable
from radprompter.labels import CHEXPERT_CODES, LABELS, Cell, LabelSchema, LabelState

if TYPE_CHECKING:
    import pandas as pd

ID_COLUMNS = ("report_id", "study_id")

SPELLINGS = {
    **{str(state): state for state in LabelState},
    **{str(code): state for state, code in CHEXPERT_CODES.items() if code is not None},
    **{f"{code}.0": state for state, code in CHEXPERT_CODES.items() if code is not None},
    "": LabelState.NOT_MENTIONED,
    "blank": LabelState.NOT_MENTIONED,
    "nan": LabelState.NOT_MENTIONED,
}


def from_wide(frame: pd.DataFrame, schema: LabelSchema, *, source: str) -> LabelTable:
    """A table with one row a report and one column a finding, as a label table of the findings that it shares.

    Cells are states (``positive``) or CheXpert codes (``1``, ``0``, ``-1``, blank).

    Raises
    ------
    TableError
        If there is no id column, no shared finding, a repeated id or a cell that is no state.
    """
    id_column = next((name for name in ID_COLUMNS if name in frame.columns), None)
    if id_column is None:
        raise TableError(
            f"{source}: no column {' or '.join(map(repr, ID_COLUMNS))}; it has: {', '.join(frame.columns)}"
        )
    names = [name for name in schema.names if name in frame.columns]
    if not names:
        raise TableError(
            f"{source}: none of its columns is a finding of schema {schema.name!r}: {', '.join(schema.names)}"
        )
    repeated = frame[id_column][frame[id_column].duplicated()]
    if len(repeated):
        raise TableError(f"{source}: id {repeated.iloc[0]!r} stands in more than one row")
    cells = [
        Cell(str(row[id_column]), name, _state(row[name], where=f"{source}: {row[id_column]}, {name}"), labeler=source)
        for row in frame.to_dict("records")
        for name in names
    ]
    return LabelTable.from_cells(cells, schema.select(names, name=schema.name))


def _state(value: object, *, where: str) -> LabelState:
    state = SPELLINGS.get(str(value).strip().casefold())
    if state is None:
        expected = ", ".join(LABELS)
        raise TableError(f"{where}: expected {expected}, or a code (1, 0, -1, blank); found {str(value)[:20]!r}")
    return state
