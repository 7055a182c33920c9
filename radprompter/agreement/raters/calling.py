"""Which findings of several tables are the same, and by what name they go."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from radprompter.agreement.matching.naming import pair_findings
from radprompter.errors import SchemaError
from radprompter.label_table import LabelTable
from radprompter.labels import FindingSpec


def call_alike(tables: Sequence[LabelTable], raters: Sequence[str], renames: Mapping[str, str]) -> list[dict[str, str]]:
    """For each table: what its findings are called here -> their own names; here they go by the first table's names.

    Raises
    ------
    SchemaError
        If two findings of a table could be one of another, or a declared name takes that of another finding.
    """
    declared = {**{other: one for one, other in renames.items()}, **renames}
    known: dict[str, FindingSpec] = {}
    found = []
    for table, rater in zip(tables, raters, strict=True):
        findings = table.schema.findings
        pairs = pair_findings(list(known.values()), findings, renames=declared, tables=("the tables before", rater))
        here = {pair.theirs: pair.ours for pair in pairs}
        taken = [spec.name for spec in findings if spec.name not in here and spec.name in known]
        if taken:
            raise SchemaError(
                f"{rater}: {taken[0]!r} is the name of a finding that is declared to be another of its own"
            )
        known.update({spec.name: spec for spec in findings if spec.name not in here})
        found.append({here.get(spec.name, spec.name): spec.name for spec in findings})
    return found


def differing_none(
    tables: Sequence[LabelTable], called: Sequence[Mapping[str, str]], renames: Mapping[str, str]
) -> str | None:
    """The finding that says that there is none, if it means another thing to two tables that have it: they differ in
    their other findings. None if it does not, or is declared to be the same."""
    names = [
        name for table, own in zip(tables, called, strict=True) for name in own if own[name] == table.schema.no_finding
    ]
    none = names[0] if names else None
    others = {frozenset(own) - {none} for own in called if none in own}
    return none if len(others) > 1 and none not in {*renames, *renames.values()} else None
