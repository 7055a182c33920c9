"""`radprompter run`: every stage that a recipe names, in order."""

from __future__ import annotations

import functools
import importlib
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from radprompter.options import AsJson, OutFolder, RecipePath, Settings
from radprompter.terminal import DONE, DONE_WITH_FAILURES, console, guarded, print_json, show_progress


@guarded
def run(recipe: RecipePath, settings: Settings = None, out: OutFolder = None, json: AsJson = False) -> int:
    """Run every stage that a recipe names; skip what is up to date."""
    from radprompter.recipe import load_recipe
    from radprompter.shipped import find_recipe
    from radprompter.stages import STAGES, check_agree, check_label

    path = find_recipe(recipe)
    # the other package is called by name, since this one never imports it; both are asked before the first stage runs
    training = importlib.import_module("imagetrain.recipe")
    study, training_study = both(
        functools.partial(load_recipe, path, settings=settings or (), out=out),
        functools.partial(training.load_recipe, path, settings=settings or (), out=out),
    )
    check_label(study)
    check_agree(study)
    stages = {
        name: functools.partial(stage, study) for name, stage in STAGES.items() if getattr(study, name) is not None
    }
    if study.data is not None:
        trainer = importlib.import_module("imagetrain.stages")
        told = {} if json else {"watch": importlib.import_module("imagetrain.cli.curves").Terminal()}
        stages |= {name: functools.partial(trainer.run_stage, name, training_study, **told) for name in trainer.STAGES}
    summaries: dict[str, Any] = {}
    if not json:
        console().print(f"[bold]{study.name}[/]  ->  {study.out}")
    for name, stage in stages.items():
        started = time.monotonic()
        summaries[name] = stage(track=show_progress)
        if not json:
            _show(name, summaries[name], time.monotonic() - started)
    if json:
        print_json(summaries)
    elif "evaluate" in summaries:
        _show_evaluation(study.out)
    failed = sum(int(summary.get("n_failed", 0)) for summary in summaries.values())
    return DONE_WITH_FAILURES if failed else DONE


def both(*loads: Callable[[], Any]) -> list[Any]:
    """What each of some loads gives, or one `RecipeError` with the problems of all."""
    from radprompter.errors import RecipeError

    loaded, problems = [], []
    for load in loads:
        try:
            loaded.append(load())
        except RecipeError as error:
            problems += str(error).splitlines()
    if problems:
        raise RecipeError("\n".join(dict.fromkeys(problems)))
    return loaded


def _show(name: str, summary: dict[str, Any], seconds: float) -> None:
    state = "up to date" if summary.get("up_to_date") else f"{seconds:.0f} s"
    console().print(f"[bold]{name:<9}[/] {state:<11} {summary.get('line', '')}", soft_wrap=True)


def _show_evaluation(out: Path) -> None:
    """The evaluation as `imagetrain evaluate` prints it, and where the page is."""
    from radprompter.files import read_json

    importlib.import_module("imagetrain.cli.evaluate").show_metrics(read_json(out / "evaluate" / "metrics.json"))
    console().print(f"page: {out / 'page' / 'report.html'}", soft_wrap=True, markup=False)
