"""Numbers laid out as the papers print them: labelers x findings, and labelers x measures of one finding."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from radprompter.agreement.comparing.labelers import LabelerComparison
from radprompter.agreement.definitions import Definition, Measure
from radprompter.agreement.measuring.numbers import ALL, Number
from radprompter.agreement.measuring.titles import TITLES


class ScoreRow(NamedTuple):
    """A row of a table: its name, and a number of each column."""

    name: str
    numbers: tuple[Number, ...]


class ScoreTable(NamedTuple):
    """A table of numbers of one definition; `title` says which."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[ScoreRow, ...]


def labelers_by_findings(
    numbers: Sequence[Number], definition: Definition, measure: Measure | None = None
) -> ScoreTable:
    """A row a finding and a column a labeler, the row over all findings last (JMIR, Tables 1 and 2)."""
    chosen = measure or definition.measures[0]
    found = {
        (number.finding, number.labeler): number
        for number in numbers
        if (number.definition, number.measure) == (definition.name, chosen) and not number.task and not number.group
    }
    labelers = tuple(dict.fromkeys(labeler for _, labeler in found))
    findings = [*(name for name in dict.fromkeys(finding for finding, _ in found) if name != ALL), ALL]
    last = "average" if definition.over_findings == "mean" else "all cells"
    rows = (ScoreRow(name or last, tuple(found[name, labeler] for labeler in labelers)) for name in findings)
    return ScoreTable(f"{TITLES[chosen]} under {definition.name}", labelers, tuple(rows))


def labelers_by_measures(numbers: Sequence[Number], definition: Definition, finding: str) -> ScoreTable:
    """A row a labeler and a column a measure of one finding, or of all where it is empty (OSL, Table 2)."""
    found = {
        (number.labeler, number.measure): number
        for number in numbers
        if (number.definition, number.finding) == (definition.name, finding)
        and number.measure in definition.measures
        and not number.task
        and not number.group
    }
    labelers = dict.fromkeys(labeler for labeler, _ in found)
    rows = (ScoreRow(name, tuple(found[name, measure] for measure in definition.measures)) for name in labelers)
    title = f"{finding or 'all findings'} under {definition.name}"
    return ScoreTable(title, tuple(TITLES[measure] for measure in definition.measures), tuple(rows))


def p_values(comparison: LabelerComparison) -> tuple[tuple[str, ...], ...]:
    """The P values of each pair over findings, with Wilcoxon's method and differences of zero (JMIR, Table 3).

    A header comes first; adj.: adjusted over the pairs.
    """
    header = ("first – second", "paired t", "adj.", "Wilcoxon", "adj.", "method", "findings", "zeros")
    rows = (
        (
            f"{row.first} – {row.second}",
            shown_p(row.paired_t.p),
            shown_p(row.paired_t_adjusted),
            shown_p(row.wilcoxon.p),
            shown_p(row.wilcoxon_adjusted),
            row.wilcoxon.method.removesuffix("_approximation"),
            str(row.wilcoxon.n),
            str(row.wilcoxon.n_zero),
        )
        for row in comparison.over_findings
    )
    return (header, *rows)


def shown_p(p: float | None) -> str:
    """To four places; a dash where there is none."""
    if p is None or p != p:
        return "–"
    return "<.0001" if p < 0.0001 else f"{p:.4f}"
