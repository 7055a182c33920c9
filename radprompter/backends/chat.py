"""The body of a chat completion, read leniently: endpoints differ in what they leave out."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import orjson

from radprompter.records import Turn

FINISH_FAILURES = {"length": "truncated", "content_filter": "filtered"}
"""Reason why a reply ended -> the kind of failure that it is."""

ROUNDING = 1e-3
"""How far above 0 a log-probability may come by rounding."""


@dataclass(frozen=True, slots=True)
class Reply:
    """One reply of a model; `failure` says why it is no answer, `n_listed` how many likely first tokens were listed."""

    text: str
    reasoning: str | None = None
    finish_reason: str = "stop"
    failure: str | None = None
    model: str = ""
    prompt_tokens: int = 0
    completion_tokens: int = 0
    cached_tokens: int = 0
    reasoning_tokens: int = 0
    logprobs: Mapping[str, float] | None = None
    n_listed: int = 0
    prompt: str | None = None  # as the model saw it, where the endpoint tells


def read_reply(body: bytes, *, logprobs: bool = False) -> Reply | None:
    """The first choice of a response body; ``None`` if the body is no chat completion.

    Where `logprobs` are the reply, its words may be cut off or absent, and it has failed without usable ones.
    Thinking is taken from ``reasoning`` (vLLM since 0.12) or ``reasoning_content`` (before, and others).
    """
    try:
        data = orjson.loads(body)
        choice = data["choices"][0]
        message = choice["message"]
        text = message.get("content")
    except (orjson.JSONDecodeError, KeyError, IndexError, TypeError, AttributeError):
        return None
    if not isinstance(text, (str, type(None))):
        return None
    finish_reason = choice.get("finish_reason") or "stop"
    failure = FINISH_FAILURES.get(finish_reason)
    likely = read_logprobs(choice) if logprobs else None
    if message.get("refusal"):
        failure = "refused"
    elif logprobs and failure != "filtered":
        failure = None if likely else "no_logprobs"
    elif failure is None and not (text or "").strip():
        failure = "empty"
    usage = _mapping(data.get("usage"))
    return Reply(
        text or "",
        reasoning=message.get("reasoning") or message.get("reasoning_content") or None,
        finish_reason=str(finish_reason),
        failure=failure,
        model=str(data.get("model") or ""),
        prompt_tokens=_number(usage.get("prompt_tokens")),
        completion_tokens=_number(usage.get("completion_tokens")),
        cached_tokens=_number(_mapping(usage.get("prompt_tokens_details")).get("cached_tokens")),
        reasoning_tokens=_number(_mapping(usage.get("completion_tokens_details")).get("reasoning_tokens")),
        logprobs=likely,
        n_listed=len(choice["logprobs"]["content"][0]["top_logprobs"]) if likely else 0,
        prompt=data.get("prompt_text") if isinstance(data.get("prompt_text"), str) else None,
    )


def join_reply(reply: Reply, turn: Turn) -> Reply:
    """The reply as it stands in the conversation: the turn's prefill once, what was generated, and no stop text.

    Endpoints differ in whether they send the prefill back. A reply that begins with the whole prefill, but for white
    space around it, is taken to repeat it; so is one that did not go on but began anew with the same words. A reply
    that has a stop text ends before it, even where the endpoint went on and cut the reply off later.
    """
    if not reply.text or turn.top_logprobs or not (turn.prefill or turn.stop):
        return reply
    generated = _without(reply.text, turn.prefill)
    ends = [generated.index(stop) for stop in turn.stop if stop in generated]
    said = generated[: min(ends)] if ends else generated
    failure = None if ends and reply.failure == "truncated" else reply.failure
    if failure is None and not said.strip():
        failure = "empty"
    return replace(reply, text=turn.prefill + said, failure=failure)


def _without(text: str, prefill: str) -> str:
    """What was generated, from a reply that may begin with the prefill."""
    if text.startswith(prefill):
        return text[len(prefill) :]
    bare, stripped = prefill.strip(), text.lstrip()
    return stripped[len(bare) :] if bare and stripped.startswith(bare) else text


def read_logprobs(choice: Mapping[str, Any]) -> dict[str, float] | None:
    """Token -> log-probability of the first token of a choice; ``None`` where any is absent or no number.

    Tokens that are written alike are one: their probabilities are added.
    """
    try:
        first = choice["logprobs"]["content"][0]
        pairs = [(entry["token"], entry["logprob"]) for entry in first["top_logprobs"]]
        chosen = (first["token"], first["logprob"])
    except (KeyError, IndexError, TypeError):
        return None
    if chosen[0] not in [token for token, _ in pairs]:
        pairs.append(chosen)  # some endpoints list it only if it is among the likeliest
    found: dict[str, float] = {}
    for token, value in pairs:
        if not isinstance(token, str) or isinstance(value, bool) or not isinstance(value, (int, float)):
            return None
        if not math.isfinite(value) or value > ROUNDING:
            return None
        low, high = sorted((found.get(token, -math.inf), float(value)))
        found[token] = high + math.log1p(math.exp(low - high))
    return found


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _number(value: Any) -> int:
    return value if isinstance(value, int) else 0
