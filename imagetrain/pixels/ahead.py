"""Work that a thread does ahead of whoever needs it."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from typing import TypeVar

T = TypeVar("T")
R = TypeVar("R")

DEPTH = 3  # results that are made while others are used


def ahead(work: Callable[[T], R], items: Iterable[T], *, depth: int = DEPTH) -> Iterator[R]:
    """Results of some work, in the order of the items, made by a thread that is a few items ahead."""
    todo = iter(items)
    with ThreadPoolExecutor(1) as thread:
        under_way: deque[Future[R]] = deque(thread.submit(work, item) for item in islice(todo, depth))
        try:
            while under_way:
                result = under_way.popleft().result()
                under_way.extend(thread.submit(work, item) for item in islice(todo, 1))
                yield result
        finally:
            for future in under_way:
                future.cancel()
