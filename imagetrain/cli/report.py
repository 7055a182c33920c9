"""`imagetrain report`: the page of an evaluation."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from radprompter.compressed import ENDINGS
from radprompter.errors import InputError
from radprompter.options import AsJson, OutFolder, Settings
from radprompter.terminal import DONE, console, guarded, print_json, show_progress


@guarded
def report(
    source: Annotated[
        Path,
        typer.Argument(
            metavar="RECIPE|FOLDER",
            help="Recipe file, or name of a shipped one; or the folder of an evaluation.",
        ),
    ],
    settings: Settings = None,
    out: OutFolder = None,
    json: AsJson = False,
) -> int:
    """Write the self-contained HTML page of an evaluation."""
    from imagetrain.assess import run_report
    from imagetrain.recipe import load_recipe, recipe_of_folder
    from radprompter.shipped import find_recipe

    if source.is_file() and source.name.endswith(tuple(ENDINGS)):
        raise InputError(
            f"{source}: is a table; expected a recipe, or the folder of an evaluation (of tables of scores: what "
            "`imagetrain evaluate` wrote)"
        )
    if source.is_dir():
        study = recipe_of_folder(source)
    else:
        study = load_recipe(find_recipe(source), settings=settings or (), out=out)
    summary = run_report(study, track=show_progress)
    if json:
        print_json(summary)
    else:
        state = "up to date" if summary["up_to_date"] else "written"
        console().print(f"{state}: {summary['page']}", soft_wrap=True, markup=False)
    return DONE
