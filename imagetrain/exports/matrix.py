"""Tables of classifiers against references: the matrix, its tests, and how the references agree."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from imagetrain.exports.table import MACRO, Table, estimate, finding_of, joined, undefined
from imagetrain.page.formats import decimal, p_value
from imagetrain.page.view import View

AGREEMENT = {"sensitivity": "Sensitivity", "specificity": "Specificity", "kappa": "Kappa", "attenuation": "Attenuation"}


def matrix_table(view: View) -> Table | None:
    """Macro AUROC of each run against each reference, and macro average precision below it."""
    matrix = view.metrics.get("matrix")
    if not matrix:
        return None
    references = matrix["references"]
    cells = {(cell["set"], cell["run"], cell["reference"]): cell for cell in matrix["cells"] if cell["finding"] is None}
    rows, numbers = [], []
    for key, run in dict.fromkeys((where, run) for where, run, _ in cells):
        for name, title in (("auroc", "AUROC"), ("average_precision", "average precision")):
            there = [cells.get((key, run, reference["name"]), {}).get(name) for reference in references]
            numbers += there
            rows.append([view.short_title(key), run, title, *(estimate(number) for number in there)])
    titles = [reference.get("title") or reference["name"] for reference in references]
    about = "; ".join(
        f"{title}: {one['about']}" for title, one in zip(titles, references, strict=True) if one.get("about")
    )
    note = joined(
        f"{view.confidence} intervals in brackets. Columns: what the runs are held against.",
        f"{about}." if about else "",
        view.definition("matrix_auroc"),
        view.definition("matrix_average_precision"),
        undefined(numbers),
    )
    return Table("Classifiers against references", ["Test set", "Run", MACRO, *titles], rows, note, 3)


def matrix_runs_table(view: View) -> Table | None:
    """Tests of two runs against one reference."""

    def about(row: Mapping[str, Any]) -> list[str]:
        return [row["reference"], f"{row['run_a']} − {row['run_b']}"]

    return _tests(view, "rows", "Runs compared against each reference", ("Reference", "Runs"), about, "paired")


def matrix_references_table(view: View) -> Table | None:
    """Tests of one run against two references."""

    def about(row: Mapping[str, Any]) -> list[str]:
        return [row["run"], f"{row['reference_a']} − {row['reference_b']}"]

    columns = ("Run", "References")
    return _tests(view, "columns", "References compared for each run", columns, about, "reference_difference")


def agreement_table(view: View) -> Table | None:
    """How each reference agrees with the first one."""
    found = (view.metrics.get("matrix") or {}).get("agreement") or []
    rows = [
        [
            *(finding_of(view, row), view.short_title(row["set"]), row["reference"], row["against"]),
            *(estimate(row[name], 2) for name in AGREEMENT),
        ]
        for row in found
    ]
    header = ["Finding", "Test set", "Reference", "Held against", *AGREEMENT.values()]
    note = joined(
        f"{view.confidence} intervals in brackets.",
        *(f"{title}: {view.definition(f'reference_{name}')}" for name, title in AGREEMENT.items()),
        undefined([row[name] for row in found for name in AGREEMENT]),
    )
    return Table("Agreement of references", header, rows, note, 4) if rows else None


def _tests(
    view: View,
    family: str,
    title: str,
    columns: tuple[str, str],
    about: Callable[[Mapping[str, Any]], list[str]],
    definition: str,
) -> Table | None:
    """The macro differences, whose p stand for themselves, then the findings, whose p are adjusted together."""
    compared = (view.metrics.get("matrix") or {}).get(family)
    if not compared:
        return None
    found = [row for row in (*compared.get("macro", ()), *compared["rows"]) if row["p"] is not None]
    rows = [
        [
            *(finding_of(view, row), view.short_title(row["set"]), *about(row)),
            *(decimal(row["auroc_a"]), decimal(row["auroc_b"]), estimate(row["difference"], sign=True)),
            *(p_value(row["p"]), p_value(row.get("p_adjusted")) + (" *" if row.get("significant") else "")),
        ]
        for row in found
    ]
    header = ["Finding", "Test set", *columns, "First", "Second"]
    header += [f"Difference ({view.confidence} CI)", "p", "Adjusted p"]
    note = joined(
        view.definition(definition),
        f"{MACRO}: {view.definition('macro_difference')}" if compared.get("macro") else "",
        f"Adjusted p: {view.definition('p_adjusted')}",
        f"Family: {compared['family']}; {compared['m']} tests, {compared['n_significant']} significant (*).",
    )
    return Table(title, header, rows, note, 4) if rows else None
