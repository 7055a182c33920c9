"""Which definitions mean something for the tables at hand, and why others would mislead."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from radprompter.agreement.definitions import Definition
from radprompter.labels import LABELS, LabelState, Projection

POSITIVE, NEGATIVE = LabelState.POSITIVE, LabelState.NEGATIVE
UNCERTAIN, NOT_MENTIONED = LabelState.UNCERTAIN, LabelState.NOT_MENTIONED

INSTEAD: Mapping[LabelState, tuple[LabelState, ...]] = {
    POSITIVE: (),
    NEGATIVE: (NOT_MENTIONED,),
    UNCERTAIN: (POSITIVE, NEGATIVE, NOT_MENTIONED),
    NOT_MENTIONED: (NEGATIVE,),
}
"""What a table that lacks a state says instead of it: silence and denial stand for each other, doubt becomes either."""

States = Sequence[LabelState]


def misfit(definition: Definition, reference: States, labeler: States, *, alone: bool = False) -> str | None:
    """Why the numbers of a definition would mislead for a reference and a labeler; None if they do not.

    Two states are kept apart by a definition if they are in different classes: its tasks are classes, what is in no
    task is one class together; where every label counts (`same`), each state after the projection is a class. A table
    that cannot say a state says one of `INSTEAD`. Hence the rule, for each of the four states:

    1. A state that both tables can say, or neither, is no obstacle.
    2. A state that only one can say is none if the definition masks it on the side that lacks it (nothing is missed
       there), or if its class on that side is one that the other side never has (it is wrong by definition, for all).
    3. Otherwise the table that lacks it must be able to say one of `INSTEAD` that is in the same class; if it cannot,
       cells count as wrong that only follow another convention, and the definition is refused.
    4. Each task must be a class that both tables can say, and so must something else: a measure of ``uncertain``
       needs tables that have it, and whether a finding is mentioned at all needs tables that can be silent.

    `alone` judges the finding that says that there is none, of which no table need have every task: rule 4 is left out.
    """
    sides = (
        ("reference", reference, definition.reference, definition.labeler),
        ("labeler", labeler, definition.labeler, definition.reference),
    )
    for side, states, projection, other in sides:
        across = {_class(definition, other, state) for state in LABELS}
        sayable = {_class(definition, projection, state) for state in states}
        for state in LABELS:
            its = _class(definition, projection, state)
            if state in states or state not in (*reference, *labeler) or its is None or its not in across:
                continue
            if not any(_class(definition, projection, way) == its for way in INSTEAD[state] if way in states):
                kept = [way for way in INSTEAD[state] if way in states]
                apart = f"keeps {_words([state])} apart from {_words(kept)}" if kept else f"counts {_words([state])}"
                return f"it {apart}, and the {side} cannot say {_words([state])}"
        if "same" not in definition.measures and not alone:
            missing = [task for task in definition.tasks if str(task) not in sayable]
            if missing:
                return f"it measures {_words(missing)}, which the {side} cannot say"
            if len(sayable - {None}) == 1:
                return f"all that the {side} can say is the same to it"
    return None


def refuse(
    definitions: Iterable[Definition],
    reference: tuple[States, States | None],
    labelers: Mapping[str, tuple[States, States | None]],
) -> dict[str, str]:
    """Name of each definition that would mislead -> why.

    Of each table: the states of its findings, and those of the finding that says that there is none, where that is
    compared; these are judged alone, so that a table is seen which has 0 there where another has a blank.
    """
    refused: dict[str, str] = {}
    for definition in definitions:
        for name, (general, none) in labelers.items():
            reason = misfit(definition, reference[0], general)
            if reason is None and none is not None and reference[1] is not None:
                of_none = _for_no_finding(definition)
                reason = misfit(of_none, reference[1], none, alone=True)
                reason = None if reason is None else f"of the finding that says that there is none, {reason}"
            if reason is not None:
                refused[definition.name] = reason.replace("the labeler", name)
                break
    return refused


def _for_no_finding(definition: Definition) -> Definition:
    from dataclasses import replace

    alone = definition.no_finding == "positive_only"
    return replace(definition, tasks=(POSITIVE,)) if alone else definition


def _class(definition: Definition, projection: Projection, state: LabelState) -> str | None:
    """What a definition takes a state for: None if masked."""
    target = projection.states[state]
    if target is None:
        return None
    if "same" in definition.measures or target in definition.tasks:
        return str(target)
    return "rest"


def _words(states: Iterable[LabelState]) -> str:
    return " and ".join(str(state).replace("_", " ") for state in states)
