"""Labelers against each other: the tests of `comparing`, as they are printed."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

from radprompter.agreement.comparing.labelers import Difference, LabelerComparison
from radprompter.agreement.comparing.significance import PairedTest
from radprompter.agreement.definitions import Definition
from radprompter.agreement.measuring.titles import TITLES
from radprompter.agreement.page.shown import worded
from radprompter.pages.formats import NONE, count, decimal, limits, p_value, signed


class Tested(NamedTuple):
    """A p value with what gave it; `reason` says why there is none, or why it is 1."""

    statistic: str
    p: str
    p_adjusted: str
    is_significant: bool
    about: str
    reason: str


class Compared(NamedTuple):
    """The difference of a pair on a finding, or on all."""

    title: str
    is_summary: bool
    values: str
    difference: str
    limits: str
    bootstrap: Tested
    discordant: str
    mcnemar: Tested
    reason: str


class Pair(NamedTuple):
    """Two labelers: finding by finding, and over findings."""

    first: str
    second: str
    rows: tuple[Compared, ...]
    paired_t: Tested
    wilcoxon: Tested
    n: str


class FamilyLine(NamedTuple):
    """A family of tests that were adjusted together."""

    name: str
    m: str
    n_significant: str
    n_undefined: str


class Versus(NamedTuple):
    """Every pair of labelers under one definition."""

    title: str
    pairs: tuple[Pair, ...]
    families: tuple[FamilyLine, ...]
    alpha: str
    caveats: tuple[str, ...]


def versus(comparisons: Sequence[LabelerComparison]) -> tuple[Versus, ...]:
    """The comparisons as they are printed."""
    return tuple(_versus(one) for one in comparisons)


def significant(
    comparisons: Sequence[LabelerComparison], definition: Definition, measure: str
) -> frozenset[tuple[str, str, str]]:
    """Which differences of a measure are significant after adjustment: first labeler, second, finding."""
    return frozenset(
        (row.first, row.second, row.finding)
        for one in comparisons
        if one.definition == definition and one.measure == measure
        for row in one.differences
        if row.p_adjusted is not None and row.p_adjusted <= one.methods.alpha
    )


def _versus(comparison: LabelerComparison) -> Versus:
    alpha = comparison.methods.alpha
    pairs = []
    for over in comparison.over_findings:
        rows = [row for row in comparison.differences if (row.first, row.second) == (over.first, over.second)]
        t = _tested(over.paired_t, over.paired_t_adjusted, alpha)
        ranks = _tested(over.wilcoxon, over.wilcoxon_adjusted, alpha)
        shown = tuple(_compared(row, alpha) for row in rows)
        pairs.append(Pair(over.first, over.second, shown, t, ranks, count(over.paired_t.n)))
    families = tuple(
        FamilyLine(one.name, count(one.m), count(one.n_significant), count(one.n_undefined))
        for one in comparison.families.values()
    )
    title = f"{TITLES[comparison.measure]}, {worded(comparison.definition.name)}"
    return Versus(title, tuple(pairs), families, f"{alpha:g}", comparison.caveats)


def _compared(row: Difference, alpha: float) -> Compared:
    found = row.p_adjusted is not None and row.p_adjusted <= alpha
    return Compared(
        worded(row.finding) or "all findings",
        not row.finding,
        f"{decimal(row.first_value)} / {decimal(row.second_value)}",
        signed(row.value),
        limits(row.low, row.high, sign=True),
        Tested("", p_value(row.p), p_value(row.p_adjusted), found, "", "" if row.p is not None else row.reason or ""),
        f"{row.only_first_right} / {row.only_second_right}",
        _tested(row.mcnemar, row.mcnemar_adjusted, alpha),
        row.reason or "",
    )


def _tested(test: PairedTest, adjusted: float | None, alpha: float) -> Tested:
    p = None if math.isnan(test.p) else test.p
    statistic = NONE if math.isnan(test.statistic) else decimal(test.statistic, 2)
    found = adjusted is not None and adjusted <= alpha
    ties = test.n_zero and test.name != "McNemar"  # its concordant pairs follow from those beside it
    zeros = f"{test.n_zero} of {test.n} without a difference" if ties else ""
    about = ", ".join(words for words in (worded(test.method), zeros) if words)
    return Tested(statistic, p_value(p), p_value(adjusted), found, about, test.reason)
