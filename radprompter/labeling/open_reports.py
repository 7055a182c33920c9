"""The reports that are under way: what they ask next, which answers they wait for, and what has come of them."""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Generic, TypeVar

from radprompter.errors import InputError
from radprompter.labeling.tally import Tally
from radprompter.records import Completion, Prompt, Questions

T = TypeVar("T")

Wanted = dict[str, Prompt]
"""Key in the journal -> the prompt that is asked under it."""

Asked = tuple[str, tuple[str, ...], int]
"""A report's id, the findings that are asked about (none: all), and the number of the sample."""

MOST_PROMPTS = 2_048
"""Prompts that wait for an answer at any time, unless the backend takes more at once."""

MOST_REPORTS = 8_192
"""Reports that are open, or done and waiting for one before them."""

OPENED_AT_ONCE = 32
"""Reports that are opened, and looked up in the journal, together."""


@dataclass(slots=True, eq=False)
class _Open(Generic[T]):
    """A conversation under way: the prompts whose completions it waits for, and those that have come."""

    number: int
    questions: Questions[T]
    prompts: Sequence[Prompt] | None = None  # none before it was begun
    keys: list[str | None] = field(default_factory=list)  # of each prompt; none for one that is not asked
    completions: dict[str, Completion] = field(default_factory=dict)

    @property
    def is_answered(self) -> bool:
        return all(key is None or key in self.completions for key in self.keys)

    def answers(self) -> list[Completion]:
        """One completion a prompt; it may have come for an equal one, about another report or finding."""
        return [
            _answer(prompt, None if key is None else self.completions[key])
            for prompt, key in zip(self.prompts or (), self.keys, strict=True)
        ]


class OpenReports(Generic[T]):
    """Conversations, of which a bounded number is open: an iterator over the prompts that are due.

    It ends when nothing is due *now*; after completions were taken, or results, there may be more. Results come in the
    order of the conversations.

    Parameters
    ----------
    conversations:
        Opened one after another, as there is room.
    key, find:
        The key of a prompt, and what is known under some keys.
    tally:
        Counts the answers.
    at_once:
        Prompts that the backend takes together; ``None`` if it wants all, which are kept in memory then.
    """

    def __init__(
        self,
        conversations: Iterable[Questions[T]],
        key: Callable[[Prompt], str],
        find: Callable[[Iterable[str]], Mapping[str, Completion]],
        tally: Tally,
        *,
        at_once: int | None,
    ) -> None:
        self._waiting = enumerate(conversations)
        self._key, self._find, self._tally = key, find, tally
        self._most_prompts = None if at_once is None else max(MOST_PROMPTS, 2 * at_once)
        self._due: deque[Prompt] = deque()
        self._awaited: dict[str, list[_Open[T]]] = {}
        self._keys: dict[Asked, str] = {}  # of what the backend has, or is given next
        self._done: dict[int, T] = {}
        self._n_opened = self._n_returned = 0
        self._is_shut = False

    def __iter__(self) -> Iterator[Prompt]:
        return self

    def __next__(self) -> Prompt:
        if not self._due and not self._is_shut:
            self.open_more()
        if not self._due or self._is_shut:
            raise StopIteration
        return self._due.popleft()

    def shut(self) -> None:
        """Give no more prompts."""
        self._is_shut = True

    @property
    def is_open(self) -> bool:
        """Whether conversations are open, or have results that were not handed out."""
        return self._n_returned < self._n_opened

    @property
    def first_due(self) -> Prompt | None:
        """The prompt that comes next."""
        return self._due[0] if self._due else None

    def open_more(self) -> bool:
        """Open conversations until something is due or there is no room; whether any was opened."""
        before = self._n_opened
        while not self._due and self._has_room:
            some = [_Open(number, questions) for number, questions in itertools.islice(self._waiting, OPENED_AT_ONCE)]
            if not some:
                break
            self._n_opened += len(some)
            self._go_on(some)
        return self._n_opened > before

    def results(self) -> Iterator[T]:
        """What is done and has nothing before it that is not."""
        while self._n_returned in self._done:
            self._n_returned += 1
            yield self._done.pop(self._n_returned - 1)

    def key(self, completion: Completion) -> str:
        """The key of the prompt that a completion answers."""
        return self._keys[completion.report_id, completion.findings, completion.sample]

    def take(self, completion: Completion) -> None:
        """Hand a completion to the conversations that wait for it; those that have all they asked for go on."""
        key = self._keys.pop((completion.report_id, completion.findings, completion.sample))
        waiting = self._awaited.pop(key)
        for conversation in waiting:
            conversation.completions[key] = completion
        self._go_on(conversation for conversation in waiting if conversation.is_answered)

    def give_up(self, failure: str, *, due_too: bool) -> None:
        """Fail what was handed out and has no completion; what is due as well, if nobody takes it."""
        if due_too:
            self._due.clear()
        due = {_asked(prompt) for prompt in self._due}
        for report_id, findings, sample in [asked for asked in self._keys if asked not in due]:
            self.take(Completion(report_id, (), failure=failure, findings=findings, sample=sample))

    @property
    def _has_room(self) -> bool:
        if self._most_prompts is None:
            return True
        return len(self._awaited) < self._most_prompts and self._n_opened - self._n_returned < MOST_REPORTS

    def _go_on(self, conversations: Iterable[_Open[T]]) -> None:
        """Send completions, and look up what is asked next, until each conversation is done or waits."""
        ready = list(conversations)
        while ready:
            asking = [conversation for conversation in ready if self._send(conversation)]
            keys = dict.fromkeys(key for conversation in asking for key in conversation.keys if key is not None)
            known = self._find(keys)
            for conversation in asking:
                self._await(conversation, known)
            ready = [conversation for conversation in asking if conversation.is_answered]

    def _send(self, conversation: _Open[T]) -> bool:
        """Hand over the completions that came; whether more is asked."""
        answers = None if conversation.prompts is None else conversation.answers()
        for prompt, completion in zip(conversation.prompts or (), answers or (), strict=True):
            if not prompt.report.unasked:
                self._tally.add_answer(prompt, completion)
        try:
            prompts = next(conversation.questions) if answers is None else conversation.questions.send(answers)
        except StopIteration as done:
            self._done[conversation.number] = done.value
            return False
        conversation.prompts, conversation.completions = prompts, {}
        conversation.keys = [None if prompt.report.unasked else self._key(prompt) for prompt in prompts]
        return True

    def _await(self, conversation: _Open[T], known: Mapping[str, Completion]) -> None:
        """Take what is known, and have the rest asked: once, if others wait for the same."""
        for prompt, key in zip(conversation.prompts or (), conversation.keys, strict=True):
            if key is None or key in conversation.completions:
                continue
            if key in known:
                self._tally.n_from_journal += 1
                conversation.completions[key] = known[key]
            elif key in self._awaited:
                self._tally.n_from_journal += 1
                if conversation not in self._awaited[key]:
                    self._awaited[key].append(conversation)
            elif self._keys.setdefault(_asked(prompt), key) != key:
                raise InputError(f"report {prompt.report.id!r} stands in the input twice; ids must be unique")
            else:
                self._awaited[key] = [conversation]
                self._due.append(prompt)


def _asked(prompt: Prompt) -> Asked:
    return prompt.report.id, prompt.findings, prompt.sample


def _answer(prompt: Prompt, completion: Completion | None) -> Completion:
    found = completion or Completion("", (), failure=prompt.report.unasked)
    return replace(found, report_id=prompt.report.id, findings=prompt.findings, sample=prompt.sample)
