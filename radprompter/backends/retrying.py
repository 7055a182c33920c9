"""When a failed request is tried again, and how long after."""

from __future__ import annotations

import email.utils
import random
import re
import time
from collections.abc import Mapping

RETRYABLE = frozenset({408, 409, 429})
"""Statuses below 500 that may pass; so may all from 500 on."""

FIRST_WAIT_S = 0.5
LONGEST_WAIT_S = 30.0

LIMITED = ("requests", "tokens")
LONGEST_FORECAST_S = 60.0
"""How long is waited at most for a quota that was said to be full again later; OpenAI tells when all of it is, and the
next request may be possible long before."""

UNITS_S = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}


def is_retryable(status: int) -> bool:
    """Whether the same request may succeed later."""
    return status in RETRYABLE or status >= 500


def wait_s(attempt: int, asked_s: float | None) -> float:
    """Seconds to wait after the nth failed attempt (from 1): exponential with full jitter, never less than asked for.

    Source: "full jitter" in M. Brooker, Exponential Backoff And Jitter, AWS Architecture Blog, 2015.
    """
    jitter = random.random()  # noqa: S311 - no secret
    backoff: float = min(LONGEST_WAIT_S, FIRST_WAIT_S * 2 ** (attempt - 1)) * (0.2 + 0.8 * jitter)
    return backoff if asked_s is None else max(asked_s + 0.1 * jitter * min(asked_s, 1.0), backoff)


def asked_wait_s(headers: Mapping[str, str]) -> float | None:
    """Seconds that a response asks to wait, in ``retry-after-ms`` or ``Retry-After`` (RFC 9110, 10.2.3)."""
    try:
        return max(0.0, float(headers["retry-after-ms"]) / 1000)
    except (KeyError, ValueError):
        pass
    value = headers.get("retry-after", "")
    try:
        seconds = float(value)
    except ValueError:
        try:
            seconds = email.utils.parsedate_to_datetime(value).timestamp() - time.time()
        except (ValueError, TypeError):
            return None
    return max(0.0, seconds) if seconds == seconds and seconds != float("inf") else None


def exhausted_s(headers: Mapping[str, str]) -> float | None:
    """Seconds until a quota is full again of which a response says that nothing is left; ``None`` if none is used up.

    OpenAI writes the time as ``6m0s`` or ``120ms``, Azure as a number of seconds; Azure's ``-1`` means unknown.
    Source: https://platform.openai.com/docs/guides/rate-limits (headers), and the same names in Azure OpenAI.
    """
    waits = [
        _duration_s(headers.get(f"x-ratelimit-reset-{what}", ""))
        for what in LIMITED
        if headers.get(f"x-ratelimit-remaining-{what}") == "0"
    ]
    return min(max(waits), LONGEST_FORECAST_S) if waits else None


def _duration_s(text: str) -> float:
    """Seconds of a duration such as ``1m30.5s``, ``20ms`` or ``12``; 0 if it is none."""
    try:
        return max(0.0, float(text)) if text[:1].isdigit() else 0.0
    except ValueError:
        parts = re.findall(r"([0-9]+(?:\.[0-9]+)?)(ms|[smhd])", text[:40])
        return sum(float(number) * UNITS_S[unit] for number, unit in parts)
