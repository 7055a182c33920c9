"""Forest plots as small hand-written SVG: colours come from the page's CSS variables, text stays text.

A track uses percentages instead of a view box, so that it stretches with the page while marks stay round and letters
keep their size.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from markupsafe import Markup

Shape = Literal["circle", "square", "diamond", "up", "down", "plus", "hexagon"]

PATHS: Mapping[Shape, str] = {
    "square": "M-3.6-3.6H3.6V3.6H-3.6Z",
    "diamond": "M0-5L5 0L0 5L-5 0Z",
    "up": "M0-5L4.8 3.6H-4.8Z",
    "down": "M0 5L4.8-3.6H-4.8Z",
    "plus": "M-1.7-4.6H1.7V-1.7H4.6V1.7H1.7V4.6H-1.7V1.7H-4.6V-1.7H-1.7Z",
    "hexagon": "M-4.6 0L-2.3-4.2H2.3L4.6 0L2.3 4.2H-2.3Z",
}
"""Outlines of the marks that are no circle, around 0, 0."""

ROW = 17


@dataclass(frozen=True, slots=True)
class Estimate:
    """A value with its interval, drawn as a mark on a line; None where undefined. `look` are its CSS classes."""

    value: float | None
    low: float | None
    high: float | None
    look: str
    shape: Shape = "circle"


@dataclass(frozen=True, slots=True)
class Axis:
    """The part of [0, 1] that a forest plot shows."""

    low: float
    high: float = 1.0
    step: float = 0.1

    @classmethod
    def around(cls, values: Sequence[float], *, least: float = 0.2) -> Axis:
        """An axis that ends at 1 and starts at a tenth between `least` and 0.5 at or below the smallest value."""
        smallest = min(values, default=0.5)
        return cls(min(0.5, max(least, int(smallest * 10) / 10)))

    def percent(self, value: float) -> float:
        """Where a value stands, from 1.5 to 98.5 percent of the width; values off the axis stand at its end."""
        share = (min(max(value, self.low), self.high) - self.low) / (self.high - self.low)
        return round(1.5 + 97 * share, 2)

    @property
    def ticks(self) -> list[float]:
        """Tenths on the axis."""
        return [round(self.low + i * self.step, 1) for i in range(round((self.high - self.low) / self.step) + 1)]


def forest_track(estimates: Sequence[Estimate], axis: Axis) -> Markup:
    """Marks and intervals, one under the other, as wide as the place where it is put."""
    height = ROW * len(estimates)
    parts = [_line("half" if tick == 0.5 else "grid", axis.percent(tick), 0, height) for tick in axis.ticks]
    for i, estimate in enumerate(estimates):
        if estimate.value is None:
            continue
        y, look = ROW * i + ROW / 2, estimate.look
        if estimate.low is not None and estimate.high is not None:
            low, high = axis.percent(estimate.low), axis.percent(estimate.high)
            parts.append(f'<line class="interval {look}" x1="{low}%" x2="{high}%" y1="{y}" y2="{y}"/>')
            if estimate.low >= axis.low:
                parts.append(f'<line class="interval cap {look}" x1="{low}%" x2="{low}%" y1="{y - 3}" y2="{y + 3}"/>')
            parts.append(f'<line class="interval cap {look}" x1="{high}%" x2="{high}%" y1="{y - 3}" y2="{y + 3}"/>')
        if estimate.value >= axis.low:
            parts.append(mark(estimate.shape, f"{axis.percent(estimate.value)}%", y, look))
        else:
            parts.append(f'<text class="off {look}" x="0" y="{y + 4}">◂</text>')
    return drawing(f'class="track" width="100%" height="{height}" aria-hidden="true"', parts)


def forest_axis(axis: Axis) -> Markup:
    """The numbers of the axis of `forest_track`."""
    parts = [
        f'<text x="{axis.percent(tick)}%" y="12" text-anchor="{_anchor(tick, axis)}">{tick:.1f}</text>'
        for tick in axis.ticks
    ]
    return drawing('class="axis" width="100%" height="16" aria-hidden="true"', parts)


def mark(shape: Shape, x: str, y: float, look: str) -> Markup:
    """A mark of a shape; `x` may be a percentage."""
    if shape == "circle":
        return Markup(f'<circle class="dot {look}" cx="{x}" cy="{y}" r="4"/>')  # noqa: S704 - classes and numbers
    path = f'<path class="dot {look}" d="{PATHS[shape]}"/>'
    return Markup(f'<svg x="{x}" y="{y}" width="1" height="1" overflow="visible">{path}</svg>')  # noqa: S704 - as above


def drawing(attributes: str, parts: Sequence[str]) -> Markup:
    """An SVG element; whoever makes the parts escapes their words."""
    return Markup(f"<svg {attributes}>{''.join(parts)}</svg>")  # noqa: S704 - see the docstring


def _line(name: str, percent: float, top: float, bottom: float) -> str:
    return f'<line class="{name}" x1="{percent}%" x2="{percent}%" y1="{top}" y2="{bottom}"/>'


def _anchor(tick: float, axis: Axis) -> str:
    return "start" if tick == axis.low else "end" if tick == axis.high else "middle"
