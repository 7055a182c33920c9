"""Attempts that fail: what kind of failure a response is, and whether the same request may succeed later."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import orjson

from radprompter.backends.retrying import asked_wait_s, exhausted_s, is_retryable

STOPS = frozenset({"unauthorised", "unknown_model", "redirected"})
"""Kinds of failure that every other request would share."""

SILENT = frozenset({"connection", "server_error", "timeout", "rate_limited"})
"""Kinds of failure of an endpoint that answers nothing, where conversation after conversation ends with one."""

CONGESTED = frozenset({408, 429, 503})
"""Statuses that fewer requests at a time may prevent."""


class FailureError(Exception):
    """An attempt or a conversation that failed.

    Parameters
    ----------
    kind:
        The kind of failure, as tables and summaries count it.
    retryable:
        Whether the same request may succeed later.
    congested:
        Whether fewer requests at a time may prevent it.
    asked_s:
        How many seconds the endpoint asks to wait, where it does.
    attempts:
        How many were made.
    detail:
        What to say of it where it stops the run.
    """

    def __init__(
        self,
        kind: str,
        *,
        retryable: bool = False,
        congested: bool = False,
        asked_s: float | None = None,
        attempts: int = 0,
        detail: str = "",
    ) -> None:
        super().__init__(kind)
        self.kind, self.retryable, self.congested = kind, retryable, congested
        self.asked_s, self.attempts, self.detail = asked_s, attempts, detail


def refusal(status: int, headers: Mapping[str, str], body: bytes) -> FailureError:
    """What an error status means. Messages of the endpoint are not passed on: they may quote the report or the key."""
    if status in (401, 403):
        return FailureError(
            "unauthorised", detail=f"refuses the key ({status}); set api_key_env to a variable that has it"
        )
    if status == 404:
        return FailureError("unknown_model", detail="does not know this model or path (404); check model and base_url")
    if 300 <= status < 400:
        return FailureError("redirected", detail=f"redirects ({status}), which is not followed; check base_url")
    if is_retryable(status):
        kind = {408: "timeout", 429: "rate_limited"}.get(status, "server_error" if status >= 500 else "conflict")
        asked = asked_wait_s(headers)
        asked = exhausted_s(headers) if asked is None else asked
        return FailureError(kind, retryable=True, congested=status in CONGESTED, asked_s=asked)
    error = _error(body)
    if error.get("code") == "context_length_exceeded" or "maximum context length" in str(error.get("message")):
        return FailureError("beyond_context")
    if error.get("code") == "content_filter":
        return FailureError("filtered")
    named = (error.get("code"), error.get("param"))
    names = [name for name in named if isinstance(name, str) and re.fullmatch(r"[a-z_.]{3,40}", name)]
    return FailureError("bad_request" + (f" ({' '.join(names)})" if names else ""))


def _error(body: bytes) -> Mapping[str, Any]:
    """The error in a body: under ``error`` (OpenAI, Azure, vLLM since 0.10), or the body itself (vLLM before)."""
    try:
        data = orjson.loads(body)
    except orjson.JSONDecodeError:
        return {}
    inner = data.get("error", data) if isinstance(data, dict) else None
    return inner if isinstance(inner, dict) else {"message": inner}
