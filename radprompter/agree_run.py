"""The way of an agreement on one screen: tables from their files, the agreement, its files.

What the tables mean and what is computed of them is `radprompter.agreement`; this module has the files.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from radprompter.agree_recipe import AgreeRecipe
from radprompter.agreement.agreeing import Reference, agree
from radprompter.agreement.comparing import LabelerComparison, Methods, compare_labelers
from radprompter.agreement.content import (
    CONFUSION_FIELDS,
    Earlier,
    confusion_rows,
    describe,
    number_rows,
    read_content,
)
from radprompter.agreement.costs import cost
from radprompter.agreement.definitions import find_definition
from radprompter.agreement.groups import LENGTH, Facts
from radprompter.agreement.numbers import Number
from radprompter.agreement.report import Agreement, Cost
from radprompter.agreement.resampling import Bootstrap
from radprompter.agreement.wide import WideTable, take_apart
from radprompter.errors import InputError, TableError
from radprompter.files import json_bytes, read_json, read_table, source_digest, write_json, write_text
from radprompter.label_table import ID_COLUMNS, LabelTable
from radprompter.labels import LabelSchema
from radprompter.prompting.tokens import load_counter
from radprompter.recipe import LabelRecipe, Reports
from radprompter.store import LABELS_PARQUET, MANIFEST, csv_text, read_labels, read_reports

if TYPE_CHECKING:
    import pandas as pd

AGREEMENT_JSON, AGREEMENT_CSV, CONFUSIONS_CSV = "agreement.json", "agreement.csv", "confusions.csv"
TEXT_COLUMNS = ("text", "report")
"""Columns of a table of reports that are taken for their text, where it has no findings and no impression."""


def agree_with(labels: Path, recipe: AgreeRecipe, *, label: LabelRecipe | None = None) -> Agreement:
    """The agreement of labels, and of all other labelers that a recipe names, with its reference.

    Parameters
    ----------
    labels:
        A ``labels.parquet``.
    label:
        The `label` section that says where the reports are, and how their tokens are counted.

    Raises
    ------
    InputError
        If a file cannot be used, or the tables cannot be compared as asked.
    """
    check_definitions(recipe)
    name = table_name(labels)
    paths = {name: labels, **recipe.also}
    if len(paths) == len(recipe.also):
        raise InputError(f"--also {name}={recipe.also[name]}: {name} is what {labels} is called; choose another name")
    tables = _labelers(paths, recipe)
    reference = _reference(recipe, [table.schema for table in tables.values()])
    return agree(
        tables,
        reference,
        definitions=[find_definition(each) for each in recipe.definitions] or None,
        least_support=recipe.least_support,
        renames=recipe.match,
        by=recipe.by,
        facts=_facts(recipe, label),
        patient=recipe.patient,
        bootstrap=Bootstrap(recipe.rounds, recipe.seed, recipe.level),
        costs=[found for who in tables if (found := _cost(who, paths[who], tables[who]))],
    )


def check_definitions(recipe: AgreeRecipe) -> None:
    """Refuse a recipe that names a definition which does not exist.

    Raises
    ------
    InputError
        If it does; the message names all definitions.
    """
    for name in recipe.definitions:
        find_definition(name)


def write_agreement(folder: Path, agreement: Agreement) -> tuple[str, ...]:
    """Write every number as JSON and CSV, and the confusion matrices; the names of the files.

    None of them has a report's text or id.
    """
    write_json(folder / AGREEMENT_JSON, describe(agreement))
    write_text(folder / AGREEMENT_CSV, csv_text(Number._fields, number_rows(agreement)))
    write_text(folder / CONFUSIONS_CSV, csv_text(CONFUSION_FIELDS, confusion_rows(agreement)))
    return AGREEMENT_JSON, AGREEMENT_CSV, CONFUSIONS_CSV


def refuse_other(folder: Path, agreement: Agreement) -> None:
    """Refuse to write over another agreement.

    Raises
    ------
    InputError
        If the folder has one with other content.
    """
    path = folder / AGREEMENT_JSON
    if path.exists() and json_bytes(describe(agreement)) != path.read_bytes():
        raise InputError(f"{path}: exists with other content; name another folder, or add --overwrite")


def read_earlier(path: Path) -> Earlier:
    """An ``agreement.json`` that was written before.

    Raises
    ------
    TableError
        If the file is absent, or no agreement.
    """
    if not path.is_file():
        raise TableError(f"{path}: no such file; `radprompter agree --out DIR` writes an {AGREEMENT_JSON}")
    try:
        content = read_json(path)
    except ValueError:
        raise TableError(f"{path}: not valid JSON") from None
    return read_content(content, name=str(path))


def compare_all(agreement: Agreement) -> LabelerComparison | None:
    """The labelers against each other under the headline; None if there is one alone, or nothing was resampled."""
    if len(agreement.cells.labelers) < 2 or not agreement.bootstrap.rounds:
        return None
    methods = Methods(level=agreement.bootstrap.level)
    return compare_labelers(agreement.cells, agreement.measured, agreement.definitions[0], methods)


def agreement_code() -> str:
    """Digest of the code that computes an agreement: what is up to date is so only while it is the same."""
    return source_digest(Path(__file__).parent / "agreement")


def table_name(path: Path) -> str:
    """What a label table is called: the folder of the run that wrote it, else the file's name without its ending."""
    if path.name != LABELS_PARQUET:
        return path.name.split(".")[0]
    folders = [part for part in path.resolve().parent.parts if part != "label"]
    return folders[-1] if len(folders) > 1 else path.stem


