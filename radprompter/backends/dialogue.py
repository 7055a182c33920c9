"""One conversation, held by whoever has the replies: what is asked next, and what came of it all."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from radprompter.backends.chat import Reply, join_reply
from radprompter.backends.request import write_messages
from radprompter.records import Completion, Prompt, Turn, Usage


@dataclass
class Dialogue:
    """The turns of a prompt in order; `turn` is the one whose reply is awaited, ``None`` when the conversation is over.

    Parameters
    ----------
    prompt:
        What is asked.
    system_role:
        Whether the model's chat template takes a system message.
    """

    prompt: Prompt
    system_role: bool = True
    replies: list[Reply] = field(default_factory=list)
    failure: str | None = None
    seconds: float = 0.0
    n_attempts: int = 0
    said: list[dict[str, str]] = field(default_factory=list)  # by both sides, but for a reply that is begun

    def __post_init__(self) -> None:
        self._open_turn()

    @property
    def turn(self) -> Turn | None:
        """The turn whose reply is awaited."""
        over = self.failure is not None or len(self.replies) == len(self.prompt.turns)
        return None if over else self.prompt.turns[len(self.replies)]

    @property
    def messages(self) -> list[dict[str, str]]:
        """What is sent for the turn: all that was said, and the text that begins the reply."""
        begun = self.turn.prefill if self.turn is not None else ""
        return [*self.said, {"role": "assistant", "content": begun}] if begun else list(self.said)

    def take(self, reply: Reply, *, attempts: int = 1) -> None:
        """Go on with the reply to the turn."""
        assert self.turn is not None, "the conversation is over"
        joined = join_reply(reply, self.turn)
        self.n_attempts += attempts
        self.failure = joined.failure
        self.replies.append(joined)
        self.said.append({"role": "assistant", "content": joined.text})
        self._open_turn()

    def fail(self, kind: str, *, attempts: int = 1) -> None:
        """End the conversation without a reply to the turn."""
        self.n_attempts += attempts
        self.failure = kind

    def completion(self) -> Completion:
        """All replies, and the failure if there was one."""
        last = self.replies[-1] if self.replies else Reply("", finish_reason="error")
        return Completion(
            self.prompt.report.id,
            tuple(reply.text for reply in self.replies),
            reasoning="\n\n".join(reply.reasoning for reply in self.replies if reply.reasoning) or None,
            finish_reason=last.finish_reason,
            failure=self.failure,
            model=last.model,
            usage=_usage(self.replies, self.seconds, self.n_attempts),
            findings=self.prompt.findings,
            sample=self.prompt.sample,
            logprobs=last.logprobs,
        )

    def _open_turn(self) -> None:
        if self.turn is not None:
            self.said += write_messages(self.turn.messages, system_role=self.system_role)


def _usage(replies: Iterable[Reply], seconds: float, attempts: int) -> Usage:
    kept = list(replies)
    return Usage(
        prompt_tokens=sum(reply.prompt_tokens for reply in kept),
        completion_tokens=sum(reply.completion_tokens for reply in kept),
        cached_tokens=sum(reply.cached_tokens for reply in kept),
        seconds=seconds,
        attempts=attempts,
    )
