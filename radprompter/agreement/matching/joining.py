"""Label tables of different schemas as cells of the same reports and findings, with all that is left out and why."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from radprompter.agreement.matching.naming import How, Pairing, near, pair_findings
from radprompter.agreement.measuring.cells import UNLABELLED, Cells
from radprompter.agreement.report import LeftOut, MatchedFinding, Matching
from radprompter.errors import InputError, SchemaError
from radprompter.label_table import LabelTable
from radprompter.labels import LABELS, LabelState

CODES: Mapping[str, int] = {str(state): code for code, state in enumerate(LABELS)}


class Sampling(NamedTuple):
    """What is known of how the reports were drawn: report -> patient, weight and stratum; none where it is empty.

    A report without a patient is one by itself.
    """

    patients: Mapping[str, str] = {}
    weights: Mapping[str, float] = {}
    strata: Mapping[str, str] = {}


def match(
    labelers: Mapping[str, LabelTable],
    reference: LabelTable,
    *,
    name: str = "reference",
    renames: Mapping[str, str] | None = None,
    set_aside: Sequence[LeftOut] = (),
    metadata: Sequence[str] = (),
    sampling: Sampling | None = None,
) -> tuple[Cells, Matching]:
    """The cells of the reports and findings that all tables have.

    Findings are called as in the reference, and paired by `naming.pair_findings`; reports stand as in the reference. A
    reference's cell without a label does not count, a labeler's counts as `UNLABELLED`. The finding that says that
    there is none is compared only where all tables have the same other findings (else it means another thing in each),
    or where it is declared in `renames`.

    Parameters
    ----------
    labelers:
        Name -> table; names differ from each other and from `name`, which the reference has.
    renames:
        Findings that are declared to be the same, name in the labelers' tables -> name in the reference.
    set_aside, metadata:
        Columns of the files that the tables do not have: could-be findings of any, and of the reference what is none.

    Raises
    ------
    SchemaError
        If no finding or no report is in all tables, or two findings could be one.
    InputError
        If two tables have one name, or a rename names a finding that is not there.
    """
    declared = dict(renames or {})
    names = (*labelers, name)
    if len(set(names)) < len(names):
        raise InputError(f"each table needs a name of its own; these are: {', '.join(names)}")
    _check_renames(labelers, reference, name, declared)
    pairs = {
        who: pair_findings(table.schema.findings, reference.schema.findings, renames=declared, tables=(who, name))
        for who, table in labelers.items()
    }
    shared = [finding for finding in reference.schema.names if all(_of(pairs[who], finding) for who in labelers)]
    left_out = [*set_aside, *_left_out(labelers, reference, name, pairs, shared)]
    none = _no_finding_column(labelers, reference, pairs)
    differing = _differing(none, labelers, reference, name, pairs, set_aside) if none in shared else ""
    if none is not None and differing and none not in declared.values():
        shared.remove(none)
        left_out.append(LeftOut(name, none, differing))
    if not shared:
        reasons = "; ".join(f"{item.finding} of {item.table}: {item.reason}" for item in left_out[:4])
        raise SchemaError(f"{' and '.join(labelers)} and {name} have no finding in common. {reasons}")
    columns = {
        who: [next(pair.ours for pair in pairs[who] if pair.theirs == finding) for finding in shared]
        for who in labelers
    }
    reports = _shared_reports(labelers, reference, name)
    tables = {**{who: (labelers[who], columns[who]) for who in labelers}, name: (reference, shared)}
    codes = {who: _codes(table, chosen, reports) for who, (table, chosen) in tables.items()}
    kept_none = none if none in shared else None
    matching = Matching(
        tuple(
            MatchedFinding(
                finding,
                {**{who: columns[who][at] for who in labelers}, name: finding},
                _how(pairs, finding),
            )
            for at, finding in enumerate(shared)
        ),
        tuple(left_out),
        {who: _states(table, chosen, besides=kept_none, shared=shared) for who, (table, chosen) in tables.items()},
        {who: len(table) - len(reports) for who, (table, _) in tables.items()},
        {
            who: table.schema[chosen[shared.index(kept_none)]].states
            for who, (table, chosen) in tables.items()
            if kept_none is not None
        },
        tuple(metadata),
    )
    return _cells(codes, reports, shared, tuple(labelers), name, kept_none, sampling or Sampling()), matching


def _cells(
    codes: Mapping[str, NDArray[np.int8]],
    reports: Sequence[str],
    shared: Sequence[str],
    labelers: tuple[str, ...],
    name: str,
    none: str | None,
    sampling: Sampling,
) -> Cells:
    patients, weights, strata = sampling
    units = [patients.get(report) or ("a report", report) for report in reports]
    return Cells(
        tuple(reports),
        tuple(shared),
        labelers,
        codes[name],
        np.stack([np.where(codes[who] < 0, UNLABELLED, codes[who]).astype(np.int8) for who in labelers]),
        None if none is None else shared.index(none),
        _numbered(units),
        np.array([weights.get(report, 1.0) for report in reports], dtype=np.float64),
        _numbered([strata.get(report, "") for report in reports]),
    )


def _numbered(values: Sequence[object]) -> NDArray[np.intp]:
    """Equal values as equal numbers, from 0 in the order of their first places."""
    seen: dict[object, int] = {}
    return np.array([seen.setdefault(value, len(seen)) for value in values], dtype=np.intp)


def _codes(table: LabelTable, columns: Sequence[str], reports: Sequence[str]) -> NDArray[np.int8]:
    """The place of each label in `LABELS`, -1 without a label: int8 ``(n_reports, n_columns)``."""
    coded = table.frame["state"].map(CODES).fillna(-1).to_numpy(dtype=np.int8).reshape(len(table), -1)
    at = {report: row for row, report in enumerate(table.report_ids)}
    rows = np.array([at[report] for report in reports], dtype=np.intp)
    places = np.array([table.schema.names.index(column) for column in columns], dtype=np.intp)
    return np.asarray(coded[np.ix_(rows, places)], dtype=np.int8)


def _shared_reports(labelers: Mapping[str, LabelTable], reference: LabelTable, name: str) -> list[str]:
    known = [set(table.report_ids) for table in labelers.values()]
    reports = [report for report in reference.report_ids if all(report in ids for ids in known)]
    if not reports:
        theirs = set(reference.report_ids)
        apart = next((who for who, ids in zip(labelers, known, strict=True) if not ids & theirs), next(iter(labelers)))
        raise SchemaError(
            f"{', '.join(labelers)} and {name} have no report id in common; {apart} has ids such as "
            f"{labelers[apart].report_ids[0]!r}, {name} such as {reference.report_ids[0]!r} (--id names another column)"
        )
    return reports


def _check_renames(
    labelers: Mapping[str, LabelTable], reference: LabelTable, name: str, renames: Mapping[str, str]
) -> None:
    ours = dict.fromkeys(finding for table in labelers.values() for finding in table.schema.names)
    for one, other in renames.items():
        for wanted, known, where in ((one, ours, ", ".join(labelers)), (other, reference.schema.names, name)):
            if wanted not in known:
                close = difflib.get_close_matches(wanted, known, n=3) or tuple(known)[:5]
                raise InputError(
                    f"--match {one}={other}: no finding {wanted!r} in {where}; near it: {', '.join(close)}"
                )


def _of(pairs: Sequence[Pairing], finding: str) -> Pairing | None:
    return next((pair for pair in pairs if pair.theirs == finding), None)


def _how(pairs: Mapping[str, Sequence[Pairing]], finding: str) -> How:
    """The weakest reason by which any table has the finding."""
    hows = [pair.how for of in pairs.values() if (pair := _of(of, finding))]
    order: tuple[How, ...] = ("declared", "alias", "same name")
    return next(how for how in order if how in hows)


def _left_out(
    labelers: Mapping[str, LabelTable],
    reference: LabelTable,
    name: str,
    pairs: Mapping[str, Sequence[Pairing]],
    shared: Sequence[str],
) -> list[LeftOut]:
    found = []
    for finding in reference.schema.names:
        lacking = [who for who in labelers if _of(pairs[who], finding) is None]
        if lacking:
            ours = [own for who in lacking for own in labelers[who].schema.names]
            found.append(LeftOut(name, finding, f"{', '.join(lacking)} has no such finding{_hint(finding, ours)}"))
    for who, table in labelers.items():
        paired = {pair.ours: pair.theirs for pair in pairs[who]}
        for own in table.schema.names:
            if own not in paired:
                found.append(LeftOut(who, own, f"{name} has no such finding{_hint(own, reference.schema.names)}"))
            elif paired[own] not in shared:
                others = [other for other in labelers if _of(pairs[other], paired[own]) is None]
                found.append(LeftOut(who, own, f"{', '.join(others)} has no such finding"))
    return found


def _hint(finding: str, known: Sequence[str]) -> str:
    close = near(finding, known)
    return f"; near it: {', '.join(close)}" if close else ""


def _no_finding_column(
    labelers: Mapping[str, LabelTable], reference: LabelTable, pairs: Mapping[str, Sequence[Pairing]]
) -> str | None:
    """The reference's finding that says that there is none, as its own schema or that of a labeler has it."""
    of_labelers = [
        pair.theirs for who, table in labelers.items() for pair in pairs[who] if pair.ours == table.schema.no_finding
    ]
    return reference.schema.no_finding or (of_labelers[0] if of_labelers else None)


