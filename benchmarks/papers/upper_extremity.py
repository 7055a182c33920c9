"""ER: its accuracy, how many labels a region can have, and how much doubt was missed."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import NamedTuple

from papers.checks import Check, derived, held, said
from papers.numbers import Printed, Table, read_table

RIGHT, LABELS = 60_618, 61_488
REGIONS = ("clavicle", "elbow", "thumb")
LEAST, MOST = 10, 59
EXTERNAL_REPORT_ACCURACY = (0.713, 0.737)
"""Of the three regions, which is which not said."""


class Solution(NamedTuple):
    """Numbers of labels of clavicle, elbow and thumb."""

    clavicle: int
    elbow: int
    thumb: int


def check_upper_extremity() -> Iterator[Check]:
    """Every derived number of the article."""
    table = read_table("upper_extremity_labels")
    yield held(
        "label-level accuracy, 60,618 of 61,488, in percent",
        [Printed("98.6", 98.6, 1)],
        [100 * RIGHT / LABELS],
        "to 1 decimal",
        decimals=2,
    )
    solutions = label_counts(table)
    yield derived(
        "labels a region, (clavicle, elbow, thumb)",
        "  ".join(str(tuple(solution)) for solution in solutions),
        f"all solutions of 533 a + 1045 b + 693 c = 61,488 with {LEAST} to {MOST} labels each",
    )
    yield from _report_level(table, solutions)
    yield from _doubt(table)
    strategies = [table.row(f"macro_auc_{name}") for name in ("inclusive", "exclusive")]
    changes = [other.value - one.value for one, other in zip(*strategies, strict=True)]
    affected = "  ".join(f"{cell.value:.0f}" for cell in table.row("affected_labels"))
    yield derived(
        "macro AUC, exclusive less inclusive",
        "  ".join(f"{change:+.2f}" for change in changes),
        f"with {affected} labels changed in training, so that no effect was to be seen with few of them",
    )


def label_counts(table: Table) -> list[Solution]:
    """How many labels the regions may have, given the reports of each and the labels of all."""
    internal, external = table.row("internal_reports"), table.row("external_reports")
    a, b, c = (round(one.value + other.value) for one, other in zip(internal, external, strict=True))
    span = range(LEAST, MOST + 1)
    return [Solution(i, j, k) for i in span for j in span for k in span if a * i + b * j + c * k == LABELS]


def _report_level(table: Table, solutions: list[Solution]) -> Iterator[Check]:
    """Reports without an error if errors were independent, for each of the solutions."""
    accuracy = [cell.value / 100 for cell in table.row("external_label_accuracy_percent")]
    low, high = EXTERNAL_REPORT_ACCURACY
    for solution in solutions:
        expected = [share**n for share, n in zip(accuracy, solution, strict=True)]
        off = math.sqrt(sum((value - (low + high) / 2) ** 2 for value in expected) / len(expected))
        yield derived(
            f"external report-level accuracy with {tuple(solution)} labels, 71.3 to 73.7 % printed",
            "  ".join(f"{100 * value:.1f} %" for value in expected),
            f"if errors were independent; {100 * off:.0f} points from what is printed (root mean square)",
        )


def _doubt(table: Table) -> Iterator[Check]:
    missed = []
    for part in ("internal", "external"):
        manual, automatic = (table.row(f"{part}_uncertain_{how}_percent") for how in ("manual", "automatic"))
        reports = table.row(f"{part}_reports")
        counts = [[_count(share, n) for share, n in zip(row, reports, strict=True)] for row in (manual, automatic)]
        possible = all(count is not None for row in counts for count in row)
        yield said(
            f"{part} reports with doubt, manual then automatic",
            "  ".join(cell.text for row in (manual, automatic) for cell in row),
            "  ".join(f"{count}/{n.text}" for row in counts for count, n in zip(row, reports, strict=True)),
            same=possible,
            why="a whole number of reports gives each of the shares",
        )
        missed += [1 - found / seen for seen, found in zip(*counts, strict=True) if seen and found is not None]
    yield derived(
        "doubtful reports that the automatic labels miss, at least",
        f"{100 * min(missed):.0f} to {100 * max(missed):.0f} %",
        "of whole counts, if what is flagged is among what readers saw; to see no effect of doubt then says little",
    )


def _count(share: Printed, total: Printed) -> int | None:
    """The whole number of reports that is printed as this share, if there is one."""
    n = round(share.value / 100 * total.value)
    return n if share.is_rounded(100 * n / total.value) else None
