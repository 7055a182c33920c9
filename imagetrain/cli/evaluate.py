"""`imagetrain evaluate`: the runs of a recipe, or tables of scores, inside and outside."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from imagetrain.cli.matrix_shown import show_matrix
from imagetrain.cli.shift_shown import show_shift
from radprompter.compressed import ENDINGS
from radprompter.errors import InputError
from radprompter.options import AsJson, OutFolder, Settings
from radprompter.terminal import DONE, DONE_WITH_FAILURES, console, guarded, print_json, show_progress

if TYPE_CHECKING:
    from imagetrain.recipe import StudyRecipe


@guarded
def evaluate(
    sources: Annotated[
        list[str],
        typer.Argument(
            metavar="RECIPE|[RUN=]SCORES...",
            help="Recipe file, or name of a shipped one; or tables of scores (CSV, Parquet, JSONL), one a run, called "
            "like its file if it has no name.",
        ),
    ],
    settings: Settings = None,
    out: OutFolder = None,
    json: AsJson = False,
) -> int:
    """Evaluate every run of a recipe, or any tables of scores: AUROC, thresholds and tests, inside and outside."""
    from imagetrain.assess import run_evaluate
    from radprompter.files import read_json

    study = _study(sources, settings or (), out)
    summary = run_evaluate(study, track=show_progress)
    if json:
        print_json(summary)
    else:
        show_metrics(read_json(Path(summary["metrics"])))
        state = "up to date" if summary["up_to_date"] else "written"
        console().print(f"{state}: {summary['metrics']}", soft_wrap=True, markup=False)
    return DONE_WITH_FAILURES if summary["n_failed"] else DONE


def _study(sources: Sequence[str], settings: Sequence[str], out: Path | None) -> StudyRecipe:
    """The recipe that is meant: a file, or one made for tables of scores."""
    from imagetrain.recipe import load_recipe, recipe_of_scores
    from radprompter.shipped import find_recipe

    tables = [source for source in sources if source.endswith(tuple(ENDINGS))]
    if not tables and len(sources) == 1:
        return load_recipe(find_recipe(Path(sources[0])), settings=settings, out=out)
    if strangers := [source for source in sources if source not in tables]:
        raise InputError(f"{strangers[0]}: expected one recipe, or tables of scores alone, such as a=a.csv b=b.parquet")
    scores: dict[str, Path] = {}
    for source in tables:
        named, equals, file = source.partition("=")
        if not equals or "/" in named:
            named, file = Path(source).name.partition(".")[0], source
        if named in scores:
            raise InputError(f"two runs are called {named!r}; call them otherwise: one={scores[named]} two={file}")
        scores[named] = Path(file)
    return recipe_of_scores(scores, settings=settings, out=out)


def show_metrics(metrics: Mapping[str, Any]) -> None:
    """Print an evaluation: macro means, findings, what was left out, and how runs and sites compare."""
    _show_macro(metrics)
    _show_findings(metrics)
    show_differences(metrics)
    show_shift(metrics)
    show_matrix(metrics)
    _show_references(metrics)
    for note in metrics["notes"]:
        console().print(f"note: {note}", style="yellow", markup=False)


def _show_macro(metrics: Mapping[str, Any]) -> None:
    from rich.markup import escape
    from rich.table import Table

    options = metrics["options"]
    title = f"macro AUROC over findings with at least {options['min_positives']} positives"
    table = Table(title=title, min_width=62)
    table.add_column("run")
    macro = {(row["set"], row["run"]): row for row in metrics["macro"]}
    for one in metrics["sets"]:
        table.add_column(f"{escape(one['title'])}\n{one['n_studies']} studies, {one['n_patients']} patients")
    for run in metrics["runs"]:
        cells = []
        for one in metrics["sets"]:
            row = macro[one["key"], run]
            about = f"{row['n_findings']} of {row['n_all_findings']} findings"
            if row["min"] is not None:
                about += f", range {row['min']:.2f}–{row['max']:.2f}"
            cells.append(f"[bold]{_decimal(row['auroc']['value'])}[/] {_limits(row['auroc'])}\n[dim]{about}[/]")
        table.add_row(run, *cells)
    console().print(table)


def _show_findings(metrics: Mapping[str, Any]) -> None:
    from rich.table import Table

    results = {(row["set"], row["run"], row["finding"]): row for row in metrics["results"]}
    table = Table(title="AUROC by finding (n+ positives; ~ too few for the macro mean)", min_width=62)
    table.add_column("finding")
    for one in metrics["sets"]:
        for i, run in enumerate(metrics["runs"]):
            where = "inside" if one["part"] == "test" else one["site"] or "outside"
            table.add_column(f"{where}\n{run}" if i else f"{where}\nn+ │ {run}", justify="right")
    counted = {name for (_, _, name), row in results.items() if row["in_macro"]}
    for finding in sorted(metrics["findings"], key=lambda finding: finding["name"] not in counted):
        cells = []
        for one in metrics["sets"]:
            for i, run in enumerate(metrics["runs"]):
                row = results[one["key"], run, finding["name"]]
                few = row["auroc"]["value"] is not None and not row["in_macro"]
                value = f"{_decimal(row['auroc']['value'])}{'~' if few else ' '}"
                cells.append(value if i else f"{row['n_positive']} │ {value}")
        table.add_row(finding["title"], *cells, style=None if finding["name"] in counted else "dim")
    console().print(table, markup=False)


def show_differences(metrics: Mapping[str, Any]) -> None:
    """Print how runs and sites compare, in one line each, and how many single findings differ."""
    compared = metrics["comparisons"]
    for family, text in (("runs", "runs on the same studies (paired)"), ("sites", "inside against outside (unpaired)")):
        rows = compared[family]["macro"] if family in compared else []
        if not rows:
            continue
        console().print(f"[bold]{text}[/]")
        for row in rows:
            who = name_comparison(metrics, row)
            number = row["difference"]
            if number["value"] is None:
                console().print(f"  {who}: undefined: {number['reason']}", markup=False)
                continue
            p = "" if row["p"] is None else f", p {format_p(row['p'])}"
            console().print(
                f"  {who}: macro AUROC {number['value']:+.3f} {_limits(number, '+')}{p}, {row['n_findings']} findings",
                markup=False,
            )
        console().print(
            f"  single findings: {compared[family]['n_significant']} of {compared[family]['m']} differ "
            "(DeLong, Benjamini-Hochberg)",
            markup=False,
        )


def _show_references(metrics: Mapping[str, Any]) -> None:
    """Print which columns the references were read from, where they are called otherwise."""
    for said in metrics.get("references") or ():
        columns = {finding: names for finding, names in said["columns"].items() if names not in ([], [finding])}
        renamed = "; ".join(f"{finding} is {' or '.join(names)}" for finding, names in columns.items())
        where = f"site {said['site']}" if said["site"] else "test sets"
        line = f"reference of {where}: {said['file']}" + (f" ({renamed})" if renamed else "")
        console().print(line, markup=False, soft_wrap=True)


def name_comparison(metrics: Mapping[str, Any], row: Mapping[str, Any]) -> str:
    """What a comparison is of: two runs on a set, or a run on two sets."""
    titles = {one["key"]: one["title"] for one in metrics["sets"]}
    if "set" in row:
        return f"{row['run_a']} − {row['run_b']}, {titles[row['set']]}"
    return f"{row['run']}, {titles[row['set_a']]} − {titles[row['set_b']]}"


def format_p(p: float) -> str:
    """A p value, never printed as zero."""
    return "<0.001" if p < 0.001 else f"{p:.3f}"


def _decimal(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"


def _limits(number: Mapping[str, Any], sign: str = "") -> str:
    return "" if number["low"] is None else f"({number['low']:{sign}.3f} to {number['high']:{sign}.3f})"
