"""`radprompter compare`: two label tables of the same reports, and what a person should look at first."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from radprompter.options import AsJson
from radprompter.terminal import DONE, console, guarded, print_json

if TYPE_CHECKING:
    from radprompter.agreement.disagreement import Comparison, Disagreement, FindingComparison

SHOWN = 10
"""Cells, or reports, that the terminal names; all are in the queue."""

COLUMNS = (
    "rank", "report_id", "finding", "state", "other_state", "severity", "p", "other_p", "evidence", "other_evidence",
    "labeler", "other_labeler",
)  # fmt: skip


class By(StrEnum):
    """What the queue is ordered by."""

    CELL = "cell"
    REPORT = "report"


@guarded
def compare(
    labels: Annotated[Path, typer.Argument(help="labels.parquet that `radprompter label` wrote.")],
    other: Annotated[Path, typer.Argument(help="The second opinion: a labels.parquet, or CSV, one column a finding.")],
    queue: Annotated[
        Path | None,
        typer.Option("--queue", metavar="FILE", help="Write the disagreements there (CSV), with the report's words."),
    ] = None,
    by: Annotated[By, typer.Option("--by", help="Worst cells first, or reports with most that is worst.")] = By.CELL,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace a queue with other content.")] = False,
    json: AsJson = False,
) -> int:
    """Compare two label tables cell by cell; their disagreements, worst first, are a queue for review."""
    from radprompter.agreement.disagreement import compare as compare_tables
    from radprompter.agreement.disagreement import summarise
    from radprompter.store import read_labels, read_reference

    table = read_labels(labels)
    comparison = compare_tables(table, read_reference(other, table.schema))
    if queue is not None:
        _write(queue, comparison, by, overwrite=overwrite)
    if json:
        print_json({**summarise(comparison), "by": by, "queue": None if queue is None else str(queue)})
        return DONE
    _show(comparison)
    _show_worst(comparison, by)
    if queue is not None:
        note = "it holds words of the reports: keep it where they may be"
        _say(f"wrote {queue}: {len(comparison.disagreements):,} disagreements; {note}")
    elif comparison.disagreements:
        _say("`--queue FILE` writes all of them with the words that each table quotes")
    return DONE


def _write(path: Path, comparison: Comparison, by: By, *, overwrite: bool) -> None:
    from radprompter.errors import InputError
    from radprompter.files import write_text
    from radprompter.store import csv_text

    content = csv_text(COLUMNS, _rows(comparison, by))
    if path.exists() and not overwrite:
        if not path.is_file() or path.read_bytes() != content.encode():
            raise InputError(
                f"{path}: exists with other content, perhaps a review; name another file, or add --overwrite"
            )
        return
    write_text(path, content)


def _rows(comparison: Comparison, by: By) -> Iterator[tuple[Any, ...]]:
    """The rows of the queue; by report, all cells of a report have its rank."""
    if by is By.REPORT:
        for rank, report in enumerate(comparison.by_report(), start=1):
            for item in report.disagreements:
                yield rank, *_cells(item)
    else:
        for rank, item in enumerate(comparison.disagreements, start=1):
            yield rank, *_cells(item)


def _cells(item: Disagreement) -> tuple[Any, ...]:
    p, other_p = ("" if value is None else f"{value:.4f}" for value in (item.p, item.other_p))
    states = (str(item.state), str(item.other_state), f"{item.severity:.4f}", p, other_p)
    return (item.report_id, item.finding, *states, *item[-4:])


def _show(comparison: Comparison) -> None:
    from rich.table import Table

    from radprompter.agreement.disagreement import KINDS
    from radprompter.cli.agree_words import SHORT
    from radprompter.labels import LABELS

    _say(
        f"{comparison.n_reports:,} reports in both tables; {comparison.n_reports_first_only:,} only in the first, "
        f"{comparison.n_reports_second_only:,} only in the second"
    )
    for which, names in (("first", comparison.findings_first_only), ("second", comparison.findings_second_only)):
        if names:
            _say(f"findings only in the {which}, not compared: {', '.join(names)}")
    table = Table(box=None, pad_edge=False)
    for name in ("finding", "cells", "same", *(f"{SHORT[a]}/{SHORT[b]}" for a, b in KINDS), "no label"):
        table.add_column(name, justify="left" if name == "finding" else "right", no_wrap=True)
    for item in comparison.findings:
        share = f"{item.n_same / item.n:.1%}" if item.n else "–"
        counts = (_both_ways(item, *kind) for kind in KINDS)
        table.add_row(
            item.finding, f"{item.n:,}", share, *counts, f"{item.n_unlabelled:,}" if item.n_unlabelled else ""
        )
    console().print(table)
    _say("\nall findings, the first table in rows, the second in columns")
    whole = Table(box=None, pad_edge=False)
    whole.add_column("")
    for state in LABELS:
        whole.add_column(SHORT[state], justify="right")
    for state, row in zip(LABELS, comparison.confusion.tolist(), strict=True):
        whole.add_row(SHORT[state], *(f"{number:,}" for number in row))
    console().print(whole)
    same = f"{comparison.n_same / comparison.n:.2%}" if comparison.n else "none"
    _say(
        f"cells with the same label: {same} of {comparison.n:,}; cells that a table has no label for, which are no "
        f"disagreement: {comparison.n_unlabelled:,}\npos/neg 3:1 - positive in the first and negative in the second "
        "three times, the other way round once; n.m.: not mentioned"
    )


def _both_ways(item: FindingComparison, one: Any, other: Any) -> str:
    there, back = item.count(one, other), item.count(other, one)
    return f"{there:,}:{back:,}" if there or back else ""


def _show_worst(comparison: Comparison, by: By) -> None:
    if not comparison.disagreements:
        _say("no disagreement")
        return
    if by is By.REPORT:
        reports = comparison.by_report()
        _say(f"\n{len(reports):,} reports with disagreements; most and worst first:")
        for report in reports[:SHOWN]:
            found = ", ".join(item.finding for item in report.disagreements[:4])
            more = ", ..." if len(report.disagreements) > 4 else ""
            _say(f"  {report.severity:.2f}  {report.report_id}: {len(report.disagreements)} ({found}{more})")
        return
    _say(f"\n{len(comparison.disagreements):,} disagreements; worst first:")
    _say_each(comparison.disagreements[:SHOWN])


def _say_each(items: Iterable[Disagreement]) -> None:
    for item in items:
        states = f"{item.state.replace('_', ' ')} against {item.other_state.replace('_', ' ')}"
        _say(f"  {item.severity:.2f}  {item.report_id}  {item.finding}: {states}")


def _say(text: str) -> None:
    console().print(text, markup=False, soft_wrap=True)
