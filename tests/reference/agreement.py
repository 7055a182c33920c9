"""Agreement by its sentences: one cell after the other, in exact fractions; None of nothing."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import NamedTuple

from radprompter.agreement.definitions import Definition
from radprompter.labels import LabelState

State = LabelState | None
Table = Sequence[Sequence[State]]  # of each report the states of its findings; None without a label
Value = Fraction | None


class SeenCell(NamedTuple):
    """A cell that counts, as a definition sees it; `called` is None if the labeler says nothing."""

    report: int
    finding: int
    truth: LabelState
    called: State
    weight: Fraction


def seen_cells(definition: Definition, reference: Table, labels: Table, weights: Sequence[Fraction]) -> list[SeenCell]:
    """The cells that count."""
    seen = []
    for report, (truths, calls) in enumerate(zip(reference, labels, strict=True)):
        for finding, (written, said) in enumerate(zip(truths, calls, strict=True)):
            truth = None if written is None else definition.reference.states[written]
            called = None if said is None else definition.labeler.states[said]
            if truth is None:
                continue
            if called is None and definition.unlabelled == "left_out":
                continue
            seen.append(SeenCell(report, finding, truth, called, weights[report]))
    return seen


def share(part: Fraction | int, whole: Fraction | int) -> Value:
    """A part of a whole."""
    return Fraction(part) / Fraction(whole) if whole else None


def measure_of_task(measure: str, cells: Sequence[SeenCell], state: LabelState) -> Value:
    """One state against the rest."""
    return measure_of_pairs(measure, [(cell.truth is state, _yes(cell, state), cell.weight) for cell in cells])


def _yes(cell: SeenCell, state: LabelState) -> bool | None:
    return None if cell.called is None else cell.called is state


def measure_of_pairs(measure: str, pairs: Sequence[tuple[bool, bool | None, Fraction]]) -> Value:
    """A measure of yes and no: truth, call (None if there is none) and weight of each cell."""
    if measure == "accuracy":
        return _share_of(pairs, among=lambda truth, call: True, which=lambda truth, call: truth is call)
    if measure == "sensitivity":
        return _share_of(pairs, among=lambda truth, call: truth, which=lambda truth, call: call is True)
    if measure == "specificity":
        return _share_of(pairs, among=lambda truth, call: not truth, which=lambda truth, call: call is False)
    if measure == "ppv":
        return _share_of(pairs, among=lambda truth, call: call is True, which=lambda truth, call: truth)
    if measure == "npv":
        return _share_of(pairs, among=lambda truth, call: call is False, which=lambda truth, call: not truth)
    if measure == "f1":
        return _f1(pairs, of=True)
    assert measure == "weighted_f1"
    total = sum((weight for _, _, weight in pairs), Fraction(0))
    if not total:
        return None
    mean = Fraction(0)
    for side in (True, False):
        size = sum((weight for truth, _, weight in pairs if truth is side), Fraction(0))
        if size:
            of_side = _f1(pairs, of=side)
            assert of_side is not None
            mean += of_side * size / total
    return mean


def _share_of(pairs, *, among, which) -> Value:  # type: ignore[no-untyped-def]
    chosen = [(truth, call, weight) for truth, call, weight in pairs if among(truth, call)]
    return share(
        sum((weight for truth, call, weight in chosen if which(truth, call)), Fraction(0)),
        sum((weight for _, _, weight in chosen), Fraction(0)),
    )


def _f1(pairs: Sequence[tuple[bool, bool | None, Fraction]], *, of: bool) -> Value:
    """Twice the hits over the hits counted twice, the misses and the false calls."""
    hits = misses = false_calls = Fraction(0)
    for truth, call, weight in pairs:
        if truth is of and call is of:
            hits += weight
        elif truth is of:
            misses += weight
        elif call is of:
            false_calls += weight
    return share(2 * hits, 2 * hits + misses + false_calls)


def measure_of_tasks(
    definition: Definition,
    measure: str,
    cells: Sequence[SeenCell],
    no_finding: int | None,
    sample: Sequence[SeenCell] | None = None,
) -> Value:
    """All tasks of some cells as one number: of one finding, or of all of them thrown together.

    A resample judges support by the `sample` that it is of, and leaves out a task of which it has no cell itself.
    """
    if measure == "same":
        return share(
            sum((cell.weight for cell in cells if cell.called is cell.truth), Fraction(0)),
            sum((cell.weight for cell in cells), Fraction(0)),
        )
    of_state = {
        state: [cell for cell in cells if _has_task(definition, cell.finding, state, no_finding)]
        for state in definition.tasks
    }
    if definition.over_tasks == "pooled":
        together = [(cell.truth is s, _yes(cell, s), cell.weight) for s, of in of_state.items() for cell in of]
        return measure_of_pairs(measure, together)
    values: list[tuple[Fraction, Fraction]] = []  # value and support of each task that counts
    for state, of in of_state.items():
        of_sample = cells if sample is None else sample
        support = sum(
            cell.truth is state and _has_task(definition, cell.finding, state, no_finding) for cell in of_sample
        )
        drawn = any(cell.truth is state for cell in of)
        value = measure_of_task(measure, of, state)
        if value is None and definition.undefined == "zero" and of:
            value = Fraction(0)
        if value is not None and support >= definition.least_support and (drawn or not definition.least_support):
            values.append((value, sum((cell.weight for cell in of if cell.truth is state), Fraction(0))))
    if definition.over_tasks == "support":
        return share(sum(value * n for value, n in values), sum(n for _, n in values))
    return share(sum(value for value, _ in values), len(values))


def _has_task(definition: Definition, finding: int, state: LabelState, no_finding: int | None) -> bool:
    only_positive = definition.no_finding == "positive_only" and finding == no_finding
    return state is LabelState.POSITIVE or not only_positive


def measure_of_finding(
    definition: Definition,
    measure: str,
    cells: Sequence[SeenCell],
    finding: int,
    no_finding: int | None,
    sample: Sequence[SeenCell] | None = None,
) -> Value:
    """One finding."""
    of, of_sample = ([cell for cell in each or () if cell.finding == finding] for each in (cells, sample))
    return measure_of_tasks(definition, measure, of, no_finding, None if sample is None else of_sample)


def measure_of_all(
    definition: Definition,
    measure: str,
    cells: Sequence[SeenCell],
    n_findings: int,
    no_finding: int | None,
    sample: Sequence[SeenCell] | None = None,
) -> Value:
    """All findings: the mean of those that have a value, or all cells together."""
    if definition.over_findings == "pooled":
        return measure_of_tasks(definition, measure, cells, no_finding, sample)
    columns = range(n_findings)
    found = [measure_of_finding(definition, measure, cells, column, no_finding, sample) for column in columns]
    values = [value for value in found if value is not None]
    return share(sum(values, Fraction(0)), len(values))


def measure_of_reports(
    definition: Definition, reference: Table, labels: Table, weights: Sequence[Fraction]
) -> dict[str, Value]:
    """Whole reports: all right, errors, and whether a doubt was seen as one."""
    seen = seen_cells(definition, reference, labels, weights)
    n = perfect = errors = read = doubted = by_labeler = by_both = Fraction(0)
    for report, (truths, calls) in enumerate(zip(reference, labels, strict=True)):
        cells = [cell for cell in seen if cell.report == report]
        if cells:
            wrong = [cell for cell in cells if cell.called is not cell.truth]
            n += weights[report]
            perfect += 0 if wrong else weights[report]
            errors += weights[report] * len(wrong)
        both = [(truth, call) for truth, call in zip(truths, calls, strict=True) if truth is not None]
        if both:
            in_reference = LabelState.UNCERTAIN in [truth for truth, _ in both]
            by_this_labeler = LabelState.UNCERTAIN in [call for _, call in both]
            read += weights[report]
            doubted += in_reference * weights[report]
            by_labeler += by_this_labeler * weights[report]
            by_both += (in_reference and by_this_labeler) * weights[report]
    return {
        "report_accuracy": share(perfect, n),
        "errors_per_report": share(errors, n),
        "uncertain_reports_reference": share(doubted, read),
        "uncertain_reports_labeler": share(by_labeler, read),
        "uncertainty_capture": share(by_both, doubted),
    }
