"""What classifiers are tested against where that is another table than the labels, whatever its columns are called."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from imagetrain.evaluation.comparison.families import few
from imagetrain.recipe import Reference
from imagetrain.records import EXTERNAL, TEST, VALIDATION, Predictions
from imagetrain.store import texts_of
from radprompter.errors import RecipeError, TableError
from radprompter.files import list_columns, read_table
from radprompter.label_table import SPELLINGS, LabelTable
from radprompter.labels import LabelState

if TYPE_CHECKING:
    import pandas as pd

UNKNOWN = few([], 1)  # how an evaluation says that no label of a finding is known
BLANK = "blank"
BLANKS = ("", "nan", "none", "<na>")
STATES: Mapping[str, str] = (
    {text: str(state) for text, state in SPELLINGS.items()}
    | {"true": str(LabelState.POSITIVE), "false": str(LabelState.NEGATIVE)}
    | dict.fromkeys(BLANKS, BLANK)
)


@dataclass(frozen=True, slots=True, eq=False)
class ReferenceTable:
    """A table that a recipe names as a reference.

    Parameters
    ----------
    recipe:
        What names it, and says how it is read.
    frame:
        A row a study, in text: states, CheXpert codes or blanks; one column a finding, and perhaps others.
    rows:
        Study -> its row.
    """

    recipe: Reference
    frame: pd.DataFrame
    rows: Mapping[str, int]


@dataclass(frozen=True, slots=True, eq=False)
class ReferenceTargets:
    """What a reference says of studies that classifiers were tested on.

    Parameters
    ----------
    path:
        Where that stands.
    targets:
        float32 ``(n_studies, n_findings)``: 1, 0, or NaN where it is not known, and for studies that were not asked.
    columns:
        Finding -> the columns that it was read from; none if it has no counterpart there.
    """

    path: Path
    targets: NDArray[np.float32]
    columns: Mapping[str, tuple[str, ...]]


def load_reference(reference: Reference, predictions: Predictions) -> ReferenceTargets:
    """What a reference says of the tested studies (internal and external); raises as `look_up` and `read_reference`."""
    return look_up(read_reference(reference), predictions, tested(predictions))


def read_reference(reference: Reference) -> ReferenceTable:
    """The table of a reference.

    Raises
    ------
    TableError
        If it cannot be read, lacks the id column or repeats a study.
    SchemaError
        If it is a label table whose rows do not fit its schema.
    """
    frame = _labels(reference.path)
    if frame is None:
        frame = read_table(reference.path, required=[reference.id])
        frame.index = texts_of(frame, [reference.id])[reference.id]
    ids = [str(study) for study in frame.index]
    rows = {study: i for i, study in enumerate(ids)}
    if len(rows) != len(ids):
        twice = next(study for i, study in enumerate(ids) if rows[study] != i)
        raise TableError(f"{reference.path}: study {twice!r} has more than one row")
    return ReferenceTable(reference, frame.reset_index(drop=True), rows)


def tested(predictions: Predictions) -> list[int]:
    """Rows of the studies that are tested, inside or outside."""
    return [i for i, part in enumerate(predictions.parts) if part in (TEST, EXTERNAL)]


def look_up(table: ReferenceTable, predictions: Predictions, rows: Sequence[int]) -> ReferenceTargets:
    """What a reference says of some studies, in the findings of a classifier.

    Raises
    ------
    RecipeError
        If the recipe maps a finding that the classifier does not have.
    TableError
        If the reference lacks every finding, a mapped column, or a study; or has a cell that is no label.
    """
    path, columns = table.recipe.path, _columns(table, predictions.findings)
    absent = [predictions.study_ids[i] for i in rows if predictions.study_ids[i] not in table.rows]
    if absent:
        raise TableError(f"{path}: {len(absent)} of {len(rows)} tested studies have no row, such as {absent[0]!r}")
    wanted = np.array([table.rows[predictions.study_ids[i]] for i in rows], dtype=np.intp)
    read = {name: _states(table, name) for name in dict.fromkeys(name for names in columns.values() for name in names)}
    values = {name: _values(states[wanted], name, table.recipe) for name, states in read.items()}
    targets = np.full(predictions.targets.shape, np.nan, dtype=np.float32)
    for f, names in enumerate(columns.values()):
        if names:
            targets[rows, f] = _any([values[name] for name in names])
    return ReferenceTargets(path, targets, columns)


class Held(NamedTuple):
    """Runs with the targets of references, and what these are: site, or None for the common one, -> what it said."""

    runs: dict[str, Predictions]
    references: dict[str | None, ReferenceTargets]


def hold_against(
    runs: Mapping[str, Predictions], reference: Reference | None, sites: Mapping[str, Reference] | None = None
) -> Held:
    """Predictions whose test and external targets come from references.

    The labels of training and validation stay, unless validation has none at all: then it has those of the common
    reference, where that knows its studies.

    Parameters
    ----------
    sites:
        Site -> its own reference, which holds there in place of the common one.

    Raises
    ------
    InputError
        As `read_reference` and `look_up`, and if no tested study is of a site that has a reference.
    """
    named: dict[str | None, Reference] = {None: reference} if reference else {}
    named.update(sites or {})
    held, used = dict(runs), {}
    for site, one in named.items():
        table = read_reference(one)
        for name, run in held.items():
            rows = [i for i in tested(run) if (run.sites[i] if run.sites[i] in named else None) == site]
            if site is not None and not rows:
                there = ", ".join(sorted({run.sites[i] for i in tested(run)}))
                raise RecipeError(f"evaluate.sites: no tested study is of site {site!r}; there are: {there}")
            if site is None:
                rows += _unlabelled_validation(run, table)
            said = used[site] = look_up(table, run, rows)
            targets = run.targets.copy()
            targets[rows] = said.targets[rows]
            held[name] = replace(run, targets=targets)
    return Held(held, used)


def _unlabelled_validation(run: Predictions, table: ReferenceTable) -> list[int]:
    rows = [i for i, part in enumerate(run.parts) if part == VALIDATION]
    if not np.isnan(run.targets[rows]).all():
        return []
    return [i for i in rows if run.study_ids[i] in table.rows]


def explain_references(metrics: dict[str, Any], references: Mapping[str | None, ReferenceTargets]) -> None:
    """Add to metrics, in place, which columns the references were read from, and why a finding is not known there."""
    metrics["references"] = []
    for site, said in references.items():
        without = [finding for finding, names in said.columns.items() if not names]
        columns = {finding: list(names) for finding, names in said.columns.items()}
        metrics["references"].append({"site": site, "file": said.path.name, "columns": columns})
        sets = [one for one in metrics["sets"] if (one["site"] if one["site"] in references else None) == site]
        reason = f"no counterpart in the reference {said.path.name}"
        keys = {one["key"] for one in sets}
        compared = [row for family in metrics["comparisons"].values() for row in family["rows"]]
        rows = [row for row in (*metrics["results"], *compared) if {row.get("set"), row.get("set_b")} & keys]
        rows += [item for macro in metrics["macro"] if macro["set"] in keys for item in macro["excluded"]]
        for row in rows:
            if row["finding"] in without:
                _explain(row, reason)
        if without and sets:
            where = " and ".join(one["title"] for one in sets)
            metrics["notes"].append(f"N{reason[1:]} ({where}): {', '.join(without)}; not known there.")


def _explain(row: dict[str, Any], reason: str) -> None:
    for name, value in row.items():
        if isinstance(value, dict):
            _explain(value, reason)
        elif isinstance(value, str):
            row[name] = value.replace(UNKNOWN, reason)


def _labels(path: Path) -> pd.DataFrame | None:
    """The states of a labels.parquet with a row a report; None of another table."""
    if path.suffix != ".parquet" or not path.is_file():
        return None
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        if not {"report_id", "finding", "state"} <= set(pq.read_schema(path).names):
            return None
        return LabelTable.from_arrow(pq.read_table(path)).wide()
    except (pa.ArrowInvalid, OSError):
        raise TableError(f"{path}: not a Parquet file, or a damaged one") from None


def _columns(table: ReferenceTable, findings: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """Finding -> its columns in a reference."""
    path, named, there = table.recipe.path, table.recipe.findings, set(table.frame.columns)
    if strangers := [name for name in named if name not in findings]:
        raise RecipeError(f"{path}: no classifier has the finding {strangers[0]!r}, only {', '.join(findings)}")
    found: dict[str, tuple[str, ...]] = {}
    for finding in findings:
        names = named.get(finding, finding if finding in there else ())
        found[finding] = (names,) if isinstance(names, str) else names
    lacking = [name for names in found.values() for name in names if name not in there]
    if lacking:
        raise TableError(f"{path}: no column {lacking[0]!r}; it has: {list_columns(table.frame.columns)}")
    if not any(found.values()):
        raise TableError(
            f"{path}: has none of the findings ({', '.join(findings)}); its columns are "
            f"{list_columns(table.frame.columns)}; which is which can be said by the key `findings` of the reference"
        )
    return found


def _states(table: ReferenceTable, column: str) -> NDArray[Any]:
    """The cells of a column as names of states, or `BLANK`."""
    import pandas as pd

    code, levels = pd.factorize(table.frame[column], use_na_sentinel=False)
    states = [STATES.get(str(level).strip().casefold()) for level in levels]
    if None in states:
        place = int(np.flatnonzero(code == states.index(None))[0])
        study = next(study for study, row in table.rows.items() if row == place)
        raise TableError(
            f"{table.recipe.path}: study {study!r}, {column}: expected 1, 0 or blank, or a state "
            "(positive, negative, uncertain or -1, not_mentioned); found another value"
        )
    return np.array(states, dtype=object)[code]


def _values(states: NDArray[Any], column: str, recipe: Reference) -> NDArray[np.float32]:
    doubted = (states == str(LabelState.UNCERTAIN)).any()
    if recipe.not_mentioned is None and doubted and (states == BLANK).any():
        raise TableError(
            f"{recipe.path}: {column} has uncertain labels and blank cells: is a blank not mentioned, or not known? "
            "Say so by the key `not_mentioned` of the reference: negative, or ignore"
        )
    counts_as = {"positive": 1.0, "negative": 0.0, "ignore": np.nan}
    values = {
        str(LabelState.POSITIVE): 1.0,
        str(LabelState.NEGATIVE): 0.0,
        str(LabelState.UNCERTAIN): counts_as[recipe.uncertain],
        str(LabelState.NOT_MENTIONED): counts_as[recipe.not_mentioned or "negative"],
        BLANK: counts_as[recipe.not_mentioned or "ignore"],
    }
    known, code = np.unique(states.astype(str), return_inverse=True)
    return np.array([values.get(state, np.nan) for state in known], dtype=np.float32)[code]


def _any(columns: Iterable[NDArray[np.float32]]) -> NDArray[np.float32]:
    """1 where any column is, 0 where all are, else NaN."""
    stacked = np.stack(list(columns), axis=1)
    known = np.where((stacked == 0).all(axis=1), np.float32(0), np.float32(np.nan))
    return np.where((stacked == 1).any(axis=1), np.float32(1), known)
