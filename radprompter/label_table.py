"""The label table: one state per report and finding, in long form, with the evidence for each."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from radprompter.errors import SchemaError, TableError
from radprompter.label_arrow import (
    ATTRIBUTES,
    NUMBERS,
    SCHEMA_KEY,
    TEXTS,
    TRUTHS,
    arrow_schema,
    arrow_table,
    read_cells,
)
from radprompter.labels import CELL_FIELDS, CHEXPERT_CODES, LABELS, Cell, LabelSchema, LabelState, Projection

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

ATTRIBUTE_FIELDS = ("report_id", "finding", "attribute", "value", "unit", "status", "written")
"""The columns of attributes in long form."""

ID_COLUMNS = ("report_id", "study_id")

SPELLINGS = {
    **{str(state): state for state in LabelState},
    **{str(code): state for state, code in CHEXPERT_CODES.items() if code is not None},
    **{f"{code}.0": state for state, code in CHEXPERT_CODES.items() if code is not None},
    "": LabelState.NOT_MENTIONED,
    "blank": LabelState.NOT_MENTIONED,
    "nan": LabelState.NOT_MENTIONED,
}


@dataclass(frozen=True, slots=True, eq=False)
class LabelTable:
    """One state per report and finding, with its evidence.

    Parameters
    ----------
    schema:
        The findings, in order.
    frame:
        Long form with the columns `CELL_FIELDS`, sorted by report (as in the input) and finding (as in
        the schema); ``len(frame) == n_reports * len(schema.names)``.
    """

    schema: LabelSchema
    frame: pd.DataFrame

    @classmethod
    def from_cells(cls, cells: Iterable[Cell], schema: LabelSchema) -> LabelTable:
        """Build a table from cells.

        Raises
        ------
        SchemaError
            If a report lacks a finding, has one twice, or has one that is not in the schema.
        """
        return cls._from_rows(arrow_table(list(cells), arrow_schema(schema)), schema)

    @classmethod
    def from_wide(
        cls, frame: pd.DataFrame, schema: LabelSchema, *, source: str, id_column: str | None = None
    ) -> LabelTable:
        """A table with one row a report and one column a finding, for the findings that it shares with a schema.

        Cells are states (``positive``) or CheXpert codes (``1``, ``0``, ``-1``, blank). `source` names the table in
        errors and in the column `labeler`; the id is in `id_column`, else in one of `ID_COLUMNS`.

        Raises
        ------
        TableError
            If there is no id column, no shared finding, a repeated id or a cell that is no state.
        """
        candidates = (id_column,) if id_column else ID_COLUMNS
        key = next((name for name in candidates if name in frame.columns), None)
        if key is None:
            expected = " or ".join(map(repr, candidates))
            raise TableError(f"{source}: no column {expected}; it has: {', '.join(map(str, frame.columns))}")
        names = [name for name in schema.names if name in frame.columns]
        if not names:
            raise TableError(f"{source}: no column is a finding of {schema.name!r}: {', '.join(schema.names)}")
        repeated = frame[key][frame[key].duplicated()]
        if len(repeated):
            raise TableError(f"{source}: id {repeated.iloc[0]!r} stands in more than one row")
        cells = [
            Cell(str(row[key]), name, _state(row[name], where=f"{source}: {row[key]}, {name}"), labeler=source)
            for row in frame.to_dict("records")
            for name in names
        ]
        return cls.from_cells(cells, schema.select(names, name=schema.name))

    @property
    def report_ids(self) -> tuple[str, ...]:
        """Ids of the reports, in the order of the input."""
        return tuple(self.frame["report_id"].iloc[:: len(self.schema.names)])

    def wide(self) -> pd.DataFrame:
        """States with one row a report and one column a finding, shape ``(n_reports, n_findings)``."""
        import pandas as pd

        states = self.frame["state"].to_numpy(dtype=object).reshape(-1, len(self.schema.names))
        return pd.DataFrame(states, index=pd.Index(self.report_ids, name="report_id"), columns=list(self.schema.names))

    def complete(self) -> pd.Series:
        """Whether every cell of a report is a label; a boolean a report."""
        return self.wide().isin([str(state) for state in LABELS]).all(axis=1)

    def codes(self) -> pd.DataFrame:
        """CheXpert codes (1, 0, -1, ``NA``) of the complete reports, dtype ``Int8``, one column a finding."""
        import pandas as pd

        wide = self.wide()[self.complete()]
        codes = {str(state): pd.NA if code is None else code for state, code in CHEXPERT_CODES.items()}
        return pd.DataFrame({name: wide[name].map(codes).astype("Int8") for name in wide}, index=wide.index)

    def counts(self) -> dict[str, dict[str, int]]:
        """Cells per finding and state; the numbers sum to reports times findings."""
        table = self.frame.groupby(["finding", "state"], sort=False).size()
        return {
            name: {str(state): int(table.get((name, str(state)), 0)) for state in LabelState}
            for name in self.schema.names
        }

    def attributes(self) -> pd.DataFrame:
        """Attributes in long form, one row each, with the columns `ATTRIBUTE_FIELDS`; empty where none are asked.

        `value` is a text, a number or a list of either, and ``None`` unless `status` is ``answered``.
        """
        import pandas as pd

        asked = self.frame[self.frame[ATTRIBUTES].notna()]
        columns = (asked["report_id"], asked["finding"], asked[ATTRIBUTES])
        rows = [
            (report_id, finding, item["name"], item["value"], item["unit"], item["status"], item["written"])
            for report_id, finding, text in zip(*columns, strict=True)
            for item in json.loads(text)
        ]
        return pd.DataFrame(rows, columns=list(ATTRIBUTE_FIELDS), dtype=object)

    def project(self, projection: Projection) -> pd.DataFrame:
        """States after a projection, one column a finding; masked and unlabelled cells are ``None``."""
        import pandas as pd

        mapping = {str(k): None if v is None else str(v) for k, v in projection.states.items()}
        wide = self.wide()
        rows = [[mapping.get(state) for state in row] for row in wide.to_numpy(dtype=object)]
        return pd.DataFrame(rows, index=wide.index, columns=wide.columns, dtype=object)

    def select(self, schema: LabelSchema) -> LabelTable:
        """The same reports under a schema whose findings are among this one's."""
        frame = self.frame[self.frame["finding"].isin(schema.names)]
        return LabelTable(schema, _ordered(frame, schema))

    def to_arrow(self) -> pa.Table:
        """An Arrow table that carries the schema in its metadata."""
        import pyarrow as pa

        columns = arrow_schema(self.schema)
        table = pa.Table.from_pandas(self.frame, columns, preserve_index=False)
        return table.replace_schema_metadata(columns.metadata)  # without what pandas adds

    def cells(self) -> Iterator[Cell]:
        """Inverse of `from_cells`: all cells of the first report, then of the next."""
        return read_cells(self.to_arrow())

    @classmethod
    def from_arrow(cls, table: pa.Table) -> LabelTable:
        """Inverse of `to_arrow`.

        Raises
        ------
        SchemaError
            If the table was not written by `to_arrow`, or its rows do not fit its schema.
        """
        metadata = table.schema.metadata or {}
        if SCHEMA_KEY not in metadata or not set(CELL_FIELDS) <= {*table.column_names, ATTRIBUTES}:
            raise SchemaError(
                "this is not a label table: it lacks the schema or the columns that `radprompter label` writes"
            )
        return cls._from_rows(table, LabelSchema.from_json(metadata[SCHEMA_KEY].decode()))

    @classmethod
    def _from_rows(cls, table: pa.Table, schema: LabelSchema) -> LabelTable:
        frame: pd.DataFrame = table.select([name for name in CELL_FIELDS if name in table.column_names]).to_pandas()
        if ATTRIBUTES not in frame:
            frame[ATTRIBUTES] = None
        return cls(schema, _ordered(_typed(frame), schema))

    def __len__(self) -> int:
        return len(self.frame) // len(self.schema.names)

    def __repr__(self) -> str:
        return (
            f"LabelTable({self.schema.name}: {len(self)} reports x {len(self.schema.names)} findings)\n{self.wide()!r}"
        )

    def _repr_html_(self) -> str:
        """A table for notebooks."""
        return str(self.wide().to_html(max_rows=20))


