"""Labeling runs that begin within milliseconds: forks of a process that has imported all and done nothing yet."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PARENT = """
import os, sys, traceback
from pathlib import Path
import openai, pandas, pyarrow.parquet
import radprompter.backends.openai, radprompter.backends.conversation
from radprompter.recipe import load_recipe
from radprompter.run import label_reports

def say(words):
    os.write(1, words.encode() + b"\\n")

def label(path):
    try:
        label_reports(load_recipe(Path(path)), before=lambda survey: say("asks"))
        os._exit(0)
    except BaseException:
        traceback.print_exc()
        os._exit(1)

say("ready")
for line in sys.stdin:
    child = os.fork()
    if child == 0:
        label(line.strip())
    say(f"pid {child}")
    _, status = os.waitpid(child, 0)
    say(f"ended {os.waitstatus_to_exitcode(status)}")
"""


class Forked:
    """Begins runs, one at a time, and tells when they ask and how they ended."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        self._said: list[str] = []
        self._wait_for("ready")

    def begin(self, recipe: Path) -> int:
        """Begin a run; its process id."""
        assert self._process.stdin is not None
        self._said.clear()
        self._process.stdin.write(f"{recipe}\n")
        self._process.stdin.flush()
        return int(self._wait_for("pid"))

    def wait_until_it_asks(self) -> bool:
        """Wait until a run is about to ask; False if it ended before."""
        self._wait_for("asks", "ended")
        return "asks" in self._said

    def end(self) -> int:
        """Wait for the end of a run; its exit code, negative for a signal."""
        return int(self._wait_for("ended"))

    def kill(self, pid: int) -> bool:
        """Kill a run; False if it was done before."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
        code = self.end()
        assert code in (0, -signal.SIGKILL)
        return code != 0

    def _wait_for(self, *words: str) -> str:
        """What was said after one of some words."""
        while True:
            for line in self._said:
                word, _, rest = line.partition(" ")
                if word in words:
                    return rest
            assert self._process.stdout is not None
            line = self._process.stdout.readline()
            assert line, "the process that forks runs is gone"
            self._said.append(line.strip())


@contextmanager
def parent(script: str) -> Iterator[subprocess.Popen[str]]:
    """A process that forks others as its standard input says, until that is closed."""
    process = subprocess.Popen([sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        yield process
    finally:
        assert process.stdin is not None and process.stdout is not None
        process.stdin.close()
        process.wait(60)
        process.stdout.close()


@contextmanager
def forking() -> Iterator[Forked]:
    """A process that forks runs."""
    with parent(PARENT) as process:
        yield Forked(process)
