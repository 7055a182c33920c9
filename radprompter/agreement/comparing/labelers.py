"""Labelers against each other on the same reports: the difference of each pair, finding by finding and over findings.

Three questions, three kinds of test. Would other reports (or patients) of this kind give another order: the paired
bootstrap, of the very score that is reported. Is one right where the other is wrong more often than the reverse:
McNemar. Is one better over findings like these: t and Wilcoxon with the findings as units, as papers print them.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from radprompter.agreement.comparing.significance import (
    DECIMALS,
    Family,
    PairedTest,
    adjust,
    mcnemar,
    paired_t,
    wilcoxon,
)
from radprompter.agreement.definitions import Definition, Measure
from radprompter.agreement.measuring.cells import Cells
from radprompter.agreement.measuring.numbers import ALL, Measured
from radprompter.agreement.measuring.resampling import spread
from radprompter.agreement.measuring.scores import Scores, score
from radprompter.agreement.measuring.tallies import Floats
from radprompter.agreement.measuring.whole_reports import Judged, judge
from radprompter.agreement.report import Agreement
from radprompter.errors import InputError
from radprompter.statistics import bootstrap_p

Families = Mapping[str, Family]

NOT_RESAMPLED = "fewer than two resamples have a difference"
TOO_RARE = "too many resamples have no case, so no difference, to call this one more than chance"
UNEQUAL_WEIGHTS = "the reports stand for unequal numbers of reports, and McNemar's test counts reports"


class Methods(NamedTuple):
    """Which method each test takes (`significance`), the interval's level, and what counts as significant."""

    mcnemar: str = "auto"
    wilcoxon: str = "auto"
    level: float = 0.95
    alpha: float = 0.05


class Difference(NamedTuple):
    """A pair of labelers on one finding, or on all where `finding` is empty.

    `value` is `first_value` less `second_value`; `mean`, `low`, `high` and `p` are of the same resamples for both. In
    `n_undefined` of them either has no value: they are no part of the interval, and count as no difference in `p`.
    `only_first_right` and `only_second_right` count cells (reports with every cell right, over all findings), and
    `mcnemar` tests them. What is undefined is None, and `reason` says why there is no difference, no interval of it,
    or nothing that `p` could find.
    """

    first: str
    second: str
    finding: str
    first_value: float | None
    second_value: float | None
    value: float | None
    mean: float | None
    low: float | None
    high: float | None
    n_undefined: int
    p: float | None
    p_adjusted: float | None
    only_first_right: int
    only_second_right: int
    mcnemar: PairedTest
    mcnemar_adjusted: float | None
    reason: str | None


class OverFindings(NamedTuple):
    """A pair of labelers over the scores of their findings."""

    first: str
    second: str
    paired_t: PairedTest
    paired_t_adjusted: float | None
    wilcoxon: PairedTest
    wilcoxon_adjusted: float | None


@dataclass(frozen=True, slots=True, eq=False)
class LabelerComparison:
    """Every pair of labelers under one definition.

    Attributes
    ----------
    differences:
        Each pair over all findings, then on each finding.
    families:
        The p values that were adjusted together; adjusted values stand in the rows, in the same order.
    caveats:
        What a reader has to know of these very tests.
    """

    definition: Definition
    measure: Measure
    methods: Methods
    differences: tuple[Difference, ...]
    over_findings: tuple[OverFindings, ...]
    families: Families
    caveats: tuple[str, ...]


def compare_agreement(agreement: Agreement, methods: Methods | None = None) -> tuple[LabelerComparison, ...]:
    """Every pair of labelers under each definition that is reported in detail, by its first measure.

    The families of each definition are adjusted apart. With one labeler there is no comparison.
    """
    if len(agreement.cells.labelers) < 2:
        return ()
    chosen = (methods or Methods())._replace(level=agreement.bootstrap.level)
    return tuple(compare_labelers(agreement.cells, agreement.measured, one, chosen) for one in agreement.definitions)


