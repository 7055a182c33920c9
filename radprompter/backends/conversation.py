"""Conversations with an endpoint: turns in order, failed attempts tried again, failures told apart."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from radprompter.backends.chat import Reply, read_reply
from radprompter.backends.dialogue import Dialogue
from radprompter.backends.failing import SILENT, STOPS, FailureError, refusal
from radprompter.backends.replicas import Replicas
from radprompter.backends.request import OpenAIOptions, request_body
from radprompter.backends.retrying import exhausted_s, wait_s
from radprompter.errors import BackendError
from radprompter.records import Completion, Prompt, Turn

UNREACHABLE_AFTER = 8
"""Conversations in a row that get no answer from the endpoint, each after all its attempts, before the run stops."""

FIRST_RETRIES = 2
"""Attempts after the first while no connection was ever made: the server is probably not running."""


@dataclass
class Conversations:
    """Holds conversations with one model; what is learned of its state is shared by all of them.

    Parameters
    ----------
    replicas:
        The addresses that serve the model.
    options:
        The model, what it is asked, how long is waited and how often an attempt is made again.
    """

    replicas: Replicas
    options: OpenAIOptions
    _n_silent: int = 0  # conversations in a row that got no answer
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
        body = _write({"model": self.options.model, "messages": messages, **request_body(self.options, turn)})
        now = asyncio.get_running_loop().time
        deadline = now() + self.options.deadline_s
        attempt = 0
        while True:
            attempt += 1
            try:
                reply = await self._attempt(body, deadline, logprobs=turn.top_logprobs > 0)
            except FailureError as error:
                pause = wait_s(attempt, error.asked_s)
                if not error.retryable or attempt > self._most_retries(error) or now() + pause > deadline:
                    raise self._give_up(error, attempt) from None
                self.replicas.n_resting += 1
                try:
                    await asyncio.sleep(pause)
                finally:
                    self.replicas.n_resting -= 1
            else:
                self._n_silent = 0
                self._n_answers += 1
                return reply, attempt

    async def _attempt(self, body: bytes, deadline: float, *, logprobs: bool) -> Reply:
        """One attempt, at whichever address has the most room."""
        place = await self.replicas.enter(deadline)
        until = min(deadline, asyncio.get_running_loop().time() + self.options.request_timeout_s)
        try:
            response = await place.replica.transport.post(body, until=until)
            if response.status >= 300:
                raise refusal(*response)
            reply = read_reply(response.body, logprobs=logprobs)
            if reply is None:
                raise FailureError("bad_response", retryable=True)
            self.replicas.answered(place, rest_s=exhausted_s(response.headers))
        except FailureError as failure:
            self.replicas.failed(place, failure)
            raise
        finally:
            self.replicas.leave(place)
        return reply

    def _most_retries(self, failure: FailureError) -> int:
        """Attempts that may follow the first."""
        most = self.options.max_retries
        is_first = failure.kind == "connection" and not self._n_answers
        return min(most, FIRST_RETRIES + len(self.replicas) - 1) if is_first else most

    def _give_up(self, failure: FailureError, attempts: int) -> Exception:
        """The failure of one conversation, or of the run where every other request would fail the same way."""
        kind, hosts = failure.kind, self.replicas.hosts
        if kind in STOPS:
            return BackendError(f"{hosts}: {failure.detail}", kind=kind)
        self._n_silent = self._n_silent + 1 if kind in SILENT else 0
        silent = kind == "connection" and not self._n_answers
        if silent or self._n_silent >= UNREACHABLE_AFTER:
            return BackendError(
                f"{hosts} gives no answer ({kind}, {attempts} attempts each); is the server running? "
                "What was answered is kept: run the same command again to go on",
                kind="unreachable",
                retryable=True,
            )
        return FailureError(kind, attempts=attempts)


def _write(body: Mapping[str, Any]) -> bytes:
    """A request's body; names that are no text (tokens of a logit bias) and lone surrogates are written as JSON can."""
    try:
        return orjson.dumps(body)
    except orjson.JSONEncodeError:
        return json.dumps(body).encode()
