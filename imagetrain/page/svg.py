"""Plots as small hand-written SVG: colours come from the page's CSS variables, text stays text.

A forest track uses percentages instead of a view box, so that it stretches with the page while dots stay round and
letters keep their size.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup, escape

PANEL, LEFT, TOP, SIDE = 240, 34, 8, 196
ROW = 17


@dataclass(frozen=True, slots=True)
class RocLine:
    """One ROC curve: its corners, its frozen operating point, and how it is drawn."""

    x: Sequence[float]
    y: Sequence[float]
    run: int
    outside: bool
    point: tuple[float, float] | None = None


@dataclass(frozen=True, slots=True)
class Estimate:
    """A value with its interval, drawn as a dot on a line; None where undefined."""

    value: float | None
    low: float | None
    high: float | None
    run: int
    outside: bool


@dataclass(frozen=True, slots=True)
class Axis:
    """The part of [0, 1] that a forest plot shows."""

    low: float
    high: float = 1.0
    step: float = 0.1

    @classmethod
    def around(cls, values: Sequence[float]) -> Axis:
        """An axis that ends at 1 and starts at a tenth between 0.2 and 0.5 at or below the smallest value."""
        smallest = min(values, default=0.5)
        return cls(min(0.5, max(0.2, int(smallest * 10) / 10)))

    def percent(self, value: float) -> float:
        """Where a value stands, from 1.5 to 98.5 percent of the width; values off the axis stand at its end."""
        share = (min(max(value, self.low), self.high) - self.low) / (self.high - self.low)
        return round(1.5 + 97 * share, 2)

    @property
    def ticks(self) -> list[float]:
        """Tenths on the axis."""
        return [round(self.low + i * self.step, 1) for i in range(round((self.high - self.low) / self.step) + 1)]


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
        parts.append(f'<path class="curve {_look(line.run, line.outside)}" d="M{path}"/>')
    for line in lines:
        if line.point is not None:
            x, y = line.point
            parts.append(f'<circle class="dot {_look(line.run, line.outside)}" cx="{_x(x)}" cy="{_y(y)}" r="3.6"/>')
    label = escape(f"ROC curves: {title}")
    return _svg(f'class="roc" viewBox="0 0 {PANEL} {PANEL}" role="img" aria-label="{label}"', parts)


def forest_track(estimates: Sequence[Estimate], axis: Axis) -> Markup:
    """Dots and intervals, one under the other, as wide as the place where it is put."""
    height = ROW * len(estimates)
    parts = [_line("half" if tick == 0.5 else "grid", axis.percent(tick), 0, height) for tick in axis.ticks]
    for i, estimate in enumerate(estimates):
        if estimate.value is None:
            continue
        y, look = ROW * i + ROW / 2, _look(estimate.run, estimate.outside)
        if estimate.low is not None and estimate.high is not None:
            low, high = axis.percent(estimate.low), axis.percent(estimate.high)
            parts.append(f'<line class="interval {look}" x1="{low}%" x2="{high}%" y1="{y}" y2="{y}"/>')
            if estimate.low >= axis.low:
                parts.append(f'<line class="interval cap {look}" x1="{low}%" x2="{low}%" y1="{y - 3}" y2="{y + 3}"/>')
            parts.append(f'<line class="interval cap {look}" x1="{high}%" x2="{high}%" y1="{y - 3}" y2="{y + 3}"/>')
        if estimate.value >= axis.low:
            parts.append(f'<circle class="dot {look}" cx="{axis.percent(estimate.value)}%" cy="{y}" r="4"/>')
        else:
            parts.append(f'<text class="off {look}" x="0" y="{y + 4}">◂</text>')
    return _svg(f'class="track" width="100%" height="{height}" aria-hidden="true"', parts)


def forest_axis(axis: Axis) -> Markup:
    """The numbers of the axis of `forest_track`."""
    parts = [
        f'<text x="{axis.percent(tick)}%" y="12" text-anchor="{_anchor(tick, axis)}">{tick:.1f}</text>'
        for tick in axis.ticks
    ]
    return _svg('class="axis" width="100%" height="16" aria-hidden="true"', parts)


def swatch(run: int, outside: bool) -> Markup:
    """The line and dot that stand for a run on a set, for legends."""
    look = _look(run, outside)
    parts = [
        f'<line class="curve {look}" x1="1" x2="29" y1="6" y2="6"/>',
        f'<circle class="dot {look}" cx="15" cy="6" r="3.6"/>',
    ]
    return _svg('class="swatch" width="30" height="12" aria-hidden="true"', parts)


def standalone(svg: Markup, style: str) -> str:
    """A drawing as a file of its own, with the page's colours inside."""
    head, _, rest = str(svg).partition(">")
    head = head.replace("<svg ", '<svg xmlns="http://www.w3.org/2000/svg" width="480" height="480" ', 1)
    return f"{head}><style>{style}</style>{rest}\n"


def _svg(attributes: str, parts: Sequence[str]) -> Markup:
    return Markup(f"<svg {attributes}>{''.join(parts)}</svg>")  # noqa: S704 - numbers, and text escaped by the callers


def _look(run: int, outside: bool) -> str:
    return f"run{run % 6} {'outside' if outside else 'inside'}"


def _line(name: str, percent: float, top: float, bottom: float) -> str:
    return f'<line class="{name}" x1="{percent}%" x2="{percent}%" y1="{top}" y2="{bottom}"/>'


def _anchor(tick: float, axis: Axis) -> str:
    return "start" if tick == axis.low else "end" if tick == axis.high else "middle"


def _x(value: float) -> float:
    return round(LEFT + SIDE * value, 2)


def _y(value: float) -> float:
    return round(TOP + SIDE * (1 - value), 2)
