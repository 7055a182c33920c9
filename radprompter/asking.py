"""Asking a backend with a journal at hand: no question is asked twice, and what asking will take is known before."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from radprompter.backends.base import Backend
from radprompter.journal import Journal, journal_key
from radprompter.records import Completion, Prompt
from radprompter.terminal import Track, quiet

Asked = tuple[str, tuple[str, ...], int]
"""A report's id, the findings that are asked about (none: all), and the number of the sample."""


@dataclass(frozen=True, slots=True)
class Survey:
    """What asking some prompts takes: all requests, those that the journal has, and those that would be sent.

    `new_by_finding` counts what would be sent by finding, where a request asks about one; of those, `n_conditional` are
    about findings that depend on others, and are sent only where their condition holds.
    """

    n_requests: int
    n_known: int
    new_by_finding: Mapping[str, int]
    n_conditional: int = 0

    @property
    def n_new(self) -> int:
        """Requests that would be sent."""
        return self.n_requests - self.n_known


class _Sorted(NamedTuple):
    """Prompts by what the journal knows: the key of each, the completions that it has, and what it lacks."""

    keys: Mapping[Asked, str]
    known: dict[str, Completion]
    unasked: Mapping[str, Prompt]


@dataclass
class Asker:
    """Asks a backend, and the journal first.

    Before the first new request the backend proves that it does what the request needs; `proven` is what it has shown.
    A reply that was cut off counts as known to the journal if `keep_truncated`: whoever asks will ask for a longer one.
    """

    backend: Backend
    journal: Journal | None = None
    track: Track = quiet
    keep_truncated: bool = False
    n_asked: int = 0
    n_from_journal: int = 0
    proven: Mapping[str, Any] | None = None

    def ask(self, prompts: Sequence[Prompt], purpose: str = "label reports") -> tuple[Completion, ...]:
        """One completion a prompt, in order: from the journal where it has one, else from the backend, then journaled.

        Equal prompts are asked once; a report with a reason not to be asked about fails with that (`Report.unasked`).
        """
        keys, known, unasked = self._sorted(prompts)
        self.n_from_journal += len(known)
        if unasked and self.proven is None:
            self.proven = self.backend.prove(next(iter(unasked.values())).turns)
        answers = self.backend.complete(unasked.values()) if unasked else ()
        for completion in self.track(answers, purpose, len(unasked)) if unasked else ():
            key = keys[completion.report_id, completion.findings, completion.sample]
            if self.journal is not None:
                self.journal.store(key, completion)
            self.n_asked += 1
            known[key] = completion
        return tuple(_answer(prompt, keys, known) for prompt in prompts)

    def survey(self, prompts: Sequence[Prompt], conditional: Collection[str] = ()) -> Survey:
        """What asking some prompts takes, of which some are about findings that are `conditional`; nothing is sent."""
        keys, known, unasked = self._sorted(prompts)
        new = Counter[str]()
        for prompt in unasked.values():
            new.update(dict.fromkeys(prompt.findings, len(prompt.turns)))
        n_new = sum(len(prompt.turns) or 1 for prompt in unasked.values())
        turns = {keys[_asked(prompt)]: len(prompt.turns) or 1 for prompt in prompts if _asked(prompt) in keys}
        n_known = sum(turns[key] for key in known)
        return Survey(n_new + n_known, n_known, dict(new), sum(n for name, n in new.items() if name in conditional))

    def _sorted(self, prompts: Iterable[Prompt]) -> _Sorted:
        identity = {"backend": self.backend.name, **self.backend.identity}
        keys: dict[Asked, str] = {}
        wanted: dict[str, Prompt] = {}
        for prompt in prompts:
            if not prompt.report.unasked:
                key = keys[_asked(prompt)] = journal_key(identity, prompt.fingerprint)
                wanted.setdefault(key, prompt)
        known = {} if self.journal is None else self.journal.find_all(wanted, truncated=self.keep_truncated)
        return _Sorted(keys, known, {key: prompt for key, prompt in wanted.items() if key not in known})


def _asked(prompt: Prompt) -> Asked:
    return prompt.report.id, prompt.findings, prompt.sample


def _answer(prompt: Prompt, keys: Mapping[Asked, str], known: Mapping[str, Completion]) -> Completion:
    """The completion of a prompt, which may have come for an equal one, about another report or finding."""
    key = keys.get(_asked(prompt))
    completion = known.get(key or "") or Completion("", (), failure=prompt.report.unasked or "no_answer")
    return replace(completion, report_id=prompt.report.id, findings=prompt.findings, sample=prompt.sample)
