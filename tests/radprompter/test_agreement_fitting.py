"""Definitions that would mislead for the tables at hand are refused, and those that mean something are not."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import numpy as np
import pytest

from radprompter.agreement.definitions import DEFINITIONS, Definition
from radprompter.agreement.fitting import INSTEAD, misfit, refuse
from radprompter.agreement.measuring.scores import score
from radprompter.labels import LABELS, LabelState

POSITIVE, NEGATIVE, UNCERTAIN, SILENT = LABELS
ALL = frozenset(DEFINITIONS)
BINARY = frozenset({"uncertain_is_negative", "uncertain_is_positive", "definite_reference", "positive",
                    "positive_pooled"})  # fmt: skip


def fitting(reference: tuple[LabelState, ...], labeler: tuple[LabelState, ...]) -> frozenset[str]:
    return frozenset(name for name, one in DEFINITIONS.items() if misfit(one, reference, labeler) is None)


def test_tables_with_all_four_states_fit_every_definition() -> None:
    assert fitting(LABELS, LABELS) == ALL


@pytest.mark.parametrize(
    ("reference", "labeler", "fits"),
    [
        ((POSITIVE, NEGATIVE), LABELS, BINARY | {"definite_answer"}),  # 0 may be silence
        (LABELS, (POSITIVE, NEGATIVE), BINARY | {"definite_answer"}),
        ((POSITIVE, SILENT), LABELS, BINARY | {"definite_answer"}),  # a blank may be a denial
        ((POSITIVE, NEGATIVE, SILENT), LABELS, BINARY | {"definite_answer", "mention", "jmir_two_task", "negative",
                                                         "negative_pooled"}),
        ((POSITIVE, NEGATIVE, UNCERTAIN), LABELS, BINARY | {"definite_answer", "absent_macro", "uncertain",
                                                            "uncertain_pooled"}),
        ((POSITIVE, NEGATIVE), (POSITIVE, NEGATIVE), BINARY | {"definite_answer", "cell_accuracy", "jmir_two_task",
                                                          "negative", "negative_pooled"}),
    ],
)  # fmt: skip
def test_what_fits_follows_from_what_the_tables_can_say(
    reference: tuple[LabelState, ...], labeler: tuple[LabelState, ...], fits: frozenset[str]
) -> None:
    assert fitting(reference, labeler) == fits


@pytest.mark.parametrize(
    ("name", "reference", "labeler", "reason"),
    [
        ("cell_accuracy", (POSITIVE, NEGATIVE), LABELS,
         "it keeps uncertain apart from positive and negative, and the reference cannot say uncertain"),
        ("negative", (POSITIVE, NEGATIVE), LABELS,
         "it keeps not mentioned apart from negative, and the reference cannot say not mentioned"),
        ("negative", LABELS, (POSITIVE, SILENT),
         "it keeps negative apart from not mentioned, and the labeler cannot say negative"),
        ("uncertain", (POSITIVE, NEGATIVE, SILENT), (POSITIVE, NEGATIVE, SILENT),
         "it measures uncertain, which the reference cannot say"),
        ("mention", (POSITIVE, NEGATIVE), (POSITIVE, NEGATIVE), "all that the reference can say is the same to it"),
        ("definite_answer", (POSITIVE, NEGATIVE), LABELS, None),
    ],
)  # fmt: skip
def test_a_refusal_says_what_is_missing_where(
    name: str, reference: tuple[LabelState, ...], labeler: tuple[LabelState, ...], reason: str | None
) -> None:
    assert misfit(DEFINITIONS[name], reference, labeler) == reason


def test_one_unfit_labeler_is_enough_and_is_named() -> None:
    tables = {"rules": (LABELS, None), "student": ((POSITIVE, NEGATIVE), None)}
    refused = refuse([DEFINITIONS["macro"], DEFINITIONS["positive"]], (LABELS, None), tables)
    assert refused == {"macro": "it keeps uncertain apart from positive and negative, and student cannot say uncertain"}


def test_the_finding_that_there_is_none_is_judged_by_its_own_states() -> None:
    chexpert, binary = (POSITIVE, SILENT), (POSITIVE, NEGATIVE)
    assert refuse(DEFINITIONS.values(), (LABELS, chexpert), {"rules": (LABELS, chexpert)}) == {}
    refused = refuse(DEFINITIONS.values(), (LABELS, binary), {"rules": (LABELS, chexpert)})
    assert refused["cell_accuracy"] == (
        "of the finding that says that there is none, "
        "it keeps not mentioned apart from negative, and the reference cannot say not mentioned"
    )
    assert "chexbert" not in refused  # it judges that finding by positive alone
    assert "uncertain_is_negative" not in refused


SYMMETRIC = [name for name, one in DEFINITIONS.items() if one.reference == one.labeler]
COARSER = [
    states
    for n in (2, 3, 4)
    for states in itertools.combinations(LABELS, n)
    if POSITIVE in states and {NEGATIVE, SILENT} & set(states)
]


def says_instead(states: tuple[LabelState, ...]) -> Iterator[dict[LabelState, LabelState]]:
    """Every convention by which a table that can say some states has words for all four."""
    choices = [(state,) if state in states else [way for way in INSTEAD[state] if way in states] for state in LABELS]
    for chosen in itertools.product(*choices):
        yield dict(zip(LABELS, chosen, strict=True))


def score_of_one_who_is_always_right(
    definition: Definition, reference: dict[LabelState, LabelState], labeler: dict[LabelState, LabelState]
) -> float:
    counts = np.zeros((1, 4, 5))
    for state in LABELS:
        counts[0, LABELS.index(reference[state]), LABELS.index(labeler[state])] += 1
    return float(score(definition, definition.measures[0], counts).overall)


@pytest.mark.parametrize("states", COARSER, ids=" ".join)
@pytest.mark.parametrize("name", SYMMETRIC)
def test_a_definition_fits_where_all_its_tasks_can_be_said_and_who_is_always_right_can_be_right(
    name: str, states: tuple[LabelState, ...]
) -> None:
    definition, itself = DEFINITIONS[name], {state: state for state in LABELS}
    of_references = [score_of_one_who_is_always_right(definition, way, itself) for way in says_instead(states)]
    of_labelers = [score_of_one_who_is_always_right(definition, itself, way) for way in says_instead(states)]
    tasks = set() if definition.measures == ("same",) else set(definition.tasks)
    has_tasks = tasks <= {definition.reference.states[state] for state in states}
    assert (misfit(definition, states, LABELS) is None) == (has_tasks and 1.0 in of_references)
    assert (misfit(definition, LABELS, states) is None) == (has_tasks and 1.0 in of_labelers)
