"""The tables of an evaluation as CSV: one row a finding, set and run, or one row a test."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from radprompter.spreadsheet import csv_text

NUMBERS = ("auroc", "average_precision", "sensitivity", "specificity", "ppv", "npv", "f1")


CALIBRATION = ("in_the_large", "slope", "intercept", "brier", "ece")
OF_GROUPS = ("auroc", "sensitivity", "specificity")
OF_SHIFT = (
    "prevalence_inside",
    "prevalence_here",
    "prevalence_difference",
    "threshold_inside",
    "threshold_here",
    "sensitivity_here",
    "specificity_here",
)


def findings_table(metrics: Mapping[str, Any]) -> str:
    """Every number of every finding, set and run; calibration as trained, recalibrated and at the site."""
    kinds = ("as_trained", "recalibrated", "at_site")
    rows = [
        [
            *(row[key] for key in ("set", "run", "finding", "n", "n_positive", "prevalence", "in_macro")),
            row["threshold"]["value"],
            *(cell for name in NUMBERS for cell in _cells(row[name])),
            row["permutation"]["value"],
            *(cell for kind in kinds for cell in _calibration(row["calibration"][kind])),
            row["auroc"].get("reason") or row["excluded_because"],
        ]
        for row in metrics["results"]
    ]
    header = [
        "set",
        "run",
        "finding",
        "n",
        "n_positive",
        "prevalence",
        "in_macro",
        "threshold_logit",
        *_columns(NUMBERS),
        "permutation_p",
        *_columns(f"{name}_{kind}" for kind in kinds for name in CALIBRATION),
        "remark",
    ]
    return csv_text(header, rows)


def subgroups_table(metrics: Mapping[str, Any]) -> str:
    """Every group of every attribute; without a finding, its macro AUROC."""
    about = ("set", "run", "attribute", "group", "n_studies", "n_patients", "finding", "n", "n_positive", "prevalence")
    rows = [
        [*(row[key] for key in about), *(cell for name in OF_GROUPS for cell in _cells(row.get(name))), row["reason"]]
        for row in metrics["subgroups"]
    ]
    return csv_text([*about, *_columns(OF_GROUPS), "remark"], rows)


def shift_table(metrics: Mapping[str, Any]) -> str:
    """Prevalence and threshold of every finding inside and at each external site."""
    rows = [
        [row["set"], row["run"], row["finding"], *(cell for name in OF_SHIFT for cell in _cells(row["shift"][name]))]
        for row in metrics["results"]
        if row["shift"]
    ]
    return csv_text(["set", "run", "finding", *_columns(OF_SHIFT)], rows)


def macro_table(metrics: Mapping[str, Any]) -> str:
    """Macro AUROC of every set and run."""
    rows = [
        [
            *(row["set"], row["run"], *(row["auroc"][key] for key in ("value", "low", "high"))),
            *(row["min"], row["max"], row["n_findings"], " ".join(item["finding"] for item in row["excluded"])),
        ]
        for row in metrics["macro"]
    ]
    return csv_text(["set", "run", "macro_auroc", "low", "high", "min", "max", "n_findings", "left_out"], rows)


def runs_table(metrics: Mapping[str, Any]) -> str:
    """Paired tests of runs."""
    return _tests(metrics["comparisons"]["runs"]["rows"], ("set", "run_a", "run_b"))


def calls_table(metrics: Mapping[str, Any]) -> str:
    """Paired tests of runs at their frozen thresholds."""
    about = ("set", "run_a", "run_b", "finding", "measure")
    rows = [
        [
            *(row[key] for key in (*about, "a", "b")),
            *(row["difference"][key] for key in ("value", "low", "high")),
            *(row[key] for key in ("method", "p", "p_adjusted")),
            row["difference"].get("reason"),
        ]
        for row in metrics["comparisons"]["calls"]["rows"]
    ]
    values = ("a", "b", "difference", "low", "high", "method", "p", "p_adjusted", "remark")
    return csv_text([*about, *values], rows)


def sites_table(metrics: Mapping[str, Any]) -> str:
    """Unpaired tests of sites."""
    return _tests(metrics["comparisons"]["sites"]["rows"], ("set_a", "set_b", "run"))


TABLES: Mapping[str, Callable[[Mapping[str, Any]], str]] = {
    "findings.csv": findings_table,
    "macro.csv": macro_table,
    "subgroups.csv": subgroups_table,
    "shift.csv": shift_table,
    "runs_compared.csv": runs_table,
    "calls_compared.csv": calls_table,
    "sites_compared.csv": sites_table,
}
"""Name of a file -> what makes its text from the metrics."""


def _columns(names: Iterable[str]) -> list[str]:
    return [column for name in names for column in (name, f"{name}_low", f"{name}_high")]


def _cells(number: Mapping[str, Any] | None) -> list[Any]:
    return [None, None, None] if number is None else [number[key] for key in ("value", "low", "high")]


def _calibration(found: Mapping[str, Any] | None) -> list[Any]:
    return [cell for name in CALIBRATION for cell in _cells(found and found[name])]


def _tests(rows: Iterable[Mapping[str, Any]], about: tuple[str, ...]) -> str:
    header = [
        *about,
        "finding",
        "auroc_a",
        "auroc_b",
        "difference",
        "low",
        "high",
        "statistic",
        "p",
        "p_adjusted",
        "remark",
    ]
    made = []
    for row in rows:
        difference = row["difference"]
        made.append(
            [
                *(row[key] for key in (*about, "finding", "auroc_a", "auroc_b")),
                *(difference[key] for key in ("value", "low", "high")),
                *(row[key] for key in ("statistic", "p", "p_adjusted")),
                difference.get("reason"),
            ]
        )
    return csv_text(header, made)
