"""The lock of a journal is never stale: it ends with its holder, however that ended and whatever it left behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from label_study import ANSWER, study

from radprompter.errors import JournalError
from radprompter.journal import Journal
from radprompter.run import label_reports

HOLD = """
import subprocess, sys, time
from pathlib import Path
from radprompter.journal import Journal
with Journal(Path(sys.argv[1])):
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    print(child.pid, flush=True)
    time.sleep(60)
"""
SCRIPTED = {"name": "scripted", "default": ANSWER}
TEXTS = {f"r{number}": f"Words of {number}." for number in range(8)}


@contextmanager
def holder(journal: Path) -> Iterator[subprocess.Popen[str]]:
    """Another process that holds a journal, with a child of its own that outlives it."""
    process = subprocess.Popen([sys.executable, "-c", HOLD, str(journal)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    child = int(process.stdout.readline())
    try:
        yield process
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
        os.kill(child, signal.SIGKILL)


def test_a_lock_is_free_as_soon_as_its_holder_is_killed_though_its_children_live(tmp_path: Path) -> None:
    journal = tmp_path / "out/label/journal.sqlite"
    recipe = study(tmp_path, SCRIPTED, TEXTS)
    with holder(journal) as process:
        with pytest.raises(JournalError, match=f"in use by process {process.pid} on"):
            label_reports(recipe)
        process.kill()
        process.wait()
        assert f"process {process.pid} " in journal.with_name("journal.sqlite.lock").read_text()
        assert label_reports(recipe).summary["requests"] == {"asked": 8, "from_journal": 0}


def test_a_holder_that_is_stopped_still_holds(tmp_path: Path) -> None:
    with holder(tmp_path / "j.sqlite") as process:
        os.kill(process.pid, signal.SIGSTOP)
        with pytest.raises(JournalError, match=f"in use by process {process.pid} on"):
            Journal(tmp_path / "j.sqlite")


SAID = {"alive": "process 1 on here\n", "dead": "process 999999999 on here\n", "empty": "", "torn": "\x00" * 5000}


@pytest.mark.parametrize("said", SAID.values(), ids=SAID)
def test_what_a_lock_file_says_does_not_lock(said: str, tmp_path: Path) -> None:
    beside = tmp_path / "j.sqlite.lock"
    beside.write_text(said)
    with Journal(tmp_path / "j.sqlite"):
        assert beside.read_text().startswith(f"process {os.getpid()} on ")
        assert len(beside.read_text()) < 300
