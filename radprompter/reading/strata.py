"""Which stratum each report of a label table belongs to: that of its most urgent label."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from radprompter.label_table import LabelTable
from radprompter.labels import LabelState

NOTHING_POSITIVE = "nothing_positive"
FAILED = "failed"
ALL = "all"
"""The only stratum of a sample that is drawn wholly at random."""


class Strata(NamedTuple):
    """Strata in order of urgency, and the one that each report belongs to; reports stand in the order of the table.

    `n_without_words` counts the reports that nobody can read, `n_failed` those that have words and lack a label; the
    latter are in `of` only where they were asked for.
    """

    names: tuple[str, ...]
    of: dict[str, str]
    n_without_words: int
    n_failed: int


def stratify(table: LabelTable, *, with_failed: bool = False, without: Iterable[str] = ()) -> Strata:
    """Put each report of a label table, save those named in `without`, into one stratum.

    A report belongs to the first of these that it has: a failed cell, where failures are asked for; an uncertain label
    (``uncertain:FINDING``); a positive one (``positive:FINDING``); nothing of these. Among findings the one that fewest
    reports have the label of comes first, then the order of the schema. The finding that says that there is none
    (`LabelSchema.no_finding`) makes no report urgent.
    """
    wide = table.wide()
    states: NDArray[np.object_] = wide.to_numpy(dtype=object)
    left_out = set(without)
    silent = (states == LabelState.SKIPPED).all(axis=1)
    failed = ~table.complete().to_numpy(dtype=bool) & ~silent
    rest = np.array([report_id not in left_out for report_id in table.report_ids], dtype=bool)
    drawable = rest & ~silent & (np.bool_(with_failed) | ~failed)
    labeled = drawable & ~failed
    strata = np.full(len(states), NOTHING_POSITIVE, dtype=object)
    names = [NOTHING_POSITIVE]
    columns = [column for column, name in enumerate(table.schema.names) if name != table.schema.no_finding]
    for state in (LabelState.POSITIVE, LabelState.UNCERTAIN):  # the last that is written is the most urgent
        has = (states == state) & labeled[:, None]
        frequent_first = sorted(columns, key=lambda column: (int(has[:, column].sum()), column), reverse=True)
        for column in frequent_first:
            names.append(f"{state}:{table.schema.names[column]}")
            strata[has[:, column]] = names[-1]
    names.append(FAILED)
    strata[failed] = FAILED
    of = {report_id: strata[row] for row, report_id in enumerate(table.report_ids) if drawable[row]}
    present = set(of.values())
    counts = (int((silent & rest).sum()), int((failed & rest).sum()))
    return Strata(tuple(name for name in reversed(names) if name in present), of, *counts)
