"""Why an endpoint refuses a request: found out by asking again with one setting changed, or two."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import chain, combinations
from typing import Any

from radprompter.backends.canary import Canary
from radprompter.backends.failing import FailureError
from radprompter.backends.request import OpenAIOptions
from radprompter.errors import BackendError
from radprompter.records import Turn

LOGPROBS = (20, 5)
"""How many some endpoints allow: OpenAI and vLLM by default, and others."""

PASSING = frozenset({"timeout", "rate_limited", "conflict", "bad_response", "connection"})
"""Kinds of failure that say nothing of the settings."""


@dataclass(frozen=True, slots=True)
class Change:
    """What to do about a refusal, and the options and the turn as they would be then."""

    remedy: str
    options: Mapping[str, Any] = field(default_factory=dict)
    turn: Mapping[str, Any] = field(default_factory=dict)


async def diagnose(canary: Canary, turn: Turn, error: FailureError) -> BackendError:
    """The error to raise for a made-up request that failed.

    Endpoints word their refusals in many ways, and may quote a key in them: so they are not read, but the request is
    made with each change, then with two, until one is taken.
    """
    kind = error.kind
    refused = kind.startswith("bad_request")
    if not refused and kind != "server_error":
        passing = kind in PASSING
        what = f"did not answer a made-up question ({kind}, {error.attempts} attempts)"
        return canary.unproven(what + "; try again later" * passing, kind=kind, retryable=passing)
    changes = list(possible_changes(canary.options, turn))
    for tried in chain(combinations(changes, 1), combinations(changes, 2) if refused else ()):
        options = canary.options.model_copy(
            update={"max_retries": 0, **{k: v for change in tried for k, v in change.options.items()}}
        )
        changed = replace(turn, **{k: v for change in tried for k, v in change.turn.items()})
        try:
            await canary.send(options, changed)
        except FailureError:
            continue
        remedies = " and ".join(change.remedy for change in tried)
        return canary.unproven(f"refuses what the recipe asks for ({kind}) but takes it otherwise: {remedies}")
    return canary.unproven(f"refuses a made-up question ({kind}), whichever setting is changed; see the server's log")


def possible_changes(options: OpenAIOptions, turn: Turn) -> Iterator[Change]:
    """Changes that could make a request acceptable, those that lose least first."""
    if options.system_role and any(message.role == "system" for message in turn.messages):
        yield Change(
            "set label.backend.system_role: false (its chat template has no system role)", {"system_role": False}
        )
    other = "max_tokens" if options.max_tokens_field == "max_completion_tokens" else "max_completion_tokens"
    yield Change(f"set label.backend.max_tokens_field: {other}", {"max_tokens_field": other})
    if options.temperature is not None:
        yield Change("set label.backend.temperature: null", {"temperature": None})
    if options.seed is not None:
        yield Change("take label.backend.seed away", {"seed": None})
    for name in options.extra_body:
        rest = {key: value for key, value in options.extra_body.items() if key != name}
        yield Change(f"take {name} out of label.backend.extra_body", {"extra_body": rest})
    if turn.json_schema is not None and options.structured:
        for way in ("response_format", "structured_outputs", "none"):
            if way != options.structured_name:
                yield Change(f"set label.backend.structured: {way}", {"structured": way != "none" and way})
    if turn.top_logprobs:
        for fewer in LOGPROBS:
            extra_body = {**options.extra_body, "top_logprobs": fewer}
            yield Change(f"set label.backend.extra_body.top_logprobs: {fewer}", {"extra_body": extra_body})
        yield Change("use another plan than label_read (it gives no log-probabilities)", turn={"top_logprobs": 0})
    if turn.prefill:
        yield Change("take label.prefill away", turn={"prefill": ""})
    if turn.stop:
        yield Change("take label.stop away", turn={"stop": ()})
