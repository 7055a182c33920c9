"""Every number of an agreement with what it means: its definition, what it counts, its interval, or why it has none."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from radprompter.agreement.cells import Cells, Counts, count
from radprompter.agreement.definitions import Definition, Measure
from radprompter.agreement.resampling import Bootstrap, Replicates, Spread, replicate, spread
from radprompter.agreement.scores import UNDEFINED, Floats, Scores, project, score
from radprompter.agreement.whole_reports import (
    COLUMNS,
    REPORT_MEASURES,
    REPORT_UNDEFINED,
    report_sums,
    score_reports,
)
from radprompter.labels import LABELS, LabelState

ALL = ""
"""Instead of a finding, a task or a group: all of them."""


class Number(NamedTuple):
    """One number, as it stands in a row of ``agreement.csv``.

    `finding`, `task` and `group` are empty for all findings, all tasks and all reports. `n` are the cells of the
    reference that count (reports, for a measure of reports), `support` those of them that have a state of the tasks.
    `value` is None where the number is undefined, and `reason` says why. `mean`, `low` and `high` are of the resamples,
    None without any; `n_undefined` counts the resamples in which it has no value.
    """

    labeler: str
    group: str
    finding: str
    task: str
    definition: str
    measure: str
    n: float
    support: float | None
    value: float | None
    mean: float | None
    low: float | None
    high: float | None
    n_undefined: int
    reason: str | None


class Measured(NamedTuple):
    """The counts of some reports, their resamples, and every number of them."""

    counts: Counts
    replicates: Replicates
    numbers: tuple[Number, ...]


def measure(
    cells: Cells,
    definitions: Sequence[Definition],
    bootstrap: Bootstrap,
    *,
    overview: Sequence[Definition] = (),
    group: str = ALL,
) -> Measured:
    """Everything that the definitions say of each labeler.

    Parameters
    ----------
    definitions:
        Reported over all findings, for each finding and for each of their tasks; whole reports by each of them.
    overview:
        Reported over all findings alone.
    group:
        What the reports have in common, such as ``site=north``.
    """
    columns = {definition.name: report_sums(definition, cells) for definition in definitions}
    whole = np.concatenate([sums for of in columns.values() for sums in of], axis=1) if columns else None
    counts, replicates = count(cells), replicate(cells, bootstrap, whole)
    numbers: list[Number] = []
    for definition in (*definitions, *overview):
        in_detail = definition in definitions
        for name in definition.measures:
            point = score(definition, name, counts, no_finding=cells.no_finding)
            resampled = score(definition, name, replicates.counts, no_finding=cells.no_finding, observed=counts)
            rows = _Rows(cells, definition, name, counts, bootstrap.level, group)
            numbers += rows.of(point, resampled, in_detail=in_detail)
    shape = (bootstrap.rounds, len(definitions), len(cells.labelers), len(COLUMNS))
    resampled_sums = replicates.sums.reshape(shape)
    for place, definition in enumerate(definitions):
        sums = np.einsum("lrc,r->lc", columns[definition.name], cells.weights)
        numbers += _of_reports(cells, definition, sums, resampled_sums[:, place], bootstrap.level, group)
    return Measured(counts, replicates, tuple(numbers))


class _Rows(NamedTuple):
    """The numbers of one measure under one definition."""

    cells: Cells
    definition: Definition
    measure: Measure
    counts: Counts
    level: float
    group: str

    def of(self, point: Scores, resampled: Scores, *, in_detail: bool) -> Iterator[Number]:
        """Over all findings; in detail also each finding and, where there are several, each of its tasks."""
        projected = project(self.definition, self.counts)
        n = projected.sum(axis=(-2, -1))
        support = self._support(projected)
        yield from self._each(
            point.overall[:, None], resampled.overall[..., None], n.sum(axis=1)[:, None],
            None if support is None else support.sum(axis=(1, 2))[:, None], [(ALL, ALL)],
        )  # fmt: skip
        if not in_detail:
            return
        of_findings = None if support is None else support.sum(axis=2)
        findings = [(finding, ALL) for finding in self.cells.findings]
        yield from self._each(point.by_finding, resampled.by_finding, n, of_findings, findings)
        if support is not None and len(self.definition.tasks) > 1:
            names, kept = self._tasks()
            values, rounds = (of.reshape(*of.shape[:-2], -1)[..., kept] for of in (point.by_task, resampled.by_task))
            each_n = np.repeat(n, len(self.definition.tasks), axis=1)[:, kept]
            yield from self._each(values, rounds, each_n, support.reshape(len(n), -1)[:, kept], names)

    def _tasks(self) -> tuple[list[tuple[str, str]], list[int]]:
        """The tasks that count, by finding and state, and their places among all."""
        alone = self.cells.no_finding if self.definition.no_finding == "positive_only" else None
        every = [
            (column, finding, state)
            for column, finding in enumerate(self.cells.findings)
            for state in self.definition.tasks
        ]
        kept = [at for at, (column, _, state) in enumerate(every) if column != alone or state is LabelState.POSITIVE]
        return [(every[at][1], str(every[at][2])) for at in kept], kept

    def _support(self, projected: Counts) -> Floats | None:
        """Cells of the reference in each task, ``(n_labelers, n_findings, n_tasks)``."""
        if self.measure == "same":
            return None
        codes = [LABELS.index(state) for state in self.definition.tasks]
        return np.asarray(projected.sum(axis=-1)[..., codes], dtype=np.float64)

    def _each(
        self, values: Floats, resampled: Floats, n: Floats, support: Floats | None, names: list[tuple[str, str]]
    ) -> Iterator[Number]:
        found = spread(resampled, level=self.level)
        for labeler, who in enumerate(self.cells.labelers):
            for column, (finding, task) in enumerate(names):
                at = (labeler, column)
                value = _number(values[at])
                yield Number(
                    who, self.group, finding, task, self.definition.name, self.measure, float(n[at]),
                    None if support is None else float(support[at]),
                    value, *_limits(found, at, value),
                    None if value is not None else self._reason(finding, task, float(n[at])),
                )  # fmt: skip

    def _reason(self, finding: str, task: str, n: float) -> str:
        if not n:
            return "the reference has no cell"
        if finding == ALL and self.definition.over_findings == "mean":
            return "no finding has a value"
        states = [task] if task else [str(state) for state in self.definition.tasks]
        words = " or ".join(state.replace("_", " ") for state in states)
        if not task and self.definition.least_support:
            return f"the reference has fewer than {self.definition.least_support} {words}"
        return UNDEFINED[self.measure].replace("positive", words)


def _of_reports(
    cells: Cells, definition: Definition, sums: Floats, resampled: Floats, level: float, group: str
) -> Iterator[Number]:
    for name, (_, whole) in REPORT_MEASURES.items():
        values, found = score_reports(name, sums), spread(score_reports(name, resampled), level=level)
        for labeler, who in enumerate(cells.labelers):
            value = _number(values[labeler])
            yield Number(
                who, group, ALL, ALL, definition.name, name, float(sums[labeler, COLUMNS.index(whole)]), None,
                value, *_limits(found, (labeler,), value), None if value is not None else REPORT_UNDEFINED[name],
            )  # fmt: skip


def _limits(
    found: Spread, at: tuple[int, ...], value: float | None
) -> tuple[float | None, float | None, float | None, int]:
    if value is None:
        return None, None, None, int(found.n_undefined[at])
    return _number(found.mean[at]), _number(found.low[at]), _number(found.high[at]), int(found.n_undefined[at])


def _number(value: float) -> float | None:
    return None if np.isnan(value) else float(value)
