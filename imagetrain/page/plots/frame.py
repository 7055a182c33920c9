"""The square on which curves are drawn: two rulers, a grid, lines, bands and marks."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from imagetrain.page.plots.plot import Panel, panel, text
from radprompter.pages.svg import Shape, drawing, mark

WIDTH, HEIGHT, LEFT, TOP, SIDE = 246, 240, 42, 8, 196
CROWD = 3
SHAPES: tuple[Shape, ...] = ("circle", "square", "diamond", "up", "down", "plus", "hexagon")
N_LOOKS = len(SHAPES)


def look(run: int, outside: bool = False) -> str:
    """The CSS classes of a run on a set: colour and dashes by run, hollow marks outside."""
    return f"run{run % N_LOOKS} {'outside' if outside else 'inside'}"


def shape(run: int) -> Shape:
    """The mark of a run, so that runs are told apart without colours too."""
    return SHAPES[run % N_LOOKS]


@dataclass(frozen=True, slots=True)
class Ruler:
    """One side of a frame: what it measures, from where to where, and which numbers stand beside it."""

    title: str
    low: float = 0.0
    high: float = 1.0
    ticks: tuple[float, ...] = (0.0, 0.25, 0.5, 0.75, 1.0)

    @classmethod
    def over(cls, title: str, low: float, high: float) -> Ruler:
        """A ruler from `low` to `high` with three to six round numbers on it."""
        span = (high - low) or 1.0
        rough = span / 4
        size = 10.0 ** math.floor(math.log10(rough))
        step = min((m * size for m in (1, 2, 5, 10)), key=lambda s: abs(s - rough))
        first = math.ceil(low / step - 1e-9)
        ticks = tuple(round(i * step, 10) for i in range(first, math.floor(high / step + 1e-9) + 1))
        return cls(title, low, low + span, ticks)

    def share(self, value: float) -> float:
        """Where a value stands, from 0 to 1; values off the ruler stand at its end."""
        return (min(max(value, self.low), self.high) - self.low) / (self.high - self.low)


@dataclass(frozen=True, slots=True)
class Frame:
    """A square with its rulers; values in, SVG out."""

    across: Ruler
    up: Ruler

    def x(self, value: float) -> float:
        """Units from the left."""
        return round(LEFT + SIDE * self.across.share(value), 1)

    def y(self, value: float) -> float:
        """Units from the top."""
        return round(TOP + SIDE * (1 - self.up.share(value)), 1)

    def grid(self) -> list[str]:
        """The frame itself, with numbers and titles."""
        parts = [f'<rect class="frame" x="{LEFT}" y="{TOP}" width="{SIDE}" height="{SIDE}"/>']
        for tick in self.across.ticks:
            x = self.x(tick)
            parts.append(f'<path class="grid" d="M{x} {TOP}V{TOP + SIDE}"/>')
            parts.append(text(x, TOP + SIDE + 13, _short(tick), anchor="middle"))
        for tick in self.up.ticks:
            y = self.y(tick)
            parts.append(f'<path class="grid" d="M{LEFT} {y}H{LEFT + SIDE}"/>')
            parts.append(text(LEFT - 5, y + 3.5, _short(tick), anchor="end"))
        middle = TOP + SIDE / 2
        turned = f'transform="rotate(-90 9 {middle:g})"'
        parts.append(text(LEFT + SIDE / 2, TOP + SIDE + 28, self.across.title, anchor="middle"))
        parts.append(text(9, middle, self.up.title, anchor="middle", more=turned))
        return parts

    def line(self, x: Sequence[float | None], y: Sequence[float | None], classes: str) -> str:
        """Straight lines from point to point; an undefined one breaks them."""
        return f'<path class="{classes}" d="{self._path(x, y)}"/>'

    def steps(self, x: Sequence[float], y: Sequence[float], classes: str) -> str:
        """Each `y` holds from the `x` before it, the first from the left edge."""
        wide = [edge for before, here in zip([self.across.low, *x], x, strict=False) for edge in (before, here)]
        return self.line(wide, [value for value in y for _ in range(2)], classes)

    def band(self, x: Sequence[float], low: Sequence[float | None], high: Sequence[float | None], classes: str) -> str:
        """The area between two lines, where both are defined."""
        known = [(a, b, c) for a, b, c in zip(x, low, high, strict=True) if b is not None and c is not None]
        if len(known) < 2:
            return ""
        there = "L".join(f"{self.x(a)} {self.y(b)}" for a, b, _ in known)
        back = "L".join(f"{self.x(a)} {self.y(c)}" for a, _, c in reversed(known))
        return f'<path class="band {classes}" d="M{there}L{back}Z"/>'

    def interval(self, x: float, low: float | None, high: float | None, classes: str) -> str:
        """An upright interval."""
        if low is None or high is None:
            return ""
        return f'<path class="interval thin {classes}" d="M{self.x(x)} {self.y(low)}V{self.y(high)}"/>'

    def mark(self, run: int, x: float, y: float, *, outside: bool = False) -> str:
        """The mark of a run at a point."""
        return mark(shape(run), f"{self.x(x):g}", self.y(y), look(run, outside))

    def panel(self, title: str, parts: Sequence[str], *, says: str, runs: int = 1) -> Panel:
        """The frame with what is drawn on it; with many runs, the bands are paler."""
        drawn = [f'<g class="crowded">{"".join(parts)}</g>'] if runs > CROWD else parts
        return panel(title, [*self.grid(), *drawn], width=WIDTH, height=HEIGHT, says=says)

    def _path(self, x: Sequence[float | None], y: Sequence[float | None]) -> str:
        made, pen = [], "M"
        for a, b in zip(x, y, strict=True):
            if a is None or b is None:
                pen = "M"
                continue
            made.append(f"{pen}{self.x(a):g} {self.y(b):g}")
            pen = "L"
        return "".join(made)


def swatch(run: int, outside: bool = False) -> str:
    """The line and mark that stand for a run on a set, for legends."""
    classes = look(run, outside)
    parts = [
        f'<path class="curve {classes}" d="M1 6H29"/>',
        mark(shape(run), "15", 6, classes),
    ]
    return drawing('class="swatch" width="30" height="12" aria-hidden="true"', parts)


def _short(value: float) -> str:
    return f"{value:g}".replace("-", "−")
