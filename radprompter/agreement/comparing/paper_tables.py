"""The tables that papers print, in Markdown: labelers x findings, labelers x measures, and P values."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from radprompter.agreement.comparing.labelers import LabelerComparison
from radprompter.agreement.comparing.score_tables import (
    ScoreTable,
    labelers_by_findings,
    labelers_by_measures,
    p_values,
)
from radprompter.agreement.measuring.numbers import Number
from radprompter.agreement.measuring.titles import TITLES
from radprompter.agreement.report import Agreement

NONE = "–"


def paper_tables(agreement: Agreement, comparisons: Sequence[LabelerComparison] = ()) -> str:
    """Every table of the definitions that are reported in detail, each with a caption that says what its numbers are.

    Raw values without intervals stand in the tables of findings (JMIR, Tables 1 and 2); bootstrap means with intervals
    in those of measures (OSL, Table 2), for definitions that have several.
    """
    return "\n\n".join(_sections(agreement, comparisons)) + "\n"


def _sections(agreement: Agreement, comparisons: Sequence[LabelerComparison]) -> Iterator[str]:
    drawn, cells = agreement.bootstrap, agreement.cells
    unit = "patients" if agreement.unit == "patient" else "reports"
    yield (
        f"# {', '.join(cells.labelers)} against {agreement.reference}\n\n{cells.n_reports:,} reports; "
        f"intervals: {drawn.level:.0%}, percentiles of {drawn.rounds:,} resamples of {unit}, seed {drawn.seed}."
    )
    for definition in agreement.definitions:
        numbers = agreement.measured.numbers
        says = f"{definition.says[0].upper()}{definition.says[1:]} (definition {definition.hash})."
        yield f"## {definition.name}\n\n{says}"
        yield _table(labelers_by_findings(numbers, definition), "finding", with_interval=False)
        if len(definition.measures) > 1:
            for finding in (*cells.findings, ""):
                yield _table(labelers_by_measures(numbers, definition, finding), "labeler", with_interval=True)
    for comparison in comparisons:
        header, *rows = p_values(comparison)
        scores = f"{TITLES[comparison.measure]} under {comparison.definition.name}"
        yield f"P values over the findings' scores, {scores}"
        yield _rows(header, rows)


def _table(table: ScoreTable, corner: str, *, with_interval: bool) -> str:
    rows = [(row.name, *(_shown(number, with_interval=with_interval) for number in row.numbers)) for row in table.rows]
    reasons = dict.fromkeys(number.reason for row in table.rows for number in row.numbers if number.reason)
    notes = f"\n\n{NONE}: {'; '.join(reasons)}" if reasons else ""
    caption = f"{table.title}{': mean of the resamples (interval)' if with_interval else ''}"
    return f"{caption}\n\n{_rows((corner, *table.columns), rows)}{notes}"


def _rows(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [header, ["---", *("--:" for _ in header[1:])], *rows]
    return "\n".join(f"| {' | '.join(_cell(cell) for cell in line)} |" for line in lines)


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ").replace("<", "&lt;")


def _shown(number: Number, *, with_interval: bool) -> str:
    if number.value is None:
        return NONE
    if not with_interval:
        return f"{number.value:.4f}"
    if number.mean is None:
        return f"{number.value:.3f} ({NONE})"
    limits = NONE if number.low is None else f"{number.low:.3f}–{number.high:.3f}"
    return f"{number.mean:.3f} ({limits})"
