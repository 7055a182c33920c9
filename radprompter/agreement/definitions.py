"""What a number of agreement means: which cells count, what is positive, what becomes of doubt, which average.

One confusion matrix has at least nine numbers called "F1". A `Definition` is the whole meaning of such a number, is
written beside it, and two numbers may be compared only where their definitions are the same (`differences`).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from radprompter.errors import InputError
from radprompter.labels import PROJECTIONS, LabelState, Projection

Measure = Literal["accuracy", "sensitivity", "specificity", "ppv", "npv", "f1", "weighted_f1", "same"]
"""A measure of one task, which is one state against the rest (see `scores.MEASURES`); `same` is the share of cells with
the same label, whatever the tasks."""

POSITIVE, NEGATIVE = LabelState.POSITIVE, LabelState.NEGATIVE
UNCERTAIN, NOT_MENTIONED = LabelState.UNCERTAIN, LabelState.NOT_MENTIONED

BINARY: tuple[Measure, ...] = ("f1", "accuracy", "sensitivity", "specificity", "ppv", "npv")

MENTION = Projection("mention", {POSITIVE: POSITIVE, NEGATIVE: POSITIVE, UNCERTAIN: POSITIVE, NOT_MENTIONED: NEGATIVE})
"""Whether a report says anything of a finding."""

_FOUR = PROJECTIONS["four_states"]


@dataclass(frozen=True, slots=True)
class Definition:
    """The meaning of a number of agreement.

    Attributes
    ----------
    name, says, source:
        What it is called, one sentence for readers, and where it is from; no part of the meaning.
    measures:
        What is computed of each task; the first is the number that the definition is known by.
    tasks:
        States, after the projections, that are each held against the rest.
    reference, labeler:
        What becomes of the four states of either table; a masked state of the reference leaves its cells out, a masked
        state of the labeler counts as no label.
    unlabelled:
        What becomes of a cell that has a label in the reference and none by the labeler (missing, invalid, failed,
        skipped, masked): `wrong` counts it in every denominator of the reference's cells and as no prediction;
        `left_out` takes the cell away.
    over_tasks:
        How the tasks of a finding become one number: their `mean`, their mean weighted by the cells that the reference
        has of each (`support`), or the measure of their `pooled` counts.
    over_findings:
        How the findings become one number: the `mean` of theirs, or the measure of their `pooled` counts.
    least_support:
        Cells of a state that the reference must have for its task to count in the mean over tasks.
    undefined:
        What becomes of a task whose measure has no value (0/0) in a mean: `left_out`, or counted as `zero`.
    no_finding:
        Tasks of the finding that says that there is none: `as_others`, or `positive_only`.
    """

    name: str
    says: str
    measures: tuple[Measure, ...] = ("f1",)
    tasks: tuple[LabelState, ...] = (POSITIVE,)
    reference: Projection = _FOUR
    labeler: Projection = _FOUR
    unlabelled: Literal["wrong", "left_out"] = "wrong"
    over_tasks: Literal["mean", "support", "pooled"] = "mean"
    over_findings: Literal["mean", "pooled"] = "mean"
    least_support: int = 0
    undefined: Literal["left_out", "zero"] = "left_out"
    no_finding: Literal["as_others", "positive_only"] = "as_others"
    source: str = field(default="", kw_only=True)

    @property
    def meaning(self) -> dict[str, Any]:
        """Everything that makes its numbers what they are, as plain data."""
        data = asdict(self)
        for words in ("name", "says", "source"):
            del data[words]
        for side in ("reference", "labeler"):
            states = data[side]["states"].items()
            data[side]["states"] = {str(state): None if target is None else str(target) for state, target in states}
        return data

    @property
    def hash(self) -> str:
        """First 16 hexadecimal digits of the SHA-256 of the meaning: the same numbers, the same hash."""
        return hashlib.sha256(json.dumps(self.meaning, sort_keys=True).encode()).hexdigest()[:16]


def _binary(name: str, says: str, projection: Projection, *, source: str = "") -> Definition:
    return Definition(name, says, BINARY, reference=projection, labeler=projection, source=source)


def _certainty(state: LabelState, *, pooled: bool = False) -> Definition:
    how = "of the cells of all findings together" if pooled else "mean of the findings that the reference has it of"
    return Definition(
        f"{state}_pooled" if pooled else str(state),
        f"F1 of {state} against the rest, {how}",
        tasks=(state,),
        least_support=1,
        over_findings="pooled" if pooled else "mean",
    )


_CLASSES = (POSITIVE, NEGATIVE, UNCERTAIN)

DEFINITIONS: Mapping[str, Definition] = {
    definition.name: definition
    for definition in (
        _binary(
            "uncertain_is_negative",
            "positive against all else; uncertain and not mentioned count as negative",
            PROJECTIONS["uncertain_is_negative"],
        ),
        _binary(
            "uncertain_is_positive",
            "positive or uncertain against all else; not mentioned counts as negative",
            PROJECTIONS["uncertain_is_positive"],
        ),
        Definition(
            "definite_reference",
            "positive against all else where the reference is not uncertain; a labeler's uncertain counts as positive",
            BINARY,
            reference=PROJECTIONS["uncertain_is_masked"],
            labeler=PROJECTIONS["uncertain_is_positive"],
            source="OSL: equivocal reports dropped from the gold set, U-ones for the labeler",
        ),
        Definition(
            "definite_answer",
            "cells with the same label where the reference is not uncertain; a labeler's uncertain is wrong",
            ("same",),
            reference=PROJECTIONS["uncertain_is_masked"],
            labeler=PROJECTIONS["not_mentioned_is_negative"],
            over_findings="pooled",
            source="ER: label-level accuracy against definitive labels",
        ),
        _binary("mention", "any statement about the finding against none", MENTION),
        Definition("cell_accuracy", "cells with the same one of four labels", ("same",), over_findings="pooled"),
        Definition(
            "jmir_three_task",
            "mean over positive, negative and uncertain of the F1 of each against the rest, weighted over both sides",
            ("weighted_f1",),
            _CLASSES,
            source="JMIR, Table 1; recovered from Tables 1 and 2",
        ),
        Definition(
            "jmir_two_task",
            "mean over positive and negative of the F1 of each against the rest, weighted over both sides",
            ("weighted_f1",),
            (POSITIVE, NEGATIVE),
            source="JMIR, Table 2",
        ),
        Definition(
            "chexbert",
            "F1 of positive, negative and uncertain, weighted by their share of the reference; No Finding by positive",
            tasks=_CLASSES,
            over_tasks="support",
            no_finding="positive_only",
            source="CheXbert's released evaluation",
        ),
        Definition(
            "macro",
            "mean F1 of positive, negative and uncertain, of those that the reference has",
            tasks=_CLASSES,
            least_support=1,
        ),
        Definition(
            "macro_zero",
            "mean F1 of positive, negative and uncertain; a state that nobody has counts as 0",
            tasks=_CLASSES,
            undefined="zero",
        ),
        Definition(
            "macro_pooled",
            "mean F1 of positive, negative and uncertain, each of the cells of all findings together",
            tasks=_CLASSES,
            least_support=1,
            over_findings="pooled",
        ),
        Definition(
            "micro",
            "F1 of the cells of all findings and of positive, negative and uncertain together",
            tasks=_CLASSES,
            over_tasks="pooled",
            over_findings="pooled",
        ),
        Definition(
            "absent_macro",
            "mean F1 of positive, negative (with not mentioned) and uncertain, of those that the reference has",
            tasks=_CLASSES,
            least_support=1,
            reference=PROJECTIONS["not_mentioned_is_negative"],
            labeler=PROJECTIONS["not_mentioned_is_negative"],
        ),
        Definition(
            "four_class_weighted",
            "F1 of the four labels, weighted by their share of the reference",
            tasks=(*_CLASSES, NOT_MENTIONED),
            over_tasks="support",
        ),
        *(_certainty(state) for state in _CLASSES),
        *(_certainty(state, pooled=True) for state in _CLASSES),
    )
}
"""Name -> definition."""


def find_definition(name: str) -> Definition:
    """The definition of a name.

    Raises
    ------
    InputError
        If there is none; the message names all.
    """
    if name not in DEFINITIONS:
        raise InputError(f"definition {name!r}: expected one of {', '.join(DEFINITIONS)}")
    return DEFINITIONS[name]


def differences(one: Definition, other: Definition) -> tuple[str, ...]:
    """In what two definitions differ, a sentence each; none if their numbers mean the same."""
    mine, theirs = _flat(one.meaning), _flat(other.meaning)
    return tuple(
        f"{key.replace('_', ' ')}: {_words(mine[key])} in {one.name}, {_words(theirs[key])} in {other.name}"
        for key in mine
        if mine[key] != theirs[key]
    )


def _flat(meaning: Mapping[str, Any]) -> dict[str, Any]:
    """The meaning with the states of both projections as keys of their own; their names mean nothing."""
    flat = {key: value for key, value in meaning.items() if key not in ("reference", "labeler")}
    for side in ("reference", "labeler"):
        flat |= {f"{state} by the {side}": target for state, target in meaning[side]["states"].items()}
    return flat


def _words(value: Any) -> str:
    if value is None:
        return "masked"
    if isinstance(value, Iterable) and not isinstance(value, str):
        return ", ".join(map(str, value))
    return str(value).replace("_", " ")
