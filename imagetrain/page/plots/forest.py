"""Forest plots: estimates with intervals under each other, a row a finding or a group."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import Any, NamedTuple

from markupsafe import Markup

from imagetrain.page.formats import decimal, interval
from imagetrain.page.plots.frame import look, shape
from imagetrain.page.plots.plot import Cell, DataTable, Panel, Plot, panel, text
from imagetrain.page.view import View
from radprompter.pages.svg import ROW, Axis, Estimate, drawing, forest_axis, forest_track

NAMES, TRACK, VALUES = 200, 330, 310
LETTERS, LINE = 33, 12  # of a line of names


class Value(NamedTuple):
    """One estimate as words: whose it is (number of the run), its value and interval, and where it was found."""

    run: int
    value: str
    interval: str
    where: str


class ForestRow(NamedTuple):
    """One row: a name with what is said under it, marks, and the same as words."""

    title: str
    about: str
    counted: bool  # in macro means; others are drawn paler
    track: Markup
    values: tuple[Value, ...]


class Forest(NamedTuple):
    """Rows on one axis, and the same as a plot of its own."""

    rows: tuple[ForestRow, ...]
    axis: Axis
    plot: Plot


def findings_forest(view: View) -> Forest:
    """AUROC of every finding that has one anywhere, by run and test set; those in a macro mean first."""
    counting = [row["auroc"] for row in view.results.values() if row["in_macro"]]
    axis = axis_of(counting)
    rows: list[ForestRow] = []
    table: list[tuple[Cell, ...]] = []
    for finding in view.findings_drawn():
        found = [
            (i, outside, key, row)
            for key, run, i, outside in view.series()
            if (row := view.results[key, run, finding])["auroc"]["value"] is not None
        ]
        estimates = [estimate(row["auroc"], i, outside=outside) for i, outside, _, row in found]
        values = tuple(value_of(row["auroc"], i, view.short_title(key)) for i, _, key, row in found)
        counted = any(row["in_macro"] for *_, row in found)
        rows.append(
            ForestRow(view.titles[finding], view.positives(finding), counted, forest_track(estimates, axis), values)
        )
        table += [
            (finding, key, row["run"], row["n"], row["n_positive"], *_numbers(row["auroc"])) for _, _, key, row in found
        ]
    header = ("finding", "set", "run", "n", "n_positive", "auroc", "low", "high")
    return Forest(tuple(rows), axis, _plot("AUROC by finding", rows, axis, DataTable(header, tuple(table)), view))


def axis_of(numbers: Sequence[dict[str, Any]]) -> Axis:
    """An axis for AUROCs and their intervals."""
    values = [number[key] for number in numbers for key in ("low", "value")]
    return Axis.around([value for value in values if value is not None])


def estimate(number: dict[str, Any], run: int, *, outside: bool) -> Estimate:
    """The mark of a number of a run."""
    return Estimate(number["value"], number["low"], number["high"], look(run, outside), shape(run))


def value_of(number: dict[str, Any], run: int, where: str) -> Value:
    """The words of a number of a run."""
    return Value(run, decimal(number["value"]), interval(number), where)


def forest_panel(title: str, rows: Sequence[ForestRow], axis: Axis, *, says: str) -> Panel:
    """Rows drawn on one sheet: names, marks, values."""
    width, parts, y = NAMES + TRACK + VALUES, [], 4.0
    for row in rows:
        named, told = (textwrap.wrap(words, LETTERS) for words in (row.title, row.about))
        height = max(ROW * len(row.values), LINE * (len(named) + len(told)) + 5)
        parts.append(f'<path class="grid" d="M0 {y:g}H{width}"/>')
        for n, line in enumerate([*named, *told]):
            parts.append(text(0, y + 14 + LINE * n, line, look="strong" if row.counted and n < len(named) else ""))
        parts.append(nested(row.track, NAMES, y + 3, TRACK))
        for i, value in enumerate(row.values):
            words = f"{value.value} {value.interval} {value.where}"
            parts.append(text(NAMES + TRACK + 14, y + 3 + ROW * i + 12, words))
        y += height + 6
    parts.append(nested(forest_axis(axis), NAMES, y, TRACK))
    return panel(title, parts, width=width, height=y + 18, says=says)


def nested(svg: Markup, x: float, y: float, width: float) -> str:
    """A drawing that is as wide as its place, put at a place of some width."""
    return str(drawing(f'x="{x:g}" y="{y:g}" width="{width:g}" height="100%"', [svg]))


def _plot(title: str, rows: Sequence[ForestRow], axis: Axis, table: DataTable, view: View) -> Plot:
    said = "; ".join(f"{row.title} {', '.join(f'{v.value} {v.where}' for v in row.values)}" for row in rows)
    return Plot(title, (forest_panel("", rows, axis, says=f"{title}: {said}."),), table, tuple(view.runs))


def _numbers(number: dict[str, Any]) -> tuple[Cell, ...]:
    return number["value"], number["low"], number["high"]
