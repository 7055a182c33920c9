"""The journal: what is stored stays, once, whoever dies; what is no journal is left alone."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sqlite3
import subprocess
import sys
from multiprocessing.connection import Connection
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from radprompter.errors import JournalError
from radprompter.journal import Durability, Journal, journal_key, writing
from radprompter.records import Completion, Usage

ANSWER = Completion("r1", ("thinking", '{"a": "ü"}'), reasoning="hm", model="m", usage=Usage(10, 5, 2, 0.25, 3))


def test_a_stored_completion_comes_back_whole(tmp_path: Path) -> None:
    with Journal(tmp_path / "j.sqlite") as journal:
        journal.store("k", ANSWER)
    with Journal(tmp_path / "j.sqlite") as journal:
        assert journal.find("k", "r1") == ANSWER
        assert journal.find("other", "r1") is None
        assert len(journal) == 1


def test_the_answer_to_one_report_is_the_answer_to_another_with_the_same_words(tmp_path: Path) -> None:
    with Journal(tmp_path / "j.sqlite") as journal:
        journal.store("k", ANSWER)
        again = journal.find("k", "r2")
    assert again is not None
    assert (again.report_id, again.replies) == ("r2", ANSWER.replies)


def test_a_failure_is_kept_on_record_but_never_used_again(tmp_path: Path) -> None:
    with Journal(tmp_path / "j.sqlite") as journal:
        journal.store("k", Completion("r1", (), failure="timeout"))
        assert journal.find("k", "r1") is None
        journal.store("k", ANSWER)
        journal.store("k", Completion("r1", (), failure="timeout"))
        assert journal.find("k", "r1") == ANSWER
        assert len(journal) == 3


def test_the_key_changes_with_the_backend_and_with_the_prompt() -> None:
    keys = {journal_key({"model": m, "temperature": t}, f) for m in "ab" for t in (0, 1) for f in ("p", "q")}
    assert len(keys) == 8
    assert journal_key({"a": 1, "b": 2}, "p") == journal_key({"b": 2, "a": 1}, "p")


def test_a_second_process_is_refused_with_the_name_of_the_first(tmp_path: Path) -> None:
    path = tmp_path / "j.sqlite"
    code = "import sys; from pathlib import Path; from radprompter.journal import Journal; Journal(Path(sys.argv[1]))"
    with Journal(path):
        second = subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=False)
        with pytest.raises(JournalError, match=f"in use by process {os.getpid()} on "):
            Journal(path)
    assert f"in use by process {os.getpid()}" in second.stderr
    Journal(path).close()


def _store_until_killed(path: Path, tell: Connection) -> None:
    journal = Journal(path)
    with path.with_suffix(".stored").open("wb", buffering=0) as stored:
        for number in range(1_000_000):
            journal.store(f"k{number}", ANSWER)
            stored.write(b".")
            if number == 1000:
                tell.send(number)


def test_a_process_killed_while_writing_leaves_all_that_it_stored_and_no_stale_lock(tmp_path: Path) -> None:
    path = tmp_path / "j.sqlite"
    context = multiprocessing.get_context("spawn")
    listen, tell = context.Pipe(duplex=False)
    writer = context.Process(target=_store_until_killed, args=(path, tell))
    writer.start()
    assert listen.recv() == 1000
    assert writer.pid is not None
    os.kill(writer.pid, signal.SIGKILL)
    writer.join()
    listen.close()
    tell.close()
    writer.close()
    n_stored = path.with_suffix(".stored").stat().st_size
    with Journal(path) as journal:
        assert n_stored <= len(journal) <= n_stored + 1
        found = journal.find_all(f"k{number}" for number in range(n_stored))
    assert len(found) == n_stored > 1000
    assert all(completion == ANSWER for completion in found.values())


@pytest.mark.parametrize(("durability", "forced"), [("batch", [256, 512]), ("each", list(range(1, 601)))])
def test_rows_are_forced_onto_the_disk_in_batches_or_each(
    durability: Durability, forced: list[int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    statements: list[str] = []

    def traced(*arguments: Any, **options: Any) -> sqlite3.Connection:
        database = connect(*arguments, **options)
        database.set_trace_callback(statements.append)
        return database

    connect = sqlite3.connect
    monkeypatch.setattr(sqlite3, "connect", traced)
    monkeypatch.setattr(writing, "time", SimpleNamespace(monotonic=lambda: 5.0, time=lambda: 9.0))
    with Journal(tmp_path / "j.sqlite", durability=durability) as journal:
        for number in range(600):
            journal.store(f"k{number}", ANSWER)
    is_full, n_rows, found = True, 0, []
    for statement in statements:
        if "synchronous" in statement:
            is_full = "FULL" in statement
        if statement.startswith("INSERT INTO completion"):
            n_rows += 1
            found += [n_rows] if is_full else []
    assert found == forced


def test_a_file_that_is_no_database_is_refused_and_left_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "j.sqlite"
    path.write_bytes(b"report_id,label\n" * 100)
    with pytest.raises(JournalError, match="damaged, or no journal"):
        Journal(path)
    assert path.read_bytes() == b"report_id,label\n" * 100


def test_a_database_of_another_program_is_refused(tmp_path: Path) -> None:
    database = sqlite3.connect(tmp_path / "j.sqlite")
    database.execute("CREATE TABLE patient (id)")
    database.close()
    with pytest.raises(JournalError, match="not a journal of radprompter"):
        Journal(tmp_path / "j.sqlite")


def test_a_journal_of_a_newer_version_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "j.sqlite"
    Journal(path).close()
    database = sqlite3.connect(path)
    database.execute("PRAGMA user_version = 99")
    database.close()
    with pytest.raises(JournalError, match="version 99, expected 2"):
        Journal(path)


@pytest.mark.parametrize("keep", [0.5, 0.9])
def test_a_journal_cut_short_is_recognised(tmp_path: Path, keep: float) -> None:
    path = tmp_path / "j.sqlite"
    with Journal(path) as journal:
        for number in range(2000):
            journal.store(f"k{number}", ANSWER)
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * keep)])
    with pytest.raises(JournalError, match="damaged"):
        Journal(path)


def test_a_journal_with_overwritten_pages_is_recognised(tmp_path: Path) -> None:
    path = tmp_path / "j.sqlite"
    with Journal(path) as journal:
        for number in range(2000):
            journal.store(f"k{number}", ANSWER)
    content = bytearray(path.read_bytes())
    content[len(content) // 2 : len(content) // 2 + 8192] = b"\xff" * 8192
    path.write_bytes(content)
    with pytest.raises(JournalError, match="damaged"):
        Journal(path)


def test_a_file_made_by_a_run_that_was_killed_at_once_is_used(tmp_path: Path) -> None:
    path = tmp_path / "j.sqlite"
    database = sqlite3.connect(path)
    database.execute("PRAGMA journal_mode = WAL")
    database.close()
    with Journal(path) as journal:
        assert len(journal) == 0


def test_a_folder_that_cannot_be_written_is_one_clear_error(tmp_path: Path) -> None:
    (tmp_path / "j.sqlite.lock").mkdir()
    with pytest.raises(JournalError, match="cannot be written"):
        Journal(tmp_path / "j.sqlite")
