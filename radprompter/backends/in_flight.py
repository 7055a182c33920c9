"""Many requests at once behind an ordinary generator: an asyncio loop in a thread of its own."""

from __future__ import annotations

import asyncio
import queue
import threading
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Iterator
from concurrent.futures import Future
from itertools import islice
from typing import Any, Generic, Self, TypeVar

ItemT = TypeVar("ItemT")
ResultT = TypeVar("ResultT")


class LoopThread:
    """An asyncio loop that runs in its own thread while the block lasts; what still runs at its end is cancelled.

    It is a thread, since the caller's may have a loop that runs already, as in a notebook.
    """

    def __enter__(self) -> Self:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._serve, name="requests", daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.cancel()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()

    def _serve(self) -> None:
        """Run the loop, and end it in this thread too: in another, it might be the second one to run."""
        try:
            self._loop.run_forever()
            self._loop.run_until_complete(self._loop.shutdown_asyncgens())
            self._loop.run_until_complete(self._loop.shutdown_default_executor())
        finally:
            self._loop.close()

    def cancel(self) -> None:
        """Stop all that runs, and wait for its end."""
        self.submit(_cancel_all()).result()

    def submit(self, work: Coroutine[Any, Any, ResultT]) -> Future[ResultT]:
        """Start a coroutine on the loop."""
        return asyncio.run_coroutine_threadsafe(work, self._loop)

    def map(
        self,
        ask: Callable[[ItemT], Coroutine[Any, Any, ResultT]],
        items: Iterable[ItemT],
        *,
        limit: Callable[[], int],
    ) -> Iterator[ResultT]:
        """Results as they come, with at most `limit()` items under way, which is asked again before more are taken.

        Items are taken in the caller's thread, after each result; they may come to an end and have more later. It ends
        where nothing is under way and nothing comes. The first exception ends it, after what is finished by then.
        """
        exchange = _Exchange(self._loop, ask)
        waiting = iter(items)
        n_running = 0
        while True:
            n_running += exchange.start(islice(waiting, max(0, limit() - n_running)))
            if not n_running:
                return
            outcomes = exchange.take()
            error = next((error for _, error in outcomes if error is not None), None)
            if error is not None:
                outcomes += exchange.rest()
            for result, failed in outcomes:
                if failed is None:
                    n_running -= 1
                    yield result
                    if error is None:
                        n_running += exchange.start(islice(waiting, max(0, limit() - n_running)))
            if error is not None:
                raise error


Outcome = tuple[Any, BaseException | None]
"""A result, or the exception that came instead of it."""


MANY = 4
PATIENCE_S = 0.02


class _Exchange(Generic[ItemT, ResultT]):
    """Passes items to a loop in another thread and outcomes back, as many at once as there are.

    Waking a thread takes longer than all else that is done here for one item: so a thread that has been woken and has
    not looked yet is not woken again, and outcomes of one pass of the loop come together. Where there are `MANY`, the
    loop rests until they are taken, though never longer than `PATIENCE_S`: two threads of Python that are both busy
    spend much of their time in handing the interpreter to each other.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, ask: Callable[[ItemT], Coroutine[Any, Any, ResultT]]) -> None:
        self._loop, self._ask = loop, ask
        self._given: deque[ItemT] = deque()
        self._is_woken = False
        self._outcomes: list[Outcome] = []
        self._finished: queue.SimpleQueue[list[Outcome]] = queue.SimpleQueue()
        self._all_taken = threading.Event()
        self._tasks: set[asyncio.Task[None]] = set()  # a loop holds its tasks weakly

    def start(self, items: Iterable[ItemT]) -> int:
        """Start items, from the other thread; how many there were."""
        taken = list(items)
        self._given.extend(taken)
        if taken and not self._is_woken:
            self._is_woken = True
            self._loop.call_soon_threadsafe(self._begin)
        return len(taken)

    def take(self) -> list[Outcome]:
        """The next outcomes, for the other thread; waits until there are some."""
        if self._finished.empty():
            self._all_taken.set()
        return self._finished.get()

    def rest(self) -> list[Outcome]:
        """Further outcomes that are there already."""
        outcomes: list[Outcome] = []
        while not self._finished.empty():
            outcomes += self._finished.get()
        return outcomes

    def _begin(self) -> None:
        self._is_woken = False  # before looking: what is given from now on wakes again
        while self._given:
            task = self._loop.create_task(self._run(self._given.popleft()))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _run(self, item: ItemT) -> None:
        outcome: Outcome
        try:
            outcome = (await self._ask(item), None)
        except Exception as error:
            outcome = (None, error)
        if not self._outcomes:
            self._loop.call_soon(self._hand_over)
        self._outcomes.append(outcome)

    def _hand_over(self) -> None:
        outcomes, self._outcomes = self._outcomes, []
        self._all_taken.clear()
        self._finished.put(outcomes)
        if len(outcomes) >= MANY:
            self._all_taken.wait(PATIENCE_S)


async def _cancel_all() -> None:
    tasks: list[Awaitable[Any]] = []
    for task in asyncio.all_tasks():
        if task is not asyncio.current_task():
            task.cancel()
            tasks.append(task)
    await asyncio.gather(*tasks, return_exceptions=True)
