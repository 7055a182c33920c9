"""Many requests at once behind an ordinary generator: an asyncio loop in a thread of its own."""

from __future__ import annotations

import asyncio
import queue
import threading
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Iterator
from concurrent.futures import Future
from itertools import islice
from typing import Any, Self, TypeVar

ItemT = TypeVar("ItemT")
ResultT = TypeVar("ResultT")


class LoopThread:
    """An asyncio loop that runs in its own thread while the block lasts; what still runs at its end is cancelled."""

    def __enter__(self) -> Self:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="requests", daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.cancel()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.run_until_complete(self._loop.shutdown_asyncgens())
        self._loop.run_until_complete(self._loop.shutdown_default_executor())
        self._loop.close()

    def cancel(self) -> None:
        """Stop all that runs, and wait for its end."""
        self.submit(_cancel_all()).result()

    def submit(self, work: Coroutine[Any, Any, ResultT]) -> Future[ResultT]:
        """Start a coroutine on the loop."""
        return asyncio.run_coroutine_threadsafe(work, self._loop)

    def map(
        self, ask: Callable[[ItemT], Coroutine[Any, Any, ResultT]], items: Iterable[ItemT], *, limit: int
    ) -> Iterator[ResultT]:
        """Results as they come, with at most `limit` items under way.

        The first exception ends it, after what is finished by then.
        """
        done: queue.SimpleQueue[Future[ResultT]] = queue.SimpleQueue()
        waiting = iter(items)
        n_running = 0
        while True:
            for item in islice(waiting, limit - n_running):
                self.submit(ask(item)).add_done_callback(done.put)
                n_running += 1
            if not n_running:
                return
            future = done.get()
            n_running -= 1
            error = future.exception()
            if error is not None:
                yield from _finished(done)
                raise error
            yield future.result()


def _finished(done: queue.SimpleQueue[Future[ResultT]]) -> Iterator[ResultT]:
    while not done.empty():
        future = done.get()
        if future.exception() is None:
            yield future.result()


async def _cancel_all() -> None:
    tasks: list[Awaitable[Any]] = []
    for task in asyncio.all_tasks():
        if task is not asyncio.current_task():
            task.cancel()
            tasks.append(task)
    await asyncio.gather(*tasks, return_exceptions=True)
