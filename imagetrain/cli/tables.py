"""`imagetrain tables`: several evaluated studies side by side, as a paper has them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from radprompter.options import AsJson
from radprompter.terminal import DONE, console, guarded, print_json

if TYPE_CHECKING:
    from imagetrain.exports.table import Table

Studies = Annotated[
    list[str],
    typer.Argument(metavar="[NAME=]STUDY...", help="Recipes that are evaluated, or their output folders."),
]
Folder = Annotated[Path | None, typer.Option("--out", metavar="DIR", help="Also write the tables there, as files.")]

SHORT = ("studies", "labels", "macro", "differences")
"""Tables that a terminal has room for, whatever the number of findings."""


@guarded
def tables(studies: Studies, out: Folder = None, json: AsJson = False) -> int:
    """Put evaluated studies side by side: macro AUROC and range, differences and adjusted p, what was left out."""
    from imagetrain.tabling import name_studies, tabulate, write_tables

    found = tabulate(name_studies(studies))
    if out is not None:
        write_tables(found, out)
    if json:
        print_json(found)
        return DONE
    show_tables(found, short=out is not None)
    if out is not None:
        console().print(f"written: {out}", soft_wrap=True, markup=False)
    return DONE


def show_tables(found: Mapping[str, Any], *, short: bool = True) -> None:
    """Print the tables of several evaluated studies; if `short`, without those that have a row a finding."""
    from imagetrain.exports.several import tables_of

    made = tables_of(found)
    for name in SHORT if short else made:
        if made[name].rows:
            _show(made[name])


def _show(table: Table) -> None:
    from rich import table as rich_tables

    drawn = rich_tables.Table(title=table.title, title_justify="left", min_width=62)
    for column in table.header:
        drawn.add_column(column)
    for row in table.grouped():
        drawn.add_row(*row)
    console().print(drawn, markup=False)
    console().print(table.note, style="dim", markup=False)
