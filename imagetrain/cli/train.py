"""`imagetrain train`: the runs of a recipe."""

from __future__ import annotations

import os
from typing import Annotated, Any

import typer

from imagetrain.cli.cache import list_reasons
from imagetrain.cli.curves import Terminal
from imagetrain.watching import SILENT
from radprompter.options import AsJson, OutFolder, RecipePath, Settings
from radprompter.terminal import DONE, console, guarded, print_json, show_progress


@guarded
def train(
    recipe: RecipePath,
    settings: Settings = None,
    out: OutFolder = None,
    go_on: Annotated[
        bool,
        typer.Option("--go-on", help="Go on from a checkpoint although the rate or the like has changed."),
    ] = False,
    json: AsJson = False,
) -> int:
    """Train every run of a recipe; one that is up to date is skipped, one that was stopped goes on where it was."""
    from imagetrain.recipe import load_recipe
    from imagetrain.run import run_train
    from radprompter.shipped import find_recipe

    study = load_recipe(find_recipe(recipe), settings=settings or (), out=out)
    if os.environ.get("RANK", "0") != "0":  # one of several processes, of which the first talks
        run_train(study, go_on=go_on)
        return DONE
    summary = run_train(study, go_on=go_on, track=show_progress, watch=SILENT if json else Terminal())
    if json:
        print_json(summary)
    else:
        _show(summary)
    return DONE


def _show(summary: dict[str, Any]) -> None:
    from rich.table import Table

    table = Table(title="trained classifiers")
    for name in (
        "run",
        "model",
        "findings",
        "train / validation / test / external",
        "best epoch",
        "AUROC",
        "",
    ):
        table.add_column(name)
    for name, run in summary["runs"].items():
        parts = " / ".join(str(run["n_studies"].get(part, 0)) for part in ("train", "validation", "test", "external"))
        score = run["validation_auroc"]
        table.add_row(
            name,
            run["model"],
            str(len(run["findings"])),
            parts,
            str(run["best_epoch"] or f"of {len(run['folds'])} folds"),
            "–" if score is None else f"{score:.3f}",
            "up to date" if run["up_to_date"] else f"{run['seconds']:.0f} s",
        )
    console().print(table)
    console().print("AUROC: macro mean on validation, of the labels; see `imagetrain evaluate` for the test sets")
    first = next(iter(summary["runs"].values()))
    list_reasons(first["left_out"], "findings left out")
    list_reasons(first["excluded"], "studies left out")
    console().print(f"leakage: {summary['leakage']}", markup=False)
    console().print(f"written: {', '.join(run['folder'] for run in summary['runs'].values())}", soft_wrap=True)
