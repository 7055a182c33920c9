"""`imagetrain predict`: a trained run on a table of images."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from imagetrain.cli.cache import list_reasons
from radprompter.options import AsJson, OutFolder, RecipePath, Settings
from radprompter.terminal import DONE, DONE_WITH_FAILURES, console, guarded, print_json, show_progress


@guarded
def predict(
    recipe: RecipePath,
    images: Annotated[
        Path | None, typer.Option(help="Table of images with the columns of data.images; the recipe's own if absent.")
    ] = None,
    run: Annotated[str | None, typer.Option(help="Which trained run; the recipe's first if absent.")] = None,
    settings: Settings = None,
    out: OutFolder = None,
    json: AsJson = False,
) -> int:
    """Predict the findings of new radiographs with a trained run."""
    from imagetrain.prediction import run_predict
    from imagetrain.recipe import load_recipe
    from radprompter.shipped import find_recipe

    study = load_recipe(find_recipe(recipe), settings=settings or (), out=out)
    summary = run_predict(study, run=run, images=images, track=show_progress)
    if json:
        print_json(summary)
    else:
        console().print(summary["line"], markup=False, soft_wrap=True)
        list_reasons(summary["incomplete"], "studies left out")
    return DONE_WITH_FAILURES if summary["n_failed"] else DONE
