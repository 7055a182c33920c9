"""The plots of the page: bars, forests and the heat map of differences, each beside its numbers as text."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import NamedTuple

from markupsafe import Markup, escape

from radprompter.agreement.definitions import Definition
from radprompter.agreement.measuring.numbers import ALL
from radprompter.agreement.measuring.titles import TITLES
from radprompter.agreement.page.shown import Labeler, Ledger, Shown, axis_of, worded
from radprompter.pages.formats import NONE, signed
from radprompter.pages.svg import Axis, Estimate, drawing, forest_track, mark

BAR, GAP = 10, 2


class Bars(NamedTuple):
    """The bars of one finding, a labeler each."""

    title: str
    drawing: Markup


class Value(NamedTuple):
    """What stands beside a mark of a forest plot."""

    labeler: Labeler
    shown: Shown


class ForestRow(NamedTuple):
    """A finding, or a group, with the marks of all labelers; `reason` is why none of them has a value, if it is one."""

    title: str
    about: str
    is_summary: bool
    track: Markup
    values: tuple[Value, ...]
    reason: str


class Forest(NamedTuple):
    """A measure of every finding, or of every group."""

    title: str
    axis: Axis
    rows: tuple[ForestRow, ...]


class Heat(NamedTuple):
    """A difference: its words, how strong its colour is, from -1 to 1, and whether it is significant."""

    text: str
    strength: float
    is_significant: bool
    reason: str


class HeatRow(NamedTuple):
    """A finding, or all of them."""

    title: str
    is_summary: bool
    cells: tuple[Heat, ...]


class HeatMap(NamedTuple):
    """Differences between labelers: findings by pairs; `scale` is the difference of the strongest colour."""

    title: str
    pairs: tuple[tuple[Labeler, Labeler], ...]
    rows: tuple[HeatRow, ...]
    scale: str


def bar_chart(ledger: Ledger, definition: Definition) -> tuple[Bars, ...]:
    """The first measure of a definition, finding by finding, with the labelers one under the other."""
    measure = definition.measures[0]
    return tuple(
        Bars(
            worded(finding),
            _bars(
                [ledger.estimate(labeler, definition, measure, finding) for labeler in ledger.labelers],
                f"{TITLES[measure]} of {worded(finding)}: " + _told(ledger, definition, measure, finding),
            ),
        )
        for finding in ledger.agreement.cells.findings
    )


def _told(ledger: Ledger, definition: Definition, measure: str, finding: str) -> str:
    shown = ((one.name, ledger.shown(one.name, definition, measure, finding)) for one in ledger.labelers)
    return "; ".join(f"{name} {one.reason or f'{one.value} {one.score or one.limits}'.rstrip()}" for name, one in shown)


def _bars(estimates: Sequence[Estimate], told: str) -> Markup:
    height = (BAR + GAP) * len(estimates)
    parts = [f'<line class="grid" x1="{x}%" x2="{x}%" y1="0" y2="{height}"/>' for x in (25, 50, 75, 100)]
    for place, one in enumerate(estimates):
        y = place * (BAR + GAP) + GAP / 2
        middle = y + BAR / 2
        if one.value is None:
            parts.append(f'<text class="none" x="3" y="{middle + 3.5}">undefined</text>')
            continue
        parts.append(f'<rect class="bar {one.look}" x="0" y="{y}" width="{_share(one.value)}%" height="{BAR}"/>')
        if one.low is not None and one.high is not None:
            low, high = _share(one.low), _share(one.high)
            parts.append(f'<line class="whisker {one.look}" x1="{low}%" x2="{high}%" y1="{middle}" y2="{middle}"/>')
            parts += [
                f'<line class="whisker {one.look}" x1="{end}%" x2="{end}%" y1="{middle - 2.5}" y2="{middle + 2.5}"/>'
                for end in (low, high)
            ]
    return drawing(f'class="bars" width="100%" height="{height}" role="img" aria-label="{escape(told)}"', parts)


def _share(value: float) -> float:
    return round(100 * min(max(value, 0.0), 1.0), 2)


def forests(ledger: Ledger, definition: Definition) -> tuple[Forest, ...]:
    """One forest plot for each measure of a definition, a row for all findings and for each."""
    return tuple(
        _forest(ledger, definition, measure, [(ALL, ALL), *((name, ALL) for name in ledger.agreement.cells.findings)])
        for measure in definition.measures
    )


def group_forest(ledger: Ledger, definition: Definition, groups: Sequence[str]) -> Forest:
    """The first measure over all findings, for all reports and for each group of them."""
    return _forest(ledger, definition, definition.measures[0], [(ALL, ALL), *((ALL, name) for name in groups)])


def _forest(ledger: Ledger, definition: Definition, measure: str, rows: Sequence[tuple[str, str]]) -> Forest:
    estimates = [
        [ledger.estimate(labeler, definition, measure, finding, group=group) for labeler in ledger.labelers]
        for finding, group in rows
    ]
    axis = axis_of(itertools.chain.from_iterable(estimates))
    of_groups = any(group for _, group in rows)
    made = []
    for (finding, group), drawn in zip(rows, estimates, strict=True):
        values = tuple(
            Value(labeler, ledger.shown(labeler.name, definition, measure, finding, group=group))
            for labeler in ledger.labelers
        )
        summary = finding == ALL and group == ALL
        title = (group.partition("=")[2] or "all reports") if of_groups else (worded(finding) or "all findings")
        first = ledger.find(ledger.labelers[0].name, definition, measure, finding, group=group)
        support = None if first is None or of_groups else first.support
        about = "" if support is None or summary else f"{support:,.0f} of {first.n:,.0f}" if first else ""
        reasons = {value.shown.reason for value in values}
        reason = reasons.pop() if len(reasons) == 1 else ""
        made.append(ForestRow(title, about, summary, forest_track(drawn, axis), values, reason))
    return Forest(TITLES[measure], axis, tuple(made))


def heat_map(
    ledger: Ledger, definition: Definition, significant: frozenset[tuple[str, str, str]] = frozenset()
) -> HeatMap | None:
    """How much higher the first measure is of one labeler than of another; None of a single labeler.

    `significant` names the differences that are, by first and second labeler and finding.
    """
    pairs = tuple(itertools.combinations(ledger.labelers, 2))
    if not pairs:
        return None
    measure, findings = definition.measures[0], (ALL, *ledger.agreement.cells.findings)
    differences = {
        (pair[0].name, pair[1].name, finding): _difference(ledger, definition, measure, finding, pair)
        for finding in findings
        for pair in pairs
    }
    largest = max((abs(value) for value in differences.values() if value is not None), default=0.0)
    scale = max(0.05, math.ceil(round(largest / 0.05, 9)) * 0.05)
    rows = []
    for finding in findings:
        cells = []
        for first, second in pairs:
            key = (first.name, second.name, finding)
            value = differences[key]
            reason = "" if value is not None else "one of them has no value"
            strength = 0.0 if value is None else round(value / scale, 3)
            cells.append(Heat(NONE if value is None else signed(value), strength, key in significant, reason))
        rows.append(HeatRow(worded(finding) or "all findings", finding == ALL, tuple(cells)))
    return HeatMap(f"{TITLES[measure]}, {worded(definition.name)}", pairs, tuple(rows), f"{scale:.2f}")


def _difference(
    ledger: Ledger, definition: Definition, measure: str, finding: str, pair: tuple[Labeler, Labeler]
) -> float | None:
    first, second = (ledger.find(one.name, definition, measure, finding) for one in pair)
    if first is None or second is None or first.value is None or second.value is None:
        return None
    return first.value - second.value


def swatch(labeler: Labeler) -> Markup:
    """The mark that stands for a labeler, for legends and tables."""
    return drawing(
        'class="swatch" width="12" height="12" aria-hidden="true"', [mark(labeler.shape, "6", 6, labeler.look)]
    )
