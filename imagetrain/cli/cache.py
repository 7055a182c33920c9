"""`imagetrain cache`: radiographs to the pixel cache."""

from __future__ import annotations

from radprompter.options import AsJson, OutFolder, RecipePath, Settings
from radprompter.terminal import DONE, DONE_WITH_FAILURES, console, guarded, print_json, show_progress

SHOWN = 10


@guarded
def cache(recipe: RecipePath, settings: Settings = None, out: OutFolder = None, json: AsJson = False) -> int:
    """Read every radiograph once, at the training size, into the pixel cache."""
    from imagetrain.recipe import load_recipe
    from imagetrain.run import run_cache
    from radprompter.shipped import find_recipe

    study = load_recipe(find_recipe(recipe), settings=settings or (), out=out)
    summary = run_cache(study, track=show_progress)
    if json:
        print_json(summary)
    else:
        state = "up to date" if summary["up_to_date"] else "done"
        console().print(f"cache {state}: {summary['line']}", markup=False)
        for notice in summary["notices"]:
            console(stderr=True).print(f"note: {notice}", markup=False, soft_wrap=True)
        list_reasons(summary["incomplete"], "studies left out")
        list_reasons({file: "; ".join(said) for file, said in summary["warnings"].items()}, "images with warnings")
    return DONE_WITH_FAILURES if summary["n_failed"] else DONE


def list_reasons(reasons: dict[str, str], title: str) -> None:
    """Print the first of some names with their reasons, and how many more there are."""
    if reasons:
        console().print(f"{title}: {len(reasons)}", markup=False)
    for name, reason in list(reasons.items())[:SHOWN]:
        console().print(f"  {name}: {reason}", markup=False, soft_wrap=True)
    if len(reasons) > SHOWN:
        console().print(f"  and {len(reasons) - SHOWN} more", markup=False)
