"""Label tables of the same reports as raters: joined by report id, one rating a table."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import compress

import numpy as np
from numpy.typing import NDArray

from radprompter.agreement.matching.naming import near
from radprompter.agreement.raters.calling import call_alike, differing_none
from radprompter.agreement.raters.ratings import MISSING, Ratings
from radprompter.agreement.report import LeftOut
from radprompter.errors import SchemaError
from radprompter.label_table import LabelTable
from radprompter.labels import LabelState, Projection

ORDER = (LabelState.NEGATIVE, LabelState.NOT_MENTIONED, LabelState.UNCERTAIN, LabelState.POSITIVE)
"""The categories, from denied to seen: the order that weights go by."""


@dataclass(frozen=True, slots=True, eq=False)
class Panel:
    """The ratings of several tables, each a rater.

    A cell that a table has no label for (missing, invalid, failed, skipped, masked by the projection), and a report or
    a finding that a table lacks, is a missing rating. A report of which one table alone has the finding is no subject;
    reports of one table alone are left out and counted.
    """

    raters: tuple[str, ...]
    projection: str
    report_ids: tuple[str, ...]
    findings: tuple[str, ...]
    codes: NDArray[np.int8]  # (n_reports, n_findings, n_raters): places in ORDER, or MISSING
    present: NDArray[np.bool_]  # (n_reports, n_raters): whose table has the report
    allowed: tuple[tuple[LabelState, ...], ...]  # of each finding: what some rater could say, in the order of ORDER
    columns: tuple[tuple[str | None, ...], ...]  # of each finding: each rater's name of it, None for a rater without
    n_reports_single: int
    left_out: tuple[LeftOut, ...]

    def ratings(self, finding: str) -> Ratings:
        """The ratings of one finding; its reports are the subjects.

        Raises
        ------
        SchemaError
            If it is no finding that two tables share.
        """
        if finding not in self.findings:
            raise SchemaError(f"no two tables share the finding {finding!r}; shared are: {', '.join(self.findings)}")
        at = self.findings.index(finding)
        return _ratings(self.codes[self._subjects[:, at], at], self.allowed[at])

    def pooled(self) -> Ratings:
        """The ratings of all findings: its cells are the subjects, those of one report a cluster."""
        allowed = tuple(state for state in ORDER if any(state in states for states in self.allowed))
        return _ratings(self.codes[self._subjects], allowed, np.nonzero(self._subjects)[0])

    def pair(self, one: int, other: int) -> Panel | None:
        """Two of the raters, by place, and what both have; None if that is nothing."""
        both = [one, other]
        reports = np.logical_and(self.present[:, one], self.present[:, other])
        has = [columns[one] is not None and columns[other] is not None for columns in self.columns]
        if not reports.any() or not any(has):
            return None
        return replace(
            self,
            raters=(self.raters[one], self.raters[other]),
            report_ids=tuple(compress(self.report_ids, reports)),
            findings=tuple(compress(self.findings, has)),
            codes=self.codes[reports][:, has][:, :, both],
            present=self.present[reports][:, both],
            allowed=tuple(compress(self.allowed, has)),
            columns=tuple((columns[one], columns[other]) for columns in compress(self.columns, has)),
        )

    @property
    def _subjects(self) -> NDArray[np.bool_]:
        """Cells that two tables have, with or without a label, ``(n_reports, n_findings)``."""
        has = np.array([[column is not None for column in columns] for columns in self.columns])
        return np.asarray((self.present[:, None, :] & has[None]).sum(axis=-1) >= 2, dtype=np.bool_)


def join(
    tables: Sequence[LabelTable],
    *,
    projection: Projection,
    names: Sequence[str] = (),
    findings: Sequence[str] = (),
    renames: Mapping[str, str] | None = None,
) -> Panel:
    """Put the tables side by side: reports and findings that two of them have, in the order in which they come.

    Findings are called as in the first table that has them, and paired by `naming.pair_findings`. The finding that says
    that there is none is left out where raters who have it differ in their other findings, unless it is declared.

    Parameters
    ----------
    names:
        What the raters are called, else ``rater 1`` and so on.
    findings:
        Only these.
    renames:
        Findings of two tables that are declared to be the same.

    Raises
    ------
    SchemaError
        If there are fewer than two tables, one of them shares no report or no finding with the others, a finding of
        `findings` is not shared, no table has one of `renames`, or two findings of a table could be one of another.
    """
    raters = tuple(names or (f"rater {place}" for place in range(1, len(tables) + 1)))
    if len(tables) < 2:
        raise SchemaError(f"expected two label tables or more, found {len(tables)}")
    _check_renames(tables, renames or {})
    called = call_alike(tables, raters, renames or {})
    ids = [table.report_ids for table in tables]
    reports, shared = _in_two(ids), _in_two(called)
    for rater, its_ids, its_findings in zip(raters, ids, called, strict=True):
        for what, its_own, of_two in (("report id", its_ids, reports), ("finding", its_findings, shared)):
            if not set(of_two).intersection(its_own):
                raise SchemaError(f"{rater}: has no {what} in common with the other label tables")
    differing = differing_none(tables, called, renames or {})
    comparable = [name for name in shared if name != differing]
    wanted = findings or shared
    unknown = [name for name in wanted if name not in comparable] if findings or not comparable else []
    if unknown:
        raise SchemaError(f"no two tables share {', '.join(unknown)}; shared are: {', '.join(comparable) or 'none'}")
    kept = [name for name in comparable if name in wanted]
    columns = tuple(tuple(own.get(name) for own in called) for name in kept)
    by_rater = zip(tables, zip(*columns, strict=True), strict=True)
    codes = np.stack([_codes(table, reports, its_own, projection) for table, its_own in by_rater], axis=-1)
    return Panel(
        raters,
        projection.name,
        tuple(reports),
        tuple(kept),
        codes,
        np.stack([np.isin(reports, its_ids) for its_ids in ids], axis=-1),
        tuple(_allowed(tables, its_own, projection, codes[:, at]) for at, its_own in enumerate(columns)),
        columns,
        len(set().union(*ids)) - len(reports),
        tuple(_left_out(raters, called, comparable, differing)),
    )


def rate(tables: Sequence[LabelTable], finding: str, *, projection: Projection) -> Ratings:
    """The ratings of one finding in label tables of the same reports; see `join` and `Panel`."""
    return join(tables, projection=projection).ratings(finding)


def _check_renames(tables: Sequence[LabelTable], renames: Mapping[str, str]) -> None:
    known = dict.fromkeys(each for table in tables for each in table.schema.names)
    for one, other in renames.items():
        unknown = next((each for each in (one, other) if each not in known), None)
        if unknown is not None:
            close = ", ".join(near(unknown, known) or tuple(known)[:5])
            raise SchemaError(f"--match {one}={other}: no table has a finding {unknown!r}; near it: {close}")


def _in_two(lists: Iterable[Iterable[str]]) -> list[str]:
    counts = Counter(item for items in lists for item in items)
    return [item for item, count in counts.items() if count > 1]


def _left_out(
    raters: Sequence[str], called: Sequence[Mapping[str, str]], comparable: Sequence[str], differing: str | None
) -> Iterator[LeftOut]:
    for rater, own in zip(raters, called, strict=True):
        for name in own:
            if name == differing:
                yield LeftOut(rater, own[name], "it says that there is no other finding, and these differ")
            elif name not in comparable:
                others = {each for names in called for each in names if each not in own}
                hint = "".join(f"; near it: {each} (--match {name}={each})" for each in near(name, others)[:1])
                yield LeftOut(rater, own[name], f"no other table has it{hint}")


def _codes(
    table: LabelTable, reports: Sequence[str], columns: Sequence[str | None], projection: Projection
) -> NDArray[np.int8]:
    place = {str(state): MISSING if to is None else ORDER.index(to) for state, to in projection.states.items()}
    wide = table.wide().reindex(index=list(reports))
    codes = np.full((len(reports), len(columns)), MISSING, dtype=np.int8)
    for at, column in enumerate(columns):
        if column is not None:
            codes[:, at] = [place.get(state, MISSING) for state in wide[column]]
    return codes


def _allowed(
    tables: Sequence[LabelTable], columns: Sequence[str | None], projection: Projection, found: NDArray[np.int8]
) -> tuple[LabelState, ...]:
    said = {
        state
        for table, column in zip(tables, columns, strict=True)
        if column is not None
        for state in table.schema[column].states
    }
    states = {projection.states.get(state) for state in said} | {ORDER[code] for code in np.unique(found[found >= 0])}
    allowed = tuple(state for state in ORDER if state in states)
    return allowed if len(allowed) > 1 else tuple(state for state in ORDER if state in projection.states.values())


def _ratings(
    codes: NDArray[np.int8], allowed: Sequence[LabelState], clusters: NDArray[np.int64] | None = None
) -> Ratings:
    places = np.full(len(ORDER) + 1, MISSING, dtype=np.int64)
    places[[ORDER.index(state) for state in allowed]] = np.arange(len(allowed))
    return Ratings(places[codes], tuple(map(str, allowed)), clusters)
