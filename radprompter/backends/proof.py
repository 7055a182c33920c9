"""A proof at the start: made-up requests that show whether an endpoint really does what the turns of a run need."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from radprompter.backends.canary import Answerer, Canary, RefusedError
from radprompter.backends.chat import Reply
from radprompter.backends.conversation import Conversations
from radprompter.backends.diagnosis import diagnose
from radprompter.backends.failing import SILENT
from radprompter.backends.probes import needed_probes
from radprompter.backends.replicas import Replicas
from radprompter.backends.request import OpenAIOptions, request_body, write_messages
from radprompter.records import Turn

UNANSWERED = SILENT | {"unreachable"}
"""Kinds of failure of an address that may come back."""


@dataclass(frozen=True, slots=True)
class Address:
    """One address of an endpoint, as it is asked made-up questions."""

    replicas: Replicas

    @property
    def name(self) -> str:
        """Its host."""
        return self.replicas.hosts

    async def answer(self, options: OpenAIOptions, turn: Turn) -> Reply:
        """See `Answerer.answer`."""
        messages = write_messages(turn.messages, system_role=options.system_role)
        reply, _ = await Conversations(self.replicas, options).reply(messages, turn)
        return reply


async def prove_all(replicas: Replicas, options: OpenAIOptions, turns: Sequence[Turn]) -> dict[str, Any]:
    """What was proven of each address that answers: of the first of them, and their number where there are several.

    Raises
    ------
    BackendError
        If one does not do what the turns need, or none answers.
    RecipeError
        If the turns ask for what excludes each other.
    """
    tries = [prove(Address(one), options, turns) for one in replicas.apart()]
    results = await asyncio.gather(*tries, return_exceptions=True)
    shown = [result for result in results if isinstance(result, dict)]
    errors = [result for result in results if isinstance(result, BaseException)]
    for error in errors:
        if not shown or getattr(error, "kind", None) not in UNANSWERED:
            raise error
    return shown[0] if len(results) == 1 else {**shown[0], "addresses": {"asked": len(results), "answered": len(shown)}}


async def prove(answerer: Answerer, options: OpenAIOptions, turns: Sequence[Turn]) -> dict[str, Any]:
    """What was proven of an endpoint or an engine, with the model that answered, requests, tokens and seconds.

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
    canary = Canary(answerer, options, any(m.role == "system" for turn in turns for m in turn.messages))
    proven: dict[str, Any] = {}
    try:
        for probe, turn in needed_probes(options, turns):
            proven |= await probe(canary, turn)
    except RefusedError as refused:
        raise await diagnose(canary, refused.turn, refused.failure) from None
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
