"""Work in child processes with limits: what a hostile or damaged file does, it does to a child and to itself alone.

A child takes one task after another over a pipe, as lines of JSON, so that it is started once for many files. One that
dies, or takes too much memory or time, is replaced, and its task has failed with a reason; all others go on.
"""

from __future__ import annotations

import contextlib
import importlib
import os
import queue
import signal
import subprocess
import sys
import threading
from collections.abc import Generator, Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import orjson

START = "from imagetrain.radiographs.guarded import serve; serve()"
UNLIMITED = (
    "memory and processor time of the processes that read images cannot be limited on this system; "
    "only their wall-clock time is"
)
ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}  # each child has one core; threads take memory
FILES_OF_A_CHILD = 8  # at least: starting one takes as long as reading some files
DYING_S = 5.0
ENDED = object()


class Limits(NamedTuple):
    """What one task may take."""

    memory_mib: int = 4096  # address space of the child, of which some 1,000 are programs
    cpu_s: int = 60
    wall_s: float = 180.0


LIMITS = Limits()


class Failed(NamedTuple):
    """A task whose child died or gave up, and why."""

    reason: str


def children_for(n_files: int) -> int:
    """How many children to read so many files with: a core each, and none that would read only a few."""
    n_cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, min(n_cores, n_files // FILES_OF_A_CHILD))


def cannot_limit() -> str | None:
    """What to tell the user where the system has no limits for memory and processor time."""
    return None if sys.platform == "linux" else UNLIMITED


def run_guarded(
    function: str, tasks: Iterable[Mapping[str, Any]], *, n_children: int, limits: Limits = LIMITS
) -> Generator[tuple[int, Any], None, None]:
    """Results of tasks with their place, as they come; a `Failed` where there is none.

    Parameters
    ----------
    function:
        ``module:name``, called in a child with a task as keyword arguments; what it gives must be JSON.
    tasks:
        Taken one at a time, when a child is free, from threads that never do so at the same time.
    """
    waiting = enumerate(tasks)
    turn = threading.Lock()
    results: queue.Queue[Any] = queue.Queue()
    children = [_Child(function, limits) for _ in range(n_children)]

    def work(child: _Child) -> None:
        try:
            while True:
                with turn:
                    place, task = next(waiting, (-1, {}))
                if place < 0:
                    break
                results.put((place, child.ask(task)))
        except BaseException as error:  # raised where the results are taken
            results.put(error)
        finally:
            results.put(ENDED)

    threads = [threading.Thread(target=work, args=(child,), daemon=True) for child in children]
    for thread in threads:
        thread.start()
    n_working = len(threads)
    try:
        while n_working:
            result = results.get()
            if result is ENDED:
                n_working -= 1
            elif isinstance(result, BaseException):
                raise result
            else:
                yield result
    finally:
        with turn:
            waiting = enumerate(())
        for child in children:
            child.end()
        for thread in threads:
            thread.join()


class _Child:
    """A process that is started when it is first needed, and again after it has died."""

    def __init__(self, function: str, limits: Limits) -> None:
        self._function, self._limits = function, limits
        self._process: subprocess.Popen[bytes] | None = None
        self._ended = False
        self._starting = threading.Lock()

    def ask(self, task: Mapping[str, Any]) -> Any:
        """The result of a task, or `Failed`."""
        process = self._start()
        if process is None:
            return Failed("the run was stopped")
        assert process.stdin is not None
        assert process.stdout is not None
        late = threading.Event()

        def stop() -> None:
            late.set()
            process.kill()

        clock = threading.Timer(self._limits.wall_s, stop)
        clock.start()
        try:
            process.stdin.write(orjson.dumps(task) + b"\n")
            process.stdin.flush()
            answer = process.stdout.readline()
        except OSError:
            answer = b""
        finally:
            clock.cancel()
        said = orjson.loads(answer) if answer.endswith(b"\n") else {}
        if "result" in said:
            return said["result"]
        with contextlib.suppress(subprocess.TimeoutExpired):
            if not said:
                process.wait(DYING_S)  # its exit code says why
        self._close()
        return Failed(said.get("failed") or self._why(process.wait(), late=late.is_set()))

    def end(self) -> None:
        """Kill the process, and start no other."""
        with self._starting:
            self._ended = True
        self._close()

    def _start(self) -> subprocess.Popen[bytes] | None:
        with self._starting:
            if self._ended:
                return None
            if self._process is None:
                path = os.pathsep.join(entry or str(Path.cwd()) for entry in sys.path)
                self._process = subprocess.Popen(
                    [sys.executable, "-c", START, self._function, orjson.dumps(tuple(self._limits)).decode()],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.DEVNULL,  # decoders print there what is of no use without the file
                    env={**os.environ, **ONE_THREAD, "PYTHONPATH": path},
                )
            return self._process

    def _close(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.wait()
            for pipe in (process.stdin, process.stdout):
                with contextlib.suppress(OSError):
                    assert pipe is not None
                    pipe.close()

    def _why(self, code: int, *, late: bool) -> str:
        if late:
            return f"reading it took more than {self._limits.wall_s:g} s"
        if hasattr(signal, "SIGXCPU") and code == -signal.SIGXCPU:
            return f"reading it took more than {self._limits.cpu_s} s of processor time"
        if code == -9:
            return "the process that read it was killed, perhaps for want of memory"
        return f"the process that read it died ({signal.Signals(-code).name if code < 0 else f'exit code {code}'})"


def serve() -> None:
    """Be a child: do the tasks that come in, until none comes any more."""
    function, limits = sys.argv[1], Limits(*orjson.loads(sys.argv[2]))
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what a library prints is no answer
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # whoever stops the run ends this process by its pipe
    module, _, name = function.partition(":")
    work = getattr(importlib.import_module(module), name)
    _limit_memory(limits)
    for line in sys.stdin.buffer:
        _limit_time(limits)
        try:
            answer = orjson.dumps({"result": work(**orjson.loads(line))})
        except MemoryError:
            answer = orjson.dumps({"failed": f"reading it takes more than {limits.memory_mib:,} MiB of memory"})
        except Exception as error:
            answer = orjson.dumps({"failed": f"reading it failed ({type(error).__name__})"})
        answers.write(answer + b"\n")
        answers.flush()


def _limit_memory(limits: Limits) -> None:
    if sys.platform == "linux":
        import resource

        _limit(resource.RLIMIT_AS, limits.memory_mib * 2**20)
        _limit(resource.RLIMIT_CORE, 0)


def _limit_time(limits: Limits) -> None:
    """Processor time from now on; the system counts it from the start of the process."""
    if sys.platform == "linux":
        import resource

        spent = resource.getrusage(resource.RUSAGE_SELF)
        _limit(resource.RLIMIT_CPU, int(spent.ru_utime + spent.ru_stime) + limits.cpu_s + 1)


def _limit(what: int, value: int) -> None:
    import resource

    _, most = resource.getrlimit(what)
    resource.setrlimit(what, (value if most == resource.RLIM_INFINITY else min(value, most), most))
