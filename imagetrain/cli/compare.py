"""`imagetrain compare`: the tests of runs and sites, finding by finding."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from imagetrain.cli.evaluate import format_p, name_comparison, show_differences
from radprompter.options import AsJson, OutFolder, Settings
from radprompter.terminal import DONE, console, guarded, print_json, show_progress

MEASURES = {"sensitivity": "sensitivity", "specificity": "specificity", "f1": "F1"}

Compared = Annotated[
    list[Path],
    typer.Argument(
        metavar="RECIPE | RUN...",
        help="A recipe; or runs of any studies: a run's folder (OUT/train/NAME), a study's folder (OUT: all its runs), "
        "a recipe, or a table of scores.",
    ),
]
Common = Annotated[
    bool, typer.Option("--common", help="Compare on the tested studies and the findings that all runs have.")
]


@guarded
def compare(
    runs: Compared, common: Common = False, settings: Settings = None, out: OutFolder = None, json: AsJson = False
) -> int:
    """Compare runs on the same studies, and those of one recipe inside and outside; evaluates recipes if needed.

    Refused where data, split, labels or definitions differ, with both values of every difference.
    """
    if len(runs) == 1 and _is_recipe(runs[0]) and not common:
        return _compare_recipe(runs[0], settings, out, json=json)
    return _compare_runs(runs, settings, out, common=common, json=json)


def _is_recipe(path: Path) -> bool:
    return path.suffix in (".yaml", ".yml")


def _compare_recipe(recipe: Path, settings: Sequence[str] | None, out: Path | None, *, json: bool) -> int:
    from imagetrain.assess import run_evaluate
    from imagetrain.recipe import load_recipe
    from radprompter.files import read_json
    from radprompter.shipped import find_recipe

    study = load_recipe(find_recipe(recipe), settings=settings or (), out=out)
    metrics = read_json(Path(run_evaluate(study, track=show_progress)["metrics"]))
    if json:
        print_json(metrics["comparisons"])
    else:
        for family in ("runs", "sites"):
            _show_tests(metrics, family)
        _show_calls(metrics)
        show_differences(metrics)
    return DONE


def _compare_runs(
    named: Sequence[Path], settings: Sequence[str] | None, out: Path | None, *, common: bool, json: bool
) -> int:
    from imagetrain.assess import run_evaluate
    from imagetrain.comparing import compare_evaluated
    from imagetrain.recipe import load_recipe
    from radprompter.errors import InputError
    from radprompter.shipped import find_recipe

    if settings or out:
        raise InputError("--set and --out are for a single recipe; evaluate each study with its own, then compare")
    folders = []
    for path in named:
        if _is_recipe(path):
            study = load_recipe(find_recipe(path))
            run_evaluate(study, track=show_progress)
        folders.append(study.out if _is_recipe(path) else path)
    found = compare_evaluated(folders, common=common, track=show_progress)
    if json:
        print_json(found)
        return DONE
    _show_restriction(found)
    _show_settings(found)
    _show_tests(found, "runs")
    _show_calls(found)
    show_differences(found)
    console().print(found["caveat"], markup=False, style="dim")
    return DONE


def _show_restriction(found: Mapping[str, Any]) -> None:
    """Say loudly what was left out to compare on what all have."""
    kept = found["restricted"]
    if kept is None:
        return
    console().print(
        f"[bold yellow]restricted to what all have: {kept['n_studies']} tested studies, "
        f"{len(kept['findings'])} findings[/]"
    )
    for name, left in kept["left_out"].items():
        findings = f" and findings {', '.join(left['findings'])}" if left["findings"] else ""
        console().print(f"  of {name}, {left['n_studies']} tested studies{findings} are left out", markup=False)


def _show_settings(found: Mapping[str, Any]) -> None:
    """What differs between the runs, which is what their difference may come from."""
    from rich.table import Table
    from rich.text import Text

    if found["differs"]:
        table = Table(title="what differs between them", show_lines=False)
        for column in ("", *found["compared"]):
            table.add_column(column, overflow="fold")
        for setting, values in found["differs"].items():
            table.add_row(setting, *(Text(_shorten(values[name])) for name in found["compared"]))
        console().print(table, markup=False)
    if found["unchecked"]:
        names = ", ".join(found["unchecked"])
        console().print(
            f"note: {names}: a table of scores does not say how its labels came about; that was not checked, only that "
            "they are the same",
            markup=False,
            style="yellow",
        )


def _shorten(value: Any) -> str:
    """A value in 40 characters: the end of a path, the beginning of a hash or list."""
    text = "–" if value is None else str(value)
    if len(text) <= 40:
        return text
    return f"...{text[-37:]}" if "/" in text else f"{text[:12]}..."


def _show_tests(metrics: Mapping[str, Any], family: str) -> None:
    from rich.table import Table
    from rich.text import Text

    compared, titles = metrics["comparisons"][family], {item["name"]: item["title"] for item in metrics["findings"]}
    if not compared["rows"]:
        console().print("one run: nothing to pair" if family == "runs" else "one site: nothing to hold it against")
        return
    tables: dict[str, Table] = {}
    for row in (row for row in compared["rows"] if row["p"] is not None):
        name = name_comparison(metrics, row)
        if name not in tables:
            tables[name] = Table(title=Text(name))
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
        console().print(table, markup=False)
    _show_family(compared)


def _show_calls(metrics: Mapping[str, Any]) -> None:
    """Differences of sensitivity, specificity and F1, each with its adjusted p."""
    from rich.table import Table
    from rich.text import Text

    compared, titles = (
        metrics["comparisons"].get("calls"),
        {item["name"]: item["title"] for item in metrics["findings"]},
    )
    if compared is None or not compared["rows"]:
        return
    tables: dict[str, dict[str, dict[str, str]]] = {}
    for row in (row for row in compared["rows"] if row["p"] is not None):
        number = row["difference"]
        limits = "" if number["low"] is None else f" ({number['low']:+.2f} to {number['high']:+.2f})"
        cell = f"{number['value']:+.2f}{limits}\np {format_p(row['p_adjusted'])}{' *' if row['significant'] else '  '}"
        cells = tables.setdefault(name_comparison(metrics, row), {}).setdefault(titles[row["finding"]], {})
        cells[row["measure"]] = cell
    for name, rows in tables.items():
        table = Table(title=Text(f"at frozen thresholds: {name}"))
        table.add_column("finding")
        for column in MEASURES.values():
            table.add_column(f"{column}, adjusted p", justify="right")
        for title, cells in rows.items():
            table.add_row(title, *(cells.get(measure, "–") for measure in MEASURES))
        console().print(table, markup=False)
    _show_family(compared)


def _show_family(compared: Mapping[str, Any]) -> None:
    line = f"m = {compared['m']}: {compared['family']}"
    if compared["n_undefined"]:
        line += f"; {compared['n_undefined']} more were not tested (too few positives, or undefined)"
    console().print(line, markup=False)
    if "caveat" in compared:
        console().print(compared["caveat"], markup=False, style="dim")


def _coverage(column: str, metrics: Mapping[str, Any]) -> str:
    return column.replace("95", f"{100 * (1 - metrics['options']['alpha']):g}")
