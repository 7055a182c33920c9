"""The way of an agreement on one screen: tables from their files, the agreement, its files.

What the tables mean and what is computed of them is `radprompter.agreement`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

from radprompter.agree_inputs import AgreementInputs, read_inputs, read_texts
from radprompter.agree_recipe import AgreeRecipe
from radprompter.agreement.agreeing import agree
from radprompter.agreement.comparing.content import DIFFERENCE_FIELDS, describe_comparison, difference_rows
from radprompter.agreement.comparing.labelers import LabelerComparison, Methods, compare_agreement
from radprompter.agreement.comparing.paper_tables import paper_tables
from radprompter.agreement.content import (
    CONFUSION_FIELDS,
    Earlier,
    confusion_rows,
    describe,
    number_rows,
    read_content,
)
from radprompter.agreement.definitions import find_definition
from radprompter.agreement.disputes import find_disputes
from radprompter.agreement.measuring.numbers import Number
from radprompter.agreement.measuring.resampling import Bootstrap
from radprompter.agreement.page import Part, render_agreements
from radprompter.agreement.report import Agreement
from radprompter.errors import InputError, TableError
from radprompter.files import Parts, digest, json_bytes, read_json, source_digest
from radprompter.recipe import LabelRecipe
from radprompter.spreadsheet import csv_text

AGREEMENT_JSON, PAGE = "agreement.json", "page.html"
OUTPUTS = frozenset({AGREEMENT_JSON, "agreement.csv", "confusions.csv", "tables.md", "differences.csv", PAGE})
"""All files that an agreement may have."""
MOST_SHOWN = 50
"""Reports whose text a page has."""


class AgreementRun(NamedTuple):
    """An agreement, its labelers against each other where there are several, and what both were made of."""

    agreement: Agreement
    comparisons: tuple[LabelerComparison, ...]
    inputs: AgreementInputs

    @property
    def content(self) -> dict[str, Any]:
        """The content of ``agreement.json``."""
        return {**describe(self.agreement), "comparisons": [describe_comparison(one) for one in self.comparisons]}


def agree_files(labels: Path, recipe: AgreeRecipe, *, label: LabelRecipe | None = None) -> AgreementRun:
    """Hold labels, and all other labelers that a recipe names, against its reference.

    Parameters
    ----------
    labels:
        A ``labels.parquet``, or a CSV with one column a finding.
    label:
        The `label` section that says where the reports are, and how their tokens are counted.

    Raises
    ------
    InputError
        If a file cannot be used, or the tables cannot be compared as asked.
    """
    check_definitions(recipe)
    inputs = read_inputs(labels, recipe, label=label)
    agreement = agree(
        inputs.labelers,
        inputs.reference,
        definitions=[find_definition(name) for name in dict.fromkeys(recipe.definitions)] or None,
        least_support=recipe.least_support,
        renames=recipe.match,
        by=recipe.by,
        facts=inputs.facts,
        patient=recipe.patient,
        bootstrap=Bootstrap(recipe.rounds, recipe.seed, recipe.level),
        costs=inputs.costs,
    )
    methods = Methods(mcnemar=recipe.mcnemar, wilcoxon=recipe.wilcoxon, alpha=recipe.alpha)
    return AgreementRun(agreement, compare_agreement(agreement, methods) if recipe.rounds else (), inputs)


def check_definitions(recipe: AgreeRecipe) -> None:
    """Refuse a recipe that names a definition which does not exist.

    Raises
    ------
    InputError
        If it does; the message names all definitions.
    """
    for name in recipe.definitions:
        find_definition(name)


def write_agreement(folder: Path, run: AgreementRun, *, page: bool = False, show_text: bool = False) -> tuple[str, ...]:
    """Write every number as JSON and CSV, the confusion matrices, and a page if asked; the names of the files.

    None of them has a text or an id of a report, but the page with `show_text`, which its owner alone may read. What is
    there of another agreement goes.

    Raises
    ------
    InputError
        If texts are to be shown and nobody says where they are; nothing is written then.
    """
    agreement, comparisons = run.agreement, run.comparisons
    files = {
        AGREEMENT_JSON: json_bytes(run.content),
        "agreement.csv": csv_text(Number._fields, number_rows(agreement)).encode(),
        "confusions.csv": csv_text(CONFUSION_FIELDS, confusion_rows(agreement)).encode(),
        "tables.md": paper_tables(agreement, comparisons).encode(),
    }
    if comparisons:
        files["differences.csv"] = csv_text(DIFFERENCE_FIELDS, difference_rows(comparisons)).encode()
    private: dict[str, bytes] = {}
    if page:
        (private if show_text else files)[PAGE] = render_agreements([part_of(run, show_text=show_text)]).encode()
    of_another = () if _holds(folder / AGREEMENT_JSON, files[AGREEMENT_JSON]) else OUTPUTS - {*files, *private}
    for content, mode, stale in ((files, 0o644, of_another), (private, 0o600, ())):
        with Parts([folder / name for name in (*content, *stale)], mode=mode) as parts:
            for name, text in content.items():
                parts[folder / name].write_bytes(text)
            for name in stale:
                parts.leave_out(folder / name)
            parts.place()
    return (*files, *private)


def part_of(run: AgreementRun, *, show_text: bool = False) -> Part:
    """What a page shows of an agreement; with the texts of the reports that labelers and reference disagree on most.

    Raises
    ------
    InputError
        If texts are to be shown and nobody says where they are.
    """
    if not show_text:
        return Part(run.agreement, run.comparisons)
    if run.inputs.reports is None:
        raise InputError("the reports' texts are not at hand; name them by --recipe or --reports")
    reference = run.inputs.reference
    disputes = find_disputes(run.agreement, {**run.inputs.labelers, reference.name: reference.table})
    texts = read_texts(run.inputs.reports, [report.report_id for report in disputes[:MOST_SHOWN]])
    return Part(run.agreement, run.comparisons, disputes, texts, MOST_SHOWN)


def refuse_other(folder: Path, run: AgreementRun) -> None:
    """Refuse to write over another agreement, or over files of the same names that are of none.

    Raises
    ------
    InputError
        If the folder has such.
    """
    path = folder / AGREEMENT_JSON
    there = [folder / name for name in (AGREEMENT_JSON, *sorted(OUTPUTS)) if (folder / name).exists()]
    if there and not _holds(path, json_bytes(run.content)):
        raise InputError(f"{there[0]}: exists with other content; name another folder, or add --overwrite")


def refuse_file(folder: Path) -> None:
    """Refuse a name for a folder that a file has.

    Raises
    ------
    InputError
        If it, or a folder that it would be in, is a file.
    """
    taken = next((path for path in (folder, *folder.parents) if path.exists()), folder)
    if taken.exists() and not taken.is_dir():
        raise InputError(f"--out {folder}: {taken} is a file; name a folder")


def _holds(path: Path, content: bytes) -> bool:
    return path.is_file() and path.read_bytes() == content


def read_earlier(path: Path) -> Earlier:
    """An ``agreement.json`` that was written before.

    Raises
    ------
    TableError
        If the file is absent, or no agreement.
    """
    if path.is_dir():
        raise TableError(f"{path}: is a folder; name the {AGREEMENT_JSON} in it")
    if not path.is_file():
        raise TableError(f"{path}: no such file; `radprompter agree --out DIR` writes an {AGREEMENT_JSON}")
    try:
        content = read_json(path)
    except ValueError:
        raise TableError(f"{path}: not valid JSON") from None
    return read_content(content, name=str(path))


def agreement_code() -> str:
    """Digest of what computes an agreement and draws its page: what is up to date is so only while it is the same."""
    return digest([source_digest(Path(__file__).parent / name) for name in ("agreement", "pages")])
