"""Decision curves of a finding, a panel a test set: net benefit beside acting on everybody and on nobody."""

from __future__ import annotations

from imagetrain.page.formats import decimal, percent
from imagetrain.page.plots.frame import Frame, Ruler, look
from imagetrain.page.plots.plot import Cell, DataTable, Panel, Plot
from imagetrain.page.view import View

HEADER = ("set", "run", "threshold", "net_benefit", "low", "high", "everybody")
SMALLEST = 0.04  # where the ruler ends at least, so that noise does not look like benefit
BELOW = 0.25  # how far below zero the ruler goes, as a share of how far it goes above


def decision_plot(view: View, finding: str) -> Plot | None:
    """Net benefit over the threshold probability; None without any."""
    panels: list[Panel] = []
    rows: list[tuple[Cell, ...]] = []
    for one in view.sets:
        found = [
            (i, decision)
            for i, run in enumerate(view.runs)
            if (decision := view.results[one["key"], run, finding].get("decision"))
            and any(value is not None for value in decision["classifier"])
        ]
        if not found:
            continue
        tops = [v for _, d in found for name in ("classifier", "everybody") for v in d[name] if v is not None]
        top = max(*tops, SMALLEST)
        frame = Frame(Ruler("threshold probability"), Ruler.over("net benefit", -BELOW * top, 1.08 * top))
        parts = [frame.line((0, 1), (0, 0), "nobody")]
        for i, decision in found:
            thresholds = decision["thresholds"]
            parts.append(frame.band(thresholds, decision["low"], decision["high"], look(i)))
        for everybody in dict.fromkeys(tuple(d["everybody"]) for _, d in found):
            shown = [None if value is None or value < frame.up.low else value for value in everybody]
            parts.append(frame.line(found[0][1]["thresholds"], shown, "everybody"))
        said = []
        for i, decision in found:
            thresholds, benefit = decision["thresholds"], decision["classifier"]
            shown = [None if value is None or value < frame.up.low else value for value in benefit]
            parts.append(frame.line(thresholds, shown, f"curve {look(i)}"))
            said.append(f"{view.runs[i]} {_better(thresholds, benefit, decision['everybody'])}")
            columns = (thresholds, benefit, decision["low"], decision["high"], decision["everybody"])
            rows += [(one["key"], view.runs[i], *values) for values in zip(*columns, strict=True)]
        title = view.set_title(one["key"])
        says = f"Decision curves of {view.titles[finding]}, {title}: {'; '.join(said)}."
        panels.append(frame.panel(title, parts, says=says, runs=len(view.runs)))
    if not panels:
        return None
    table = DataTable(HEADER, tuple(rows))
    return Plot(f"{view.titles[finding]}: decision curves", tuple(panels), table, tuple(view.runs))


def _better(thresholds: list[float], benefit: list[float | None], everybody: list[float | None]) -> str:
    """Between which thresholds a classifier is worth more than both simple ways, and how much at most."""
    won = [
        (threshold, ours - max(theirs, 0.0))
        for threshold, ours, theirs in zip(thresholds, benefit, everybody, strict=True)
        if ours is not None and theirs is not None and ours > max(theirs, 0.0) + 1e-12
    ]
    if not won:
        return "is nowhere above acting on everybody or on nobody"
    low, high = percent(won[0][0]), percent(won[-1][0])
    return f"is above both others between {low} and {high}, by at most {decimal(max(gain for _, gain in won), 3)}"
