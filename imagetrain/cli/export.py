"""`imagetrain export`: a trained run as ONNX."""

from __future__ import annotations

from typing import Annotated

import typer

from radprompter.options import AsJson, OutFolder, RecipePath, Settings
from radprompter.terminal import DONE, console, guarded, print_json

TOLERANCE = 1e-3


@guarded
def export(
    recipe: RecipePath,
    run: Annotated[str | None, typer.Option(help="Which trained run; the recipe's first if absent.")] = None,
    tolerance: Annotated[
        float, typer.Option(min=0, help="Largest difference of logits between ONNX and torch on cached images.")
    ] = TOLERANCE,
    settings: Settings = None,
    out: OutFolder = None,
    json: AsJson = False,
) -> int:
    """Write a trained run as model.onnx, if it gives the same logits there."""
    from imagetrain.exporting import run_export
    from imagetrain.recipe import load_recipe
    from radprompter.shipped import find_recipe

    study = load_recipe(find_recipe(recipe), settings=settings or (), out=out)
    summary = run_export(study, run=run, tolerance=tolerance)
    if json:
        print_json(summary)
    else:
        console().print(summary["line"], markup=False, soft_wrap=True)
    return DONE
