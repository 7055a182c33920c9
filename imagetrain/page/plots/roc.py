"""ROC and precision-recall curves of a finding, a panel a test set, with bands and the frozen operating point."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from imagetrain.page.formats import decimal, interval, percent
from imagetrain.page.plots.frame import Frame, Ruler, look
from imagetrain.page.plots.plot import Cell, DataTable, Panel, Plot
from imagetrain.page.view import View

ROC = Frame(Ruler("1 − specificity"), Ruler("sensitivity"))
PRECISION_RECALL = Frame(Ruler("recall"), Ruler("precision"))
HEADER = ("set", "run", "kind", "x", "y", "low", "high")
"""Columns of both tables; `kind` is ``curve``, ``band`` or ``threshold``."""


def roc_plot(view: View, finding: str) -> Plot | None:
    """ROC curves; None where no test set has positives and negatives."""
    panels: list[Panel] = []
    rows: list[tuple[Cell, ...]] = []
    for one, curves in _curves(view, finding):
        parts, said = [ROC.line((0, 1), (0, 1), "chance")], dict[int, str]()
        for i, curve, _ in curves:
            parts.append(_band(ROC, curve.get("band"), "false_positive_rate", look(i)))
        for i, curve, row in curves:
            parts.append(ROC.line(curve["false_positive_rate"], curve["true_positive_rate"], f"curve {look(i)}"))
            said[i] = f"{row['run']} AUROC {decimal(row['auroc']['value'])} {interval(row['auroc'])}".strip()
            where = (one["key"], row["run"])
            rows += _points(where, curve["false_positive_rate"], curve["true_positive_rate"])
            rows += _bands(where, curve.get("band"), "false_positive_rate")
        for i, _, row in curves:
            sensitivity, specificity = row["sensitivity"], row["specificity"]
            if sensitivity["value"] is None or specificity["value"] is None:
                continue
            x, y = 1 - specificity["value"], sensitivity["value"]
            parts.append(ROC.mark(i, x, y))
            rows.append((one["key"], row["run"], "threshold", x, y, None, None))
            said[i] += f", at the threshold sensitivity {decimal(y, 2)} and specificity {decimal(1 - x, 2)}"
        title = view.set_title(one["key"])
        says = f"ROC curves of {view.titles[finding]}, {title}: {'; '.join(said.values())}."
        panels.append(ROC.panel(title, parts, says=says, runs=len(view.runs)))
    return _plot(f"{view.titles[finding]}: ROC curves", view, panels, rows)


def precision_recall_plot(view: View, finding: str) -> Plot | None:
    """Precision-recall curves with the line that a score without knowledge reaches; None where there is none."""
    panels: list[Panel] = []
    rows: list[tuple[Cell, ...]] = []
    frame = PRECISION_RECALL
    for one, curves in _curves(view, finding):
        drawn = [(i, curve, row) for i, curve, row in curves if "recall" in curve]
        if not drawn:
            continue
        parts, said = [], []
        for share in dict.fromkeys(row["prevalence"] for _, _, row in drawn):
            parts.append(frame.line((0, 1), (share, share), "chance"))
            rows.append((one["key"], "", "prevalence", None, share, None, None))
        for i, curve, _ in drawn:
            parts.append(_band(frame, curve.get("pr_band"), "recall", look(i)))
        for i, curve, row in drawn:
            parts.append(frame.steps(curve["recall"], curve["precision"], f"curve {look(i)}"))
            number = row["average_precision"]
            said.append(f"{row['run']} average precision {decimal(number['value'])} {interval(number)}".strip())
            where = (one["key"], row["run"])
            rows += _points(where, curve["recall"], curve["precision"])
            rows += _bands(where, curve.get("pr_band"), "recall")
        for i, _, row in drawn:
            recall, precision = row["sensitivity"]["value"], row["ppv"]["value"]
            if recall is not None and precision is not None:
                parts.append(frame.mark(i, recall, precision))
                rows.append((one["key"], row["run"], "threshold", recall, precision, None, None))
        title = view.set_title(one["key"])
        share = percent(drawn[0][2]["prevalence"])
        says = f"Precision-recall curves of {view.titles[finding]}, {title}: {'; '.join(said)}; prevalence {share}."
        panels.append(frame.panel(title, parts, says=says, runs=len(view.runs)))
    return _plot(f"{view.titles[finding]}: precision-recall curves", view, panels, rows)


def _curves(view: View, finding: str) -> Iterator[tuple[dict[str, Any], list[tuple[int, Any, Any]]]]:
    """Each test set that has curves: (number of the run, curve, numbers) a run."""
    for one in view.sets:
        found = [(i, (one["key"], run, finding)) for i, run in enumerate(view.runs)]
        curves = [(i, view.curves[key], view.results[key]) for i, key in found if key in view.curves]
        if curves:
            yield one, curves


def _plot(title: str, view: View, panels: list[Panel], rows: list[tuple[Cell, ...]]) -> Plot | None:
    return Plot(title, tuple(panels), DataTable(HEADER, tuple(rows)), tuple(view.runs)) if panels else None


def _band(frame: Frame, band: dict[str, Any] | None, grid: str, classes: str) -> str:
    return frame.band(band[grid], band["low"], band["high"], classes) if band else ""


def _points(where: tuple[str, str], x: list[float], y: list[float]) -> list[tuple[Cell, ...]]:
    return [(*where, "curve", a, b, None, None) for a, b in zip(x, y, strict=True)]


def _bands(where: tuple[str, str], band: dict[str, Any] | None, grid: str) -> list[tuple[Cell, ...]]:
    if not band:
        return []
    return [(*where, "band", x, None, a, b) for x, a, b in zip(band[grid], band["low"], band["high"], strict=True)]
