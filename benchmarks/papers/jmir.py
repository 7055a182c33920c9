"""JMIR: which F1 it is, its averages, its P values, and what its words do not say."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

from papers.checks import Check, derived, held, said
from papers.numbers import Table, read_table
from radprompter.agreement.comparing.significance import PairedTest, paired_t, wilcoxon

SLACK_OF_TASK = (3 + 2) * 0.00005
"""What rounding to four decimals may do to three times Table 1 less two times Table 2."""


def check_jmir() -> Iterator[Check]:
    """Every derived number of the JMIR paper."""
    three, two, p_values = (read_table(f"jmir_table{number}") for number in (1, 2, 3))
    yield from _definition(three, two)
    for number, table in ((1, three), (2, two)):
        means = [_mean(table, labeler) for labeler in table.columns]
        yield held(f"average of Table {number}", table.row("average"), means, "mean of the 14 findings, to 4 decimals")
    yield from _tests(three, two, p_values)
    yield from _words(three, two)


def _mean(table: Table, labeler: str) -> float:
    values = [cell.value for cell in table.column(labeler)]
    return sum(values) / len(values)


def _definition(three: Table, two: Table) -> Iterator[Check]:
    """Table 1 is the mean of three tasks and Table 2 of two of them, so the third is 3 T1 - 2 T2."""
    names = [row for row in three.rows if row != "average"]
    task = {
        (row, labeler): 3 * three.cells[row, labeler].value - 2 * two.cells[row, labeler].value
        for row in names
        for labeler in three.columns
    }
    largest = max(task.values())
    yield said(
        "uncertain task from 3 T1 - 2 T2 is a score in all 42 cells",
        "at most 1",
        f"{min(task.values()):.4f} to {largest:.4f}",
        same=largest <= 1 + SLACK_OF_TASK and min(task.values()) >= 0,
        why=f"T1 is the mean of three tasks, T2 of two; rounding may add {SLACK_OF_TASK:.5f}",
    )
    for finding in ("no_finding", "support_devices"):
        values = [task[finding, labeler] for labeler in three.columns]
        exact = all(abs(value - 1) <= SLACK_OF_TASK for value in values)
        yield said(
            f"uncertain task of {finding}, which has no uncertain label",
            "1",
            "  ".join(f"{value:.4f}" for value in values),
            same=exact,
            why="a task that nobody has scores 1, so true negatives count: F1 of both sides, weighted by support"
            if exact
            else "the CheXpert labeler calls a few uncertain; the other two are 1 within rounding",
        )
    positive = [2 * two.cells["no_finding", labeler].value - 1 for labeler in two.columns]
    yield derived(
        "positive task of no_finding behind the printed .8470  .8557  .8557",
        "  ".join(f"{value:.3f}" for value in positive),
        "2 T2 - 1, if its negative task scores 1 as its uncertain one does",
    )


def _tests(three: Table, two: Table, printed: Table) -> Iterator[Check]:
    tests = {"automatic": _all(three, "auto"), "exact": _all(three, "exact")}
    tests["normal"] = _all(three, "normal_approximation")
    yield held("paired t over Table 1", printed.row("paired_t"), [t.p for t, _ in tests["automatic"]], "14 findings")
    found = [test for _, test in tests["automatic"]]
    zero = "; ".join(f"{test.method.replace('_', ' ')}, {test.n_zero} zero" for test in found)
    yield held("Wilcoxon over Table 1", printed.row("wilcoxon"), [test.p for test in found], f"automatic: {zero}")
    for method in ("exact", "normal"):
        yield held(
            f"Wilcoxon over Table 1, all {method}",
            printed.row("wilcoxon"),
            [test.p for _, test in tests[method]],
            "",
            otherwise="the paper took the method that SciPy chose for each pair, so the method belongs on record",
            decimals=5,
        )
    second = _all(two, "auto")
    yield derived("paired t over Table 2", "  ".join(f"{t.p:.4f}" for t, _ in second), "the paper tests Table 1 alone")
    methods = ", ".join(test.method.replace("_", " ") for _, test in second)
    ours = "  ".join(f"{test.p:.4f}" for _, test in second)
    yield derived("Wilcoxon over Table 2", ours, f"{methods}: two pairs of differences tie in the second")


def _all(table: Table, method: str) -> list[tuple[PairedTest, PairedTest]]:
    columns = [[cell.value for cell in table.column(labeler)] for labeler in table.columns]
    return [(paired_t(a, b), wilcoxon(a, b, method=method)) for a, b in itertools.combinations(columns, 2)]


def _words(three: Table, two: Table) -> Iterator[Check]:
    ours, bert, rules = ([cell.value for cell in three.column(labeler)] for labeler in three.columns)
    better = sum(a > b for a, b in zip(ours, rules, strict=True))
    yield said(
        "findings in which it beats CheXpert",
        "all 14",
        str(better),
        same=better == 14,
        why="not Pleural Other, not No Finding",
    )
    better = sum(a > b for a, b in zip(ours, bert, strict=True))
    yield derived("findings in which it beats CheXbert", f"{better} of 14", "Table 1")
    margin = three.cells["average", "ours"].value - three.cells["average", "chexpert"].value
    yield derived(
        "margin over the CheXpert labeler", f"{margin:.4f}", "whose labels MIMIC-CXR has, on which it trained"
    )
    differences = [abs(a - b) for other in (bert, rules) for a, b in zip(ours, other, strict=True)]
    small = sum(round(difference, 4) < 0.02 for difference in differences)
    yield said("differences below .02 (Figure 3)", "most", f"{small} of 28", same=small > 14, why="Table 1")
    same = all(
        three.cells["average", labeler].value != two.cells["average", labeler].value for labeler in three.columns
    )
    yield said(
        "Table 2 is of all certainty levels (its caption)",
        "yes",
        "no",
        same=not same,
        why="the caption repeats that of Table 1; the text says positive and negative alone, and so do the numbers",
    )
