"""`imagetrain report`: the page of an evaluation."""

from __future__ import annotations

from radprompter.options import AsJson, OutFolder, RecipePath, Settings
from radprompter.terminal import DONE, console, guarded, print_json, show_progress


@guarded
def report(recipe: RecipePath, settings: Settings = None, out: OutFolder = None, json: AsJson = False) -> int:
    """Write the self-contained HTML page of a recipe's evaluation."""
    from imagetrain.assess import run_report
    from imagetrain.recipe import load_recipe
    from radprompter.shipped import find_recipe

    study = load_recipe(find_recipe(recipe), settings=settings or (), out=out)
    summary = run_report(study, track=show_progress)
    if json:
        print_json(summary)
    else:
        state = "up to date" if summary["up_to_date"] else "written"
        console().print(f"{state}: {summary['page']}", soft_wrap=True, markup=False)
    return DONE
