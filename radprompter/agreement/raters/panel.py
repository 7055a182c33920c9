"""Label tables of the same reports as raters: joined by report id, one rating a table."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from radprompter.agreement.raters.ratings import MISSING, Ratings
from radprompter.errors import SchemaError
from radprompter.label_table import LabelTable
from radprompter.labels import LabelState, Projection

ORDER = (LabelState.NEGATIVE, LabelState.NOT_MENTIONED, LabelState.UNCERTAIN, LabelState.POSITIVE)
"""The categories, from denied to seen: the order that weights go by."""


@dataclass(frozen=True, slots=True, eq=False)
class Panel:
    """The ratings of several tables, each a rater.

    A cell that a table has no label for (missing, invalid, failed, skipped, masked by the projection), and a report or
    a finding that a table lacks, is a missing rating. Reports and findings of one table alone are left out and counted.
    """

    raters: tuple[str, ...]
    projection: str
    report_ids: tuple[str, ...]
    findings: tuple[str, ...]
    codes: NDArray[np.int8]  # (n_reports, n_findings, n_raters): places in ORDER, or MISSING
    allowed: tuple[tuple[LabelState, ...], ...]  # of each finding: what some rater could say, in the order of ORDER
    n_reports_single: int
    findings_single: tuple[str, ...]

    def ratings(self, finding: str) -> Ratings:
        """The ratings of one finding; its reports are the subjects.

        Raises
        ------
        SchemaError
            If it is no finding that two tables share.
        """
        if finding not in self.findings:
            raise SchemaError(f"no two tables share the finding {finding!r}; shared are: {', '.join(self.findings)}")
        index = self.findings.index(finding)
        return _ratings(self.codes[:, index], self.allowed[index])

    def pooled(self) -> Ratings:
        """The ratings of all findings: its cells are the subjects, those of one report a cluster."""
        n_reports, n_findings, n_raters = self.codes.shape
        allowed = tuple(state for state in ORDER if any(state in states for states in self.allowed))
        clusters = np.repeat(np.arange(n_reports), n_findings)
        return _ratings(self.codes.reshape(-1, n_raters), allowed, clusters)


def join(tables: Sequence[LabelTable], *, projection: Projection, names: Sequence[str] | None = None) -> Panel:
    """Put the tables side by side: reports and findings that two of them have, in the order in which they come.

    Raises
    ------
    SchemaError
        If there are fewer than two tables, or one of them shares no report or no finding with the others.
    """
    raters = tuple(names or (f"rater {place}" for place in range(1, len(tables) + 1)))
    if len(tables) < 2:
        raise SchemaError(f"expected two label tables or more, found {len(tables)}")
    ids = [table.report_ids for table in tables]
    findings = [table.schema.names for table in tables]
    reports, shared = _shared(ids), _shared(findings)
    for rater, its_ids, its_findings in zip(raters, ids, findings, strict=True):
        for what, its_own, of_two in (("report id", its_ids, reports), ("finding", its_findings, shared)):
            if not set(of_two).intersection(its_own):
                raise SchemaError(f"{rater}: has no {what} in common with the other label tables")
    codes = np.stack([_codes(table, reports, shared, projection) for table in tables], axis=-1)
    allowed = tuple(_allowed(tables, name, projection, codes[:, index]) for index, name in enumerate(shared))
    return Panel(
        raters,
        projection.name,
        tuple(reports),
        tuple(shared),
        codes,
        allowed,
        len(set().union(*ids)) - len(reports),
        tuple(name for name in dict.fromkeys(name for names in findings for name in names) if name not in shared),
    )


def rate(tables: Sequence[LabelTable], finding: str, *, projection: Projection) -> Ratings:
    """The ratings of one finding in label tables of the same reports; see `join` and `Panel`."""
    return join(tables, projection=projection).ratings(finding)


def _shared(lists: Iterable[Sequence[str]]) -> list[str]:
    counts = Counter(item for items in lists for item in items)
    return [item for item, count in counts.items() if count > 1]


def _codes(
    table: LabelTable, reports: Sequence[str], findings: Sequence[str], projection: Projection
) -> NDArray[np.int8]:
    place = {str(state): MISSING if to is None else ORDER.index(to) for state, to in projection.states.items()}
    frame = table.wide().reindex(index=list(reports), columns=list(findings))
    return frame.map(lambda state: place.get(state, MISSING)).to_numpy(dtype=np.int8)


def _allowed(
    tables: Sequence[LabelTable], finding: str, projection: Projection, found: NDArray[np.int8]
) -> tuple[LabelState, ...]:
    said = {state for table in tables if finding in table.schema.names for state in table.schema[finding].states}
    states = {projection.states.get(state) for state in said} | {ORDER[code] for code in np.unique(found[found >= 0])}
    allowed = tuple(state for state in ORDER if state in states)
    return allowed if len(allowed) > 1 else tuple(state for state in ORDER if state in projection.states.values())


def _ratings(
    codes: NDArray[np.int8], allowed: Sequence[LabelState], clusters: NDArray[np.int64] | None = None
) -> Ratings:
    places = np.full(len(ORDER) + 1, MISSING, dtype=np.int64)
    places[[ORDER.index(state) for state in allowed]] = np.arange(len(allowed))
    return Ratings(places[codes], tuple(map(str, allowed)), clusters)