def compare_labelers(
    cells: Cells, measured: Measured, definition: Definition, methods: Methods | None = None, *, measure: str = ""
) -> LabelerComparison:
    """Hold every pair of labelers against each other, on the resamples that their numbers have.

    Parameters
    ----------
    measured:
        The counts of `cells`, and their resamples (`numbers.measure`).
    measure:
        One of the measures of the definition; the first if empty.

    Raises
    ------
    InputError
        If there are fewer than two labelers, or the definition has no such measure.
    """
    methods = methods or Methods()
    chosen = next((name for name in definition.measures if name == (measure or definition.measures[0])), None)
    if chosen is None:
        expected = ", ".join(definition.measures)
        raise InputError(f"measure {measure!r}: definition {definition.name} has {expected}")
    if len(cells.labelers) < 2:
        raise InputError(f"a comparison needs two labelers; there is {', '.join(cells.labelers) or 'none'}")
    point, resampled = (
        score(definition, chosen, counts, no_finding=cells.no_finding, observed=measured.observed)
        for counts in (measured.counts, measured.replicates.counts)
    )
    judged = judge(definition, cells)
    rows = [row for pair in _pairs(cells) for row in _differences(cells, pair, point, resampled, judged, methods)]
    over = [_over_findings(cells, pair, point, methods) for pair in _pairs(cells)]
    differences, families = _adjusted(rows, chosen, methods.alpha)
    of_findings, more = _adjusted_over(over, methods.alpha)
    meant = point.by_finding if definition.over_findings == "mean" else np.zeros_like(point.by_finding)
    caveats = tuple(_caveats(cells, len(resampled.overall), families, methods.alpha, meant))
    return LabelerComparison(definition, chosen, methods, differences, of_findings, {**families, **more}, caveats)


def _pairs(cells: Cells) -> Iterator[tuple[int, int]]:
    return itertools.combinations(range(len(cells.labelers)), 2)


def _names(cells: Cells, pair: tuple[int, int]) -> tuple[str, str]:
    return cells.labelers[pair[0]], cells.labelers[pair[1]]


def _differences(
    cells: Cells, pair: tuple[int, int], point: Scores, resampled: Scores, judged: Judged, methods: Methods
) -> Iterator[Difference]:
    """All findings, then each of them."""
    values = np.concatenate([point.overall[:, None], point.by_finding], axis=1)
    rounds = np.concatenate([resampled.overall[..., None], resampled.by_finding], axis=2)
    differences = np.round(rounds[:, pair[0]] - rounds[:, pair[1]], DECIMALS)
    found = spread(differences, level=methods.level)
    for column, finding in enumerate((ALL, *cells.findings)):
        first, second = (values[labeler, column] for labeler in pair)
        discordant = _discordant(judged, pair, None if finding == ALL else column - 1)
        kept, n_undefined = np.nan if np.isnan(first - second) else 1.0, int(found.n_undefined[column])
        n_used, rare = len(differences) - n_undefined, 2 * n_undefined > methods.alpha * len(differences)
        yield Difference(
            *_names(cells, pair),
            finding,
            _number(first),
            _number(second),
            _number(np.round(first - second, DECIMALS)),
            _number(found.mean[column] * kept),
            _number(found.low[column] * kept),
            _number(found.high[column] * kept),
            n_undefined,
            _number(bootstrap_p(np.nan_to_num(differences[:, column])) * kept if n_used else np.nan),
            None,
            discordant.only_first,
            discordant.only_second,
            _mcnemar(discordant, methods, unequal=cells.unequal),
            None,
            _reason(cells, pair, (first, second), n_used, rare=rare),
        )


class _Discordant(NamedTuple):
    only_first: int
    only_second: int
    n: int


def _discordant(judged: Judged, pair: tuple[int, int], column: int | None) -> _Discordant:
    """Cells of a finding, or whole reports, that one alone has right, of those that both are judged on."""
    known, right = ([of[labeler] for labeler in pair] for of in judged)
    if column is None:
        both = known[0].any(axis=1) & known[1].any(axis=1)
        first, second = ((hits | ~of).all(axis=1) & both for hits, of in zip(right, known, strict=True))
    else:
        both = known[0][:, column] & known[1][:, column]
        first, second = (hits[:, column] & both for hits in right)
    return _Discordant(int((first & ~second).sum()), int((second & ~first).sum()), int(both.sum()))


