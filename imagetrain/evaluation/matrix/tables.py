"""The matrix of runs and references as CSV: its cells, its tests, and how its references agree."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from radprompter.spreadsheet import csv_text

MACRO = "macro mean"
LIMITS = ("value", "low", "high")
AGREEMENT = ("sensitivity", "specificity", "kappa", "attenuation")


def matrix_table(metrics: Mapping[str, Any]) -> str:
    """AUROC and average precision of every run against every reference, finding by finding and macro."""
    numbers = ("auroc", "average_precision")
    rows = [
        [
            *(cell[key] for key in ("set", "run", "reference")),
            cell["finding"] or MACRO,
            *(cell.get(key) for key in ("n", "n_positive", "prevalence", "n_findings")),
            *(cell[name][key] for name in numbers for key in LIMITS),
            cell["auroc"].get("reason") or cell.get("excluded_because"),
        ]
        for cell in metrics["matrix"]["cells"]
    ]
    header = ["set", "run", "reference", "finding", "n", "n_positive", "prevalence", "n_findings"]
    return csv_text([*header, *(column for name in numbers for column in _limits(name)), "remark"], rows)


def tests_table(metrics: Mapping[str, Any]) -> str:
    """Tests of two runs against one reference, and of one run against two references."""
    made = []
    for family, compared in (("two runs", "rows"), ("two references", "columns")):
        for row in (*metrics["matrix"][compared]["rows"], *metrics["matrix"][compared]["macro"]):
            runs = (row["run"], row["run"]) if "run" in row else (row["run_a"], row["run_b"])
            references = [row.get("reference") or row[f"reference_{side}"] for side in "ab"]
            number = row["difference"]
            made.append(
                [
                    *(family, row["set"], *runs, *references, row.get("finding") or MACRO, number["n"]),
                    *(row.get(key) for key in ("auroc_a", "auroc_b", "auroc_expected")),
                    *(number[key] for key in LIMITS),
                    *(row["p"], row.get("p_adjusted"), number.get("reason")),
                ]
            )
    about = ["compared", "set", "run_a", "run_b", "reference_a", "reference_b", "finding", "n"]
    values = ["auroc_a", "auroc_b", "auroc_a_expected", *_limits("difference"), "p", "p_adjusted", "remark"]
    return csv_text([*about, *values], made)


def references_table(metrics: Mapping[str, Any]) -> str:
    """How each reference agrees with the first one."""
    rows = [
        [
            *(row["set"], row["reference"], row["against"], row["finding"] or MACRO),
            *(row[key] for key in ("n", "n_positive", "n_positive_against")),
            *(row[name][key] for name in AGREEMENT for key in LIMITS),
        ]
        for row in metrics["matrix"]["agreement"]
    ]
    header = ["set", "reference", "against", "finding", "n", "n_positive", "n_positive_against"]
    return csv_text([*header, *(column for name in AGREEMENT for column in _limits(name))], rows)


MATRIX_TABLES: Mapping[str, Callable[[Mapping[str, Any]], str]] = {
    "matrix.csv": matrix_table,
    "matrix_tests.csv": tests_table,
    "references_compared.csv": references_table,
}
"""Name of a file -> what makes its text from metrics that have a matrix."""


def _limits(name: str) -> tuple[str, str, str]:
    return name, f"{name}_low", f"{name}_high"
