"""Answers of several processes, in the order of what is asked; each process makes for itself what answers."""

from __future__ import annotations

import itertools
import signal
import threading
import traceback
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from multiprocessing import get_context
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess
from pathlib import Path
from typing import Any, Generic, NamedTuple, TypeVar

from radprompter.errors import BackendError

CHUNK = 32
"""Questions that a process is given together; it has one chunk at a time."""

_END_S = 5.0  # how long a process may take to end by itself

Question = TypeVar("Question")
Answer = TypeVar("Answer")


class _Fault(NamedTuple):
    """What went wrong in a process: the kind of error and the line, but not its message, which may quote a report."""

    kind: str
    where: str


class _Process(NamedTuple):
    process: SpawnProcess
    connection: Connection


class Processes(Generic[Question, Answer]):
    """Processes that answer; they begin with the first questions, and end with `close` or with this process.

    Parameters
    ----------
    n:
        How many; fewer than a chunk of questions need one alone.
    make, arguments:
        What each process calls to have its own function from question to answer. All must be picklable.
    """

    def __init__(self, n: int, make: Callable[..., Callable[[Question], Answer]], arguments: Sequence[Any]) -> None:
        self._n = n
        self._make, self._arguments = make, tuple(arguments)
        self._processes: list[_Process] = []

    def answer(self, questions: Iterable[Question]) -> Iterator[Answer]:
        """Answer each question once, in order; an iterator that has ended may have more after the next answer.

        Raises
        ------
        BackendError
            If a process ends, or fails.
        """
        waiting = iter(questions)
        busy: deque[_Process] = deque()
        is_over = False
        try:
            while True:
                for process in self._idle(busy):
                    if not self._give(process, waiting, busy):
                        break
                if not busy:
                    break
                first = busy.popleft()
                answers = _receive(first)
                self._give(first, waiting, busy)
                yield from answers
            is_over = True
        finally:
            if not is_over:
                self.close()  # what is still asked would be taken for the answers to later questions

    def close(self) -> None:
        """End the processes."""
        for process, connection in self._processes:
            connection.close()
            process.join(_END_S)
            if process.is_alive():
                process.kill()
                process.join()
        self._processes.clear()

    def _idle(self, busy: Iterable[_Process]) -> Iterator[_Process]:
        occupied = {id(process) for process in busy}
        for number in range(self._n):
            if number == len(self._processes):  # the second begins with all others, so that none waits for another
                n_new = 1 if number == 0 else self._n - number
                self._processes += [self._begin() for _ in range(n_new)]
            if id(self._processes[number]) not in occupied:
                yield self._processes[number]

    def _begin(self) -> _Process:
        context = get_context("spawn")
        here, there = context.Pipe()
        process = context.Process(target=_work, args=(there, self._make, self._arguments), daemon=True)
        with _without_interrupts():
            process.start()
        there.close()
        return _Process(process, here)

    def _give(self, process: _Process, waiting: Iterator[Question], busy: deque[_Process]) -> bool:
        chunk = list(itertools.islice(waiting, CHUNK))
        if chunk:
            with suppress(OSError):  # a process that has ended is noticed where it should answer
                process.connection.send(chunk)
            busy.append(process)
        return len(chunk) == CHUNK


def _receive(process: _Process) -> list[Any]:
    try:
        answers = process.connection.recv()
    except (EOFError, OSError):
        process.process.join(_END_S)
        raise BackendError(
            f"a process of the rules ended (exit code {process.process.exitcode}): it was killed, or memory ran out. "
            "What was answered is kept: run the same command again, with fewer label.backend.processes if memory is "
            'short. A script that labels with several processes needs `if __name__ == "__main__":`',
            kind="worker_ended",
        ) from None
    if isinstance(answers, _Fault):
        raise BackendError(f"a process of the rules failed: {answers.kind} at {answers.where}", kind="worker_failed")
    assert isinstance(answers, list)
    return answers


def _work(connection: Connection, make: Callable[..., Callable[[Any], Any]], arguments: Sequence[Any]) -> None:
    """Answer chunks until nobody is there to ask."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # whoever asks is interrupted too, and closes the connection
    with suppress(EOFError, OSError):
        try:
            answer = make(*arguments)
            while True:
                connection.send([answer(question) for question in connection.recv()])
        except (EOFError, OSError):
            raise
        except Exception as error:
            last = traceback.extract_tb(error.__traceback__)[-1]
            connection.send(_Fault(type(error).__name__, f"{Path(last.filename).name}:{last.lineno}"))


@contextmanager
def _without_interrupts() -> Iterator[None]:
    """Ctrl-C is ignored, also by processes that begin meanwhile: else they would print where they were interrupted."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
