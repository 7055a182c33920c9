"""Prevalence of each finding by label schema, a panel a part and site."""

from __future__ import annotations

from typing import Any

from imagetrain.page.formats import percent
from imagetrain.page.plots.frame import Ruler, look, shape
from imagetrain.page.plots.plot import Cell, DataTable, Panel, Plot, panel, text
from imagetrain.page.view import View
from radprompter.pages.svg import mark
from radprompter.statistics import wilson_interval

NAMES, TRACK, VALUES, ROW, HEAD = 118, 170, 52, 13, 6
LETTERS = 21
Count = dict[str, Any]

TESTED = ("test", "external")
HEADER = ("part", "site", "schema", "finding", "n", "n_positive", "n_uncertain", "n_not_mentioned", "prevalence")


def prevalence_plot(view: View) -> Plot | None:
    """Positives among the studies whose label is known, with Wilson's interval."""
    counts = list[Count](view.study["prevalence"] or ())
    if not counts:
        return None
    schemas = list(dict.fromkeys(row["schema"] for row in counts))
    highs = [wilson_interval(row["n_positive"], row["n"]).high for row in counts if row["n"]]
    ruler = Ruler.over("positive", 0.0, max(highs, default=1.0))
    panels = []
    places = dict.fromkeys((row["part"], row["site"]) for row in counts)
    for part, site in sorted(places, key=lambda place: place[0] not in TESTED):
        there = {(row["finding"], row["schema"]): row for row in counts if (row["part"], row["site"]) == (part, site)}
        title = part.capitalize() + (f" ({site})" if site else "")
        panels.append(_panel(view, title, there, schemas, ruler)._replace(row="tested" if part in TESTED else ""))
    rows: list[tuple[Cell, ...]] = [
        (*(row.get(name) for name in HEADER[:-1]), row["n_positive"] / row["n"] if row["n"] else None) for row in counts
    ]
    return Plot("Prevalence by label schema", tuple(panels), DataTable(HEADER, tuple(rows)), tuple(schemas))


def _panel(view: View, title: str, there: dict[tuple[str, str], Count], schemas: list[str], ruler: Ruler) -> Panel:
    parts, said, y = list[str](), list[str](), float(HEAD)
    names = [name for name in view.titles if any((name, schema) in there for schema in schemas)]
    shown = [(i, schema) for i, schema in enumerate(schemas) if any((name, schema) in there for name in names)]
    tall = ROW * len(shown) + 6
    bottom = HEAD + tall * len(names)
    for tick in ruler.ticks:
        x = NAMES + TRACK * ruler.share(tick)
        parts.append(f'<path class="grid" d="M{x:.1f} {HEAD}V{bottom}"/>')
        parts.append(text(x, bottom + 13, percent(tick) if tick else "0", anchor="middle"))
    for name in names:
        words = view.titles[name]
        words = words if len(words) <= LETTERS else words[: LETTERS - 1].rstrip() + "…"
        parts.append(text(0, y + tall / 2 + 3.5, words, look="told"))
        parts.append(f'<path class="grid" d="M0 {y:g}H{NAMES + TRACK + VALUES}"/>')
        for place, (i, schema) in enumerate(shown):
            row = there.get((name, schema))
            if row is None or not row["n"]:
                continue
            share, height = row["n_positive"] / row["n"], y + 3 + ROW * place + ROW / 2
            low, high = wilson_interval(row["n_positive"], row["n"])
            x0, x, x1 = (NAMES + TRACK * ruler.share(value) for value in (low, share, high))
            parts.append(f'<path class="interval thin {look(i)}" d="M{x0:.1f} {height}H{x1:.1f}"/>')
            parts.append(mark(shape(i), f"{x:.1f}", height, look(i)))
            parts.append(text(NAMES + TRACK + 8, height + 3.5, percent(share)))
            said.append(f"{view.titles[name]} {percent(share)} by {schema}")
        y += tall
    says = f"Prevalence, {title}: {'; '.join(said)}."
    return panel(title, parts, width=NAMES + TRACK + VALUES, height=bottom + 18, says=says)
