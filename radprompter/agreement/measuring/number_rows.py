"""Numbers as rows: each with what it counts, its interval, or why it has no value."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import compress, product
from typing import NamedTuple

import numpy as np

from radprompter.agreement.definitions import Definition, Measure
from radprompter.agreement.measuring.cells import Cells, Counts
from radprompter.agreement.measuring.reasons import NO_FINDING_HAS_A_VALUE, why_no_cell, why_too_few, why_undefined
from radprompter.agreement.measuring.resampling import Spread, spread
from radprompter.agreement.measuring.score_intervals import Limits, have_score_intervals, score_limits, wilson_limits
from radprompter.agreement.measuring.scores import Scores
from radprompter.agreement.measuring.tallies import Floats, TaskCounts, counted_tasks, tally_same, tally_tasks
from radprompter.agreement.measuring.whole_reports import COLUMNS, REPORT_MEASURES, REPORT_UNDEFINED, score_reports
from radprompter.labels import LabelState

ALL = ""
"""Instead of a finding, a task or a group: all of them."""


class Number(NamedTuple):
    """One number, as it stands in a row of ``agreement.csv``.

    `finding`, `task` and `group` are empty for all findings, all tasks and all reports. `n` are the cells of the
    reference that count (reports, for a measure of reports), `support` those of them that have a state of the tasks;
    both are sums of weights, where the reports have any.
    `value` is None where the number is undefined, and `reason` says why. `mean`, `low` and `high` are of the resamples
    in which it is defined, None without any (`low` and `high` need two); `n_undefined` counts the others.
    `score_low` and `score_high` are the score interval of a number that is a share of independent cells or reports, or
    the F1 of one task; None of others. It keeps its coverage with few cells, where that of resamples is too short.
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
    score_low: float | None = None
    score_high: float | None = None

    @property
    def shown_limits(self) -> tuple[float | None, float | None]:
        """The interval to print: of the resamples, or the score interval where all of these give the same value.

        A perfect score has no other resample, however few cells it rests on.
        """
        return (self.score_low, self.score_high) if self.shows_score else (self.low, self.high)

    @property
    def shows_score(self) -> bool:
        """Whether `shown_limits` are the score interval."""
        return self.low is not None and self.low == self.high and self.score_low is not None


class _Place(NamedTuple):
    """Which findings and tasks a number is of."""

    finding: str
    columns: slice
    tasks: tuple[LabelState, ...]
    task: str = ALL


