"""Asking a backend with a journal at hand: no question is asked twice, and what asking will take is known before."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Callable, Collection, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Protocol, TypeVar

from radprompter.backends.base import Backend
from radprompter.errors import BudgetError
from radprompter.journal import Memory, journal_key
from radprompter.labeling.open_reports import OpenReports, Wanted
from radprompter.labeling.tally import Tally
from radprompter.records import Completion, Prompt, Questions

T = TypeVar("T")

SURVEYED_AT_ONCE = 256
"""Reports whose requests are looked up together."""


class Answers(Protocol):
    """Where answers are kept: a journal, or memory."""

    def find_all(self, keys: Iterable[str], *, truncated: bool = False) -> dict[str, Completion]:
        """What is known under some keys."""
        ...

    def store(self, key: str, completion: Completion) -> None:
        """Keep an answer."""
        ...


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
    n_reports: int = 0

    @property
    def n_new(self) -> int:
        """Requests that would be sent."""
        return self.n_requests - self.n_known


def _ignore(tally: Tally) -> None:
    """Go on, whatever it took."""


@dataclass
class Asker:
    """Asks a backend, and the journal first.

    Before the first new request the backend proves that it does what the request needs; `proven` is what it has shown.
    A reply that was cut off counts as known to the journal if `keep_truncated`: whoever asks will ask for a longer one.
    `watch` is told the tally after each answer that came, and may raise a `BudgetError`: then nothing more is asked,
    and it is raised when all that was under way has come and is stored.
    """

    backend: Backend
    journal: Answers = field(default_factory=Memory)
    keep_truncated: bool = False
    watch: Callable[[Tally], None] = _ignore
    tally: Tally = field(default_factory=Tally)
    proven: Mapping[str, Any] | None = None
    over_budget: BudgetError | None = None

    def hold(self, conversations: Iterable[Questions[T]]) -> Iterator[T]:
        """The results of conversations, in their order; a bounded number is open at any time.

        Each is sent one completion a prompt, in order: from the journal where it has one, else from the backend, then
        journaled. Prompts that are equal and due together are asked once; a report with a reason not to be asked about
        fails with that (`Report.unasked`), and a prompt that the backend leaves out with ``no_answer``.

        Raises
        ------
        BackendError
            If the backend cannot go on at all; what it answered is in the journal.
        BudgetError
            If `watch` says so.
        """
        under_way = OpenReports(conversations, self._key, self._find, self.tally, at_once=self.backend.at_once)
        while under_way.open_more() or under_way.is_open:
            yield from under_way.results()
            first = under_way.first_due
            if first is None:
                continue
            if self.proven is None:
                self.proven = self.backend.prove(first.turns)
            n_before = self.tally.n_asked
            with closing(_closable(self.backend.complete(under_way))) as answers:
                for completion in answers:
                    self._keep(under_way.key(completion), completion)
                    under_way.take(completion)
                    self._look(under_way)
                    yield from under_way.results()
            if self.over_budget is not None:
                raise self.over_budget
            under_way.give_up("no_answer", due_too=self.tally.n_asked == n_before)

    def survey(self, reports: Iterable[Sequence[Prompt]], conditional: Collection[str] = ()) -> Survey:
        """What asking the prompts of some reports takes; nothing is sent.

        Findings that are `conditional` depend on others. Reports that read alike are asked about once.
        """
        n_reports = n_new = n_known = 0
        new = Counter[str]()
        seen: set[int] = set()
        groups = iter(reports)
        while some := list(itertools.islice(groups, SURVEYED_AT_ONCE)):
            n_reports += len(some)
            wanted: Wanted = {}
            for prompts in some:
                alike = hash((prompts[0].report.language, *prompts[0].report.sections.items()))
                if prompts[0].report.unasked or alike in seen:
                    continue
                seen.add(alike)
                wanted.update({self._key(prompt): prompt for prompt in prompts})
            known = self._find(wanted)
            for key, prompt in wanted.items():
                n_turns = len(prompt.turns) or 1
                n_known += n_turns if key in known else 0
                if key not in known:
                    n_new += n_turns
                    new.update(dict.fromkeys(prompt.findings, len(prompt.turns)))
        n_conditional = sum(number for name, number in new.items() if name in conditional)
        return Survey(n_new + n_known, n_known, dict(new), n_conditional, n_reports)

    @cached_property
    def _identity(self) -> Mapping[str, Any]:
        return {"backend": self.backend.name, **self.backend.identity}

    def _key(self, prompt: Prompt) -> str:
        return journal_key(self._identity, prompt.fingerprint)

    def _find(self, keys: Iterable[str]) -> dict[str, Completion]:
        return self.journal.find_all(keys, truncated=self.keep_truncated)

    def _keep(self, key: str, completion: Completion) -> None:
        self.journal.store(key, completion)
        self.tally.add_request(completion)

    def _look(self, under_way: OpenReports[Any]) -> None:
        """Have the watch look at the tally; where it stops the run, what is under way is still waited for and kept."""
        if self.over_budget is None:
            try:
                self.watch(self.tally)
            except BudgetError as error:
                self.over_budget = error
                under_way.shut()


def _closable(answers: Iterator[Completion]) -> Generator[Completion, None, None]:
    """The same answers; closing it closes what gives them, so that requests under way end at once."""
    yield from answers
