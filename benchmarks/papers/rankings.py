"""Rankings across papers: each is refused, with every reason."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

from papers.checks import Check
from papers.numbers import UNSTATED, Table, read_table
from radprompter.agreement.comparing.comparability import Basis, check_comparable
from radprompter.agreement.definitions import DEFINITIONS
from radprompter.errors import DefinitionError

BEST = {
    "RAD": ("deberta_rad", "macro_f1", "deberta_rad"),
    "CXL": ("chex_llm_table1", "macro_f1", "chex_llm"),
    "JMIR": ("jmir_table1", "average", "ours"),
}
"""The number that each paper of a chest labeler is quoted by."""

WITHIN = {
    "JMIR's Tables 1 and 2": (("jmir_table1", "average", "ours"), ("jmir_table2", "average", "ours")),
    "OSL's F1 and JMIR's": (
        ("open_source_table2", "pneumothorax f1", "llama_3_cot"),
        ("jmir_table1", "pneumothorax", "ours"),
    ),
}


def check_rankings() -> Iterator[Check]:
    """What may not be ranked, and why."""
    pairs = {f"{a} and {b}": (BEST[a], BEST[b]) for a, b in itertools.combinations(BEST, 2)}
    for what, places in {**pairs, **WITHIN}.items():
        tables = [read_table(name) for name, _, _ in places]
        shown = [table.cells[row, column].text for table, (_, row, column) in zip(tables, places, strict=True)]
        try:
            check_comparable(*(basis_of_row(table, row) for table, (_, row, _) in zip(tables, places, strict=True)))
        except DefinitionError as error:
            yield Check(f"ranking of {what}", "  ".join(shown), "no ranking", "refused", str(error))
        else:
            raise AssertionError(f"{what} may be compared")


def basis_of_row(table: Table, row: str) -> Basis:
    """What the numbers of a row rest on, in the words of the paper."""
    finding, _, measure = row.partition(" ")
    findings = _findings(table) if finding in ("average", "macro_f1") else (finding,)
    definition = None if table.definition == UNSTATED else DEFINITIONS[table.definition]
    reference = tuple(table.reference for _ in findings)
    name = f"{table.source} {table.place}"
    return Basis(name, definition, measure or table.measure, findings, table.reports, reference)


def _findings(table: Table) -> tuple[str, ...]:
    """The findings that an average is of; RAD never lists its 13."""
    if table.source == "RAD":
        return ("13 findings that are not listed",)
    rows = read_table("chex_llm_table3").rows if table.source == "CXL" else table.rows
    return tuple(row for row in rows if row != "average")
