"""What an agreement is made of, from files: the labelers' tables, the reference, what else is known of the reports."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from radprompter.agree_recipe import AgreeRecipe
from radprompter.agreement.agreeing import PATIENT, Reference
from radprompter.agreement.costs import cost
from radprompter.agreement.matching.groups import LENGTH, Facts
from radprompter.agreement.matching.wide import take_apart
from radprompter.agreement.report import Cost, LeftOut
from radprompter.errors import InputError, TableError
from radprompter.files import list_columns, read_json, read_table
from radprompter.label_table import ID_COLUMNS, LabelTable
from radprompter.labels import FindingSpec, LabelSchema
from radprompter.prompting.tokens import load_counter
from radprompter.recipe import LabelRecipe, Reports
from radprompter.store import LABELS_PARQUET, MANIFEST, read_labels, read_reports

if TYPE_CHECKING:
    import pandas as pd

TEXT_COLUMNS = ("text", "report")
"""Columns of a table of reports that are taken for their text, where it has no findings and no impression."""


class AgreementInputs(NamedTuple):
    """All that an agreement is computed of; `reports` says where the reports' texts are, if anybody does."""

    labelers: Mapping[str, LabelTable]
    reference: Reference
    facts: Facts
    costs: tuple[Cost, ...]
    reports: Reports | None


def read_inputs(labels: Path, recipe: AgreeRecipe, *, label: LabelRecipe | None = None) -> AgreementInputs:
    """The tables that a recipe names, and those of `labels`.

    Parameters
    ----------
    labels:
        A ``labels.parquet``, or a CSV with one column a finding.
    label:
        The `label` section that says where the reports are, and how their tokens are counted.

    Raises
    ------
    InputError
        If a file cannot be used.
    """
    name = table_name(labels)
    if name in recipe.also:
        raise InputError(f"--also {name}={recipe.also[name]}: {name} is what {labels} is called; choose another name")
    paths = {name: labels, **recipe.also}
    files = dict.fromkeys((*paths.values(), recipe.reference))
    frames = {path: read_table(path) for path in files if path.suffix != ".parquet"}
    tables, left_out = _labelers(paths, frames, recipe)
    reference = _reference(frames, recipe, [table.schema for table in tables.values()])
    if reference.name in tables:
        reference = reference.called(str(recipe.reference))
    reference = replace(reference, left_out=(*reference.left_out, *left_out))
    costs = (_cost(who, paths[who], table) for who, table in tables.items())
    facts, reports = _facts(recipe, label)
    return AgreementInputs(tables, reference, facts, tuple(one for one in costs if one is not None), reports)


def read_texts(reports: Reports, wanted: Sequence[str]) -> dict[str, str]:
    """The texts of some reports, by id."""
    asked = set(wanted)
    return {report.id: report.text for report in read_reports(reports) if report.id in asked}


def table_name(path: Path) -> str:
    """What a label table is called: the folder of the run that wrote it, else the file's name without its ending."""
    if path.name != LABELS_PARQUET:
        return path.name.split(".")[0]
    folders = [part for part in path.resolve().parent.parts if part != "label"]
    return folders[-1] if len(folders) > 1 else path.stem


def _labelers(
    paths: Mapping[str, Path], frames: Mapping[Path, pd.DataFrame], recipe: AgreeRecipe
) -> tuple[dict[str, LabelTable], list[LeftOut]]:
    """The labelers' tables; a CSV has its findings by the names that the schemas of the others have.

    Where no table has a schema, all columns of the first are findings that have nothing but states.
    """
    known = {name: read_labels(path) for name, path in paths.items() if path not in frames}
    schemas = [table.schema for table in known.values()]
    if not schemas and recipe.reference not in frames:
        schemas.append(read_labels(recipe.reference).schema)
    tables: dict[str, LabelTable] = {}
    left_out: list[LeftOut] = []
    for name, path in paths.items():
        if name in known:
            tables[name] = known[name]
            continue
        there = [column for column in recipe.match if column in frames[path].columns]
        declared = [LabelSchema("--match", tuple(map(FindingSpec, there)))] if schemas and there else []
        wide = take_apart(
            frames[path],
            [*schemas, *declared],
            name=name,
            id_column=_id_column(frames[path], frames, recipe),
            blank=recipe.blank,
            about_reports=_about_reports(recipe),
        )
        tables[name] = wide.table
        left_out += wide.left_out
        schemas = schemas or [wide.table.schema]
    return tables, left_out