def _labelers(paths: Mapping[str, Path], recipe: AgreeRecipe) -> dict[str, LabelTable]:
    """The labelers' tables; a CSV has its findings by the names that the first table gives them."""
    first = read_labels(next(iter(paths.values())))
    tables = {}
    for number, (name, path) in enumerate(paths.items()):
        if number == 0:
            tables[name] = first
        elif path.suffix == ".parquet":
            tables[name] = read_labels(path)
        else:
            frame = read_table(path)
            tables[name] = take_apart(frame, [first.schema], name=name, blank=recipe.blank).table
    return tables


def _reference(recipe: AgreeRecipe, schemas: Sequence[LabelSchema]) -> Reference:
    path = recipe.reference
    if path.suffix == ".parquet":
        return Reference(path.name if path.name != LABELS_PARQUET else table_name(path), read_labels(path))
    wide: WideTable = take_apart(
        read_table(path),
        schemas,
        name=path.name,
        id_column=recipe.id,
        states=recipe.reference_states,
        renames=recipe.match,
        blank=recipe.blank,
        about_reports=[name for name in (*recipe.by, recipe.patient) if name],
    )
    return Reference(path.name, wide.table, Facts(wide.columns), wide.left_out)


def _facts(recipe: AgreeRecipe, label: LabelRecipe | None) -> Facts:
    """What the table of reports says of them, and how long they are where that is asked for."""
    if recipe.reports is None and label is None:
        return Facts()
    path = recipe.reports or (label.reports.path if label is not None else Path())
    frame = read_table(path)
    reports = label.reports if label is not None and recipe.reports is None else _as_reports(path, frame)
    texts = {reports.text} if isinstance(reports.text, str) else set(reports.text.values())
    ids = frame[reports.id].astype(str)
    columns = {
        str(column): dict(zip(ids, frame[column].fillna("").astype(str).str.strip(), strict=True))
        for column in frame.columns
        if column != reports.id and column not in texts
    }
    if LENGTH not in recipe.by:
        return Facts(columns)
    counter = load_counter(label.tokenizer) if label is not None and label.tokenizer is not None else None
    count = counter.count if counter is not None else (lambda text: len(text.split()))
    lengths = {report.id: sum(map(count, report.sections.values())) for report in read_reports(reports)}
    return Facts(columns, lengths, f"tokens ({counter.name})" if counter is not None else "words")


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
    """The cost of a table by the manifest beside it, if that is the manifest of just this table."""
    manifest = path.parent / MANIFEST
    if path.name != LABELS_PARQUET or not manifest.is_file():
        return None
    said = read_json(manifest)
    of_this = said.get("n_reports") == len(table) and said.get("schema", {}).get("hash") == table.schema.hash
    return cost(name, said) if of_this else None
