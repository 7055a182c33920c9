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

    path = find_recipe(recipe)
    study = load_recipe(path, settings=settings or (), out=out)
    stages = _labeling_stages(study)
    if study.data is not None:
        stages |= _training_stages(path, settings or [], out)
    summaries: dict[str, Any] = {}
    for name, stage in stages.items():
        started = time.monotonic()
        summaries[name] = stage()
        state = "up to date" if summaries[name].get("up_to_date") else f"done in {time.monotonic() - started:.0f} s"
        if not json:
            console().print(f"[bold]{name:<9}[/] {state:<14} {_line(summaries[name])}", markup=True)
    if json:
        print_json(summaries)
    failed = sum(int(summary.get("n_failed", 0)) for summary in summaries.values())
    return DONE_WITH_FAILURES if failed else DONE


def _labeling_stages(study: Any) -> dict[str, Callable[[], dict[str, Any]]]:
    from radprompter.run import label_reports, write_study

    stages: dict[str, Callable[[], dict[str, Any]]] = {}
    if study.phantom is not None:
        stages["phantom"] = lambda: write_study(study, track=show_progress)
    if study.label is not None:
        stages["label"] = lambda: label_reports(study, track=show_progress).summary
    return stages


def _training_stages(path: Path, settings: list[str], out: Path | None) -> dict[str, Callable[[], dict[str, Any]]]:
    """The stages of `imagetrain`, started by name since this package never imports the other.

    Its recipe is checked here, before the first stage of any kind runs.
    """
    study = importlib.import_module("imagetrain.recipe").load_recipe(path, settings=settings, out=out)
    stages = importlib.import_module("imagetrain.stages")
    return {name: functools.partial(stages.run_stage, name, study, track=show_progress) for name in stages.STAGES}


def _line(summary: dict[str, Any]) -> str:
    return str(summary.get("line", ""))
