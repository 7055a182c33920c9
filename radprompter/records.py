"""What flows through a labeling run, in the order of the flow: Report, Prompt, Completion, Reading, LabeledReport."""

from __future__ import annotations

import hashlib
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any, Literal, TypeVar

import orjson

from radprompter.labels import Cell

Role = Literal["system", "user", "assistant"]

NO_TEXT = "no_text"
"""The `failure` of a report that has no words; its cells are `skipped`."""

TOO_LONG = "too_long"
"""The `failure` of a report that is longer than the recipe allows; its cells have `failed`."""


@dataclass(frozen=True, slots=True)
class Cut:
    """How much is read of a report that is longer than the recipe allows; no token of it if that is a failure."""

    n_tokens: int
    n_tokens_read: int = 0
    n_words_left_out: int = 0
    mark: str = ""  # what stands where words were left out; empty if nothing is read


@dataclass(frozen=True, slots=True)
class Report:
    """One radiology report.

    `sections` maps a section's name (``findings``, ``impression``, or ``report`` for undivided text) to its words.
    """

    id: str
    sections: Mapping[str, str]
    language: str = "en"
    cut: Cut | None = None  # where it is longer than the recipe allows; `sections` are what is read then
    identifiers: Mapping[str, int] = field(default_factory=dict)  # found in what is read, by kind; masked or not

    @property
    def text(self) -> str:
        """The sections that have words, in order, divided by an empty line."""
        return "\n\n".join(words for words in self.sections.values() if words.strip())

    @property
    def has_words(self) -> bool:
        """Whether there is anything to read; nothing is asked about other reports."""
        return any(character.isalnum() for character in self.text)

    @property
    def unasked(self) -> str | None:
        """Why nothing is asked about it: `NO_TEXT` or `TOO_LONG`; ``None`` if there is no reason."""
        if not self.has_words:
            return NO_TEXT
        return TOO_LONG if self.cut is not None and not self.cut.mark else None


@dataclass(frozen=True, slots=True)
class Message:
    """One message of a conversation."""

    role: Role
    content: str


@dataclass(frozen=True, slots=True)
class Turn:
    """Messages to add to the conversation, then one reply to ask for.

    `json_schema` constrains the reply where the endpoint can; ``None`` leaves it free. `top_logprobs` above 0 asks for
    the log-probabilities of that many of the likeliest first tokens; then they are the reply, and its words are not.
    `prefill` begins the reply, which the endpoint goes on with; a text of `stop` ends it and is no part of it.
    """

    messages: tuple[Message, ...]
    max_tokens: int
    json_schema: Mapping[str, Any] | None = None
    top_logprobs: int = 0
    prefill: str = ""
    stop: tuple[str, ...] = ()

    def content(self) -> dict[str, Any]:
        """All that is asked, for hashing; what is not asked for is left out."""
        values = {one.name: getattr(self, one.name) for one in fields(self)}  # `asdict` would copy the schema each time
        values["messages"] = [{"role": one.role, "content": one.content} for one in self.messages]
        return {name: value for name, value in values.items() if value or name in ("messages", "json_schema")}


@dataclass(frozen=True, slots=True)
class Prompt:
    """A report made into a conversation; the reply to the last turn holds the answer.

    `turns` is empty for labelers that read the report itself; `findings` names what is asked about, and is empty where
    that is every finding of the region; `sample` counts repetitions of the same question, from 0. `follow_up` says why
    it is asked after another answer: ``longer``, ``again``, ``verification``, or empty for a first question.
    """

    report: Report
    turns: tuple[Turn, ...] = ()
    findings: tuple[str, ...] = ()
    sample: int = 0
    follow_up: str = ""

    @property
    def fingerprint(self) -> str:
        """SHA-256 over all that a labeler sees: equal prompts have equal fingerprints, samples their own."""
        seen = {"sections": dict(self.report.sections), "language": self.report.language} if not self.turns else None
        repeated = {"sample": self.sample} if self.sample else {}
        shown = {"report": seen, "turns": [t.content() for t in self.turns], **repeated}
        content = orjson.dumps(shown, option=orjson.OPT_SORT_KEYS)
        return hashlib.sha256(content).hexdigest()


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens and time of one request."""

    prompt_tokens: int = 0
    completion_tokens: int = 0
    cached_tokens: int = 0
    seconds: float = 0.0
    attempts: int = 1


@dataclass(frozen=True, slots=True)
class Completion:
    """What a backend answered to one prompt.

    `replies` has one text a turn; `failure` is the kind of failure (``timeout``, ``truncated``, ...) or ``None``;
    `findings` and `sample` are those of the prompt; `logprobs` has the natural logarithms of the probabilities of the
    last reply's first token, where the turn asked for them.
    """

    report_id: str
    replies: tuple[str, ...]
    reasoning: str | None = None  # thinking that the endpoint keeps apart from the reply
    finish_reason: str = "stop"
    failure: str | None = None
    model: str = ""
    usage: Usage = field(default_factory=Usage)
    findings: tuple[str, ...] = ()
    sample: int = 0
    logprobs: Mapping[str, float] | None = None

    @property
    def answer(self) -> str:
        """The last reply."""
        return self.replies[-1] if self.replies else ""


ResultT = TypeVar("ResultT")

Questions = Generator[Sequence[Prompt], Sequence[Completion], ResultT]
"""A conversation that goes on: yields prompts, is sent their completions in the same order, returns a result."""


@dataclass(frozen=True, slots=True)
class Reading:
    """One state per finding that was asked about in one report, in the order of the schema."""

    report_id: str
    cells: tuple[Cell, ...]


@dataclass(frozen=True, slots=True)
class LabeledReport:
    """A report as it was read, its cells after all rounds, and the kinds of failure of the last requests about it."""

    report: Report
    cells: tuple[Cell, ...]
    failures: tuple[str, ...] = ()
