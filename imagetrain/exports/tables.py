"""Every table of an evaluation, by the name of its file."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from imagetrain.exports.comparisons import calls_table, differences_table, runs_table, sites_table
from imagetrain.exports.groups import subgroup_table
from imagetrain.exports.matrix import agreement_table, matrix_references_table, matrix_runs_table, matrix_table
from imagetrain.exports.probabilities import calibration_table, shift_table
from imagetrain.exports.results import discrimination_table, left_out_table, macro_table, threshold_table
from imagetrain.exports.studies import flow_table, prevalence_table
from imagetrain.exports.table import Table
from imagetrain.page.view import View

TABLES: Mapping[str, Callable[[View], Table | None]] = {
    "flow": flow_table,
    "prevalence": prevalence_table,
    "macro": macro_table,
    "differences": differences_table,
    "discrimination": discrimination_table,
    "threshold": threshold_table,
    "runs_compared": runs_table,
    "calls_compared": calls_table,
    "sites_compared": sites_table,
    "calibration": calibration_table,
    "shift": shift_table,
    "subgroups": subgroup_table,
    "matrix": matrix_table,
    "matrix_runs": matrix_runs_table,
    "matrix_references": matrix_references_table,
    "references_compared": agreement_table,
    "left_out": left_out_table,
}
"""Name of a file, without its ending -> what makes the table, or says that there is nothing to show."""


def tables_of(metrics: Mapping[str, Any]) -> dict[str, Table]:
    """The tables for which the metrics have numbers; what is absent from older or partial metrics has none."""
    view = View(metrics)
    made = {name: make(view) for name, make in TABLES.items()}
    return {name: table for name, table in made.items() if table is not None}
