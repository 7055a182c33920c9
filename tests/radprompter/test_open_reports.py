"""Reports under way: a bounded number at a time, results in order, nothing asked twice."""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from radprompter.errors import BackendError, BudgetError, InputError
from radprompter.journal import Memory
from radprompter.labeling import open_reports
from radprompter.labeling.asking import Asker
from radprompter.labeling.tally import Tally
from radprompter.records import Completion, Message, Prompt, Questions, Report, Turn, Usage
from radprompter.typed_yaml import Section


def prompt(report_id: str, words: str = "", *, stage: str = "first") -> Prompt:
    turn = Turn((Message("user", f"{stage}: {words or report_id}"),), 9)
    return Prompt(Report(report_id, {"report": words or report_id}), (turn,))


def converse(report_id: str, n_turns: int = 1, words: str = "") -> Questions[list[str]]:
    """Asks `n_turns` questions one after another; the result are all replies."""
    replies: list[str] = []
    for stage in range(n_turns):
        (completion,) = yield [prompt(report_id, words, stage=str(stage))]
        replies.append(completion.answer or str(completion.failure))
    return replies


@dataclass
class Echo:
    """Repeats what it is asked, out of order, some prompts at a time; it keeps count of those that it holds."""

    at_once: int | None = 8
    seed: int = 0
    fails: frozenset[str] = frozenset()
    asked: list[str] = field(default_factory=list)
    most_held: int = 0

    Options: ClassVar[type[Section]] = Section
    name: ClassVar[str] = "echo"
    reads: ClassVar[Literal["messages", "report"]] = "messages"
    model: ClassVar[str] = "echo"
    identity: ClassVar[Mapping[str, Any]] = {}

    def complete(self, prompts: Iterable[Prompt]) -> Iterator[Completion]:
        rng = random.Random(self.seed)
        feed, held = iter(prompts), list[Prompt]()
        while True:
            while self.at_once is None or len(held) < self.at_once:
                item = next(feed, None)
                if item is None:
                    break
                held.append(item)
            if not held:
                return
            self.most_held = max(self.most_held, len(held))
            one = held.pop(rng.randrange(len(held)))
            said = one.turns[0].messages[0].content
            self.asked.append(said)
            failure = "refused" if one.report.id in self.fails else None
            yield Completion(one.report.id, (said,), failure=failure, usage=Usage(10, 2), model="echo")

    def prove(self, turns: Sequence[Turn]) -> Mapping[str, Any]:
        return {}

    def close(self) -> None: ...


@given(
    n_turns=st.lists(st.integers(0, 4), max_size=60),
    at_once=st.sampled_from([1, 3, None]),
    seed=st.integers(0, 9),
)
@settings(max_examples=60, deadline=None)
def test_results_come_in_order_whatever_the_order_of_answers(
    n_turns: list[int], at_once: int | None, seed: int
) -> None:
    backend = Echo(at_once, seed)
    asker = Asker(backend)
    found = list(asker.hold(converse(f"r{number}", n) for number, n in enumerate(n_turns)))
    assert found == [[f"{stage}: r{number}" for stage in range(n)] for number, n in enumerate(n_turns)]
    assert len(backend.asked) == len(set(backend.asked)) == asker.tally.n_asked == sum(n_turns)
    assert asker.tally.n_from_journal == 0