def _differing(
    none: str | None,
    labelers: Mapping[str, LabelTable],
    reference: LabelTable,
    name: str,
    pairs: Mapping[str, Sequence[Pairing]],
    set_aside: Sequence[LeftOut],
) -> str:
    """Why the finding that says that there is none means another thing in two tables; empty if it does not."""
    aside = {who: [item.finding for item in set_aside if item.table == who] for who in (*labelers, name)}
    theirs = [*reference.schema.names, *aside[name]]
    for who, table in labelers.items():
        paired = {pair.ours: pair.theirs for pair in pairs[who]}
        ours_alone = [*(own for own in table.schema.names if own not in paired), *aside[who]]
        theirs_alone = [finding for finding in theirs if finding not in paired.values()]
        for alone, where in ((ours_alone, who), (theirs_alone, name)):
            if alone:
                more = f" and {len(alone) - 3} more" if len(alone) > 3 else ""
                return (
                    f"it says that there is no other finding, and only {where} has {', '.join(alone[:3])}{more}; "
                    f"--match {next(own for own, other in paired.items() if other == none)}={none} compares it anyway"
                )
    return ""


def _states(
    table: LabelTable, columns: Sequence[str], *, besides: str | None, shared: Sequence[str]
) -> tuple[LabelState, ...]:
    """The states that any of the compared findings may have, apart from the one that says that there is none."""
    chosen = [own for own, finding in zip(columns, shared, strict=True) if finding != besides] or columns
    said = {state for own in chosen for state in table.schema[own].states}
    return tuple(state for state in LABELS if state in said)
