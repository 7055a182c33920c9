"""`radprompter label`: reports in, label table out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from radprompter.options import AsJson, OutFolder, RecipePath, Settings
from radprompter.terminal import DONE, DONE_WITH_FAILURES, console, guarded, print_json, show_progress


@guarded
def label(recipe: RecipePath, settings: Settings = None, out: OutFolder = None, json: AsJson = False) -> int:
    """Label the reports of a recipe; run it again to go on after a stop."""
    from radprompter.recipe import load_recipe
    from radprompter.run import label_reports
    from radprompter.shipped import find_recipe

    study = load_recipe(find_recipe(recipe), settings=settings or (), out=out)
    run = label_reports(study, track=show_progress)
    folder = study.out / "label"
    if json:
        print_json({**run.summary, "folder": str(folder)})
    else:
        _show(run.summary, run.table.counts())
        more = "attributes.csv, " if (folder / "attributes.csv").is_file() else ""
        console().print(f"wrote {folder}/labels.parquet, labels.csv, failures.csv, {more}manifest.json", markup=False)
    return DONE_WITH_FAILURES if run.summary["n_failed"] else DONE


def _show(summary: Mapping[str, Any], counts: Mapping[str, Mapping[str, int]]) -> None:
    from rich.table import Table

    from radprompter.records import NO_TEXT

    seen = [state for state, number in summary["states"].items() if number]
    table = Table(title="up to date" if summary["up_to_date"] else None, title_justify="left", box=None)
    table.add_column("finding")
    for state in seen:
        table.add_column(state.replace("_", " "), justify="right")
    for finding, states in counts.items():
        table.add_row(finding, *(f"{states[state]:,}" for state in seen))
    table.add_section()
    table.add_row("all", *(f"{summary['states'][state]:,}" for state in seen), style="bold")
    console().print(table)
    console().print(summary["line"], markup=False)
    requests, tokens = summary["requests"], summary["tokens"]
    console().print(
        f"{requests['asked']:,} asked, {requests['from_journal']:,} from the journal; "
        f"{tokens['prompt']:,} + {tokens['completion']:,} tokens; {summary['seconds']:,.1f} s"
    )
    if summary["n_skipped"]:
        console().print(f"reports without text, skipped: {summary['n_skipped']:,}")
    for kind, number in summary["failures"].items():
        if kind != NO_TEXT:
            console().print(f"failed requests ({kind}): {number:,}", markup=False, style="yellow")
    if summary["n_failed"]:
        console().print(f"reports without a full answer, in failures.csv: {summary['n_failed']:,}", style="yellow")
