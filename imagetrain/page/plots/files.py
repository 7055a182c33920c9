"""Plots as SVG files of their own: title, panels side by side, legend; colours of paper, no CSS variable.

Word processors, LaTeX and vector editors know classes in a style sheet, but neither ``var()`` nor a dark mode.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from imagetrain.page.plots.frame import N_LOOKS, swatch
from imagetrain.page.plots.plot import Panel, Plot, PlotFile, text
from radprompter.pages import PLOTS
from radprompter.pages.svg import drawing

DRAWING = Path(__file__).parent.parent / "drawing.css"
GAP, TITLE, MARGIN, MOST_BESIDE = 26, 34, 14, 4
UNWRITABLE, VARIABLE = re.compile(r"[^\w .+=()-]"), re.compile(r"var\(--(\w+)\)")
PAPER = {"paper": "#ffffff", "ink": "#1b1f24", "muted": "#5a626d", "rule": "#dcdfe4", "wash": "#f5f6f8"}


def named(plots: Mapping[tuple[str, str], Plot]) -> dict[str, PlotFile]:
    """Name of a file, without its ending -> the plot; a finding's name keeps what every file system can write."""
    style, made = paper_style(), dict[str, PlotFile]()
    for (kind, subject), plot in plots.items():
        stem = name = "_".join([kind, *([UNWRITABLE.sub("_", subject)] if subject else [])])
        number = 1
        while name.casefold() in {other.casefold() for other in made}:
            number += 1
            name = f"{stem}_{number}"
        made[name] = PlotFile(standalone(plot, style), plot.table)
    return made


def standalone(plot: Plot, style: str) -> str:
    """The SVG file of a plot."""
    columns = min(plot.beside, MOST_BESIDE)
    wide = max(one.width for one in plot.panels)
    parts, y = [text(MARGIN, 24, plot.title, look="strong", more='style="font-size:14px"')], float(TITLE)
    for row in (panels[first : first + columns] for panels in plot.rows for first in range(0, len(panels), columns)):
        labelled = any(one.title for one in row)
        for column, one in enumerate(row):
            x = MARGIN + column * (wide + GAP)
            parts.append(text(x, y + 14, one.title, look="told") if one.title else "")
            parts.append(_placed(one, x, y + 22 if labelled else y))
        y += max(one.height for one in row) + (22 if labelled else 0) + 10
    width = 2 * MARGIN + columns * wide + (columns - 1) * GAP
    x = float(MARGIN)
    for number, run in enumerate(plot.runs):
        room = 52 + 5.8 * len(run)
        if x + room > width and x > MARGIN:
            x, y = float(MARGIN), y + 18
        parts.append(str(drawing(f'x="{x:g}" y="{y:g}" width="30" height="12"', [swatch(number)])))
        parts.append(text(x + 36, y + 9.5, run, look="told"))
        x += room
    height = y + (24 if plot.runs else MARGIN)
    size = f'width="{width:g}" height="{height:g}" viewBox="0 0 {width:g} {height:g}"'
    head = f'xmlns="http://www.w3.org/2000/svg" {size}'
    sheet = f'<style>{style}</style><rect width="100%" height="100%" style="fill:{PAPER["paper"]}"/>'
    return f"{drawing(head, [sheet, *parts])}\n"


def paper_style() -> str:
    """The style sheets of plots as they are on white paper, with every variable filled in."""
    css = PLOTS.read_text(encoding="utf-8") + DRAWING.read_text(encoding="utf-8")
    css = re.sub(r"/\*.*?\*/", "", css, flags=re.DOTALL)
    css = re.sub(r"^@media.*?^\}\n", "", css, flags=re.DOTALL | re.MULTILINE)
    colours = PAPER | dict(re.findall(r"--(\w+): (#\w+);", css))
    rules = []
    for selector, body in re.findall(r"([^{}]+)\{([^{}]*)\}", css):
        if body.strip().startswith("--"):
            continue
        if "var(--run)" in body:
            looks = [(_of_run(selector, i), body.replace("--run)", f"--run{i})")) for i in range(N_LOOKS)]
        else:
            looks = [(selector.strip(), body)]
        rules += [f"{which}{{{VARIABLE.sub(lambda m: colours[m[1]], body).strip()}}}" for which, body in looks]
    return "".join(rules)


def _placed(one: Panel, x: float, y: float) -> str:
    return str(one.svg).replace(
        '<svg class="panel"', f'<svg class="panel" x="{x:g}" y="{y:g}" width="{one.width:g}" height="{one.height:g}"', 1
    )


def _of_run(selectors: str, run: int) -> str:
    return ",".join(f"{one.strip()}.run{run}" for one in selectors.split(","))
