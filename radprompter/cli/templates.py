"""`radprompter templates`: which regions there are, what each finding means, a new one begun, and one checked."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperGroup

from radprompter.options import AsJson
from radprompter.terminal import DONE, REFUSED, console, guarded, print_json

if TYPE_CHECKING:
    from radprompter.region import Region


class RegionOrCommand(TyperGroup):
    """A command group in which what is no command of its own is a region to show, and nothing is the list."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Put `show` before what is neither a command nor a plea for help."""
        if not args or args[0] not in (*self.commands, *ctx.help_option_names):
            args = ["show", *args]
        return super().parse_args(ctx, args)


templates = typer.Typer(cls=RegionOrCommand, add_completion=False, pretty_exceptions_enable=False)
TemplatesFolder = Annotated[Path | None, typer.Option("--templates", metavar="DIR", help="Folder with region folders.")]


@templates.command()
@guarded
def show(
    region: Annotated[str | None, typer.Argument(help="Region folder to show in full.")] = None,
    folder: TemplatesFolder = None,
    language: Annotated[str, typer.Option(help="Language of titles and definitions.")] = "en",
    json: AsJson = False,
) -> int:
    """List the regions, or show the findings of one (`radprompter templates REGION` does the same)."""
    from radprompter.errors import TemplateError
    from radprompter.region import LANGUAGES, load_region, region_names

    if language not in LANGUAGES:
        raise TemplateError(f"--language {language!r}: expected one of {', '.join(LANGUAGES)}")
    if region is not None:
        loaded = load_region(region, templates=folder)
        if json:
            print_json(_summary(loaded) | {"definitions": _definitions(loaded, language)})
        else:
            _show_findings(loaded, language)
        return DONE
    regions = [load_region(name, templates=folder) for name in region_names(folder)]
    if not regions:
        raise TemplateError(f"{folder}: no region folders; a region is a folder with a region.yaml")
    if json:
        print_json({"regions": [_summary(item) for item in regions]})
    else:
        _show_regions(regions, language)
    return DONE


@templates.command()
@guarded
def new(
    region: Annotated[str, typer.Argument(help="Name of the new region, in snake_case.")],
    folder: Annotated[
        Path, typer.Option("--templates", metavar="DIR", help="Folder to write the region folder into.")
    ] = Path("templates"),
) -> int:
    """Write a commented starter folder for a region: two example findings, in English and German."""
    from radprompter.prompting.scaffold import write_starter

    for path in write_starter(region, folder):
        console().print(f"wrote {path}", markup=False, soft_wrap=True)
    console().print(f"edit it, then: radprompter templates check {folder / region}", markup=False, soft_wrap=True)
    console().print(
        f"use it in a recipe: label: {{region: {region}, templates: {folder}}}", markup=False, soft_wrap=True
    )
    return DONE


@templates.command()
@guarded
def check(
    region: Annotated[
        str | None, typer.Argument(help="Region folder, its name, or a folder of regions; all regions if absent.")
    ] = None,
    folder: TemplatesFolder = None,
    json: AsJson = False,
) -> int:
    """Find everything that is wrong with a region folder, at once; exit code 2 if anything is."""
    from radprompter.prompting.check import check_region, find_regions
    from radprompter.rules.examples import folder_problems

    regions = find_regions(region, folder)
    found = {path: [*check_region(path, folder), *folder_problems(path, folder)] for path in regions}
    n_problems = sum(map(len, found.values()))
    if json:
        print_json({"n_problems": n_problems, "problems": {str(path): problems for path, problems in found.items()}})
        return REFUSED if n_problems else DONE
    for path, problems in found.items():
        for problem in problems:
            console().print(problem, markup=False, soft_wrap=True)
        verdict = f"{len(problems)} problem{'' if len(problems) == 1 else 's'}" if problems else "no problem found"
        console().print(f"{path.name}: {verdict}", markup=False, style="red" if problems else "green")
    return REFUSED if n_problems else DONE


def _summary(region: Region) -> dict[str, Any]:
    from radprompter.prompting import STRATEGIES, languages

    return {
        "region": region.name,
        "title": dict(region.title),
        "schema": region.schema.name,
        "n_findings": len(region.findings),
        "findings": list(region.schema.names),
        "languages": list(languages(region)),
        "strategies": list(STRATEGIES),
        "folder": str(region.folders[0]),
    }


def _definitions(region: Region, language: str) -> dict[str, str]:
    return {name: finding.definition.get(language, "") for name, finding in region.findings.items()}


def _show_regions(regions: list[Region], language: str) -> None:
    from rich.table import Table

    table = Table("region", "title", "schema", "findings", "languages", "strategies", box=None, pad_edge=False)
    table.columns[3].justify = "right"
    for region in regions:
        row = _summary(region)
        title = region.title.get(language, "")
        lists = (", ".join(row["languages"]), ", ".join(row["strategies"]))
        table.add_row(region.name, title, region.schema.name, str(row["n_findings"]), *lists)
    console().print(table)
    console().print(
        "\n`radprompter templates REGION` shows the findings of a region; `new REGION` begins one.", style="dim"
    )


def _show_findings(region: Region, language: str) -> None:
    from rich.table import Table

    row = _summary(region)
    out = console()
    out.print(f"{region.title.get(language, region.name)}", style="bold", markup=False)
    out.print(f"schema      {region.schema.name}, {row['n_findings']} findings", markup=False)
    out.print(f"values      {', '.join(region.spelling.values())}", markup=False)
    out.print(f"languages   {', '.join(row['languages']) or 'none is complete'}", markup=False)
    out.print(f"strategies  {', '.join(row['strategies'])}", markup=False)
    out.print(f"folder      {row['folder']}\n", markup=False, soft_wrap=True)
    table = Table("finding", "title", "definition", box=None, pad_edge=False, padding=(0, 2, 1, 0))
    table.columns[0].no_wrap = True
    for name, finding in region.findings.items():
        definition = " ".join(finding.definition.get(language, "").split())
        allowed = region.allowed(name)
        if len(allowed) < len(region.states):
            definition += f" (only: {', '.join(region.spelling[state] for state in allowed)})"
        if finding.implies:
            definition += f" (implies: {', '.join(finding.implies)})"
        if finding.attributes:
            definition += f" (asks: {', '.join(finding.attributes)})"
        for parent, states in finding.depends_on.items():
            definition += f" (only where {parent} is {' or '.join(states)})"
        table.add_row(_plain(name), _plain(finding.title.get(language, "")), _plain(definition))
    out.print(table)


def _plain(text: str) -> Any:
    from rich.text import Text

    return Text(text)
