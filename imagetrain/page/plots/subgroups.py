"""Subgroups: AUROC by group of one attribute, a panel a test set."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from imagetrain.page.plots.forest import ForestRow, axis_of, estimate, forest_panel, value_of
from imagetrain.page.plots.plot import Cell, DataTable, Plot
from imagetrain.page.view import View
from radprompter.pages.svg import Axis, forest_track

HEADER = (
    "set", "run", "attribute", "group", "finding", "n_studies", "n_patients", "n", "n_positive", "prevalence", "auroc",
    "low", "high", "remark",
)  # fmt: skip


class GroupForest(NamedTuple):
    """The macro AUROC by group of an attribute on one test set."""

    title: str
    rows: tuple[ForestRow, ...]
    axis: Axis


def attributes(view: View) -> list[str]:
    """What studies were grouped by."""
    return list(dict.fromkeys(row["attribute"] for row in view.subgroups))


def not_in_table(view: View, attribute: str) -> list[tuple[str, int]]:
    """Where how many studies are missing from the table that says of an attribute."""
    found = [row for row in view.metrics.get("attributes", ()) if row["attribute"] == attribute]
    return [(view.set_title(row["set"]), row["n_not_in_table"]) for row in found if row["n_not_in_table"]]


def group_forests(view: View, attribute: str) -> list[GroupForest]:
    """One forest a test set, on one axis; only sets that have the attribute."""
    found = [row for row in view.subgroups if row["attribute"] == attribute and row["finding"] is None]
    axis = axis_of([row["auroc"] for row in found])
    forests = []
    for one in view.sets:
        here = [row for row in found if row["set"] == one["key"]]
        groups = dict.fromkeys(row["group"] for row in here)
        rows = tuple(_row(view, one, [row for row in here if row["group"] == group], axis) for group in groups)
        if rows:
            forests.append(GroupForest(view.set_title(one["key"]), rows, axis))
    return forests


def subgroup_plot(view: View, attribute: str) -> Plot:
    """The forests of an attribute, and the numbers of every finding."""
    panels = []
    for forest in group_forests(view, attribute):
        said = "; ".join(f"{row.title} {', '.join(value.value for value in row.values)}" for row in forest.rows)
        says = f"Macro AUROC by {attribute}, {forest.title}: {said}."
        panels.append(forest_panel(forest.title, forest.rows, forest.axis, says=says)._replace(row=forest.title))
    rows = [_cells(row) for row in view.subgroups if row["attribute"] == attribute]
    return Plot(f"Macro AUROC by {attribute}", tuple(panels), DataTable(HEADER, tuple(rows)), tuple(view.runs))


def _row(view: View, one: dict[str, Any], rows: Sequence[dict[str, Any]], axis: Axis) -> ForestRow:
    numbered = [(view.runs.index(row["run"]), row) for row in rows]
    estimates = [estimate(row["auroc"], i, outside=one["outside"]) for i, row in numbered]
    reasons = [row["auroc"].get("reason", "") for row in rows]
    told = [reason if reason not in reasons[:place] else "" for place, reason in enumerate(reasons)]
    values = tuple(value_of(row["auroc"], i, why) for (i, row), why in zip(numbered, told, strict=True))
    about = f"{rows[0]['n_studies']} studies, {rows[0]['n_patients']} patients"
    known = any(row["auroc"]["value"] is not None for row in rows)
    return ForestRow(str(rows[0]["group"]), about, known, forest_track(estimates, axis), values)


def _cells(row: dict[str, Any]) -> tuple[Cell, ...]:
    number = row["auroc"]
    numbers = (number["value"], number["low"], number["high"], number.get("reason"))
    return (*(row.get(name) for name in HEADER[:10]), *numbers)
