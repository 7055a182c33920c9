"""How the question is asked: the turns of a conversation, and which reply holds the answer (always the last).

A strategy is a function from a writer to turns, and an entry in `STRATEGIES`; its words are Jinja templates, one a
language. System texts hold all that is equal for every report and come first; the report comes last in its message,
so that an endpoint can keep the common beginning in its prefix cache.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Protocol

from radprompter.errors import TemplateError
from radprompter.records import Message, Role, Turn

REASONING_TOKENS = 1024
"""Room for free reasoning: about a sentence for each of 30 findings, and then some."""

REASONING = "reasoning"
"""The key under which an answer reasons before it gives values; what stands there is never read as one."""


class Writer(Protocol):
    """Writes the messages for one report."""

    @property
    def answer_schema(self) -> Mapping[str, Any]:
        """JSON schema of the answer."""
        ...

    @property
    def answer_tokens(self) -> int:
        """Tokens that no valid answer exceeds."""
        ...

    def write(self, role: Role, template: str) -> Message:
        """The message that ``<template>.<language>.jinja`` gives; system texts do not know the report."""
        ...


Strategy = Callable[[Writer], tuple[Turn, ...]]


def zero_shot(writer: Writer) -> tuple[Turn, ...]:
    """One turn: the report, and at once the answer as constrained JSON."""
    messages = (writer.write("system", "zero_shot"), writer.write("user", "report"))
    return (Turn(messages, writer.answer_tokens, writer.answer_schema),)


def chain_of_thought(writer: Writer) -> tuple[Turn, ...]:
    """Two turns: free reasoning about the report, then the answer as constrained JSON."""
    messages = (writer.write("system", "chain_of_thought"), writer.write("user", "report"))
    question = (writer.write("user", "chain_of_thought_answer"),)
    return (Turn(messages, REASONING_TOKENS), Turn(question, writer.answer_tokens, writer.answer_schema))


def chain_of_thought_one_turn(writer: Writer) -> tuple[Turn, ...]:
    """One turn: constrained JSON that reasons under its first key and then gives the values."""
    messages = (writer.write("system", "chain_of_thought_one_turn"), writer.write("user", "report"))
    return (reasoned_turn(messages, writer),)


def reasoned_turn(messages: tuple[Message, ...], writer: Writer) -> Turn:
    """A turn whose answer begins with its reasoning."""
    return Turn(messages, REASONING_TOKENS + writer.answer_tokens, reasoned_schema(writer.answer_schema))


def lead(turns: tuple[Turn, ...], *, prefill: str, stop: tuple[str, ...]) -> tuple[Turn, ...]:
    """The turns with the answer begun and ended; a schema would begin anew an answer that is begun, so it is gone."""
    schema = None if prefill else turns[-1].json_schema
    return (*turns[:-1], replace(turns[-1], prefill=prefill, stop=stop, json_schema=schema))


def reasoned_schema(schema: Mapping[str, Any]) -> dict[str, Any]:
    """The schema of an answer with `REASONING` before all else: a model writes its keys in the order of the schema.

    Raises
    ------
    TemplateError
        If a finding has that name.
    """
    if REASONING in schema.get("properties", {}):
        raise TemplateError(
            f"a finding is named {REASONING!r}, where an answer in one turn reasons; rename the finding"
        )
    properties = {REASONING: {"type": "string"}, **schema.get("properties", {})}
    return {**schema, "properties": properties, "required": list(properties)}


STRATEGIES: Mapping[str, Strategy] = {
    "zero_shot": zero_shot,
    "few_shot": zero_shot,  # the same question, after examples
    "chain_of_thought": chain_of_thought,
    "chain_of_thought_one_turn": chain_of_thought_one_turn,
}
"""Name in a recipe -> how its turns are made."""

FEW_SHOT = "few_shot"
"""The strategy that needs examples; `zero_shot` is the one that has none."""

REASONS_APART, REASONS_BEFORE = "chain_of_thought", "chain_of_thought_one_turn"
"""Strategies that reason: in a turn of its own, or in the answer before the values."""
