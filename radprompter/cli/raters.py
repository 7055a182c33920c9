"""`radprompter raters`: how far people or labelers agree on the same reports."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from radprompter.options import AsJson
from radprompter.terminal import DONE, console, guarded, print_json

if TYPE_CHECKING:
    from radprompter.agreement.raters.coefficients import Coefficient, Reason
    from radprompter.agreement.raters.panel import Panel
    from radprompter.agreement.raters.results import RaterAgreement

    Pairs = Mapping[tuple[str, str], RaterAgreement]

HEADS = {
    "percent": "agree", "cohen": "Cohen", "conger": "Conger", "fleiss": "Fleiss", "krippendorff": "alpha",
    "brennan_prediger": "B.-P.",
}  # fmt: skip
SHORT = {"negative": "neg", "not_mentioned": "n.m.", "uncertain": "unc", "positive": "pos", "subjects": "n"}


class BlankCell(StrEnum):
    """What an empty cell is."""

    NOT_MENTIONED = "not_mentioned"
    NO_LABEL = "no_label"


@guarded
def raters(
    tables: Annotated[
        list[Path], typer.Argument(help="One file a rater: a labels.parquet, or CSV, one column a finding.")
    ],
    projection: Annotated[str, typer.Option(help="What becomes of uncertain and not mentioned.")] = "four_states",
    coefficient: Annotated[
        list[str] | None,
        typer.Option(help="percent, gwet, cohen, conger, fleiss, krippendorff or brennan_prediger; repeatable."),
    ] = None,
    weights: Annotated[
        str, typer.Option(help="identity, linear, quadratic, ordinal, radical, ratio, circular or bipolar.")
    ] = "identity",
    finding: Annotated[list[str] | None, typer.Option(help="Only this finding; repeatable.")] = None,
    match: Annotated[
        list[str] | None,
        typer.Option("--match", metavar="NAME=COLUMN", help="Findings of two tables that are the same; repeatable."),
    ] = None,
    blank: Annotated[
        BlankCell | None, typer.Option("--blank", help="What an empty cell of a CSV is, where it must be said.")
    ] = None,
    id_column: Annotated[str | None, typer.Option("--id", help="Column of the report ids in the CSVs.")] = None,
    confidence: Annotated[float, typer.Option(help="Of the intervals.")] = 0.95,
    interval: Annotated[str, typer.Option(help="t, as in papers, or score, which holds near 1.")] = "t",
    out: Annotated[
        Path | None, typer.Option("--out", metavar="FILE", help="Write all numbers there: .csv or .json.")
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace a file with other content.")] = False,
    json: AsJson = False,
) -> int:
    """Say how far two or more raters agree on the same reports: Gwet's AC1, kappa, alpha, with intervals."""
    from radprompter.agreement.raters.panel import join
    from radprompter.agreement.raters.results import assess, assess_pairs, summarise
    from radprompter.agreement.raters.sheets import read_sheets
    from radprompter.errors import InputError
    from radprompter.labels import PROJECTIONS

    if projection not in PROJECTIONS:
        raise InputError(f"--projection {projection!r}: expected one of {', '.join(PROJECTIONS)}")
    if out is not None and out.suffix not in {".csv", ".json"}:
        raise InputError(f"--out {out}: expected a name that ends in .csv or .json")
    renames = dict(_pair(text) for text in match or ())
    sheets = read_sheets(
        _sources(tables),
        findings=finding or (),
        renames=renames,
        blank=None if blank is None else blank.value,
        id_column=id_column,
    )
    panel = join(
        list(sheets.tables.values()),
        projection=PROJECTIONS[projection],
        names=list(sheets.tables),
        findings=finding or (),
        renames=renames,
    )
    panel = replace(panel, left_out=(*sheets.left_out, *panel.left_out))
    how: dict[str, Any] = {"weights": weights, "confidence": confidence, "interval": interval}
    agreements = assess(panel, names=coefficient or (), **how)
    pairs = assess_pairs(panel, names=coefficient or (), **how) if len(panel.raters) > 2 else {}
    summary = summarise(panel, agreements, pairs, confidence=confidence, interval=interval)
    summary["weights_not_used"] = list(sheets.weighted)
    if out is not None:
        _write(out, summary, agreements, pairs, overwrite=overwrite)
    if json:
        print_json(summary)
    else:
        _show(panel, agreements, pairs, weights, confidence)
        if sheets.weighted:
            _say(f"drawn with unequal chances, which these numbers do not undo: {', '.join(sheets.weighted)}")
        if out is not None:
            _say(f"wrote {out}")
    return DONE


def _sources(paths: Sequence[Path]) -> dict[str, Any]:
    """Each file by its path: a label table, or a frame of one row a report."""
    from radprompter.errors import InputError
    from radprompter.files import read_table
    from radprompter.store import read_labels

    if len({path.resolve() for path in paths}) < len(paths):
        raise InputError(f"a table is named twice: {', '.join(map(str, paths))}; a rater agrees with itself always")
    sources: dict[str, Any] = {}
    for path in paths:
        sources[str(path)] = read_labels(path) if path.suffix == ".parquet" else read_table(path)
    return sources


