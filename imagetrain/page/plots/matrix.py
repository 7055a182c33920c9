"""The cross-schema matrix: classifiers by what they are held against, as heat maps of AUROC and average precision."""

from __future__ import annotations

from typing import Any, NamedTuple

from imagetrain.page.formats import decimal, interval
from imagetrain.page.plots.plot import Cell, DataTable, Panel, Plot, panel, text
from imagetrain.page.view import View

SCORES = {"auroc": "AUROC", "average_precision": "Average precision"}
KINDS = {"matrix_auroc": "auroc", "matrix_auprc": "average_precision"}
LEFT, TOP, WIDE, TALL = 130, 34, 92, 38
DEEPEST = 0.45  # share of the colour where a score is best, so that words on it can be read
HEADER = ("set", "finding", "run", "reference", "n", "n_positive", "value", "low", "high", "remark")


class HeatCell(NamedTuple):
    """A score with its interval as words, and how deep its colour is, in [0, 1]; no colour where it is undefined."""

    value: str
    interval: str
    depth: float
    remark: str


class HeatRow(NamedTuple):
    """A run against every reference."""

    run: str
    number: int
    cells: tuple[HeatCell, ...]


class HeatMap(NamedTuple):
    """One score of one finding, or the mean over them, on one test set."""

    title: str
    score: str
    references: tuple[str, ...]
    rows: tuple[HeatRow, ...]


def heat_maps(view: View, finding: str | None) -> list[HeatMap]:
    """The maps of a finding (None: the mean over findings), AUROC then average precision, of each test set."""
    if not view.matrix:
        return []
    cells = {(c["set"], c["run"], c["reference"]): c for c in view.matrix["cells"] if c["finding"] == finding}
    references = view.matrix["references"]
    maps = []
    for key in view.matrix["sets"]:
        for name, score in SCORES.items():
            values = [c[name]["value"] for c in cells.values() if c[name]["value"] is not None]
            low, high = min(values, default=0.0), max(values, default=1.0)
            rows = [
                HeatRow(run, i, tuple(_cell(cells.get((key, run, r["name"])), name, low, high) for r in references))
                for i, run in enumerate(view.runs)
            ]
            titles = tuple(r["title"] for r in references)
            maps.append(HeatMap(view.set_title(key), score, titles, tuple(rows)))
    return maps


def matrix_plot(view: View, name: str) -> Plot | None:
    """The mean over findings by ``auroc`` or ``average_precision``, a panel a test set; the table has every finding."""
    maps = [one for one in heat_maps(view, None) if one.score == SCORES[name]]
    if not maps or view.matrix is None:
        return None
    rows: list[tuple[Cell, ...]] = []
    for cell in view.matrix["cells"]:
        number = cell[name]
        about = (cell["set"], cell["finding"], cell["run"], cell["reference"], cell["n"], cell["n_positive"])
        rows.append((*about, number["value"], number["low"], number["high"], number.get("reason")))
    title = f"Macro {SCORES[name]}: classifiers by what they are held against"
    return Plot(title, tuple(_panel(one) for one in maps), DataTable(HEADER, tuple(rows)))


def _cell(cell: dict[str, Any] | None, name: str, low: float, high: float) -> HeatCell:
    if cell is None or cell[name]["value"] is None:
        return HeatCell("–", "", 0.0, "not tested" if cell is None else cell[name]["reason"])
    depth = (cell[name]["value"] - low) / (high - low) if high > low else 0.0
    return HeatCell(decimal(cell[name]["value"]), interval(cell[name]), round(depth, 3), "")


def _panel(one: HeatMap) -> Panel:
    parts = list[str]()
    for c, title in enumerate(one.references):
        x = LEFT + WIDE * (c + 0.5)
        for n, line in enumerate(_two_lines(title)):
            parts.append(text(x, 12 + 12 * n, line, anchor="middle", look="told"))
    for r, row in enumerate(one.rows):
        top = TOP + TALL * r
        parts.append(text(LEFT - 8, top + TALL / 2 + 3.5, row.run, anchor="end", look="told"))
        for c, cell in enumerate(row.cells):
            x = LEFT + WIDE * c
            box = f'x="{x}" y="{top}" width="{WIDE}" height="{TALL}"'
            parts.append(f'<rect class="heat" {box} fill-opacity="{DEEPEST * cell.depth:.3f}"/>')
            parts.append(f'<rect class="frame" {box}/>')
            parts.append(text(x + WIDE / 2, top + 17, cell.value, anchor="middle", look="strong"))
            parts.append(text(x + WIDE / 2, top + 30, cell.interval, anchor="middle", look="told"))
    said = "; ".join(
        f"{row.run} against {reference} {cell.value}"
        for row in one.rows
        for reference, cell in zip(one.references, row.cells, strict=True)
    )
    width, height = LEFT + WIDE * len(one.references), TOP + TALL * len(one.rows)
    says = f"Macro {one.score}, {one.title}: {said}."
    return panel(one.title, parts, width=width + 2, height=height + 2, says=says)


def _two_lines(words: str, letters: int = 16) -> list[str]:
    if len(words) <= letters:
        return [words]
    cut = words.rfind(" ", 0, letters + 1)
    cut = cut if cut > 0 else letters
    rest = words[cut:].strip()
    return [words[:cut], rest if len(rest) <= letters else rest[: letters - 1] + "…"]
