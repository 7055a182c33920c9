"""The matrix of runs and references, as the terminal shows it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from radprompter.terminal import console


def show_matrix(metrics: Mapping[str, Any]) -> None:
    """Print the macro AUROC of every run against every reference, and how the references differ from the first."""
    matrix = metrics.get("matrix")
    if not matrix:
        return
    titles = {one["key"]: one["title"] for one in metrics["sets"]}
    for where in matrix["sets"]:
        _show_set(matrix, where, titles[where], metrics["options"]["alpha"])
    for family, text in (("rows", "pairs of runs"), ("columns", "references against the first")):
        compared = matrix[family]
        console().print(
            f"  {text}: {compared['n_significant']} of {compared['m']} differences of single findings are significant "
            "(Benjamini-Hochberg)",
            markup=False,
        )


def _show_set(matrix: Mapping[str, Any], where: str, title: str, alpha: float) -> None:
    from rich.table import Table

    first = matrix["references"][0]["name"]
    cells = {(c["run"], c["reference"]): c for c in matrix["cells"] if c["set"] == where and c["finding"] is None}
    tests = {(row["run"], row["reference_a"]): row for row in matrix["columns"]["macro"] if row["set"] == where}
    kept = {row["reference"]: row for row in matrix["agreement"] if row["set"] == where and row["finding"] is None}
    table = Table(title=f"macro AUROC by reference, {title}", min_width=62)
    table.add_column(f"run\n(difference from {first})")
    for one in matrix["references"]:
        name = one["name"]
        number = kept[name]["kappa"]["value"] if name in kept else None
        table.add_column(f"{one['title']}\n{'' if number is None else f'kappa {number:.2f}'}", justify="right")
    for run in dict.fromkeys(run for run, _ in cells):
        shown = []
        for one in matrix["references"]:
            cell, test = cells[run, one["name"]], tests.get((run, one["name"]))
            value = cell["auroc"]["value"]
            text = "–" if value is None else f"[bold]{value:.3f}[/]"
            if test and test["difference"]["value"] is not None:
                star = "*" if test["p"] is not None and test["p"] < alpha else " "
                text += f" {test['difference']['value']:+.3f}{star}"
            shown.append(text)
        table.add_row(run, *shown)
    console().print(table)