def _pair(text: str) -> tuple[str, str]:
    from radprompter.errors import InputError

    name, is_pair, column = text.partition("=")
    if not is_pair or not name or not column:
        raise InputError(f"--match {text!r}: expected NAME=COLUMN, such as pleural_effusion=Effusion")
    return name, column


def _write(
    path: Path, summary: Mapping[str, Any], agreements: Sequence[RaterAgreement], pairs: Pairs, *, overwrite: bool
) -> None:
    import orjson

    from radprompter.agreement.raters.results import FIELDS, rows
    from radprompter.errors import InputError
    from radprompter.files import write_bytes
    from radprompter.spreadsheet import csv_text

    if path.suffix == ".json":
        content = orjson.dumps(summary, default=str, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)
    else:
        settings = ("projection", "confidence", "interval")
        made = [summary[name] for name in settings]
        whose = [("all", row) for row in rows(agreements)]
        whose += [(" and ".join(raters), row) for raters, item in pairs.items() for row in rows([item])]
        cells = ([*("" if value != value else value for value in row.values()), *made, who] for who, row in whose)
        content = csv_text((*FIELDS, *settings, "raters"), cells).encode()
    if path.exists() and not overwrite and (not path.is_file() or path.read_bytes() != content):
        raise InputError(f"{path}: exists with other content; name another file, or add --overwrite")
    write_bytes(path, content)


def _show(panel: Panel, agreements: Sequence[RaterAgreement], pairs: Pairs, weights: str, confidence: float) -> None:
    n_findings = len(panel.findings)
    findings = "1 finding" if n_findings == 1 else f"{n_findings} findings"
    _say(f"{len(panel.raters)} raters, {len(panel.report_ids):,} reports, {findings}")
    rows = agreements if n_findings > 1 else agreements[:1]
    _show_table("finding", {item.finding or "all, pooled": item for item in rows}, confidence)
    if pairs:
        place = {rater: str(number) for number, rater in enumerate(panel.raters, start=1)}
        _say("")
        _show_table(
            "raters", {" and ".join(place[one] for one in pair): item for pair, item in pairs.items()}, confidence
        )
        for rater, number in place.items():
            _say(f"{number}: {rater}")
    for line in _notes(panel, rows, weights):
        _say(line)


def _show_table(head: str, items: Mapping[str, RaterAgreement], confidence: float) -> None:
    from rich.table import Table

    coefficients = next(iter(items.values())).coefficients
    with_interval = "gwet" if "gwet" in coefficients else next(iter(coefficients))
    table = Table(box=None, pad_edge=False)
    table.add_column(head, no_wrap=True, max_width=32)
    table.add_column("n", justify="right", no_wrap=True)
    for name, found in coefficients.items():
        interval = f" ({100 * confidence:g} % CI)" if name == with_interval else ""
        table.add_column(HEADS.get(name, found.name) + interval, justify="right", no_wrap=True)
    table.add_column("few", max_width=16)
    for called, item in items.items():
        shown = [_number(found, interval=name == with_interval) for name, found in item.coefficients.items()]
        table.add_row(called, f"{item.n_subjects:,}", *shown, " ".join(SHORT[name] for name in item.few))
    console().print(table)


def _number(found: Coefficient, *, interval: bool) -> str:
    if found.value != found.value:
        return "–"
    value = f"{found.value:.3f}"
    if not interval:
        return value
    return f"{value} ({found.low:.3f} to {found.high:.3f})" if found.low < found.high else f"{value} (–)"


def _notes(panel: Panel, agreements: Sequence[RaterAgreement], weights: str) -> Iterator[str]:
    pooled = agreements[-1]
    categories = ", ".join(name.replace("_", " ") for name in pooled.n_chosen)
    yield f"\nprojection {panel.projection}, weights {weights}"
    yield f"categories, used or not: {categories}"
    yield "n: reports with two ratings; pooled: cells, and those of one report vary together"
    yield "few: fewer than 20 of these, or fewer than 5 in which a rater chose this category"
    n_left_out = next(iter(pooled.coefficients.values())).n_left_out
    if n_left_out:
        yield f"cells with fewer than two ratings, which count in no pair: {n_left_out:,}"
    if panel.n_reports_single:
        yield f"reports in one table only, left out: {panel.n_reports_single:,}"
    reasons = dict.fromkeys(item.reason for item in panel.left_out)
    for reason in reasons:
        names = ", ".join(dict.fromkeys(item.finding for item in panel.left_out if item.reason == reason))
        yield f"left out, {reason}: {names}"
    for reason, where in _reasons(agreements).items():
        places = ", ".join(where[:3]) + (f" and {len(where) - 3} more" if len(where) > 3 else "")
        yield f"–: {reason.words} ({places})"


def _reasons(agreements: Sequence[RaterAgreement]) -> dict[Reason, list[str]]:
    found: dict[Reason, list[str]] = {}
    for item in agreements:
        unsaid = (each.reason for each in item.coefficients.values() if each.reason and not each.low < each.high)
        for reason in dict.fromkeys(unsaid):
            found.setdefault(reason, []).append(item.finding or "pooled")
    return found


def _say(text: str) -> None:
    console().print(text, markup=False, soft_wrap=True)
