"""Reports in groups: by what a table says of them, or by how long they are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from radprompter.agreement.matching.naming import near
from radprompter.agreement.measuring.cells import Cells
from radprompter.errors import InputError

LENGTH = "length"
UNKNOWN = "unknown"
MOST_GROUPS = 40
LONGEST_NAME = 60
"""Characters of a group's name, which stands in files and on pages; longer ones are sentences, perhaps of reports."""
THIRDS = ("short", "medium", "long")


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of reports besides their labels.

    Attributes
    ----------
    columns:
        Column -> report -> its text.
    lengths:
        Report -> words or tokens; empty where texts are not at hand.
    counted:
        What lengths are numbers of, such as ``words``.
    """

    columns: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    lengths: Mapping[str, int] = field(default_factory=dict)
    counted: str = "words"


class Grouping(NamedTuple):
    """Reports that have something in common: ``column=value``, what that means, and their rows among the cells."""

    name: str
    says: str
    rows: NDArray[np.intp]


def group(cells: Cells, by: Sequence[str], facts: Facts) -> tuple[Grouping, ...]:
    """The groups of the reports by each column; a report is in one group of each.

    ``length`` gives thirds: reports in the order of (length, id), cut into three parts whose sizes differ by one at
    most, the first ones larger (500 reports: 167, 167, 166). Reports of which a column says nothing are the group
    ``unknown``.

    Raises
    ------
    InputError
        If a column is not there, has more than `MOST_GROUPS` values or longer ones than `LONGEST_NAME`, or lengths are
        not known.
    """
    groups: list[Grouping] = []
    for column in dict.fromkeys(by):
        groups += _by_length(cells, facts) if column == LENGTH else _by_column(cells, column, facts)
    return tuple(groups)


def _by_column(cells: Cells, column: str, facts: Facts) -> list[Grouping]:
    if column not in facts.columns:
        known = ", ".join([*facts.columns, *([LENGTH] if facts.lengths else [])]) or "none"
        close = near(column, facts.columns)
        meant = f"; did you mean {close[0]!r}?" if close else ";"
        raise InputError(
            f"--by {column}: no such column{meant} columns of the reference and the reports that are no findings: "
            f"{known} (--reports FILE has more)"
        )
    said = facts.columns[column]
    values = np.array([said.get(report, "") or UNKNOWN for report in cells.report_ids], dtype=object)
    found = sorted(set(values) - {UNKNOWN}) + ([UNKNOWN] if UNKNOWN in values else [])
    if len(found) > MOST_GROUPS:
        raise InputError(f"--by {column}: {len(found):,} values, and at most {MOST_GROUPS} groups can be read")
    longest = max(map(len, found))
    if longest > LONGEST_NAME:
        raise InputError(
            f"--by {column}: its values have up to {longest:,} characters, and names of groups at most {LONGEST_NAME}: "
            "a column with words of reports is no group, since names of groups stand in the files"
        )
    return [Grouping(f"{column}={value}", "", np.flatnonzero(values == value)) for value in found]


def _by_length(cells: Cells, facts: Facts) -> list[Grouping]:
    if not facts.lengths:
        raise InputError(f"--by {LENGTH}: the reports' texts are not at hand; name them by --recipe or --reports")
    lengths = facts.lengths
    known = [row for row, report in enumerate(cells.report_ids) if report in lengths]
    ordered = sorted(known, key=lambda row: (lengths[cells.report_ids[row]], cells.report_ids[row]))
    groups = []
    for name, rows in zip(THIRDS, np.array_split(np.array(ordered, dtype=np.intp), len(THIRDS)), strict=True):
        if rows.size:
            low, high = (lengths[cells.report_ids[rows[place]]] for place in (0, -1))
            span = f"{low:,}" if low == high else f"{low:,} to {high:,}"
            groups.append(Grouping(f"{LENGTH}={name}", f"{span} {facts.counted}", np.sort(rows)))
    unknown = [row for row, report in enumerate(cells.report_ids) if report not in lengths]
    if unknown:
        groups.append(Grouping(f"{LENGTH}={UNKNOWN}", "not among the reports", np.array(unknown, dtype=np.intp)))
    return groups
