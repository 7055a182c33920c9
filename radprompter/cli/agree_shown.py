"""What `radprompter agree` prints: what was compared, the headline, every other definition, reports, cells, costs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from radprompter.cli.agree_pairs import show_pairs
from radprompter.cli.agree_words import HEADS, NO_VALUE, OF_SCORE, SHORT, new_table, say, shown
from radprompter.terminal import console

if TYPE_CHECKING:
    from radprompter.agreement.comparing.labelers import LabelerComparison
    from radprompter.agreement.definitions import Definition
    from radprompter.agreement.measuring.numbers import Number
    from radprompter.agreement.report import Agreement

MOST_WITH_INTERVAL = 3
"""Labelers side by side whose intervals fit on a line."""


def show(agreement: Agreement, comparisons: Sequence[LabelerComparison]) -> None:
    """Print an agreement, and the labelers against each other where there are several."""
    for line in _compared(agreement):
        say(line)
    first, *others = agreement.definitions
    alone = len(agreement.cells.labelers) == 1
    folded = next((one for one in others if alone and one.measures == ("same",)), None)
    for definition in (first, *(one for one in others if one is not folded)):
        say(f"\n{definition.name}: {definition.says}")
        _show_by_finding(agreement, definition, folded if definition is first else None)
    _show_reports(agreement)
    _show_overview(agreement)
    _show_groups(agreement)
    for comparison in comparisons[:1]:
        show_pairs(comparison)
        for caveat in comparison.caveats:
            say(f"note: {caveat}")
    if comparisons[1:]:
        say(f"those under {', '.join(one.definition.name for one in comparisons[1:])} are in the files (--out)")
    if len(agreement.cells.labelers) == 1:
        _show_confusion(agreement)
    _show_costs(agreement)


def _compared(agreement: Agreement) -> Iterator[str]:
    from radprompter.agreement.measuring.cells import UNLABELLED

    cells, matching, drawn = agreement.cells, agreement.matching, agreement.bootstrap
    unit = f"{cells.n_units:,} patients" if agreement.unit == "patient" else "reports"
    many = "finding" if len(cells.findings) == 1 else "findings"
    yield (
        f"{', '.join(cells.labelers)} against {agreement.reference}: {cells.n_reports:,} reports, "
        f"{len(cells.findings)} {many}"
    )
    if len(agreement.measured.replicates.counts):
        yield f"intervals: {drawn.level:.0%} of {drawn.rounds:,} resamples of {unit}, seed {drawn.seed}"
    elif drawn.rounds:
        yield f"intervals: none, too few {agreement.unit}s to resample"
    if cells.weighted:
        yield "reports are weighted: n and counts are sums of weights"
    for place, name in enumerate(cells.labelers):
        n = int(((cells.labels[place] == UNLABELLED) & (cells.reference >= 0)).sum())
        if n:
            n_all = int((cells.reference >= 0).sum())
            yield f"cells that {name} has no label for, counted as wrong: {n:,} of {n_all:,}"
    for n in dict.fromkeys(n for n in matching.n_reports_only.values() if n):
        names = [name for name, only in matching.n_reports_only.items() if only == n]
        each = " of each" if len(names) > 1 else ""
        yield f"reports of {', '.join(names)} that not all tables have, left out: {n:,}{each}"
    other = [item for item in matching.findings if item.how != "same name"]
    if other:
        pairs = (f"{own} = {item.name} ({item.how})" for item in other for own in dict.fromkeys(item.columns.values())
                 if own != item.name)  # fmt: skip
        yield f"findings under other names: {', '.join(pairs)}"
    reasons: dict[str, dict[str, list[str]]] = {}
    for item in matching.left_out:
        reasons.setdefault(item.reason, {}).setdefault(item.finding, []).append(item.table)
    for reason, findings in reasons.items():
        tables = dict.fromkeys(table for where in findings.values() for table in where)
        yield f"left out of {', '.join(tables)}: {_some(list(findings))} - {reason}"
    if matching.metadata:
        yield f"columns of {agreement.reference} that are no findings: {', '.join(matching.metadata)}"


def _show_by_finding(agreement: Agreement, definition: Definition, besides: Definition | None) -> None:
    """A row a finding, the last for all; with one labeler a column a measure, and one of the definition `besides`."""
    found = {
        (one.labeler, one.finding, one.measure): one
        for of in (definition, *([besides] if besides else []))
        for one in agreement.measured.numbers
        if one.definition == of.name and not one.task and one.measure in of.measures
    }
    first, *others = (name for name in definition.measures if len(definition.measures) == 1 or name != "accuracy")
    labelers, findings = agreement.cells.labelers, [*agreement.cells.findings, ""]
    whole = "all, mean" if definition.over_findings == "mean" else "all, pooled"
    every: list[Number] = []
    if len(labelers) == 1:
        head = f"{HEADS[first]} ({agreement.bootstrap.level:.0%} CI)"
        support = ["pos" if definition.tasks == ("positive",) else "cases"] if first != "same" else []
        last = [HEADS["same"]] if besides else []
        table = new_table("finding", "n", *support, *(HEADS[name] for name in others), head, *last)
        for finding in findings:
            row = [found[labelers[0], finding, name] for name in (*others, first)]
            counts = [_count(row[-1].n), *([_count(row[-1].support)] if support else [])]
            same = [shown(found[labelers[0], finding, "same"])] if besides else []
            table.add_row(finding or whole, *counts, *map(shown, row[:-1]), shown(row[-1], interval=True), *same)
            every += row
    else:
        table = new_table(f"{HEADS[first]} of", "n", *labelers)
        interval = len(labelers) <= MOST_WITH_INTERVAL
        for finding in findings:
            row = [found[labeler, finding, first] for labeler in labelers]
            table.add_row(finding or whole, _count(row[0].n), *(shown(one, interval=interval) for one in row))
            every += row
    console().print(table)
    if besides:
        say(f"{HEADS['same']}: {besides.name}, {besides.says}")
    if len(labelers) <= MOST_WITH_INTERVAL and any(one.shows_score for one in every if one.measure == first):
        say(f"{OF_SCORE}: all resamples give the same value, so the score interval (Wilson) stands there")
    _say_reasons(every)


def _show_reports(agreement: Agreement) -> None:
    say("\nwhole reports")
    several = len(agreement.cells.labelers) > 1
    who = ["labeler"] if several else []
    table = new_table("definition", *who, "all right", "errors", "doubt: reference", "labeler", "both")
    names = ("report_accuracy", "errors_per_report", "uncertain_reports_reference", "uncertain_reports_labeler",
             "uncertainty_capture")  # fmt: skip
    found = {(one.definition, one.labeler, one.measure): one for one in agreement.measured.numbers}
    every: list[Number] = []
    for definition in agreement.definitions:
        for labeler in agreement.cells.labelers:
            row = [found[definition.name, labeler, name] for name in names]
            table.add_row(definition.name, *([labeler] if several else []), *map(shown, row))
            every += row
    console().print(table)
    say("errors: wrong cells a report; else shares of reports")
    say("doubt: reports with an uncertain cell; both: of those of the reference")
    for name in (agreement.reference, *agreement.cells.labelers):
        if "uncertain" not in agreement.matching.states[name]:
            say(f"{name} cannot say uncertain")
    _say_reasons(every)


def _show_overview(agreement: Agreement) -> None:
    if agreement.overview:
        say("\nother definitions, over all findings (`--definition NAME` by finding, `--definitions` in words)")
        labelers = agreement.cells.labelers
        table = new_table("definition", "measure", *labelers)
        interval = len(labelers) <= MOST_WITH_INTERVAL
        found = {(one.definition, one.measure, one.labeler): one for one in agreement.measured.numbers
                 if not one.finding}  # fmt: skip
        for definition in agreement.overview:
            row = [found[definition.name, definition.measures[0], labeler] for labeler in labelers]
            values = (shown(one, interval=interval) for one in row)
            table.add_row(definition.name, HEADS[definition.measures[0]], *values)
        console().print(table)
    reasons: dict[str, list[str]] = {}
    for name, reason in agreement.refused.items():
        reasons.setdefault(reason, []).append(name)
    for reason, names in reasons.items():
        say(f"refused: {', '.join(names)} - {reason}")


def _show_groups(agreement: Agreement) -> None:
    if not agreement.groups:
        return
    definition = agreement.definitions[0]
    say(f"\n{HEADS[definition.measures[0]]} over all findings under {definition.name}, by group")
    labelers = agreement.cells.labelers
    table = new_table("group", "reports", *labelers, "")
    every: list[Number] = []
    for group in agreement.groups:
        found = {
            one.labeler: one
            for one in group.measured.numbers
            if (one.definition, one.measure) == (definition.name, definition.measures[0]) and not one.finding
        }
        values = (shown(found[name], interval=len(labelers) <= MOST_WITH_INTERVAL) for name in labelers)
        table.add_row(group.name, f"{group.n_reports:,}", *values, group.says)
        every += found.values()
    console().print(table)
    _say_reasons(every)


def _show_confusion(agreement: Agreement) -> None:
    from radprompter.labels import LABELS

    say("\ncells of all findings, the reference in rows, the labeler in columns")
    heads = [SHORT[state] for state in LABELS]
    table = new_table("", *heads, "no label")
    for head, row in zip(heads, agreement.measured.counts[0].sum(axis=0).tolist(), strict=True):
        table.add_row(head, *map(_count, row))
    console().print(table)


def _show_costs(agreement: Agreement) -> None:
    if not agreement.costs:
        return
    say("\ncosts of the whole tables, as their manifests say")
    table = new_table("labeler", "reports", "minutes per 1,000", "prompt tokens", "completion", "USD", "failed")
    for one in agreement.costs:
        minutes = NO_VALUE if one.minutes_per_1000 is None else f"{one.minutes_per_1000:.2f}"
        usd = NO_VALUE if one.usd is None else f"{one.usd:.2f}"
        counts = (NO_VALUE if n is None else f"{n:,}" for n in (one.prompt_tokens, one.completion_tokens))
        failed = NO_VALUE if one.n_failed is None else f"{one.n_failed:,}"
        table.add_row(one.labeler, f"{one.n_reports:,}", minutes, *counts, usd, failed)
    console().print(table)
    for one in agreement.costs:
        say(f"{one.labeler}: {one.says}")


def _say_reasons(numbers: Iterable[Number]) -> None:
    reasons: dict[str, list[str]] = {}
    for one in numbers:
        if one.reason:
            where = one.group or one.finding or "all"
            reasons.setdefault(one.reason, []).append(f"{HEADS.get(one.measure, one.measure)} of {where}")
    for reason, places in reasons.items():
        say(f"{NO_VALUE}: {reason} ({_some(list(dict.fromkeys(places)), at_most=3)})")


def _some(names: Sequence[str], *, at_most: int = 8) -> str:
    more = f" and {len(names) - at_most} more" if len(names) > at_most else ""
    return ", ".join(names[:at_most]) + more


def _count(n: float | None) -> str:
    if n is None:
        return NO_VALUE
    return f"{n:,.0f}" if float(n).is_integer() else f"{n:,.1f}"
