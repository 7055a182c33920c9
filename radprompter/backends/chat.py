"""The body of a chat completion, read leniently: endpoints differ in what they leave out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson

FINISH_FAILURES = {"length": "truncated", "content_filter": "filtered"}
"""Reason why a reply ended -> the kind of failure that it is."""


@dataclass(frozen=True, slots=True)
class Reply:
    """One reply of a model; `failure` says why it is no answer."""

    text: str
    reasoning: str | None = None
    finish_reason: str = "stop"
    failure: str | None = None
    model: str = ""
    prompt_tokens: int = 0
    completion_tokens: int = 0
    cached_tokens: int = 0


def read_reply(body: bytes) -> Reply | None:
    """The first choice of a response body; ``None`` if the body is no chat completion.

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
    if message.get("refusal"):
        failure = "refused"
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
    )


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _number(value: Any) -> int:
    return value if isinstance(value, int) else 0
