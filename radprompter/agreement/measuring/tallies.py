"""Counts of cells to the tasks of a definition: each state against the rest."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from radprompter.agreement.definitions import Definition
from radprompter.agreement.measuring.cells import N_KINDS, UNLABELLED, Counts
from radprompter.labels import LABELS, LabelState

Floats = NDArray[np.float64]


class TaskCounts(NamedTuple):
    """Cells of tasks, a state against the rest; arrays of one shape.

    `n_positive` and `n_negative` are cells of the reference, with those that the labeler has no label for;
    `called_positive` and `called_negative` are cells that it labels. So a cell without a label by the labeler lowers
    sensitivity, specificity and accuracy, and does not touch PPV and NPV.
    """

    tp: Floats
    tn: Floats
    n_positive: Floats
    n_negative: Floats
    called_positive: Floats
    called_negative: Floats


def tally_tasks(definition: Definition, counts: Counts, *, no_finding: int | None = None) -> TaskCounts:
    """The tasks of each finding, ``(..., n_findings, n_tasks)``; zeros where one does not count (`counted_tasks`)."""
    weights = np.stack([_task_weights(definition, state) for state in definition.tasks], axis=1)
    tallied = counts.reshape(-1, N_KINDS) @ weights.reshape(N_KINDS, -1)  # one product for all tasks and all six counts
    tallied = tallied.reshape(*counts.shape[:-2], *weights.shape[1:])
    tallied[..., ~counted_tasks(definition, counts.shape[-3], no_finding), :] = 0.0
    return TaskCounts(*np.ascontiguousarray(np.moveaxis(tallied, -1, 0)))


def counted_tasks(definition: Definition, n_findings: int, no_finding: int | None) -> NDArray[np.bool_]:
    """Which tasks of which findings a definition has, bool ``(n_findings, n_tasks)``."""
    counted = np.ones((n_findings, len(definition.tasks)), dtype=bool)
    if definition.no_finding == "positive_only" and no_finding is not None:
        counted[no_finding] = [state is LabelState.POSITIVE for state in definition.tasks]
    return counted


def tally_same(definition: Definition, counts: Counts) -> tuple[Floats, Floats]:
    """Cells with the same label, and cells that count, ``(..., n_findings)`` each."""
    pairs = _projected_pairs(definition)
    weights = np.array(
        [(pair is not None and pair[0] is pair[1], pair is not None) for pair in pairs], dtype=np.float64
    )
    same, known = (counts.reshape(-1, N_KINDS) @ weights).T.reshape(2, *counts.shape[:-2])
    return same, known


def _task_weights(definition: Definition, state: LabelState) -> Floats:
    """What a cell of each kind adds to the fields of `TaskCounts`, ``(N_KINDS, 6)``."""
    weights = np.zeros((N_KINDS, len(TaskCounts._fields)))
    for kind, pair in enumerate(_projected_pairs(definition)):
        if pair is None:
            continue
        truth, called = pair[0] is state, pair[1] is state
        labelled = pair[1] is not None
        weights[kind] = (
            truth and called,
            labelled and not truth and not called,
            truth,
            not truth,
            called,
            labelled and not called,
        )
    return weights


def _projected_pairs(definition: Definition) -> list[tuple[LabelState, LabelState | None] | None]:
    """What each kind of cell is after the projections: states of reference and labeler, or None if it is left out."""
    pairs: list[tuple[LabelState, LabelState | None] | None] = []
    for kind in range(N_KINDS):
        reference, labeler = divmod(kind, UNLABELLED + 1)
        truth = definition.reference.states[LABELS[reference]]
        called = None if labeler == UNLABELLED else definition.labeler.states[LABELS[labeler]]
        left_out = truth is None or (called is None and definition.unlabelled == "left_out")
        pairs.append(None if truth is None or left_out else (truth, called))
    return pairs