def _reference(frames: Mapping[Path, pd.DataFrame], recipe: AgreeRecipe, schemas: Sequence[LabelSchema]) -> Reference:
    path = recipe.reference
    if path not in frames:
        return Reference(path.name if path.name != LABELS_PARQUET else table_name(path), read_labels(path))
    wide = take_apart(
        frames[path],
        schemas,
        name=path.name,
        id_column=_id_column(frames[path], frames, recipe),
        states=recipe.reference_states,
        renames=recipe.match,
        blank=recipe.blank,
        about_reports=_about_reports(recipe),
    )
    return Reference(path.name, wide.table, Facts(wide.columns), wide.left_out)


def _id_column(frame: pd.DataFrame, frames: Mapping[Path, pd.DataFrame], recipe: AgreeRecipe) -> str | None:
    """The named column, where the table has it or none has."""
    elsewhere = any(recipe.id in other.columns for other in frames.values())
    return None if elsewhere and recipe.id not in frame.columns else recipe.id


def _about_reports(recipe: AgreeRecipe) -> list[str]:
    return [name for name in (*recipe.by, recipe.patient) if name]


def _facts(recipe: AgreeRecipe, label: LabelRecipe | None) -> tuple[Facts, Reports | None]:
    """What the table of reports says of them, and how long they are where that is asked for."""
    if recipe.reports is None and label is None:
        return Facts(), None
    path = recipe.reports or (label.reports.path if label is not None else Path())
    frame = read_table(path)
    reports = label.reports if label is not None and recipe.reports is None else _as_reports(path, frame)
    if reports.id not in frame.columns:
        raise TableError(f"{path}: no column {reports.id!r}; it has: {list_columns(frame.columns)}")
    texts = {reports.text} if isinstance(reports.text, str) else set(reports.text.values())
    _refuse_two_facts(path, frame, reports.id, [*recipe.by, recipe.patient or PATIENT])
    ids = frame[reports.id].astype(str)
    columns = {
        str(column): dict(zip(ids, frame[column].fillna("").astype(str).str.strip(), strict=True))
        for column in frame.columns
        if column != reports.id and column not in texts
    }
    if not texts and LENGTH in recipe.by:
        named = ", ".join(("findings", "impression", *TEXT_COLUMNS))
        raise TableError(f"{path}: --by {LENGTH}: no column of texts ({named}); name the reports by --recipe")
    if LENGTH not in recipe.by:
        return Facts(columns), reports if texts else None
    counter = load_counter(label.tokenizer) if label is not None and label.tokenizer is not None else None
    count = counter.count if counter is not None else (lambda text: len(text.split()))
    lengths = {report.id: sum(map(count, report.sections.values())) for report in read_reports(reports)}
    return Facts(columns, lengths, f"tokens ({counter.name})" if counter is not None else "words"), reports


def _refuse_two_facts(path: Path, frame: pd.DataFrame, key: str, columns: Sequence[str]) -> None:
    """Refuse a table that says two things of a report; rows that say the same, as of its images, are fine."""
    for column in dict.fromkeys(columns):
        if column in frame.columns and column != key:
            ids = frame[[key, column]].drop_duplicates()[key]
            if ids.duplicated().any():
                report = ids[ids.duplicated()].iloc[0]
                raise TableError(f"{path}: report {report!r} stands in rows that differ in {column!r}")


def _as_reports(path: Path, frame: pd.DataFrame) -> Reports:
    """Where a table of reports, of which nothing else is said, has its ids and texts."""
    key = next((name for name in ID_COLUMNS if name in frame.columns), None)
    if key is None:
        raise TableError(f"{path}: no column {' or '.join(map(repr, ID_COLUMNS))}; name the reports by --recipe")
    parts = [name for name in ("findings", "impression") if name in frame.columns]
    text = next((name for name in TEXT_COLUMNS if name in frame.columns), None)
    if parts or text is None:
        return Reports(path=path, id=key, text={name: name for name in parts})
    return Reports(path=path, id=key, text=text)


def _cost(name: str, path: Path, table: LabelTable) -> Cost | None:
    """The cost of a table by the manifest beside it, if that is whole and the manifest of just this table."""
    manifest = path.parent / MANIFEST
    if path.name != LABELS_PARQUET or not manifest.is_file():
        return None
    try:
        said = read_json(manifest)
        of_this = said["n_reports"] == len(table) and said["schema"]["hash"] == table.schema.hash
        return cost(name, said) if of_this else None
    except (KeyError, TypeError, ValueError, AttributeError):
        return None
