"""Conversations with an endpoint: turns in order, failed attempts tried again, failures told apart."""

from __future__ import annotations

import asyncio
import re
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast
from urllib.parse import urlsplit

from radprompter.backends.chat import Reply, read_reply
from radprompter.backends.dialogue import Dialogue
from radprompter.backends.request import OpenAIOptions, request_body
from radprompter.backends.retrying import asked_wait_s, is_retryable, wait_s
from radprompter.errors import BackendError
from radprompter.records import Completion, Prompt, Turn

if TYPE_CHECKING:
    from openai import APIStatusError, AsyncOpenAI
    from openai.types.chat import ChatCompletionMessageParam

STOPS = frozenset({"unauthorised", "unknown_model", "redirected", "unreachable"})
"""Kinds of failure that every other request would share."""

UNREACHABLE_AFTER = 8
"""Requests in a row that get no answer from the endpoint, each after all its attempts, before the run stops."""

FIRST_RETRIES = 2
"""Attempts after the first while no connection was ever made: the server is probably not running."""


@dataclass
class Conversations:
    """Holds conversations with one endpoint; what is learned of the endpoint's state is shared by all of them.

    Parameters
    ----------
    client:
        A client that does not retry by itself.
    options:
        The model, what it is asked, how long is waited and how often an attempt is made again.
    """

    client: AsyncOpenAI
    options: OpenAIOptions
    _open_at: float = 0.0  # loop time before which the endpoint asked not to be called
    _n_silent: int = 0  # requests in a row that got no answer
    _n_answers: int = 0

    async def hold(self, prompt: Prompt) -> Completion:
        """All turns of a prompt, in order."""
        started = time.monotonic()
        dialogue = Dialogue(prompt, self.options.system_role)
        while (turn := dialogue.turn) is not None:
            try:
                reply, attempts = await self.reply(dialogue.said, turn)
            except FailureError as error:
                dialogue.fail(error.kind, attempts=error.attempts)
            else:
                dialogue.take(reply, attempts=attempts)
        dialogue.seconds = time.monotonic() - started
        return dialogue.completion()

    async def reply(self, messages: list[dict[str, str]], turn: Turn) -> tuple[Reply, int]:
        """The reply to one turn, as it came, and the attempts that it took.

        Raises
        ------
        FailureError
            If there is none.
        BackendError
            If every other request would fail the same way.
        """
        if turn.prefill:
            messages = [*messages, {"role": "assistant", "content": turn.prefill}]
        now = asyncio.get_running_loop().time
        deadline = now() + self.options.deadline_s
        attempt = 0
        while True:
            attempt += 1
            try:
                async with asyncio.timeout_at(deadline):
                    while (wait := self._open_at - now()) > 0:
                        await asyncio.sleep(wait)
                    reply = await self._request(messages, turn)
            except TimeoutError:
                raise self._give_up("timeout", attempt) from None
            except FailureError as error:
                pause = wait_s(attempt, error.asked_s)
                if error.asked_s is not None:
                    self._open_at = max(self._open_at, now() + error.asked_s)
                most = self.options.max_retries if self._n_answers or error.kind != "connection" else FIRST_RETRIES
                if not error.retryable or attempt > min(most, self.options.max_retries) or now() + pause > deadline:
                    raise self._give_up(error.kind, attempt, error.detail) from None
                await asyncio.sleep(pause)
            else:
                self._n_silent = 0
                self._n_answers += 1
                return reply, attempt

    async def _request(self, messages: list[dict[str, str]], turn: Turn) -> Reply:
        """One attempt."""
        import openai

        try:
            response = await self.client.chat.completions.with_raw_response.create(
                model=self.options.model,
                messages=cast("list[ChatCompletionMessageParam]", messages),
                extra_body=request_body(self.options, turn),
            )
        except openai.APITimeoutError:
            raise FailureError("timeout", retryable=True) from None
        except openai.APIConnectionError:
            raise FailureError("connection", retryable=True) from None
        except openai.APIStatusError as error:
            raise _refused(error) from None
        reply = read_reply(response.content, logprobs=turn.top_logprobs > 0)
        if reply is None:
            raise FailureError("bad_response", retryable=True)
        return reply

    def _give_up(self, kind: str, attempts: int, detail: str = "") -> Exception:
        """The failure of one conversation, or of the run where every other request would fail the same way."""
        where = f"{urlsplit(str(self.client.base_url)).netloc}"
        if kind in ("connection", "server_error", "timeout"):
            self._n_silent += 1
            silent = kind == "connection" and not self._n_answers
            if silent or self._n_silent >= UNREACHABLE_AFTER:
                return BackendError(
                    f"{where} gives no answer ({kind}, {attempts} attempts each); is the server running? "
                    "What was answered is kept: run the same command again to go on",
                    kind="unreachable",
                    retryable=True,
                )
        else:
            self._n_silent = 0
        if kind in STOPS:
            return BackendError(f"{where}: {detail}", kind=kind)
        return FailureError(kind, attempts=attempts)


class FailureError(Exception):
    """An attempt or a conversation that failed."""

    def __init__(
        self, kind: str, *, retryable: bool = False, asked_s: float | None = None, attempts: int = 0, detail: str = ""
    ) -> None:
        super().__init__(kind)
        self.kind, self.retryable, self.asked_s, self.attempts, self.detail = kind, retryable, asked_s, attempts, detail


def _refused(error: APIStatusError) -> FailureError:
    """What an error status means. Messages of the endpoint are not passed on: they may quote the report or the key."""
    status = error.status_code
    if status in (401, 403):
        return FailureError(
            "unauthorised", detail=f"refuses the key ({status}); set api_key_env to a variable that has it"
        )
    if status == 404:
        return FailureError("unknown_model", detail="does not know this model or path (404); check model and base_url")
    if 300 <= status < 400:
        return FailureError("redirected", detail=f"redirects ({status}), which is not followed; check base_url")
    asked = asked_wait_s(error.response.headers)
    if is_retryable(status):
        kind = {408: "timeout", 429: "rate_limited"}.get(status, "server_error" if status >= 500 else "conflict")
        return FailureError(kind, retryable=True, asked_s=asked)
    if error.code == "context_length_exceeded" or "maximum context length" in str(error.body):
        return FailureError("beyond_context")
    if error.code == "content_filter":
        return FailureError("filtered")
    names = [
        name for name in (error.code, error.param) if isinstance(name, str) and re.fullmatch(r"[a-z_.]{3,40}", name)
    ]
    return FailureError("bad_request" + (f" ({' '.join(names)})" if names else ""))
