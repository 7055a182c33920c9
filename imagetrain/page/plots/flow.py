"""The flow of exclusions as a chart: how many are left at each step, and why the others are not."""

from __future__ import annotations

import itertools
import textwrap
from collections.abc import Sequence
from typing import Any

from imagetrain.page.plots.plot import Cell, DataTable, Panel, Plot, panel, text
from imagetrain.page.view import View
from imagetrain.records import PARTS
from radprompter.pages.formats import count

Step = dict[str, Any]

WIDTH, BOX, LOST_LEFT, LINE, PAD, ARROW = 352, 156, 178, 13, 8, 22
MIDDLE = 1 + BOX / 2
LETTERS, LOST_LETTERS = 26, 27  # that fit on a line of a box


def flow_plot(view: View) -> Plot | None:
    """A chart a unit (reports, studies, images), each from top to bottom; None where nothing was recorded."""
    steps: list[Step] = view.study["flow"] or []
    if not steps:
        return None
    charts = [_chart(unit, list(some)) for unit, some in itertools.groupby(steps, key=lambda step: str(step["unit"]))]
    rows: list[tuple[Cell, ...]] = []
    for step in steps:
        rows += [(step["step"], step["unit"], None, why, n) for why, n in _lost(step)]
        rows.append((step["step"], step["unit"], step["n"], None, None))
    table = DataTable(("step", "unit", "n", "lost_because", "n_lost"), tuple(rows))
    return Plot("Flow of exclusions", tuple(charts), table)


def _chart(unit: str, steps: Sequence[Step]) -> Panel:
    """Boxes of what is left, with what was lost on the way to each beside the arrow."""
    parts, y = list[str](), 2.0
    for number, step in enumerate(steps):
        lost = [line for why, n in _lost(step) for line in textwrap.wrap(f"{count(n)} {why}", LOST_LETTERS)]
        room = (LINE * len(lost) + 2 * PAD + 10) if lost else ARROW if number else 0
        if room:
            parts.append(_arrow(MIDDLE, y, MIDDLE, y + room))
        if lost:
            tall = LINE * len(lost) + 2 * PAD - 4
            top = y + (room - tall) / 2
            parts.append(_arrow(MIDDLE, y + room / 2, LOST_LEFT, y + room / 2))
            parts.append(_box("lost", LOST_LEFT, top, WIDTH - LOST_LEFT - 1, tall))
            parts += [text(LOST_LEFT + 8, top + PAD + 7 + LINE * n, line) for n, line in enumerate(lost)]
        y += room
        lines = [(line, "") for line in textwrap.wrap(_upper(step["step"]), LETTERS)]
        lines.append((_amount(step), "strong"))
        lines += [(line, "") for line in textwrap.wrap(_parts(step), LETTERS)]
        height = 2 * PAD + LINE * len(lines)
        parts.append(_box("box", 1, y, BOX, height))
        for n, (line, look) in enumerate(lines):
            parts.append(text(MIDDLE, y + PAD + 9.5 + LINE * n, line, anchor="middle", look=look))
        y += height
    said = [
        "".join(f"less {count(n)} ({why}); " for why, n in _lost(step)) + f"{step['step']}: {_amount(step)}"
        for step in steps
    ]
    says = f"Flow of exclusions, {unit}: {'; '.join(said)}."
    return panel(_upper(unit), parts, width=WIDTH, height=y + 3, says=says)


def _amount(step: Step) -> str:
    return "not recorded" if step["n"] is None else f"{count(step['n'])} {step['unit']}"


def _upper(words: str) -> str:
    return words[:1].upper() + words[1:]


def _parts(step: Step) -> str:
    parts = step.get("parts") or {}
    return ", ".join(f"{count(parts[part])} {part}" for part in PARTS if part in parts)


def _lost(step: Step) -> list[tuple[str, int]]:
    return [(one["reason"], one["n"]) for one in step.get("lost") or () if one["n"]]


def _box(look: str, x: float, y: float, width: float, height: float) -> str:
    return f'<rect class="{look}" x="{x:g}" y="{y:g}" width="{width:g}" height="{height:g}" rx="4"/>'


def _arrow(x0: float, y0: float, x1: float, y1: float) -> str:
    """A line to the right or down, with its head."""
    if y0 == y1:
        head = f"M{x1:g} {y1:g}l-6-3.5v7Z"
        return f'<path class="arrow" d="M{x0:g} {y0:g}H{x1 - 5:g}"/><path class="head" d="{head}"/>'
    head = f"M{x1:g} {y1:g}l-3.5-6h7Z"
    return f'<path class="arrow" d="M{x0:g} {y0:g}V{y1 - 5:g}"/><path class="head" d="{head}"/>'
