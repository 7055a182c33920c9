"""AUROC against the share of flipped labels, as a small hand-written SVG with the colours of every page."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from markupsafe import escape

from imagetrain.records import TEST
from phantoms.results import PLACES, Macro
from radprompter.pages import PLOTS
from radprompter.pages.svg import drawing, mark

WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 640, 340, 44, 216, 28, 40
STYLE = (
    ":root { --paper: #ffffff; --muted: #4c5560; --rule: #dfe3e8; } svg { background: var(--paper); }"
    " .curve { fill: none; stroke: var(--run); stroke-width: 1.8; } .outside.curve { stroke-dasharray: 5 3; }"
    " .outside.dot { fill: var(--paper); stroke: var(--run); stroke-width: 1.6; }"
)


def noise_figure(swept: Mapping[str, Mapping[float, Mapping[str, Macro]]]) -> str:
    """Lines of mean AUROC with intervals: a colour a way of training, inside whole and outside dashed."""
    shares = sorted({level for levels in swept.values() for level in levels})
    values = [one.low for levels in swept.values() for places in levels.values() for one in places.values()]
    floor = max(0.0, min(0.5, int(10 * min(values)) / 10))
    across, up = _scale(shares[-1] or 1, LEFT, WIDTH - RIGHT), _scale(1 - floor, HEIGHT - BOTTOM, TOP)
    parts = []
    for tenth in range(round(10 * floor), 11):
        y = up(tenth / 10 - floor)
        parts.append(f'<path class="{"half" if tenth == 5 else "grid"}" d="M{LEFT} {y}H{WIDTH - RIGHT}"/>')
        parts.append(f'<text x="{LEFT - 6}" y="{y + 3.5}" text-anchor="end">{tenth / 10:.1f}</text>')
    for share in shares:
        text = f"{100 * share:.0f} %"
        parts.append(f'<text x="{across(share)}" y="{HEIGHT - BOTTOM + 16}" text-anchor="middle">{text}</text>')
    middle = (LEFT + WIDTH - RIGHT) / 2
    parts.append(f'<text x="{middle}" y="{HEIGHT - 6}" text-anchor="middle">training labels flipped</text>')
    parts.append(f'<text x="10" y="{TOP - 14}">macro AUROC against the truth</text>')
    for number, (option, levels) in enumerate(swept.items()):
        for part, place in PLACES.items():
            look = f"run{number} {'inside' if part == TEST else 'outside'}"
            line = f"{option}, {place}"
            shift = 3.0 * (2 * number + (part != TEST)) - 3.0 * len(swept) + 1.5  # so that intervals do not hide others
            corners = [(across(level) + shift, up(places[part].value - floor)) for level, places in levels.items()]
            parts.append(f'<path class="curve {look}" d="M{"L".join(f"{x:.1f} {y:.1f}" for x, y in corners)}"/>')
            for (x, y), places in zip(corners, levels.values(), strict=True):
                low, high = up(places[part].low - floor), up(places[part].high - floor)
                parts.append(f'<line class="interval {look}" x1="{x:.1f}" x2="{x:.1f}" y1="{low}" y2="{high}"/>')
                parts.append(mark("circle", f"{x:.1f}", y, look))
            y = TOP + 14 + 18 * (2 * number + (part != TEST))
            parts.append(f'<path class="curve {look}" d="M{WIDTH - RIGHT + 12} {y}h26"/>')
            parts.append(mark("circle", f"{WIDTH - RIGHT + 25}", y, look))
            parts.append(f'<text x="{WIDTH - RIGHT + 44}" y="{y + 3.5}">{escape(line)}</text>')
    size = f'width="{WIDTH}" height="{HEIGHT}" viewBox="0 0 {WIDTH} {HEIGHT}"'
    label = "Macro AUROC against the share of flipped training labels"
    style = f"<style>{PLOTS.read_text(encoding='utf-8')}{STYLE}</style>"
    attributes = f'xmlns="http://www.w3.org/2000/svg" {size} role="img" aria-label="{label}"'
    return str(drawing(attributes, [style, *parts])) + "\n"


def _scale(whole: float, start: float, end: float) -> Callable[[float], float]:
    return lambda value: round(start + (end - start) * value / whole, 1)
