"""Lines of a batch: requests as they are written, and outputs as they come back, in any order or not at all.

The form is OpenAI's (https://platform.openai.com/docs/guides/batch), which ``vllm run-batch`` reads and writes too.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from radprompter.backends.chat import Reply, read_reply
from radprompter.backends.dialogue import Dialogue
from radprompter.backends.request import OpenAIOptions, request_body
from radprompter.backends.retrying import is_retryable

CHAT = "/v1/chat/completions"

CODES: Mapping[str, str] = {
    "batch_expired": "expired",
    "batch_cancelled": "cancelled",
    "context_length_exceeded": "beyond_context",
    "content_filter": "filtered",
    "rate_limit_exceeded": "rate_limited",
}
"""What an error is called in a line -> the kind of failure that it is."""

Line = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back for one request: the body of a response, or the kind of failure."""

    id: str
    body: Mapping[str, Any] | None = None
    failure: str | None = None

    def line(self) -> bytes:
        """The answer as it is kept."""
        return orjson.dumps({"id": self.id, "body": self.body, "failure": self.failure}) + b"\n"

    def reply(self, *, logprobs: bool) -> Reply | None:
        """The reply in the body; ``None`` if there is none."""
        return None if self.body is None else read_reply(orjson.dumps(self.body), logprobs=logprobs)


def request_line(
    options: OpenAIOptions, dialogue: Dialogue, identity: Mapping[str, Any] | None = None
) -> tuple[str, bytes]:
    """The id of the request for a conversation's turn, and its line.

    The id is the SHA-256 of the backend's identity, all that is sent and the number of the sample: the same question
    has the same id in every run, and what it is about cannot be told from it.
    """
    assert dialogue.turn is not None, "the conversation is over"
    body = {"model": options.model, "messages": dialogue.messages, **request_body(options, dialogue.turn)}
    content = orjson.dumps([dict(identity or {}), body, dialogue.prompt.sample], option=orjson.OPT_SORT_KEYS)
    name = hashlib.sha256(content).hexdigest()
    return name, orjson.dumps({"custom_id": name, "method": "POST", "url": CHAT, "body": body}) + b"\n"


def split_lines(lines: Iterable[tuple[str, bytes]], *, most: int, most_bytes: int) -> Iterator[dict[str, bytes]]:
    """Requests in files of at most so many lines and bytes; equal requests are one."""
    part: dict[str, bytes] = {}
    size = 0
    seen: set[str] = set()
    for name, line in lines:
        if name in seen:
            continue
        if part and (len(part) == most or size + len(line) > most_bytes):
            yield part
            part, size = {}, 0
        seen.add(name)
        part[name] = line
        size += len(line)
    if part:
        yield part


def read_answers(outputs: Iterable[bytes], expected: Iterable[str], absent: str) -> list[Answer]:
    """One answer a request, in the order of `expected`, from the lines of output and error files.

    The first line with an answer counts; what nobody asked for is left out. A request without a line has failed with
    the kind `absent`.
    """
    ids = list(expected)
    found: dict[str, Answer] = {}
    for line in outputs:
        answer = read_answer(line)
        if answer is not None and (answer.id not in found or found[answer.id].body is None):
            found[answer.id] = answer
    return [found.get(name) or Answer(name, failure=absent) for name in ids]


def read_answer(line: bytes) -> Answer | None:
    """The answer in a line of an output or error file; ``None`` if it does not say what it is about.

    Messages of the endpoint are not kept: they may quote the report.
    """
    try:
        row = orjson.loads(line)
        name = row["custom_id"]
    except (orjson.JSONDecodeError, KeyError, TypeError):
        return None
    if not isinstance(name, str):
        return None
    response = _mapping(row.get("response"))
    status, body = response.get("status_code", 200), response.get("body")
    error = _mapping(row.get("error")) or _mapping(_mapping(body).get("error"))
    if status == 200 and not error and isinstance(body, dict):
        return Answer(name, body)
    return Answer(name, failure=_kind(status, _mapping(error.get("error")) or error))


def _kind(status: Any, error: Mapping[str, Any]) -> str:
    """The kind of failure, by the names that `Conversations` gives to those of single requests."""
    code = error.get("code")
    if isinstance(code, str) and code in CODES:
        return CODES[code]
    if "maximum context length" in str(error.get("message")):
        return "beyond_context"
    if not isinstance(status, int) or status == 200:
        return "bad_response" if not error else _named("failed", error)
    if status in (401, 403, 404):
        return "unknown_model" if status == 404 else "unauthorised"
    if is_retryable(status):
        return {408: "timeout", 409: "conflict", 429: "rate_limited"}.get(status, "server_error")
    return _named("bad_request", error)


def _named(kind: str, error: Mapping[str, Any]) -> str:
    names = [error.get("code"), error.get("param")]
    said = [name for name in names if isinstance(name, str) and re.fullmatch(r"[a-z_.]{3,40}", name)]
    return kind + (f" ({' '.join(said)})" if said else "")


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}
