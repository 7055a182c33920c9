"""A proof at the start: made-up requests that show whether an endpoint really does what the turns of a run need.

Many servers take fields that they do not know and leave them out, and a run would learn of it by its answers at best.
So each need is put to a question whose answer tells: what a schema allows is not what the question suggests, a list of
likely tokens that a grammar has thinned out looks different from one that it has not, and a number that was cut in two
is gone on with in the middle. No word of a report or a prompt is sent.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from radprompter.backends.chat import Reply
from radprompter.backends.conversation import Conversations, FailureError
from radprompter.backends.diagnosis import diagnose
from radprompter.backends.probes import needed_probes
from radprompter.backends.request import OpenAIOptions, request_body, write_messages
from radprompter.backends.thinking import divide_thinking
from radprompter.errors import BackendError
from radprompter.records import Message, Turn

if TYPE_CHECKING:
    from openai import AsyncOpenAI

SYSTEM = "You answer short made-up questions, which show whether this server does what it is asked."


async def prove(client: AsyncOpenAI, options: OpenAIOptions, turns: Sequence[Turn]) -> dict[str, Any]:
    """What was proven of an endpoint, with the model that answered, requests, tokens and seconds.

    Raises
    ------
    BackendError
        If the endpoint does not do what the turns need, or does not answer; the message names the setting to change.
    RecipeError
        If the turns ask for what excludes each other.
    """
    started = time.monotonic()
    for turn in turns:
        request_body(options, turn)
    canary = Canary(client, options, any(m.role == "system" for turn in turns for m in turn.messages))
    proven: dict[str, Any] = {}
    for probe, turn in needed_probes(options, turns):
        proven |= await probe(canary, turn)
    if canary.has_system:
        proven["system"] = "accepted" if options.system_role else "put before the first user message"
    return {
        "proven": proven,
        "model": canary.replies[-1].model,
        "requests": len(canary.replies),
        "tokens": {
            "prompt": sum(reply.prompt_tokens for reply in canary.replies),
            "completion": sum(reply.completion_tokens for reply in canary.replies),
        },
        "seconds": round(time.monotonic() - started, 3),
    }


@dataclass
class Canary:
    """Asks made-up questions in the form of a turn; `replies` are those that came."""

    client: AsyncOpenAI
    options: OpenAIOptions
    has_system: bool
    replies: list[Reply] = field(default_factory=list)

    async def ask(
        self, question: str, max_tokens: int, *, wishes: Mapping[str, Any] | None = None, **form: Any
    ) -> Reply:
        """The reply to a question; `wishes` are further fields, without which will do where the endpoint refuses.

        Raises
        ------
        BackendError
            If there is none; where the endpoint refuses the form, with the change under which it would not.
        """
        turn = Turn(self.messages(question), max_tokens, **form)
        extra_body = {**self.options.extra_body, **(wishes or {})}
        try:
            reply = await self.send(self.options.model_copy(update={"extra_body": extra_body}), turn)
        except FailureError as error:
            if wishes:
                return await self.ask(question, max_tokens, **form)
            raise await diagnose(self, turn, error) from None
        self.replies.append(reply)
        return reply

    async def send(self, options: OpenAIOptions, turn: Turn) -> Reply:
        """The reply under some options, as it came."""
        messages = write_messages(turn.messages, system_role=options.system_role)
        reply, _ = await Conversations(self.client, options).reply(messages, turn)
        return reply

    @property
    def thinks(self) -> bool:
        """Whether a reply came with thinking."""
        return any(reply.reasoning_tokens or divide_thinking(reply)[0] for reply in self.replies)

    def unproven(self, problem: str, *, kind: str = "unproven", retryable: bool = False) -> BackendError:
        """The error that says what the endpoint did."""
        return BackendError(f"{urlsplit(str(self.client.base_url)).netloc} {problem}", kind=kind, retryable=retryable)

    def messages(self, question: str) -> tuple[Message, ...]:
        """A question, after a system message where the turns have one."""
        system = (Message("system", SYSTEM),) if self.has_system else ()
        return (*system, Message("user", question))
