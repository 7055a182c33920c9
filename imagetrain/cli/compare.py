"""`imagetrain compare`: the tests of runs and sites, finding by finding."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from imagetrain.cli.evaluate import format_p, show_differences
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
        titles = {finding["name"]: finding["title"] for finding in metrics["findings"]}
        for family in ("runs", "sites"):
            _show_tests(metrics["comparisons"][family], family, titles)
        show_differences(metrics)
    return DONE


def _show_tests(compared: Mapping[str, Any], family: str, titles: Mapping[str, str]) -> None:
    from rich.table import Table

    tested = [row for row in compared["rows"] if row["p"] is not None]
    paired = family == "runs"
    title = "two runs on the same studies: paired DeLong" if paired else "inside against outside: unpaired DeLong"
    if not compared["rows"]:
        console().print(f"{title}: nothing to compare ({'one run' if paired else 'one site'})", markup=False)
        return
    table = Table(title=f"{title} (family: {compared['family']}; m = {compared['m']})")
    columns = ("run", "against", "on") if paired else ("run", "on", "against")
    for name in ("finding", *columns):
        table.add_column(name)
    for name in ("AUROC", "AUROC", "difference", "p", "adjusted p"):
        table.add_column(name, justify="right")
    for row in tested:
        about = [row[key] for key in (("run_a", "run_b", "set") if paired else ("run", "set_a", "set_b"))]
        number = row["difference"]
        table.add_row(
            titles[row["finding"]],
            *about,
            f"{row['auroc_a']:.3f}",
            f"{row['auroc_b']:.3f}",
            f"{number['value']:+.3f} ({number['low']:+.3f} to {number['high']:+.3f})",
            format_p(row["p"]),
            format_p(row["p_adjusted"]) + (" *" if row["significant"] else ""),
        )
    console().print(table)
    if compared["n_undefined"]:
        console().print(
            f"  {compared['n_undefined']} more were not tested: too few positives, or undefined", markup=False
        )
    if "caveat" in compared:
        console().print(f"  {compared['caveat']}", markup=False, style="dim")
