"""`radprompter run`: every stage that a recipe names, in order."""

from __future__ import annotations

import functools
import importlib
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from radprompter.options import AsJson, OutFolder, RecipePath, Settings
from radprompter.terminal import DONE, DONE_WITH_FAILURES, console, guarded, print_json, show_progress

if TYPE_CHECKING:
    from radprompter.recipe import StudyRecipe


Stages = dict[str, Callable[..., dict[str, Any]]]


@guarded
def run(recipe: RecipePath, settings: Settings = None, out: OutFolder = None, json: AsJson = False) -> int:
    """Run every stage that a recipe names; skip what is up to date."""
    from radprompter.shipped import find_recipe
    from radprompter.typed_yaml import open_document

    path = find_recipe(recipe)
    several = bool(open_document(path, out=out).data.get("studies"))
    summaries = _run_studies(path, settings, out, json) if several else _run_study(path, settings, out, json)
    if json:
        print_json(summaries)
    found = [summary for name, one in summaries.items() for summary in (one.values() if several else [one])]
    failed = sum(int(summary.get("n_failed", 0)) for summary in found)
    return DONE_WITH_FAILURES if failed else DONE


def _run_study(path: Path, settings: Sequence[str] | None, out: Path | None, json: bool) -> dict[str, Any]:
    study, stages = plan(path, settings, out, json)
    summaries = _run_stages(f"[bold]{study.name}[/]  ->  {study.out}", stages, json)
    if "evaluate" in summaries and not json:
        _show_evaluation(study.out)
    return summaries


def _run_studies(path: Path, settings: Sequence[str] | None, out: Path | None, json: bool) -> dict[str, dict[str, Any]]:
    """Every study of a recipe that names several, all understood before the first begins; then their tables."""
    from radprompter.errors import RecipeError
    from radprompter.recipe import load_recipe
    from radprompter.shipped import find_recipe

    whole = load_recipe(path, out=out)
    plans = {
        name: plan(find_recipe(recipe), settings, whole.out / name, json)
        for name, recipe in (whole.studies or {}).items()
    }
    for name, (study, _) in plans.items():
        if study.studies:
            raise RecipeError(f"{path}: study {name!r} is itself a recipe of `studies`; name those instead")
    summaries: dict[str, dict[str, Any]] = {
        name: _run_stages(f"[bold]{whole.name}: {name}[/]  ->  {study.out}", stages, json)
        for name, (study, stages) in plans.items()
    }
    folders = {name: study.out for name, (study, stages) in plans.items() if "evaluate" in stages}
    if folders:
        tabling = importlib.import_module("imagetrain.tabling")
        stage = {"tables": functools.partial(tabling.run_tables, folders, whole.out / "tables")}
        summaries["tables"] = _run_stages(f"[bold]{whole.name}[/]", stage, json)
        if not json:
            importlib.import_module("imagetrain.cli.tables").show_tables(tabling.tabulate(folders))
    return summaries


def plan(path: Path, settings: Sequence[str] | None, out: Path | None, json: bool) -> tuple[StudyRecipe, Stages]:
    """A recipe as both packages understand it, and its stages, checked before any of them runs."""
    from radprompter.recipe import load_recipe
    from radprompter.stages import STAGES, check_agree, check_label

    # the other package is called by name, since this one never imports it; both are asked before the first stage runs
    training = importlib.import_module("imagetrain.recipe")
    study, training_study = both(
        functools.partial(load_recipe, path, settings=settings or (), out=out),
        functools.partial(training.load_recipe, path, settings=settings or (), out=out),
    )
    check_label(study)
    check_agree(study)
    stages: Stages = {
        name: functools.partial(stage, study) for name, stage in STAGES.items() if getattr(study, name) is not None
    }
    trainer = importlib.import_module("imagetrain.stages")
    if names := trainer.stages_of(training_study):
        importlib.import_module("imagetrain.gathering.sources").check_files(training_study)
        told = {} if json else {"watch": importlib.import_module("imagetrain.cli.curves").Terminal()}
        stages |= {name: functools.partial(trainer.run_stage, name, training_study, **told) for name in names}
    return study, stages


def _run_stages(title: str, stages: Mapping[str, Callable[..., dict[str, Any]]], json: bool) -> dict[str, Any]:
    """The summary of every stage, in order; tells of each unless one line of JSON is wanted."""
    summaries: dict[str, Any] = {}
    if not json:
        console().print(title)
    for name, stage in stages.items():
        started = time.monotonic()
        summaries[name] = stage(track=show_progress)
        if not json:
            _show(name, summaries[name], time.monotonic() - started)
    return summaries


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
