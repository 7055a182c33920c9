"""Labelers against each other as plain data and as rows: what is undefined is null, with its reason."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

from radprompter.agreement.comparing.labelers import LabelerComparison
from radprompter.agreement.comparing.significance import PairedTest

DIFFERENCE_FIELDS = (
    *("definition", "measure", "first", "second", "finding", "first_value", "second_value", "difference", "mean"),
    *("low", "high", "n_undefined", "p", "p_adjusted", "only_first_right", "only_second_right"),
    *("mcnemar_method", "mcnemar_statistic", "mcnemar_p", "mcnemar_p_adjusted", "reason"),
)
"""Columns of ``differences.csv``; `finding` is empty for all findings together."""


def describe_comparison(comparison: LabelerComparison) -> dict[str, Any]:
    """Everything of a comparison, without a word or an id of any report."""
    return {
        "definition": comparison.definition.name,
        "hash": comparison.definition.hash,
        "measure": comparison.measure,
        "methods": comparison.methods._asdict(),
        "families": [
            {
                "name": family.name,
                "m": family.m,
                "n_undefined": family.n_undefined,
                "alpha": family.alpha,
                "n_significant": family.n_significant,
                "correction": "Benjamini-Hochberg",
            }
            for family in comparison.families.values()
        ],
        "differences": [row._asdict() | {"mcnemar": _test(row.mcnemar)} for row in comparison.differences],
        "over_findings": [
            row._asdict() | {"paired_t": _test(row.paired_t), "wilcoxon": _test(row.wilcoxon)}
            for row in comparison.over_findings
        ],
        "caveats": list(comparison.caveats),
    }


def difference_rows(comparisons: Sequence[LabelerComparison]) -> Iterator[tuple[Any, ...]]:
    """The rows of ``differences.csv``: each pair on all findings, then on each; what is undefined is an empty cell."""
    for comparison in comparisons:
        for row in comparison.differences:
            cells = (
                *(comparison.definition.name, comparison.measure, row.first, row.second, row.finding),
                *(row.first_value, row.second_value, row.value, row.mean, row.low, row.high, row.n_undefined),
                *(row.p, row.p_adjusted, row.only_first_right, row.only_second_right),
                *(row.mcnemar.method, _number(row.mcnemar.statistic), _number(row.mcnemar.p), row.mcnemar_adjusted),
                "; ".join(reason for reason in (row.reason, row.mcnemar.reason) if reason),
            )
            yield tuple("" if cell is None else cell for cell in cells)


def _test(test: PairedTest) -> dict[str, Any]:
    return test._asdict() | {"statistic": _number(test.statistic), "p": _number(test.p), "reason": test.reason or None}


def _number(value: float) -> float | None:
    return None if math.isnan(value) else value
