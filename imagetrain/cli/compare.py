"""`imagetrain compare`: the tests of runs and sites, finding by finding."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from imagetrain.cli.evaluate import format_p, name_comparison, show_differences
from radprompter.options import AsJson, OutFolder, RecipePath, Settings
from radprompter.terminal import DONE, console, guarded, print_json, show_progress


@guarded
def compare(recipe: RecipePath, settings: Settings = None, out: OutFolder = None, json: AsJson = False) -> int:
    """Compare the runs of a recipe on the same studies, and each run inside and outside; evaluates first if needed."""
    from imagetrain.assess import run_evaluate
    from imagetrain.recipe import load_recipe
    from radprompter.files import read_json
    from radprompter.shipped import find_recipe

    study = load_recipe(find_recipe(recipe), settings=settings or (), out=out)
    summary = run_evaluate(study, track=show_progress)
    metrics = read_json(Path(summary["metrics"]))
    if json:
        print_json(metrics["comparisons"])
    else:
        for family in ("runs", "sites"):
            _show_tests(metrics, family)
        show_differences(metrics)
    return DONE


def _show_tests(metrics: Mapping[str, Any], family: str) -> None:
    from rich.table import Table

    compared, titles = metrics["comparisons"][family], {item["name"]: item["title"] for item in metrics["findings"]}
    if not compared["rows"]:
        console().print("one run: nothing to pair" if family == "runs" else "one site: nothing to hold it against")
        return
    tables: dict[str, Table] = {}
    for row in (row for row in compared["rows"] if row["p"] is not None):
        name = name_comparison(metrics, row)
        if name not in tables:
            tables[name] = Table(title=name)
            tables[name].add_column("finding")
            for column in ("first", "second", "difference", "95 % CI", "p", "adjusted p"):
                tables[name].add_column(_coverage(column, metrics), justify="right")
        number = row["difference"]
        tables[name].add_row(
            titles[row["finding"]],
            f"{row['auroc_a']:.3f}",
            f"{row['auroc_b']:.3f}",
            f"{number['value']:+.3f}",
            f"{number['low']:+.3f} to {number['high']:+.3f}",
            format_p(row["p"]),
            format_p(row["p_adjusted"]) + (" *" if row["significant"] else "  "),
        )
    for table in tables.values():
        console().print(table)
    line = f"m = {compared['m']}: {compared['family']}"
    if compared["n_undefined"]:
        line += f"; {compared['n_undefined']} more were not tested (too few positives, or undefined)"
    console().print(line, markup=False)
    if "caveat" in compared:
        console().print(compared["caveat"], markup=False, style="dim")


def _coverage(column: str, metrics: Mapping[str, Any]) -> str:
    return column.replace("95", f"{100 * (1 - metrics['options']['alpha']):g}")
