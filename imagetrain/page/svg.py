"""ROC curves and legends as small hand-written SVG, as `radprompter.pages.svg` draws forest plots."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup, escape

from radprompter.pages.svg import drawing

PANEL, LEFT, TOP, SIDE = 240, 34, 8, 196


@dataclass(frozen=True, slots=True)
class RocLine:
    """One ROC curve: its corners, its frozen operating point, and how it is drawn."""

    x: Sequence[float]
    y: Sequence[float]
    run: int
    outside: bool
    point: tuple[float, float] | None = None


def roc_panel(lines: Sequence[RocLine], title: str) -> Markup:
    """The ROC curves of one finding, on a square."""
    parts = [f'<rect class="frame" x="{LEFT}" y="{TOP}" width="{SIDE}" height="{SIDE}"/>']
    for tick in (0.25, 0.5, 0.75):
        parts.append(f'<path class="grid" d="M{_x(tick)} {TOP}V{TOP + SIDE}M{LEFT} {_y(tick)}H{LEFT + SIDE}"/>')
    parts.append(f'<path class="chance" d="M{_x(0)} {_y(0)}L{_x(1)} {_y(1)}"/>')
    for tick, text in ((0.0, "0"), (0.5, "0.5"), (1.0, "1")):
        parts.append(f'<text x="{_x(tick)}" y="{TOP + SIDE + 13}" text-anchor="middle">{text}</text>')
        parts.append(f'<text x="{LEFT - 5}" y="{_y(tick) + 3.5}" text-anchor="end">{text}</text>')
    parts.append(f'<text x="{LEFT + SIDE / 2}" y="{PANEL - 9}" text-anchor="middle">1 − specificity</text>')
    middle = TOP + SIDE / 2
    parts.append(f'<text x="9" y="{middle}" text-anchor="middle" transform="rotate(-90 9 {middle})">sensitivity</text>')
    for line in lines:
        path = "L".join(f"{_x(x)} {_y(y)}" for x, y in zip(line.x, line.y, strict=True))
        parts.append(f'<path class="curve {look(line.run, line.outside)}" d="M{path}"/>')
    for line in lines:
        if line.point is not None:
            x, y = line.point
            parts.append(f'<circle class="dot {look(line.run, line.outside)}" cx="{_x(x)}" cy="{_y(y)}" r="3.6"/>')
    label = escape(f"ROC curves: {title}")
    return drawing(f'class="roc" viewBox="0 0 {PANEL} {PANEL}" role="img" aria-label="{label}"', parts)


def swatch(run: int, outside: bool) -> Markup:
    """The line and dot that stand for a run on a set, for legends."""
    classes = look(run, outside)
    parts = [
        f'<line class="curve {classes}" x1="1" x2="29" y1="6" y2="6"/>',
        f'<circle class="dot {classes}" cx="15" cy="6" r="3.6"/>',
    ]
    return drawing('class="swatch" width="30" height="12" aria-hidden="true"', parts)


def standalone(svg: Markup, style: str) -> str:
    """A drawing as a file of its own, with the page's colours inside."""
    head, _, rest = str(svg).partition(">")
    head = head.replace("<svg ", '<svg xmlns="http://www.w3.org/2000/svg" width="480" height="480" ', 1)
    return f"{head}><style>{style}</style>{rest}\n"


def look(run: int, outside: bool) -> str:
    """The CSS classes of a run on a set."""
    return f"run{run % 6} {'outside' if outside else 'inside'}"


def _x(value: float) -> float:
    return round(LEFT + SIDE * value, 2)


def _y(value: float) -> float:
    return round(TOP + SIDE * (1 - value), 2)
