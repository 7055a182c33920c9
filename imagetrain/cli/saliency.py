"""`imagetrain saliency`: pictures of where the scores of a finding come from."""

from __future__ import annotations

from typing import Annotated

import typer

from radprompter.options import AsJson, OutFolder, RecipePath, Settings
from radprompter.terminal import DONE, console, guarded, print_json


@guarded
def saliency(
    recipe: RecipePath,
    finding: Annotated[str, typer.Option(help="Which finding.")],
    run: Annotated[str | None, typer.Option(help="Which trained run; the recipe's first if absent.")] = None,
    n: Annotated[int, typer.Option("-n", min=1, help="How many studies of the test part, by the highest scores.")] = 8,
    study: Annotated[list[str] | None, typer.Option(help="This study instead; repeatable.")] = None,
    settings: Settings = None,
    out: OutFolder = None,
    json: AsJson = False,
) -> int:
    """Draw Grad-CAM maps of a finding: a picture a study, and one page."""
    from imagetrain.recipe import load_recipe
    from imagetrain.salience import run_saliency
    from radprompter.shipped import find_recipe

    loaded = load_recipe(find_recipe(recipe), settings=settings or (), out=out)
    summary = run_saliency(loaded, finding=finding, run=run, n=n, studies=study or ())
    if json:
        print_json(summary)
    else:
        console().print(summary["line"], markup=False, soft_wrap=True)
        console().print("A map is no explanation: the page says what it is not.", style="dim")
    return DONE
