"""`radprompter agree`: label tables against a reference."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NamedTuple

import typer

from radprompter.options import AsJson
from radprompter.terminal import DONE, guarded, print_json

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from radprompter.agree_recipe import AgreeRecipe
    from radprompter.recipe import LabelRecipe

Pairs = list[str] | None


@guarded
def agree(
    labels: Annotated[
        Path | None, typer.Argument(help="labels.parquet that `radprompter label` wrote, or a CSV like the reference.")
    ] = None,
    reference: Annotated[
        Path | None, typer.Argument(help="Reference: CSV with one column a finding, or a labels.parquet.")
    ] = None,
    also: Annotated[
        Pairs, typer.Option("--also", metavar="NAME=FILE", help="Another labeler of the same reports; repeatable.")
    ] = None,
    definition: Annotated[
        Pairs,
        typer.Option("--definition", metavar="NAME", help="Report it by finding; repeatable, the headline first."),
    ] = None,
    least_support: Annotated[
        int | None, typer.Option(help="Cells of a state that the reference must have to count in a mean.")
    ] = None,
    by: Annotated[
        Pairs, typer.Option("--by", metavar="COLUMN", help="Groups: columns, or length; repeatable, or with commas.")
    ] = None,
    match: Annotated[
        Pairs, typer.Option("--match", metavar="OURS=THEIRS", help="A finding that has another name; repeatable.")
    ] = None,
    id_column: Annotated[
        str | None, typer.Option("--id", metavar="COLUMN", help="The reference's column with the report's id.")
    ] = None,
    reference_states: Annotated[
        str | None, typer.Option(metavar="STATES", help="Labels that a CSV can have, if it does not show all.")
    ] = None,
    blank: Annotated[
        str | None, typer.Option(metavar="MEANING", help="An empty cell of a CSV: not_mentioned or no_label.")
    ] = None,
    patient: Annotated[
        str | None, typer.Option(metavar="COLUMN", help="Resampled as a whole; none: reports are. [patient_id]")
    ] = None,
    reports: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Table with more columns of the reports, and their texts.")
    ] = None,
    recipe: Annotated[
        Path | None, typer.Option(metavar="RECIPE", help="Recipe whose `label` section says where the reports are.")
    ] = None,
    rounds: Annotated[int, typer.Option(help="Resamples; 0: no intervals.")] = 1000,
    seed: Annotated[int, typer.Option(help="Of the resamples.")] = 7,
    level: Annotated[float, typer.Option(help="Of the intervals.")] = 0.95,
    mcnemar: Annotated[
        str | None, typer.Option(metavar="METHOD", help="exact, mid_p, chi_squared[_corrected]; auto by the counts.")
    ] = None,
    wilcoxon: Annotated[
        str | None, typer.Option(metavar="METHOD", help="exact, normal_approximation; auto as SciPy chooses.")
    ] = None,
    beside: Annotated[
        Path | None, typer.Option(metavar="FILE", help="An earlier agreement.json: both side by side.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="DIR", help="Write all numbers there, as JSON and CSV.")
    ] = None,
    page: Annotated[bool, typer.Option("--page", help="Write page.html there too, without words of reports.")] = False,
    show_text: Annotated[
        bool, typer.Option("--show-text", help="Show disputed reports on the page: it is patient text.")
    ] = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace another agreement in that folder.")] = False,
    definitions: Annotated[bool, typer.Option("--definitions", help="List the definitions, and nothing else.")] = False,
    json: AsJson = False,
) -> int:
    """Hold label tables against a reference: every number with its definition, its interval, or why it has none."""
    from radprompter.errors import InputError

    if definitions:
        from radprompter.cli.agree_definitions import show_definitions

        show_definitions(as_json=json)
        return DONE
    if labels is None or reference is None:
        raise InputError("name LABELS and REFERENCE; --definitions lists the definitions")
    asked = {
        "reference": reference, "id": id_column, "match": _pairs("--match", match), "blank": blank,
        "reference_states": _parts([reference_states] if reference_states else None),
        "definitions": _parts(definition), "least_support": least_support, "by": _parts(by),
        "also": _pairs("--also", also), "patient": patient, "rounds": rounds, "seed": seed, "level": level,
        "reports": reports, "mcnemar": mcnemar, "wilcoxon": wilcoxon,
    }  # fmt: skip
    if (page and out is None) or (show_text and not page):
        raise InputError("--page needs --out DIR, where it is written, and --show-text needs --page")
    wanted = _Wanted(beside, out, page, show_text, overwrite, json)
    _agree(labels, _section({**asked, "page": page}), _label_section(recipe), wanted)
    return DONE


class _Wanted(NamedTuple):
    """What becomes of an agreement."""

    beside: Path | None
    out: Path | None
    page: bool
    show_text: bool
    overwrite: bool
    json: bool


def _agree(labels: Path, asked: AgreeRecipe, label: LabelRecipe | None, wanted: _Wanted) -> None:
    from radprompter.agree_run import agree_files, read_earlier, refuse_file, refuse_other, write_agreement
    from radprompter.agreement.content import summarise
    from radprompter.cli.agree_beside import show_beside
    from radprompter.cli.agree_shown import show
    from radprompter.cli.agree_words import say

    beside, out = wanted.beside, wanted.out
    if out is not None:
        refuse_file(out)
    earlier = None if beside is None else read_earlier(beside)
    run = agree_files(labels, asked, label=label)
    if earlier is not None:
        from radprompter.agreement.comparing.comparability import basis_of, check_comparable

        headline = run.agreement.definitions[0]
        check_comparable(basis_of(run.agreement.cells, headline, name="this agreement"), earlier.basis)
    names: tuple[str, ...] = ()
    if out is not None:
        if not wanted.overwrite:
            refuse_other(out, run)
        names = write_agreement(out, run, page=wanted.page, show_text=wanted.show_text)
    if wanted.json:
        print_json({**summarise(run.content), "files": [str(out / name) for name in names if out]})
        return
    show(run.agreement, run.comparisons)
    if earlier is not None:
        show_beside(run.agreement, earlier)
    if names:
        note = "; page.html holds reports' text: keep it where they may be" if wanted.show_text else ""
        say(f"wrote {', '.join(names)} to {out}{note}")


def _section(asked: Mapping[str, object]) -> AgreeRecipe:
    """What was asked as the `agree` section of a recipe, whose checks are the same."""
    from radprompter.agree_recipe import AgreeRecipe
    from radprompter.typed_yaml import Document, validate

    return validate(AgreeRecipe, Document("agree", {k: v for k, v in asked.items() if v is not None}, {}))


def _label_section(path: Path | None) -> LabelRecipe | None:
    if path is None:
        return None
    from radprompter.labeling.section import label_section
    from radprompter.recipe import load_recipe
    from radprompter.shipped import find_recipe

    return label_section(load_recipe(find_recipe(path)))


def _parts(values: Sequence[str] | None) -> tuple[str, ...]:
    return tuple(part.strip() for value in values or () for part in value.split(",") if part.strip())


def _pairs(option: str, values: Sequence[str] | None) -> dict[str, str]:
    from radprompter.errors import InputError

    pairs: dict[str, str] = {}
    for value in values or ():
        name, equals, other = value.partition("=")
        if not (name and equals and other):
            raise InputError(f"{option} {value}: expected two names with = between them")
        if name in pairs:
            raise InputError(f"{option} {value}: {name} was named before, as {pairs[name]}")
        pairs[name] = other
    return pairs
