"""The canary: asks an endpoint made-up questions in the form of a run's turns.

Many servers take fields that they do not know and leave them out, and a run would learn of it by its answers at best.
So each need is put to a question whose answer tells: what a schema allows is not what the question suggests, a list of
likely tokens that a grammar has thinned out looks different from one that it has not, and a number that was cut in two
is gone on with in the middle. No word of a report or a prompt is sent.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from radprompter.backends.chat import Reply
from radprompter.backends.failing import FailureError
from radprompter.backends.request import OpenAIOptions
from radprompter.backends.thinking import divide_thinking, is_switched
from radprompter.errors import BackendError
from radprompter.records import Message, Turn

SYSTEM = "You answer short made-up questions, which show whether this server does what it is asked."


class RefusedError(Exception):
    """A made-up request that failed, with what was asked."""

    def __init__(self, turn: Turn, failure: FailureError) -> None:
        super().__init__(failure.kind)
        self.turn, self.failure = turn, failure


class Answerer(Protocol):
    """What is to be proven: an endpoint, or an engine in this process."""

    @property
    def name(self) -> str:
        """What it is called where it does not do what is asked."""
        ...

    async def answer(self, options: OpenAIOptions, turn: Turn) -> Reply:
        """The reply to one turn under some options, as it came.

        Raises
        ------
        FailureError
            If there is none.
        """
        ...


@dataclass
class Canary:
    """Asks made-up questions in the form of a turn; `replies` are those that came."""

    answerer: Answerer
    options: OpenAIOptions
    has_system: bool
    replies: list[Reply] = field(default_factory=list)

    async def ask(
        self, question: str, max_tokens: int, *, wishes: Mapping[str, Any] | None = None, **form: Any
    ) -> Reply:
        """The reply to a question; `wishes` are further fields, without which will do where the endpoint refuses.

        Raises
        ------
        RefusedError
            If there is none.
        """
        turn = Turn(self.messages(question), max_tokens, **form)
        extra_body = {**self.options.extra_body, **(wishes or {})}
        try:
            reply = await self.send(self.options.model_copy(update={"extra_body": extra_body}), turn)
        except FailureError as error:
            if wishes:
                return await self.ask(question, max_tokens, **form)
            raise RefusedError(turn, error) from None
        self.replies.append(reply)
        return reply

    async def send(self, options: OpenAIOptions, turn: Turn) -> Reply:
        """The reply under some options, as it came."""
        return await self.answerer.answer(options, turn)

    @property
    def thinks(self) -> bool:
        """Whether a reply came with thinking."""
        return any(reply.reasoning_tokens or divide_thinking(reply)[0] for reply in self.replies)

    def unproven(self, problem: str, *, kind: str = "unproven", retryable: bool = False) -> BackendError:
        """The error that says what the endpoint did."""
        return BackendError(f"{self.answerer.name} {problem}", kind=kind, retryable=retryable)

    def messages(self, question: str) -> tuple[Message, ...]:
        """A question, after a system message where the turns have one."""
        system = (Message("system", SYSTEM),) if self.has_system else ()
        return (*system, Message("user", question))

    def check_thinking(self, reply: Reply) -> dict[str, Any]:
        """Whether a reply came with thinking.

        Raises
        ------
        BackendError
            If it is switched off and came, or is switched on and did not.
        """
        thought, _ = divide_thinking(reply)
        thinks, wanted = bool(thought or reply.reasoning_tokens), is_switched(self.options.extra_body)
        if thinks and wanted is False:
            raise self.unproven(
                "thinks although that is switched off in extra_body: its model has another switch, or none; "
                "find it in the model's chat template, or take the setting away and give more max_tokens"
            )
        if wanted and not thinks:
            raise self.unproven(
                "does not think although that is switched on in extra_body: where answers are constrained, vLLM needs "
                "--reasoning-parser to let thinking come first; else the model's chat template has another switch"
            )
        return {"thinking": thinks}
