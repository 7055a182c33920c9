"""A table with one row a report as a label table: which columns are findings, which say something of the report."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from radprompter.agreement.matching.naming import near, normalise, pair_findings
from radprompter.agreement.report import LeftOut
from radprompter.errors import SchemaError, TableError
from radprompter.files import list_columns
from radprompter.label_arrow import arrow_schema
from radprompter.label_table import ID_COLUMNS, SPELLINGS, LabelTable
from radprompter.labels import LABELS, FindingSpec, LabelSchema, LabelState
from radprompter.spreadsheet import restore

Blank = Literal["not_mentioned", "no_label"]

LEAST_COLUMNS = 3
"""With fewer findings, a row that is empty in all is no sign that nobody read it."""

NO_FINDING = ("no finding", "normal")
"""How the finding that says that there is none is called, where no schema says."""

WEIGHT, STRATUM = "weight", "sampling_stratum"
"""Columns of a reference that was drawn with unequal chances: what a report stands for, what it was drawn from."""


@dataclass(frozen=True, slots=True, eq=False)
class WideTable:
    """A table with one row a report, taken apart.

    `columns` has what is no finding: column -> report -> its text. `left_out` are columns that could be findings and
    are not compared.
    """

    table: LabelTable
    columns: Mapping[str, Mapping[str, str]]
    left_out: tuple[LeftOut, ...]


def take_apart(
    frame: pd.DataFrame,
    schemas: Sequence[LabelSchema],
    *,
    name: str,
    id_column: str | None = None,
    states: Sequence[LabelState] = (),
    renames: Mapping[str, str] | None = None,
    blank: Blank | None = None,
    about_reports: Iterable[str] = (),
) -> WideTable:
    """The findings of a table, by the names that schemas give them, and what else it says of its reports.

    A column is a finding if `pair_findings` pairs it with one of a schema. Of the rest, a column that has nothing but
    states or codes could be a finding under another name: it is left out and listed; without any schema it is one.
    All others are said of the report.

    Parameters
    ----------
    frame:
        Text cells; a finding's are states (``positive``) or CheXpert codes (``1``, ``0``, ``-1``, blank).
    schemas:
        Those of the tables that it is compared with.
    id_column:
        The column of the report's id, else one of `ID_COLUMNS`.
    states:
        What the table can say, as declared. Without, it is what it says: ``positive``, each state that any of its
        findings has, and both ``negative`` and ``not_mentioned`` where it has neither.
    renames:
        Declared pairs, name in the schemas -> column.
    blank:
        What an empty cell of a finding is: ``not_mentioned``, or ``no_label`` where nobody read the report. It must be
        said of a table that has rows without any label, where no other row has an empty cell.
    about_reports:
        Columns that say something of the report, whatever they hold, though one may be a finding, too.

    Raises
    ------
    TableError
        If there is no id column, an id is repeated or empty, a cell of a finding is no state, or it must be said what
        an empty one is.
    SchemaError
        If no column is a finding of any schema, or a column could be two.
    """
    key = _id_column(frame, id_column, name)
    ids = _ids(frame, key, name)
    others = [str(column) for column in frame.columns if column != key]
    about, plain = set(about_reports), {WEIGHT, STRATUM, "patient_id"}
    meant = _meant(others, schemas, renames or {}, name)
    if not schemas:
        meant = {column: normalise(column) in NO_FINDING for column in others if _may_be(frame[column])}
    findings = [column for column in others if column in meant and column not in plain]
    rest = [column for column in others if column not in findings and column not in plain | about]
    suspects = [column for column in rest if _may_be(frame[column])]
    if not findings:
        raise SchemaError(_no_finding(name, schemas, suspects))
    if blank is None:
        _refuse_ambiguous(frame[findings], name)
    cells = {column: _states(frame[column], ids, f"{name}: column {column!r}", blank) for column in findings}
    no_findings = [column for column in findings if meant[column]]
    said = _sayable(cells, [column for column in findings if column not in no_findings] or findings, states)
    alone = {column: _sayable(cells, [column], ()) for column in no_findings}
    specs = tuple(FindingSpec(column, states=alone.get(column, said)) for column in findings)
    schema = LabelSchema(name, specs, no_findings[0] if no_findings else None)
    known = [finding for schema in schemas for finding in schema.names]
    return WideTable(
        _table(cells, ids, schema, name),
        {
            column: dict(zip(ids, map(_text, frame[column]), strict=True))
            for column in others
            if column in about or (column not in findings and column not in suspects)
        },
        tuple(LeftOut(name, column, _unknown(column, known)) for column in suspects),
    )


def _id_column(frame: pd.DataFrame, id_column: str | None, name: str) -> str:
    candidates = (id_column,) if id_column else ID_COLUMNS
    key = next((column for column in candidates if column in frame.columns), None)
    if key is None:
        expected = " or ".join(map(repr, candidates))
        named = "" if id_column else "; name the column of the reports' ids by --id"
        raise TableError(f"{name}: no column {expected}{named}; it has: {list_columns(frame.columns)}")
    return key


def _ids(frame: pd.DataFrame, key: str, name: str) -> list[str]:
    ids = [restore(_text(value)) for value in frame[key]]
    seen: set[str] = set()
    for row, one in enumerate(ids, start=2):
        if not one:
            raise TableError(f"{name}: the id (column {key!r}) of line {row} is empty")
        if one in seen:
            raise TableError(f"{name}: id {one!r} stands in more than one row; a reference has one row a report")
        seen.add(one)
    return ids


def _meant(
    columns: Sequence[str], schemas: Sequence[LabelSchema], renames: Mapping[str, str], name: str
) -> dict[str, bool]:
    """Columns that are findings of a schema, and whether they say that there is none."""
    meant: dict[str, bool] = {}
    theirs = [FindingSpec(column) for column in columns]
    for schema in schemas:
        for pair in pair_findings(schema.findings, theirs, renames=renames, tables=(schema.name, name)):
            meant[pair.theirs] = meant.get(pair.theirs, False) or pair.ours == schema.no_finding
    return meant


def _refuse_ambiguous(cells: pd.DataFrame, name: str) -> None:
    """Refuse a table of which it is not clear whether its empty rows were read."""
    empty = cells.isna() | (cells.astype(str).apply(lambda column: column.str.strip()) == "")
    whole, some = empty.all(axis=1), empty.any(axis=1)
    if len(cells.columns) >= LEAST_COLUMNS and whole.any() and not (some & ~whole).any() and not whole.all():
        raise TableError(
            f"{name}: {int(whole.sum()):,} of {len(cells):,} rows are empty in all findings, and no other row has an "
            "empty cell; say whether nobody read those (--blank no_label) or they mention nothing "
            "(--blank not_mentioned)"
        )


def _states(cells: pd.Series, ids: Sequence[str], where: str, blank: Blank | None) -> NDArray[np.object_]:
    """The state of each cell, ``(n_reports,)``."""
    spellings = {**SPELLINGS, "": LabelState.MISSING} if blank == "no_label" else SPELLINGS
    places, words = pd.factorize(cells, use_na_sentinel=False)
    meanings = np.array([spellings.get(_text(word).casefold()) for word in words], dtype=object)
    states = np.asarray(meanings[places], dtype=object)
    strange = np.flatnonzero(pd.isna(states))
    if strange.size:
        expected = ", ".join(LABELS)
        raise TableError(
            f"{where}, report {ids[strange[0]]!r}: expected {expected}, or a code (1, 0, -1, blank); "
            f"{strange.size} of its {len(states)} cells are something else"
        )
    return states


def _table(cells: Mapping[str, NDArray[np.object_]], ids: Sequence[str], schema: LabelSchema, name: str) -> LabelTable:
    """The cells in long form: all of the first report, then of the next."""
    n_cells, columns = len(ids) * len(cells), arrow_schema(schema)
    known = {
        "report_id": np.repeat(np.array(ids, dtype=object), len(cells)),
        "finding": np.tile(np.array(list(cells), dtype=object), len(ids)),
        "state": np.stack(list(cells.values()), axis=1).reshape(-1),
        "labeler": np.full(n_cells, name, dtype=object),
    }
    arrays = [
        pa.array(known[field.name], field.type) if field.name in known else pa.nulls(n_cells, field.type)
        for field in columns
    ]
    return LabelTable.from_arrow(pa.Table.from_arrays(arrays, schema=columns))


def _sayable(
    cells: Mapping[str, NDArray[np.object_]], findings: Sequence[str], declared: Sequence[LabelState]
) -> tuple[LabelState, ...]:
    seen = set(declared) or {LabelState.POSITIVE, *(state for column in findings for state in pd.unique(cells[column]))}
    if not seen & {LabelState.NEGATIVE, LabelState.NOT_MENTIONED}:
        seen |= {LabelState.NEGATIVE, LabelState.NOT_MENTIONED}
    return tuple(state for state in LABELS if state in seen)


def _may_be(cells: pd.Series) -> bool:
    """Whether a column has nothing but states, and any."""
    words = {_text(cell).casefold() for cell in cells.unique()}
    return words <= SPELLINGS.keys() and bool(words - {"", "nan"})


def _unknown(column: str, known: Sequence[str]) -> str:
    close = near(column, dict.fromkeys(known))
    hint = f"; near it: {', '.join(close)} (--match {close[0]}={column})" if close else ""
    return f"no finding of the labels has this name{hint}"


def _no_finding(name: str, schemas: Sequence[LabelSchema], suspects: Sequence[str]) -> str:
    found = f"its columns of states: {', '.join(suspects)}" if suspects else "it has no column of states"
    known = ", ".join(dict.fromkeys(finding for schema in schemas for finding in schema.names))
    if not schemas:
        return f"{name}: no column holds labels alone (states, or 1, 0, -1, blank)"
    example = f"{schemas[0].names[0]}={suspects[0] if suspects else 'COLUMN'}"
    return (
        f"{name} and the labels have no finding in common; {found}; the labels have: {known}. "
        f"If a column is one of these, say so, such as --match {example}"
    )


def _text(value: object) -> str:
    """A cell as text without blanks around it; nothing as empty text, a whole float as the number it is."""
    if value is None or value != value:  # NaN differs from itself
        return ""
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value).strip()