def _mcnemar(discordant: _Discordant, methods: Methods, *, unequal: bool) -> PairedTest:
    only_first, only_second, n = discordant
    found = mcnemar(only_first, only_second, n=n, method=methods.mcnemar)
    if unequal:
        return found._replace(statistic=float("nan"), p=float("nan"), reason=UNEQUAL_WEIGHTS)
    return found


def _reason(cells: Cells, pair: tuple[int, int], scores: Sequence[float], n_used: int, *, rare: bool) -> str | None:
    names = [name for name, value in zip(_names(cells, pair), scores, strict=True) if np.isnan(value)]
    if names:
        return f"no score of {' and '.join(names)}"
    return NOT_RESAMPLED if n_used < 2 else TOO_RARE if rare else None


def _over_findings(cells: Cells, pair: tuple[int, int], point: Scores, methods: Methods) -> OverFindings:
    first, second = (point.by_finding[labeler] for labeler in pair)
    ranks = wilcoxon(first, second, method=methods.wilcoxon)
    return OverFindings(*_names(cells, pair), paired_t(first, second), None, ranks, None)


def _adjusted(rows: Sequence[Difference], measure: str, alpha: float) -> tuple[tuple[Difference, ...], Families]:
    """The rows with adjusted p values; single findings, and all of them together, are families of their own."""
    adjusted = list(rows)
    families: dict[str, Family] = {}
    for scope, of_all in (("every finding", False), ("all findings together", True)):
        places = [place for place, row in enumerate(rows) if (row.finding == ALL) is of_all]
        resampled = adjust(
            f"bootstrap of {measure.replace('_', ' ')}: every pair of labelers × {scope}",
            np.array([rows[place].p for place in places], dtype=np.float64),  # None becomes NaN
            alpha=alpha,
        )
        unit = "whole reports" if of_all else scope
        counted = adjust(
            f"McNemar: every pair of labelers × {unit}", [rows[place].mcnemar.p for place in places], alpha=alpha
        )
        families |= {family.name: family for family in (resampled, counted)}
        for place, p, other in zip(places, resampled.p_adjusted, counted.p_adjusted, strict=True):
            adjusted[place] = rows[place]._replace(p_adjusted=_number(p), mcnemar_adjusted=_number(other))
    return tuple(adjusted), families


def _adjusted_over(rows: Sequence[OverFindings], alpha: float) -> tuple[tuple[OverFindings, ...], Families]:
    ts = adjust("paired t over findings: every pair of labelers", [row.paired_t.p for row in rows], alpha=alpha)
    ranks = adjust("Wilcoxon over findings: every pair of labelers", [row.wilcoxon.p for row in rows], alpha=alpha)
    found = tuple(
        row._replace(paired_t_adjusted=_number(t), wilcoxon_adjusted=_number(rank))
        for row, t, rank in zip(rows, ts.p_adjusted, ranks.p_adjusted, strict=True)
    )
    return found, {family.name: family for family in (ts, ranks)}


def _caveats(cells: Cells, rounds: int, families: Families, alpha: float, meant: Floats) -> Iterator[str]:
    """`meant` are the scores ``(n_labelers, n_findings)`` that means over findings are of."""
    yield (
        "t and Wilcoxon take findings as units, which are not independent: of other reports they say nothing, as the "
        "bootstrap does"
    )
    if cells.n_units < cells.n_reports:
        yield "McNemar's test takes reports of one patient as independent; the bootstrap resamples patients"
    least, most = 2 / (rounds + 1), max(family.m for family in families.values())
    if rounds and least * most > alpha:
        yield (
            f"the smallest p of {rounds} resamples is {least:.2g}: among {most} tests one difference alone cannot be "
            f"significant at {alpha}; ask for more rounds"
        )
    undefined = np.isnan(meant)
    unlike = [cells.findings[column] for column in np.flatnonzero(undefined.any(axis=0) & ~undefined.all(axis=0))]
    if unlike:
        yield (
            f"some labelers have no score of {', '.join(unlike)}: their means over all findings leave that out, so "
            "differences of these means are not of the same findings"
        )


def _number(value: float) -> float | None:
    return None if np.isnan(value) else float(value)
