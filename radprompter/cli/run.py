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

Stages = dict[str, Callable[[], dict[str, Any]]]


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
    if not json:
        console().print(f"[bold]{study.name}[/]  ->  {study.out}")
    for name, stage in stages.items():
        started = time.monotonic()
        summaries[name] = stage()
        if not json:
            _show(name, summaries[name], time.monotonic() - started)
    if json:
        print_json(summaries)
    elif "evaluate" in summaries:
        _show_evaluation(study.out)
    failed = sum(int(summary.get("n_failed", 0)) for summary in summaries.values())
    return DONE_WITH_FAILURES if failed else DONE


def _labeling_stages(study: Any) -> Stages:
    from radprompter.stages import STAGES

    return {
        name: functools.partial(stage, study, track=show_progress)
        for name, stage in STAGES.items()
        if getattr(study, name) is not None
    }


def _training_stages(path: Path, settings: list[str], out: Path | None) -> Stages:
    """The stages of `imagetrain`, started by name since this package never imports the other.

    Its recipe is checked here, before the first stage of any kind runs.
    """
    study = importlib.import_module("imagetrain.recipe").load_recipe(path, settings=settings, out=out)
    stages = importlib.import_module("imagetrain.stages")
    return {name: functools.partial(stages.run_stage, name, study, track=show_progress) for name in stages.STAGES}


def _show(name: str, summary: dict[str, Any], seconds: float) -> None:
    state = "up to date" if summary.get("up_to_date") else f"{seconds:.0f} s"
    console().print(f"[bold]{name:<9}[/] {state:<11} {summary.get('line', '')}", soft_wrap=True)


def _show_evaluation(out: Path) -> None:
    """The evaluation as `imagetrain evaluate` prints it, and where the page is."""
    from radprompter.files import read_json

    importlib.import_module("imagetrain.cli.evaluate").show_metrics(read_json(out / "evaluate" / "metrics.json"))
    console().print(f"page: {out / 'page' / 'report.html'}", soft_wrap=True, markup=False)
