"""`radprompter explain`: one report, what the rules make of it, and why."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from radprompter.cli.reports import find_report, recipe_reports
from radprompter.options import AsJson, CompatOption, OutFolder, RecipePath, Settings
from radprompter.terminal import DONE, console, guarded, print_json

if TYPE_CHECKING:
    from collections.abc import Mapping

    from radprompter.explaining import Account
    from radprompter.labels import Cell
    from radprompter.recipe import StudyRecipe
    from radprompter.rules.labeler import Compat


@guarded
def explain(
    recipe: RecipePath,
    report: Annotated[str, typer.Option("--report", metavar="ID", help="Id of the report.")],
    finding: Annotated[
        str | None, typer.Option("--finding", metavar="NAME", help="Explain this finding alone.")
    ] = None,
    html: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write a page, with the report's text, instead of printing.")
    ] = None,
    settings: Settings = None,
    out: OutFolder = None,
    compat: CompatOption = None,
    json: AsJson = False,
) -> int:
    """Show one report of a recipe with what the rules make of each finding, and why; nothing is sent or asked."""
    from radprompter.explaining import explained_page
    from radprompter.files import write_text
    from radprompter.recipe import load_recipe
    from radprompter.shipped import find_recipe

    path = find_recipe(recipe)
    study = load_recipe(path, settings=settings or (), out=out)
    account = _account(study, str(path), report, finding, compat)
    if html is not None:
        write_text(html, explained_page(account, title=study.name))
    if json:
        print_json({"recipe": study.name, **account.content()})
    elif html is None:
        _show(account)
    if html is not None and not json:
        note = "it holds the report's text: keep it where the report may be"
        console().print(f"wrote {html}; {note}", markup=False, soft_wrap=True)
    return DONE


def _account(study: StudyRecipe, recipe: str, report_id: str, finding: str | None, compat: str | None) -> Account:
    from dataclasses import replace
    from typing import cast

    from radprompter.errors import TemplateError
    from radprompter.explaining import explain as explain_report
    from radprompter.labeling.section import label_screening, label_section, label_template
    from radprompter.prompting.sections import left_out
    from radprompter.rules.labeler import RuleLabeler

    section = label_section(study)
    template = replace(label_template(section), screen=label_screening(section))
    own = section.backend.get("compat") if section.backend["name"] == "rules" else None
    labeler = RuleLabeler(template.region, compat=cast("Compat | None", compat or own))
    everything = section.model_copy(
        update={"limit": None, "reports": section.reports.model_copy(update={"only": None})}
    )
    reports = recipe_reports(study.model_copy(update={"label": everything}), recipe)
    whole = find_report(reports, report_id, str(section.reports.path))
    if not labeler.knows(whole.language):
        raise TemplateError(f"report {whole.id!r}: the rules have no lexicon of its language, {whole.language!r}")
    screen = label_screening(section)
    unread = screen(replace(whole, sections=left_out(whole, section.sections))).sections
    beside = _cells(study.out / "label", whole.id)
    chosen = template.choose(whole)
    return explain_report(chosen, labeler, template.region, finding=finding, left_out=unread, beside=beside)


def _cells(folder: Path, report_id: str) -> Mapping[str, Cell]:
    """What the recipe's label table says of a report, by finding, where another labeler than the rules made it."""
    from radprompter.store import LABELS_PARQUET, read_labels

    path = folder / LABELS_PARQUET
    if not path.is_file():
        return {}
    cells = read_labels(path, only=report_id).cells()
    return {cell.finding: cell for cell in cells if not cell.labeler.startswith("rules:")}


def _show(account: Account) -> None:
    from radprompter.explaining import account_lines, text_lines
    from radprompter.explaining.lines import LEGEND
    from radprompter.prompting.preview import describe_omission

    screen = console()
    screen.print(f"report {account.report.id} ({account.report.language}, {account.rules})", style="bold", markup=False)
    for line in describe_omission(account.report):
        screen.print(line, markup=False, style="yellow", soft_wrap=True)
    screen.print("")
    for text in text_lines(account):
        screen.print(text)
    if account.explanation is None:
        screen.print("no words to read: the report is skipped, and has no label", style="yellow")
        return
    for text in account_lines(account):
        screen.print(text, soft_wrap=False)
    screen.print("")
    screen.print(LEGEND, style="bright_black", markup=False)
