"""Why a number of agreement has no value, in words: which cells its definition would need."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from radprompter.agreement.definitions import Definition, Measure
from radprompter.labels import LABELS, LabelState, Projection

NO_FINDING_HAS_A_VALUE = "no finding has a value"


def why_no_cell(definition: Definition) -> str:
    """Why nothing counts."""
    if definition.unlabelled == "left_out":
        return "no cell has a label in both tables"
    return "the reference has no cell that counts"


def why_too_few(definition: Definition, states: Collection[LabelState], least_support: int) -> str:
    """Why none of the tasks counts."""
    words = _words(_before(definition.reference, states))
    if least_support <= 1:
        return f"the reference calls no cell {words}"
    each = " each" if len(states) > 1 else ""
    return f"the reference calls fewer than {least_support} cells {words.replace(' or ', ' and ')}{each}"


def why_undefined(definition: Definition, measure: Measure, states: Collection[LabelState]) -> str:
    """What a measure of some tasks would be a share of, and is not there."""
    truth = _words(_before(definition.reference, states))
    called = _words(_before(definition.labeler, states))
    if measure == "sensitivity":
        return f"the reference calls no cell {truth}"
    if measure == "ppv":
        return f"the labeler calls no cell {called}"
    if measure == "f1":
        if truth == called:
            return f"neither calls a cell {truth}"
        return f"the reference calls no cell {truth} and the labeler none {called}"
    if len(states) == 1 and measure in ("specificity", "npv"):
        rest = [state for state in LABELS if state not in states]
        if measure == "specificity":
            return f"the reference calls no cell {_words(_before(definition.reference, rest))}"
        return f"the labeler calls no cell {_words(_before(definition.labeler, rest))}"
    return "no task has a value"


def _before(projection: Projection, states: Collection[LabelState]) -> list[LabelState]:
    """The states that a projection makes these states of; the states themselves, if it makes them of none."""
    return [state for state in LABELS if projection.states[state] in states] or list(states)


def _words(states: Iterable[LabelState]) -> str:
    words = [str(state).replace("_", " ") for state in states]
    return " or ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)
