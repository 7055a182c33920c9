"""Small label tables for tests, written as rows of signs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from radprompter.label_table import LabelTable
from radprompter.labels import LABELS, Cell, FindingSpec, LabelSchema, LabelState

SIGNS = {
    "+": LabelState.POSITIVE,
    "-": LabelState.NEGATIVE,
    "?": LabelState.UNCERTAIN,
    ".": LabelState.NOT_MENTIONED,
    "!": LabelState.FAILED,
}


def label_table(
    rows: Mapping[str, str],
    findings: Sequence[FindingSpec | str],
    *,
    no_finding: str | None = None,
    states: Sequence[LabelState] = LABELS,
) -> LabelTable:
    """Report -> one sign a finding."""
    specs = tuple(FindingSpec(item, states=tuple(states)) if isinstance(item, str) else item for item in findings)
    schema = LabelSchema("small", specs, no_finding)
    return LabelTable.from_cells(
        [
            Cell(report, name, SIGNS[sign])
            for report, signs in rows.items()
            for name, sign in zip(schema.names, signs, strict=True)
        ],
        schema,
    )