def _state(value: object, *, where: str) -> LabelState:
    state = SPELLINGS.get(str(value).strip().casefold())
    if state is None:
        expected = ", ".join(LABELS)
        text = str(value)
        found = repr(text) if _looks_meant(text) else f"{len(text)} characters of other text"
        raise TableError(f"{where}: expected {expected}, or a code (1, 0, -1, blank); found {found}")
    return state


def _looks_meant(text: str) -> bool:
    """Whether a cell is a number or nearly a state: other text may be of a report, which no error quotes."""
    near = difflib.get_close_matches(text.strip().casefold(), SPELLINGS, n=1, cutoff=0.75)
    return bool(near) or (len(text) <= 20 and not any(letter.isalpha() for letter in text))


def _typed(frame: pd.DataFrame) -> pd.DataFrame:
    """The columns with one dtype each, whatever the cells were; a text that is not there is None."""
    types = {**dict.fromkeys(TEXTS, "object"), **dict.fromkeys(NUMBERS, "float64"), **dict.fromkeys(TRUTHS, "boolean")}
    typed = frame.astype(types)
    for name in TEXTS:
        typed[name] = typed[name].where(typed[name].notna(), None)
    return typed


def _ordered(frame: pd.DataFrame, schema: LabelSchema) -> pd.DataFrame:
    """Rows by report, then by finding, after checking that each report has each finding once."""
    import pandas as pd

    known = set(schema.names)
    strangers = sorted(set(frame["finding"]) - known)
    if strangers:
        raise SchemaError(f"findings that schema {schema.name!r} does not have: {', '.join(strangers)}")
    per_report = frame.groupby("report_id", sort=False)["finding"].agg(["size", "nunique"])
    bad = per_report[(per_report["size"] != len(known)) | (per_report["nunique"] != len(known))]
    if len(bad):
        raise SchemaError(
            f"{len(bad)} reports lack a finding of {schema.name!r} or have one twice; the first is {bad.index[0]!r}"
        )
    order = pd.Categorical(frame["finding"], categories=list(schema.names), ordered=True).codes
    report = pd.factorize(frame["report_id"])[0]
    rank = pd.Series(report.astype("int64") * len(known) + order, index=frame.index)
    return frame.loc[rank.sort_values(kind="stable").index].reset_index(drop=True)