class NumbersOf(NamedTuple):
    """The numbers under one definition, and the cells that they count.

    `n` and `same`, those of them with the same label, have the shape ``(n_labelers, n_findings)``; `tasks`, and
    `observed`, their support without weights, have ``(n_labelers, n_findings, n_tasks)``.
    """

    cells: Cells
    definition: Definition
    n: Floats
    same: Floats
    tasks: TaskCounts
    observed: Floats
    level: float
    group: str

    @classmethod
    def of(
        cls, cells: Cells, definition: Definition, counts: Counts, observed: Counts, *, level: float, group: str
    ) -> NumbersOf:
        """The numbers of some counts, ``(n_labelers, n_findings, 4, 5)``; `observed` are those without weights."""
        same, n = tally_same(definition, counts)
        tasks, unweighted = (tally_tasks(definition, each, no_finding=cells.no_finding) for each in (counts, observed))
        return cls(cells, definition, n, same, tasks, unweighted.n_positive, level, group)

    def over_all(self, measure: Measure, point: Scores, resampled: Scores) -> Iterator[Number]:
        """Over all findings and tasks."""
        everything = _Place(ALL, slice(None), self.definition.tasks)
        yield from self._each(measure, point.overall[:, None], resampled.overall[..., None], [everything])

    def in_detail(self, measure: Measure, point: Scores, resampled: Scores) -> Iterator[Number]:
        """Of each finding and, where there are several, of each of its tasks."""
        counted = counted_tasks(self.definition, len(self.cells.findings), self.cells.no_finding)
        findings = [
            _Place(finding, slice(column, column + 1), tuple(compress(self.definition.tasks, counted[column])))
            for column, finding in enumerate(self.cells.findings)
        ]
        of_tasks = self._score_limits(measure)
        yield from self._each(
            measure, point.by_finding, resampled.by_finding, findings, self._of_findings(measure, of_tasks)
        )
        if measure != "same" and len(self.definition.tasks) > 1:
            tasks = [place._replace(tasks=(task,), task=str(task)) for place in findings for task in place.tasks]
            limits = None if of_tasks is None else Limits(*(each[:, counted] for each in of_tasks))
            yield from self._each(measure, point.by_task[:, counted], resampled.by_task[..., counted], tasks, limits)

    def _score_limits(self, measure: Measure) -> Limits | None:
        return score_limits(measure, self.tasks, level=self.level) if have_score_intervals(self.cells) else None

    def _of_findings(self, measure: Measure, of_tasks: Limits | None) -> Limits | None:
        """The score intervals of whole findings, which those of several tasks do not have."""
        if of_tasks is None:
            return None
        if measure == "same":
            return wilson_limits(self.same, self.n, level=self.level)
        return Limits(*(each[..., 0] for each in of_tasks)) if len(self.definition.tasks) == 1 else None

    def _each(
        self,
        measure: Measure,
        values: Floats,
        resampled: Floats,
        places: list[_Place],
        limits: Limits | None = None,
    ) -> Iterator[Number]:
        """Numbers of values ``(n_labelers, n_places)``, labeler by labeler."""
        found = spread(resampled, level=self.level)
        for (labeler, who), (column, place) in product(enumerate(self.cells.labelers), enumerate(places)):
            at = (labeler, column)
            value = _number(values[at])
            yield Number(
                who, self.group, place.finding, place.task, self.definition.name, measure,
                float(self.n[labeler, place.columns].sum()),
                None if measure == "same" else float(self._of_tasks(self.tasks.n_positive, labeler, place).sum()),
                value, *_limits(found, at, value),
                None if value is not None else self._reason(measure, labeler, place), *_score(limits, at, value),
            )  # fmt: skip

    def _of_tasks(self, cells_of_tasks: Floats, labeler: int, place: _Place) -> Floats:
        """Cells of each of the tasks of a place."""
        tasks = [self.definition.tasks.index(task) for task in place.tasks]
        return np.asarray(cells_of_tasks[labeler, place.columns][:, tasks].sum(axis=0))

    def _reason(self, measure: Measure, labeler: int, place: _Place) -> str:
        definition = self.definition
        if not self.n[labeler, place.columns].any():
            return why_no_cell(definition)
        if place.finding == ALL and definition.over_findings == "mean":
            return NO_FINDING_HAS_A_VALUE
        least = max(definition.least_support, int(definition.over_tasks == "support"))
        chosen = place.task == ALL and definition.over_tasks != "pooled"
        if chosen and (self._of_tasks(self.observed, labeler, place) < least).all():
            return why_too_few(definition, place.tasks, least)
        return why_undefined(definition, measure, place.tasks)


def of_reports(
    cells: Cells, definition: Definition, sums: Floats, resampled: Floats, level: float, group: str
) -> Iterator[Number]:
    """The measures of whole reports, of sums ``(n_labelers, n_columns)`` and those of each resample."""
    for name, (part, whole) in REPORT_MEASURES.items():
        values, found = score_reports(name, sums), spread(score_reports(name, resampled), level=level)
        shares = [sums[:, COLUMNS.index(column)] for column in (part, whole)]
        independent = have_score_intervals(cells) and part != "errors"  # a report has any number of errors
        limits = wilson_limits(shares[0], shares[1], level=level) if independent else None
        for labeler, who in enumerate(cells.labelers):
            value = _number(values[labeler])
            yield Number(
                who, group, ALL, ALL, definition.name, name, float(sums[labeler, COLUMNS.index(whole)]), None,
                value, *_limits(found, (labeler,), value), None if value is not None else REPORT_UNDEFINED[name],
                *_score(limits, (labeler,), value),
            )  # fmt: skip


def _limits(
    found: Spread, at: tuple[int, ...], value: float | None
) -> tuple[float | None, float | None, float | None, int]:
    if value is None:
        return None, None, None, int(found.n_undefined[at])
    return _number(found.mean[at]), _number(found.low[at]), _number(found.high[at]), int(found.n_undefined[at])


def _score(limits: Limits | None, at: tuple[int, ...], value: float | None) -> tuple[float | None, float | None]:
    if limits is None or value is None:
        return None, None
    return _number(limits.low[at]), _number(limits.high[at])


def _number(value: float) -> float | None:
    return None if np.isnan(value) else float(value)
