"""The matrix of runs and references, as the terminal shows it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from radprompter.terminal import console

MOST_NAMED = 5  # more columns than this have letters, so that their names fit on a line


def show_matrix(metrics: Mapping[str, Any]) -> None:
    """Print the macro AUROC of every run against every reference, and how the references differ from the first."""
    matrix = metrics.get("matrix")
    if not matrix:
        return
    titles = {one["key"]: one["title"] for one in metrics["sets"]}
    for where in matrix["sets"]:
        _show_set(matrix, where, titles[where], metrics["options"]["alpha"])
        for one in (one for one in matrix["left_out"] if one["set"] == where):
            console().print(f"  not in these means: {one['finding']} ({one['reasons']})", style="dim", markup=False)
    for family, text in (("rows", "pairs of runs"), ("columns", "references against the first")):
        compared = matrix[family]
        console().print(
            f"  {text}: {compared['n_significant']} of {compared['m']} differences of single findings are significant "
            "(Benjamini-Hochberg)",
            markup=False,
        )


def _show_set(matrix: Mapping[str, Any], where: str, title: str, alpha: float) -> None:
    from rich.table import Table
    from rich.text import Text

    first = matrix["references"][0]["name"]
    cells = {(c["run"], c["reference"]): c for c in matrix["cells"] if c["set"] == where and c["finding"] is None}
    tests = {(row["run"], row["reference_a"]): row for row in matrix["columns"]["macro"] if row["set"] == where}
    kappas = {row["reference"]: row["kappa"]["value"] for row in matrix["agreement"] if _is_mean(row, where)}
    names = {
        one["name"]: one["title"] + ("" if kappas.get(one["name"]) is None else f"\nkappa {kappas[one['name']]:.2f}")
        for one in matrix["references"]
    }
    many = len(names) > MOST_NAMED
    caption = f"* differs from {first}, p < {alpha:g}" + ("" if many else "; below: by how much")
    table = Table(title=Text(f"macro AUROC by reference, {title}"), caption=Text(caption), min_width=62)
    table.add_column("run", overflow="fold")
    for number, name in enumerate(names.values(), start=1):
        table.add_column(Text(str(number) if many else name), justify="right", no_wrap=many)
    for run in dict.fromkeys(run for run, _ in cells):
        shown = [_cell(cells[run, name], tests.get((run, name)), alpha, brief=many) for name in names]
        table.add_row(Text(run), *shown)
    console().print(table)
    for number, name in enumerate(names.values() if many else (), start=1):
        console().print(f"  {number} {name.replace(chr(10), ', ')}", markup=False)


def _is_mean(row: Mapping[str, Any], where: str) -> bool:
    return row["set"] == where and row["finding"] is None


def _cell(cell: Mapping[str, Any], test: Mapping[str, Any] | None, alpha: float, *, brief: bool) -> str:
    value = cell["auroc"]["value"]
    if value is None:
        return "–"
    differs = test is not None and test["p"] is not None and test["p"] < alpha
    text = f"{value:.3f}{'*' if differs else ' '}"
    if brief or test is None or test["difference"]["value"] is None:
        return text
    return f"{text}\n{test['difference']['value']:+.3f} "