def test_conversations_are_opened_as_there_is_room(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(open_reports, "MOST_PROMPTS", 100)
    monkeypatch.setattr(open_reports, "MOST_REPORTS", 150)
    n_open = most_open = 0

    def counted(number: int) -> Questions[int]:
        nonlocal n_open, most_open
        n_open += 1
        most_open = max(most_open, n_open)
        yield from converse(f"r{number}", 2)
        n_open -= 1
        return number

    backend = Echo(at_once=5)
    assert list(Asker(backend).hold(counted(number) for number in range(2_000))) == list(range(2_000))
    assert backend.most_held == 5
    assert 5 < most_open <= 150 + open_reports.OPENED_AT_ONCE


def test_what_is_known_already_is_handed_out_as_it_goes_and_not_gathered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(open_reports, "MOST_REPORTS", 64)
    backend, memory = Echo(), Memory()
    for _ in Asker(backend, memory).hold(converse(f"r{number}") for number in range(500)):
        pass
    opened = 0

    def counted() -> Iterator[Questions[list[str]]]:
        nonlocal opened
        for number in range(500):
            opened += 1
            yield converse(f"r{number}")

    asker = Asker(backend, memory)
    for n_handed_out, _ in enumerate(asker.hold(counted())):
        assert opened - n_handed_out <= 64 + 2 * open_reports.OPENED_AT_ONCE
    assert (asker.tally.n_asked, asker.tally.n_from_journal) == (0, 500)


def test_a_backend_that_wants_all_is_given_all_and_follow_ups_together_after_them() -> None:
    class Batch(Echo):
        n_batches = 0

        def complete(self, prompts: Iterable[Prompt]) -> Iterator[Completion]:
            self.n_batches += 1
            for one in list(prompts):
                yield Completion(one.report.id, ("yes",))

    backend = Batch(at_once=None)
    found = list(Asker(backend).hold(converse(f"r{number}", 3) for number in range(9_000)))
    assert found == [["yes"] * 3] * 9_000
    assert backend.n_batches == 3


def test_equal_questions_are_asked_once_while_they_are_due_and_after(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(open_reports, "MOST_REPORTS", 32)
    backend = Echo()
    asker = Asker(backend)
    found = list(asker.hold(converse(f"r{number}", 1, words=f"w{number % 10}") for number in range(200)))
    assert found == [[f"0: w{number % 10}"] for number in range(200)]
    assert sorted(backend.asked) == [f"0: w{number}" for number in range(10)]
    assert (asker.tally.n_asked, asker.tally.n_from_journal) == (10, 190)


def test_a_question_that_one_conversation_asks_twice_is_asked_once() -> None:
    def twice() -> Questions[list[str]]:
        completions = yield [prompt("a"), prompt("a")]
        return [completion.answer for completion in completions]

    backend = Echo()
    assert list(Asker(backend).hold([twice()])) == [["first: a", "first: a"]]
    assert backend.asked == ["first: a"]


def test_two_reports_with_one_id_and_different_words_are_refused() -> None:
    with pytest.raises(InputError, match=r"report 'a' stands in the input twice"):
        list(Asker(Echo()).hold([converse("a", words="one"), converse("a", words="two")]))


def test_answers_of_before_an_error_are_kept_and_found_again() -> None:
    class Dies(Echo):
        def complete(self, prompts: Iterable[Prompt]) -> Iterator[Completion]:
            for number, completion in enumerate(super().complete(prompts)):
                if number == 70:
                    raise BackendError("gone", kind="unreachable")
                yield completion

    memory = Memory()
    with pytest.raises(BackendError, match="gone"):
        list(Asker(Dies(), memory).hold(converse(f"r{number}", 2) for number in range(100)))
    backend = Echo()
    asker = Asker(backend, memory)
    assert len(list(asker.hold(converse(f"r{number}", 2) for number in range(100)))) == 100
    assert (asker.tally.n_asked, asker.tally.n_from_journal) == (130, 70)


def test_a_run_over_its_budget_asks_no_more_and_keeps_what_is_under_way() -> None:
    def watch(tally: Tally) -> None:
        if tally.n_asked >= 50:
            raise BudgetError("enough")

    backend, memory = Echo(at_once=8), Memory()
    asker = Asker(backend, memory, watch=watch)
    with pytest.raises(BudgetError, match="enough"):
        list(asker.hold(converse(f"r{number}") for number in range(1_000)))
    assert asker.tally.n_asked == len(backend.asked) == 50 + 7
    again = Asker(Echo(), memory)
    list(again.hold(converse(f"r{number}") for number in range(1_000)))
    assert (again.tally.n_asked, again.tally.n_from_journal) == (1_000 - 57, 57)


def test_requests_under_way_end_when_nobody_wants_results_any_more() -> None:
    closed = []

    class Watched(Echo):
        def complete(self, prompts: Iterable[Prompt]) -> Iterator[Completion]:
            try:
                yield from super().complete(prompts)
            finally:
                closed.append(True)

    results = Asker(Watched()).hold(converse(f"r{number}") for number in range(100))
    next(results)
    assert not closed
    results.close()  # type: ignore[attr-defined]
    assert closed == [True]


@pytest.mark.parametrize("n_pulled", [0, 1, 2, 5])
def test_prompts_that_a_backend_takes_and_forgets_or_never_takes_have_failed(n_pulled: int) -> None:
    class Forgetful(Echo):
        def complete(self, prompts: Iterable[Prompt]) -> Iterator[Completion]:
            for one in itertools.islice(prompts, n_pulled):
                if one.report.id == "r1":
                    yield Completion("r1", ("yes",))

    found = list(Asker(Forgetful()).hold(converse(f"r{number}") for number in range(40)))
    assert found[1] == ["no_answer" if n_pulled < 2 else "yes"]
    assert found[:1] + found[2:] == [["no_answer"]] * 39


def test_what_was_sent_and_what_it_took_is_counted_apart() -> None:
    memory = Memory()
    list(Asker(Echo(), memory).hold(converse(f"r{number}") for number in range(3)))
    asker = Asker(Echo(fails=frozenset({"r4"})), memory)
    list(asker.hold(converse(f"r{number}") for number in range(5)))
    tally = asker.tally
    assert (tally.n_asked, tally.n_from_journal, dict(tally.n_faults)) == (2, 3, {"refused": 1})
    assert (tally.tokens.prompt, tally.spent.prompt) == (50, 20)
    assert dict(tally.models) == {"echo": 5}
