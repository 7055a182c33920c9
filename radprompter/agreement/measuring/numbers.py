"""Every number of an agreement with what it means: its definition, what it counts, its interval, or why it has none."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from radprompter.agreement.definitions import Definition
from radprompter.agreement.measuring.cells import Cells, Counts, count
from radprompter.agreement.measuring.number_rows import ALL, Number, NumbersOf, of_reports
from radprompter.agreement.measuring.resampling import Bootstrap, Replicates, replicate
from radprompter.agreement.measuring.scores import score_each
from radprompter.agreement.measuring.whole_reports import COLUMNS, report_sums

__all__ = ["ALL", "Measured", "Number", "measure"]


class Measured(NamedTuple):
    """The counts of some reports, their resamples, and every number of them.

    `observed` are the counts without weights, by which `least_support` chooses tasks; `counts` has the shape
    ``(n_labelers, n_findings, 4, 5)`` too.
    """

    counts: Counts
    replicates: Replicates
    numbers: tuple[Number, ...]
    observed: Counts


def measure(
    cells: Cells,
    definitions: Sequence[Definition],
    bootstrap: Bootstrap,
    *,
    overview: Sequence[Definition] = (),
    group: str = ALL,
) -> Measured:
    """Everything that the definitions say of each labeler.

    Where no stratum has two units there is nothing to resample, and no number has an interval.

    Parameters
    ----------
    definitions:
        Reported over all findings, for each finding and for each of their tasks; whole reports by each of them.
    overview:
        Reported over all findings alone, unless it is among `definitions`.
    group:
        What the reports have in common, such as ``site=north``.
    """
    detailed = {definition.name: definition for definition in definitions}
    brief = {definition.name: definition for definition in overview if definition.name not in detailed}
    if cells.n_units <= np.unique(cells.strata).size:
        bootstrap = bootstrap._replace(rounds=0)
    sums = [report_sums(definition, cells) for definition in detailed.values()]
    columns = np.concatenate([of_labeler for of in sums for of_labeler in of], axis=1) if sums else None
    counts, replicates = count(cells), replicate(cells, bootstrap, columns)
    observed = count(replace(cells, weights=np.ones_like(cells.weights))) if (cells.weights != 1).any() else counts
    numbers: list[Number] = []
    for definition in (*detailed.values(), *brief.values()):
        points, resampled = (
            score_each(definition, definition.measures, each, no_finding=cells.no_finding, observed=observed)
            for each in (counts, replicates.counts)
        )
        rows = NumbersOf.of(cells, definition, counts, observed, level=bootstrap.level, group=group)
        for name in definition.measures:
            numbers += rows.over_all(name, points[name], resampled[name])
            if definition.name in detailed:
                numbers += rows.in_detail(name, points[name], resampled[name])
    resampled_sums = replicates.sums.reshape(bootstrap.rounds, len(detailed), len(cells.labelers), len(COLUMNS))
    for place, definition in enumerate(detailed.values()):
        total = np.einsum("lrc,r->lc", sums[place], cells.weights)
        numbers += of_reports(cells, definition, total, resampled_sums[:, place], bootstrap.level, group)
    return Measured(counts, replicates, tuple(numbers), observed)
