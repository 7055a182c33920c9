"""Questions that follow an answer: the same with more room, what was faulty in it, and whether a positive holds.

A follow-up is a prompt like any other: its turns hold all that was said before, so its fingerprint says what produced
its answer. It keeps the report, the findings and the sample of the prompt that it follows.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

from radprompter.labels import LabelState
from radprompter.prompting.answer_schema import answer_tokens, finding_schema
from radprompter.prompting.quoting import quote
from radprompter.prompting.strategies import REASONING
from radprompter.prompting.templates import Template
from radprompter.records import Completion, Message, Prompt, Report, Turn

MORE_ROOM = 4
"""How many times more tokens a reply may take that was cut off before."""

LONGEST_QUOTE = 4_000
"""Characters of an earlier reply that a follow-up repeats."""

Fault = Literal["missing", "invalid", "unreadable"]
FAULTS: Mapping[LabelState, Fault] = {
    LabelState.MISSING: "missing",
    LabelState.INVALID: "invalid",
    LabelState.FAILED: "unreadable",
}
"""What is wrong with an answer, by the state of its cell."""


@dataclass(frozen=True, slots=True)
class FaultView:
    """What templates see of one faulty value: the key it belongs to, what is wrong, and the allowed values."""

    key: str
    fault: Fault
    values: tuple[str, ...]


def with_more_room(prompt: Prompt, completion: Completion) -> Prompt:
    """The same conversation, where the reply that was cut off may be `MORE_ROOM` times as long."""
    cut = len(completion.replies) - 1
    turns = tuple(
        replace(turn, max_tokens=turn.max_tokens * MORE_ROOM) if index == cut else turn
        for index, turn in enumerate(prompt.turns)
    )
    return replace(prompt, turns=turns, follow_up="longer")


def ask_again(template: Template, prompt: Prompt, completion: Completion, faults: Mapping[str, Fault]) -> Prompt:
    """The conversation with its faulty answer, and a question for the values that `faults` (finding -> fault) names.

    Raises
    ------
    TemplateError
        If a template fails on this report.
    """
    last = prompt.turns[-1]
    schema = None if last.json_schema is None else _only(last.json_schema, faults)
    views = tuple(
        _view(template, name, fault, key="answer" if prompt.findings else name) for name, fault in faults.items()
    )
    question = template.write(
        "user", "ask_again", prompt.report, finding=next(iter(prompt.findings), None), faults=views
    )
    messages = (*_said(prompt, completion), question)
    tokens = last.max_tokens if schema is None else answer_tokens(schema)
    turn = Turn(messages, tokens, schema, prefill=last.prefill, stop=last.stop)
    return replace(prompt, turns=(turn,), follow_up="again")


def ask_to_verify(template: Template, report: Report, finding: str, evidence: str | None) -> Prompt:
    """A question of its own about one finding that an answer calls positive, with the words that it quoted.

    Raises
    ------
    TemplateError
        If a template fails on this report.
    """
    claim = quote(evidence or "")
    messages = (
        template.write("system", "one_finding", report, finding=finding),
        template.write("user", "verification", report, finding=finding, claim=claim),
    )
    schema = _only(finding_schema(template.region, finding), ["answer"])
    return Prompt(report, (Turn(messages, answer_tokens(schema), schema),), (finding,), follow_up="verification")


def _said(prompt: Prompt, completion: Completion) -> Iterable[Message]:
    """All messages and replies, in order; replies quoted, because a model may repeat what a report holds."""
    for turn, reply in zip(prompt.turns, completion.replies, strict=False):
        yield from turn.messages
        yield Message("assistant", quote(reply[:LONGEST_QUOTE]))


def _only(schema: Mapping[str, Any], names: Iterable[str]) -> dict[str, Any]:
    """The schema with some of its keys, or all where it has none of them; the reasoning was given before."""
    properties = {name: part for name, part in schema["properties"].items() if name != REASONING}
    kept = {name: properties[name] for name in names if name in properties} or properties
    return {**schema, "properties": kept, "required": list(kept)}


def _view(template: Template, name: str, fault: Fault, *, key: str) -> FaultView:
    region = template.region
    return FaultView(key, fault, tuple(region.spelling[state] for state in region.allowed(name)))
