"""Confusion matrices of a finding at the frozen threshold, a panel a test set and run."""

from __future__ import annotations

from typing import Any

from imagetrain.page.formats import percent
from imagetrain.page.plots.plot import Cell, DataTable, Panel, Plot, panel, text
from imagetrain.page.view import View

WIDTH, HEIGHT, LEFT, TOP, SIDE, TALL, RIGHT = 240, 150, 58, 34, 70, 44, 198
CELLS = (("true_positive", "false_negative"), ("false_positive", "true_negative"))
SHADE = 0.45  # of a cell that holds its whole row


def confusion_plot(view: View, finding: str) -> Plot | None:
    """What is there against what is called; None where no threshold could be chosen."""
    panels: list[Panel] = []
    rows: list[tuple[Cell, ...]] = []
    for one in view.sets:
        for run in view.runs:
            row = view.results[one["key"], run, finding]
            if row.get("confusion") is None:
                continue
            panels.append(_panel(view, one, run, row))
            rows.append((one["key"], run, *(row["confusion"][name] for pair in CELLS for name in pair)))
    if not panels:
        return None
    table = DataTable(("set", "run", *(name for pair in CELLS for name in pair)), tuple(rows))
    return Plot(f"{view.titles[finding]}: at the frozen threshold", tuple(panels), table)


def _panel(view: View, one: dict[str, Any], run: str, row: dict[str, Any]) -> Panel:
    counts = row["confusion"]
    parts = [
        text(LEFT + SIDE, 11, "called", anchor="middle"),
        text(LEFT + SIDE / 2, 27, "positive", anchor="middle"),
        text(LEFT + 1.5 * SIDE, 27, "negative", anchor="middle"),
    ]
    rates = (("sensitivity", row["sensitivity"]), ("specificity", row["specificity"]))
    for r, (names, there) in enumerate(zip(CELLS, ("with", "without"), strict=True)):
        total = sum(counts[name] for name in names)
        top = TOP + TALL * r
        parts.append(text(LEFT - 8, top + 20, there, anchor="end"))
        parts.append(text(LEFT - 8, top + 32, f"n = {total}", anchor="end"))
        for c, name in enumerate(names):
            share = counts[name] / total if total else 0.0
            x = LEFT + SIDE * c
            parts.append(
                f'<rect class="heat" x="{x}" y="{top}" width="{SIDE}" height="{TALL}" '
                f'fill-opacity="{SHADE * share:.2f}"/>'
            )
            parts.append(f'<rect class="frame" x="{x}" y="{top}" width="{SIDE}" height="{TALL}"/>')
            parts.append(text(x + SIDE / 2, top + 20, str(counts[name]), anchor="middle", look="strong large"))
            parts.append(text(x + SIDE / 2, top + 34, percent(share) if total else "–", anchor="middle", look="told"))
    for r, (_, rate) in enumerate(rates):
        parts.append("" if rate["value"] is not None else text(RIGHT + 4, TOP + TALL * r + 26, "undefined"))
    title = f"{view.set_title(one['key'])}, {run}"
    said = "; ".join(f"{name} {percent(rate['value'])}" for name, rate in rates)
    says = (
        f"{view.titles[row['finding']]}, {title}: {counts['true_positive']} true positive, "
        f"{counts['false_negative']} false negative, {counts['false_positive']} false positive, "
        f"{counts['true_negative']} true negative; {said}."
    )
    return panel(title, parts, width=WIDTH, height=HEIGHT - 22, says=says)
