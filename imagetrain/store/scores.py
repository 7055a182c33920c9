"""Tables of scores from anywhere: ids, labels and scores a finding, as predictions that can be evaluated."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from imagetrain.recipe import ScoreColumns
from imagetrain.records import PARTS, TEST, Predictions
from imagetrain.scales import logits_of
from imagetrain.store.results import LOGIT, SCORE, TARGET, read_predictions
from imagetrain.store.tables import texts_of
from radprompter.compressed import kind_of
from radprompter.errors import TableError
from radprompter.files import list_columns, read_table

Scale = Literal["logit", "probability", "score"]
SCALES: tuple[Scale, ...] = ("logit", "probability", "score")
LABELS: Mapping[str, float] = {
    **dict.fromkeys(("1", "1.0", "true"), 1.0),
    **dict.fromkeys(("0", "0.0", "false"), 0.0),
    **dict.fromkeys(("", "nan", "none", "<na>"), np.nan),
}


class ScoredTable(NamedTuple):
    """Predictions that were read from a table, and what somebody should know of it."""

    predictions: Predictions
    notes: tuple[str, ...]
    absent: tuple[str, ...] = ()  # which of patient, site and part the table does not say


class _Source(NamedTuple):
    """A table under its reading."""

    path: Path
    frame: Any
    first_line: int  # of the first row in the file; 0 where a file has no lines
    ids: Sequence[str]

    def at(self, row: int) -> str:
        place = f"{self.path}:{self.first_line + row}" if self.first_line else f"{self.path}: row {row + 1}"
        return f"{place}: study {self.ids[row]!r}"


def read_scores(path: Path, columns: ScoreColumns | None = None, *, labelled: bool = True) -> ScoredTable:
    """A table of scores: a predictions.parquet of a run, or one row a study with labels and scores of each finding.

    Probabilities become logits. Scores stay in float64, as two that differ must not become equal.

    Parameters
    ----------
    labelled:
        Whether each finding needs a column of labels; without one its labels are not known.

    Raises
    ------
    TableError
        Saying in which line or column something is absent, repeated, or no number or label.
    """
    columns = columns or ScoreColumns()
    frame = read_table(path)
    if {"study_id", "split"} <= set(frame.columns) and any(
        str(name).startswith((LOGIT, SCORE)) for name in frame.columns if TARGET + str(name).partition(":")[2] in frame
    ):
        return ScoredTable(read_predictions(path), ())
    first_line = {".parquet": 0, ".csv": 2}.get(kind_of(path), 1)
    _need(path, frame, columns.study)
    source = _Source(path, frame, first_line, texts_of(frame, [columns.study])[columns.study])
    _refuse_repeated(source, columns.study)
    found = _findings(source, columns, labelled=labelled)
    scales = {scale for _, scale in found.values()}
    if "score" in scales and len(scales) > 1:
        raise TableError(f"{path}: some scores are logits or probabilities and some are neither; evaluate them apart")
    patients, parts = _optional(source, columns.patient, "patient_id"), _parts(source, columns)
    values = [_scores(source, *where) for where in found.values()]
    labels = [_labels(source, columns.label.format(finding=finding), needed=labelled) for finding in found]
    sites = _optional(source, columns.site, "site")
    predictions = Predictions(
        tuple(source.ids),
        tuple(patients or source.ids),
        tuple(sites or [""] * len(frame)),
        tuple(parts or [TEST] * len(frame)),
        tuple(found),
        np.stack(values, axis=1),
        np.stack(labels, axis=1).astype(np.float32),
        scale="score" if "score" in scales else "logit",
    )
    absent = tuple(name for name, said in (("patient", patients), ("site", sites), ("part", parts)) if said is None)
    return ScoredTable(predictions, tuple(_notes(path.name, absent, predictions)), absent)


def _need(path: Path, frame: Any, name: str, about: str = "") -> None:
    if name not in frame.columns:
        raise TableError(f"{path}: no column {name!r}{about}; it has: {list_columns(frame.columns)}")


def _refuse_repeated(source: _Source, column: str) -> None:
    seen: dict[str, int] = {}
    for row, study in enumerate(source.ids):
        if not study.strip():
            raise TableError(f"{source.at(row)}: no {column}: whose row is it?")
        if study in seen:
            where = f"in line {source.first_line + seen[study]}" if source.first_line else f"as row {seen[study] + 1}"
            raise TableError(f"{source.at(row)} stands twice, first {where}; expected one row a study")
        seen[study] = row


def _findings(source: _Source, columns: ScoreColumns, *, labelled: bool) -> dict[str, tuple[str, Scale]]:
    """Finding -> its column of scores, and what these are; in the order of the table."""
    path, frame = source.path, source.frame
    ways = {scale: "{finding}_" + scale for scale in SCALES}
    if columns.score is not None and columns.scale is not None:
        ways = {columns.scale: columns.score}
    found: dict[str, tuple[str, Scale]] = {}
    for name in map(str, frame.columns):
        for scale, template in ways.items():
            before, _, after = template.partition("{finding}")
            finding = name[len(before) : len(name) - len(after)]
            fits = name.startswith(before) and name.endswith(after) and finding
            if fits and template.format(finding=finding) == name and finding not in found:
                found[finding] = (name, columns.scale or scale)
    expected = " or ".join(template.format(finding="fracture") for template in ways.values())
    if columns.findings is not None:
        absent = [finding for finding in columns.findings if finding not in found]
        if absent:
            names = " or ".join(repr(template.format(finding=absent[0])) for template in ways.values())
            raise TableError(f"{path}: no column {names}; it has: {list_columns(frame.columns)}")
        found = {finding: found[finding] for finding in columns.findings}
    if not found:
        raise TableError(
            f"{path}: no column of scores, such as {expected}; it has: {list_columns(frame.columns)}; "
            "evaluate.columns says what columns are called"
        )
    for finding, (name, _) in found.items():
        if labelled:
            hint = f" with the labels of {name!r} (and evaluate.columns.findings says which findings to read)"
            _need(path, frame, columns.label.format(finding=finding), hint)
    return found


def _optional(source: _Source, named: str | None, default: str) -> list[str] | None:
    """A column as text, of which no cell is empty; None if it is neither there nor asked for."""
    if named is None and default not in source.frame.columns:
        return None
    name = named or default
    _need(source.path, source.frame, name)
    texts = texts_of(source.frame, [name])[name]
    for row, text in enumerate(texts):
        if not text.strip():
            raise TableError(f"{source.at(row)} has no {name}")
    return texts


def _parts(source: _Source, columns: ScoreColumns) -> list[str] | None:
    default = "part" if "part" in source.frame.columns else "split"
    texts = _optional(source, columns.part, default)
    if texts is None:
        return None
    parts = [text.strip().casefold() for text in texts]
    for row, part in enumerate(parts):
        if part not in PARTS:
            shown = repr(part) if len(part) <= max(map(len, PARTS)) else "something else"
            raise TableError(f"{source.at(row)}, {columns.part or default}: expected {', '.join(PARTS)}; found {shown}")
    return parts


def _scores(source: _Source, column: str, scale: Scale) -> NDArray[np.float64]:
    """Scores of a finding; logits in place of probabilities."""
    values = _numbers(source.frame[column])
    bad = ~np.isfinite(values)
    if bad.any():
        row = int(np.flatnonzero(bad)[0])
        others = f" ({int(bad.sum())} rows are like that)" if bad.sum() > 1 else ""
        raise TableError(f"{source.at(row)}, {column}: expected a number{others}; a study without a score has no rank")
    if scale != "probability":
        return values
    outside = (values < 0) | (values > 1)
    if outside.any():
        row = int(np.flatnonzero(outside)[0])
        raise TableError(
            f"{source.at(row)}, {column}: expected a probability from 0 to 1, found {values[row]:g}; "
            "are they logits, or scores of another scale? Name the column so, or set evaluate.columns.scale"
        )
    return logits_of(values)


def _numbers(cells: Any) -> NDArray[np.float64]:
    """Cells as they are written, to the last bit; NaN where one is no number."""
    try:
        return np.asarray(cells.to_numpy(dtype=object).astype(np.float64))
    except (TypeError, ValueError):
        return np.array([_number(cell) for cell in cells], dtype=np.float64)


def _number(cell: Any) -> float:
    try:
        return float(cell)
    except (TypeError, ValueError):
        return np.nan


def _labels(source: _Source, column: str, *, needed: bool) -> NDArray[np.float64]:
    if not needed and column not in source.frame.columns:
        return np.full(len(source.frame), np.nan)
    import pandas as pd

    code, levels = pd.factorize(source.frame[column], use_na_sentinel=False)
    cells = [str(level).strip() for level in levels]
    strangers = [place for place, cell in enumerate(cells) if cell.casefold() not in LABELS]
    if strangers:
        row = int(np.flatnonzero(np.isin(code, strangers))[0])
        cell = cells[code[row]]
        found = cell if np.isfinite(_number(cell)) else "other text"
        hint = "; what uncertain (-1) counts as, evaluate.reference can say" if found in ("-1", "-1.0") else ""
        raise TableError(f"{source.at(row)}, {column}: expected 1, 0 or blank, found {found}{hint}")
    return np.array([LABELS[cell.casefold()] for cell in cells])[code]


def _notes(name: str, absent: Sequence[str], predictions: Predictions) -> list[str]:
    notes = []
    if "patient" in absent:
        notes.append(
            f"{name} has no column patient_id: each study counts as a patient of its own, and intervals are too narrow "
            "if some patients have several."
        )
    if "part" in absent:
        notes.append(
            f"{name} has no column part: all studies are tested, and none is left to choose a threshold on, so that "
            "there is no sensitivity, specificity, PPV, NPV and F1."
        )
    if predictions.scale == "score":
        notes.append(
            f"{name} has scores of a scale of their own: they are ranked, but nobody's probability; columns that end "
            "in _probability or _logit have a calibration too."
        )
    return notes
