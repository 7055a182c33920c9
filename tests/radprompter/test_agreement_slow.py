"""Every number of agreement against a second implementation: one cell after the other, in exact fractions."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from random_cells import fractions_of, random_cells, random_definitions, table_of
from reference.agreement import (
    measure_of_all,
    measure_of_finding,
    measure_of_reports,
    measure_of_task,
    seen_cells,
)

from radprompter.agreement.definitions import Definition
from radprompter.agreement.measuring.cells import UNLABELLED, Cells, count
from radprompter.agreement.measuring.numbers import measure
from radprompter.agreement.measuring.resampling import Bootstrap
from radprompter.agreement.measuring.scores import score
from radprompter.labels import LABELS, LabelState

NO_ROUNDS = Bootstrap(rounds=0)


def _seen(definition: Definition, cells: Cells, labeler: int) -> list:
    tables = table_of(cells.reference), table_of(cells.labels[labeler])
    return seen_cells(definition, *tables, fractions_of(cells.weights))


def _same(found: float | None, expected: Fraction | None) -> bool:
    missing = found is None or np.isnan(found)
    return missing if expected is None else not missing and found == pytest.approx(float(expected), abs=1e-12)


@given(random_cells())
@settings(deadline=None)
def test_counts_are_cells_one_by_one(cells: Cells) -> None:
    counts = count(cells)
    for labeler, of_labeler in enumerate(counts):
        seen: Counter = Counter()
        for report, finding in np.ndindex(cells.reference.shape):
            if cells.reference[report, finding] >= 0:
                key = (finding, int(cells.reference[report, finding]), int(cells.labels[labeler, report, finding]))
                seen[key] += cells.weights[report]
        assert {place: n for place, n in np.ndenumerate(of_labeler) if n} == pytest.approx(dict(seen))


@given(random_cells(), random_definitions())
@settings(deadline=None, max_examples=300)
def test_scores_are_what_the_sentences_of_a_definition_say(cells: Cells, definition: Definition) -> None:
    counts, observed = count(cells), count(replace(cells, weights=np.ones(cells.n_reports)))
    for name in definition.measures:
        found = score(definition, name, counts, no_finding=cells.no_finding, observed=observed)
        for labeler in range(len(cells.labelers)):
            seen = _seen(definition, cells, labeler)
            n_findings = len(cells.findings)
            overall = measure_of_all(definition, name, seen, n_findings, cells.no_finding)
            assert _same(found.overall[labeler], overall), (name, found.overall[labeler], overall)
            for finding in range(n_findings):
                expected = measure_of_finding(definition, name, seen, finding, cells.no_finding)
                assert _same(found.by_finding[labeler, finding], expected), (name, finding, expected)


@given(random_cells(), random_definitions())
@settings(deadline=None, max_examples=150)
def test_rows_have_those_scores_and_what_they_count(cells: Cells, definition: Definition) -> None:
    for number in measure(cells, [definition], NO_ROUNDS).numbers:
        labeler = cells.labelers.index(number.labeler)
        if number.measure not in definition.measures:
            tables = table_of(cells.reference), table_of(cells.labels[labeler])
            of_reports = measure_of_reports(definition, *tables, fractions_of(cells.weights))
            assert _same(number.value, of_reports[number.measure]), number
            continue
        finding = cells.findings.index(number.finding) if number.finding else None
        seen = [cell for cell in _seen(definition, cells, labeler) if finding in (None, cell.finding)]
        tasks = definition.tasks if not number.task else (LabelState(number.task),)
        only_positive = cells.no_finding if definition.no_finding == "positive_only" else None
        counted = [
            cell
            for cell in seen
            if cell.truth in tasks and (cell.finding != only_positive or cell.truth is LabelState.POSITIVE)
        ]
        assert number.n == sum(cell.weight for cell in seen)
        assert number.support in (None, sum(cell.weight for cell in counted))
        if number.task:
            assert _same(number.value, measure_of_task(number.measure, seen, tasks[0])), number
        elif finding is not None:
            assert _same(
                number.value, measure_of_finding(definition, number.measure, seen, finding, cells.no_finding)
            ), number


@given(random_cells(), random_definitions())
@settings(deadline=None, max_examples=150)
def test_every_number_has_a_value_or_a_reason(cells: Cells, definition: Definition) -> None:
    for number in measure(cells, [definition], Bootstrap(rounds=9), overview=[definition]).numbers:
        assert (number.value is None) is (number.reason is not None), number
        assert number.n >= 0 and not any(isinstance(part, float) and np.isnan(part) for part in number)
        assert 0 <= number.n_undefined <= 9
        if number.low is not None and number.high is not None and number.mean is not None:
            assert number.low <= number.mean + 1e-12 and number.mean <= number.high + 1e-12, number
        if number.value is not None and number.measure != "errors_per_report":
            assert 0 <= number.value <= 1 + 1e-12
        for state in (*LABELS, UNLABELLED):
            assert f"LabelState.{state}" not in (number.reason or "")
