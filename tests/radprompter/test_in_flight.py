"""The bridge between an ordinary generator and a loop in another thread: what it takes, when, and how it ends."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator

import pytest

from radprompter.backends.in_flight import LoopThread


async def double(number: int) -> int:
    await asyncio.sleep(0)
    return 2 * number


def test_each_item_gives_one_result() -> None:
    with LoopThread() as loop:
        assert sorted(loop.map(double, range(1000), limit=lambda: 7)) == list(range(0, 2000, 2))


@pytest.mark.parametrize("limit", [1, 3, 50])
def test_no_more_items_are_taken_than_may_be_under_way(limit: int) -> None:
    taken = given = 0

    def items() -> Iterator[int]:
        nonlocal taken
        for number in range(200):
            taken += 1
            assert taken - given <= limit
            yield number

    with LoopThread() as loop:
        for _ in loop.map(double, items(), limit=lambda: limit):
            given += 1
    assert taken == given == 200


def test_items_are_taken_in_the_thread_of_the_caller() -> None:
    def items() -> Iterator[int]:
        for number in range(20):
            assert threading.current_thread() is threading.main_thread()
            yield number

    with LoopThread() as loop:
        assert len(list(loop.map(double, items(), limit=lambda: 3))) == 20


class Queue(Iterator[int]):
    """Items that come to an end and have more later."""

    def __init__(self, *items: int) -> None:
        self.waiting = list(items)

    def __next__(self) -> int:
        if not self.waiting:
            raise StopIteration
        return self.waiting.pop(0)


def test_items_that_come_after_the_end_are_taken_too() -> None:
    queue = Queue(1, 2)
    results = []
    with LoopThread() as loop:
        for result in loop.map(double, queue, limit=lambda: 4):
            results.append(result)
            if result < 100:  # what follows an answer
                queue.waiting.append(result * 10)
    assert sorted(results) == [2, 4, 40, 80, 800, 1600]


def test_the_limit_is_asked_again_before_more_is_taken() -> None:
    limits = iter([4, 0, 0, 0, 0, *[1] * 100])
    with LoopThread() as loop:
        assert sorted(loop.map(double, range(10), limit=lambda: next(limits))) == list(range(0, 20, 2))


def test_what_is_finished_comes_before_the_error_that_ends_it() -> None:
    async def ask(number: int) -> int:
        if number == 3:
            await asyncio.sleep(0.05)
            raise ValueError("no")
        return number

    got: list[int] = []
    with LoopThread() as loop, pytest.raises(ValueError, match="no"):
        got.extend(loop.map(ask, range(10), limit=lambda: 4))
    assert set(got) >= {0, 1, 2}
    assert 3 not in got


def test_a_generator_that_is_closed_early_cancels_what_runs() -> None:
    cancelled: list[int] = []

    async def ask(number: int) -> int:
        if number:
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                cancelled.append(number)
                raise
        return number

    with LoopThread() as loop:
        results = loop.map(ask, range(10), limit=lambda: 4)
        assert next(results) == 0
        results.close()  # type: ignore[attr-defined]
    assert set(cancelled) >= {1, 2, 3}


def test_it_works_inside_of_a_running_loop_as_in_a_notebook() -> None:
    async def cell() -> list[int]:
        with LoopThread() as loop:
            return sorted(loop.map(double, range(20), limit=lambda: 3))

    assert asyncio.run(cell()) == list(range(0, 40, 2))


def test_an_error_of_the_items_is_passed_on() -> None:
    def items() -> Iterator[int]:
        yield 1
        raise KeyError("template")

    with LoopThread() as loop, pytest.raises(KeyError, match="template"):
        list(loop.map(double, items(), limit=lambda: 3))
