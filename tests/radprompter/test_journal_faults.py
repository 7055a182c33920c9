"""What may happen to the file of a journal: no half row is an answer, and messages are clear."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import random
import shutil
import sqlite3
import time
from pathlib import Path

import pytest
from asking import asked_once
from label_study import ANSWER as REPLY
from label_study import study
from small_region import small_region

from radprompter.backends import open_backend
from radprompter.errors import JournalError, RadprompterError
from radprompter.journal import Journal, read_contents
from radprompter.labeling.asking import Asker
from radprompter.records import Completion, Message, Prompt, Report, Turn
from radprompter.run import label_reports

SCRIPTED = {"name": "scripted", "default": REPLY}
TEXTS = {f"r{number}": f"Words of {number}." for number in range(12)}


def answer(number: int) -> Completion:
    return Completion(f"r{number}", (f'{{"finding": "present", "number": {number}}}',), model="m")


def filled(path: Path, n_rows: int) -> Path:
    with Journal(path) as journal:
        for number in range(n_rows):
            journal.store(f"k{number}", answer(number))
    return path


@pytest.mark.parametrize("seed", range(12))
def test_flipped_bytes_never_give_another_answer(seed: int, tmp_path: Path) -> None:
    path = filled(tmp_path / "j.sqlite", 600)
    content, generator = bytearray(path.read_bytes()), random.Random(seed)
    for _ in range(6):
        content[generator.randrange(4096, len(content))] ^= 0xFF
    path.write_bytes(content)
    with contextlib.suppress(JournalError), Journal(path) as journal:
        found = journal.find_all(f"k{number}" for number in range(600))
        assert all(completion == answer(int(key[1:])) for key, completion in found.items())


@pytest.mark.parametrize("n_pages", [1, 5])
def test_pages_of_noise_are_refused_on_opening(n_pages: int, tmp_path: Path) -> None:
    path = filled(tmp_path / "j.sqlite", 600)
    content = bytearray(path.read_bytes())
    for page in range(3, 3 + 4 * n_pages, 4):
        content[page * 4096 : (page + 1) * 4096] = random.Random(page).randbytes(4096)
    path.write_bytes(content)
    with pytest.raises(JournalError, match="damaged, or no journal"):
        Journal(path)
    assert path.read_bytes() == content


def test_an_answer_that_was_changed_in_the_file_is_refused_and_counted(tmp_path: Path) -> None:
    path = filled(tmp_path / "j.sqlite", 30)
    content = path.read_bytes()
    assert content.count(b'present\\", \\"number\\": 17}') == 1
    path.write_bytes(content.replace(b'present\\", \\"number\\": 17}', b'unknown\\", \\"number\\": 17}'))
    with Journal(path) as journal:
        assert journal.find("k16", "r16") == answer(16)
        with pytest.raises(JournalError, match="damaged"):
            journal.find("k17", "r17")
    assert read_contents(path).n_damaged == 1


@pytest.mark.parametrize("keep", [0.0, 0.2, 0.5, 0.9, 0.999])
@pytest.mark.parametrize("flipped", [False, True], ids=["cut", "flipped"])
def test_a_torn_log_gives_whole_rows_up_to_the_tear(keep: float, flipped: bool, tmp_path: Path) -> None:
    path, copy = tmp_path / "j.sqlite", tmp_path / "copy.sqlite"
    with Journal(path) as journal:
        for number in range(80):
            journal.store(f"k{number}", answer(number))
        shutil.copy(path, copy)
        log = bytearray(path.with_name("j.sqlite-wal").read_bytes())
    at = int(len(log) * keep)
    torn = log[:at] + (bytes(byte ^ 0xFF for byte in log[at : at + 512]) + log[at + 512 :] if flipped else b"")
    copy.with_name("copy.sqlite-wal").write_bytes(torn)
    with Journal(copy) as journal:
        n_rows = len(journal)
        found = journal.find_all(f"k{number}" for number in range(80))
    assert found == {f"k{number}": answer(number) for number in range(n_rows)}
    assert (n_rows > 0) == (keep > 0.1)
    assert n_rows < 80


def test_an_empty_file_is_a_new_journal(tmp_path: Path) -> None:
    (tmp_path / "j.sqlite").touch()
    with Journal(tmp_path / "j.sqlite") as journal:
        assert len(journal) == 0


def test_a_journal_of_version_1_is_read_and_then_written_as_version_2(tmp_path: Path) -> None:
    path = filled(tmp_path / "j.sqlite", 3)
    database = sqlite3.connect(path)
    database.executescript("ALTER TABLE completion DROP COLUMN checksum; PRAGMA user_version = 1;")
    database.close()
    assert read_contents(path).n_answered == 3
    with Journal(path) as journal:
        assert journal.find("k1", "r1") == answer(1)
        journal.store("k3", answer(3))
    with Journal(path) as journal:
        assert set(journal.find_all(["k0", "k1", "k2", "k3"])) == {"k0", "k1", "k2", "k3"}


def test_a_file_system_without_locks_is_named_as_that(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_locks(*_: object) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", no_locks)
    with pytest.raises(JournalError, match=r"cannot be locked \(No locks available\); put it on a local disk"):
        Journal(tmp_path / "j.sqlite")


def test_a_folder_that_is_a_file_is_one_clear_error(tmp_path: Path) -> None:
    (tmp_path / "out").touch()
    with pytest.raises(JournalError, match="cannot be written"):
        Journal(tmp_path / "out" / "j.sqlite")


def test_a_clock_that_jumps_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [4_102_444_800.0]
    monkeypatch.setattr(time, "time", lambda: clock[0])
    first = label_reports(study(tmp_path, SCRIPTED, TEXTS, limit=8))
    clock[0] = 1.0
    (tmp_path / "out/label/stage.json").unlink()
    labels = (tmp_path / "out/label/labels.parquet").read_bytes()
    again = label_reports(study(tmp_path, SCRIPTED, TEXTS, limit=8))
    more = label_reports(study(tmp_path, SCRIPTED, TEXTS, limit=12))
    assert [run.summary["requests"] for run in (first, again, more)] == [
        {"asked": 8, "from_journal": 0},
        {"asked": 0, "from_journal": 8},
        {"asked": 4, "from_journal": 8},
    ]
    clock[0] = -1.0e18
    with Journal(tmp_path / "j.sqlite") as journal:
        journal.store("k", answer(1))
        clock[0] = 4_102_444_800.0
        journal.store("k", answer(2))
        clock[0] = 0.0
        journal.store("k", answer(3))
        assert journal.find("k", "r3") == answer(3)
    assert read_contents(tmp_path / "j.sqlite").first == "-1e+18 s after 1970"
    label_reports(study(tmp_path, SCRIPTED, TEXTS, limit=8))
    assert (tmp_path / "out/label/labels.parquet").read_bytes() == labels


def test_a_completion_is_counted_after_it_is_stored(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    prompts = [Prompt(Report(f"r{n}", {"report": f"w{n}"}), (Turn((Message("user", f"{n}"),), 9),)) for n in range(5)]
    backend = open_backend({"name": "scripted", "default": REPLY}, small_region(tmp_path / "templates"))
    with Journal(tmp_path / "j.sqlite") as journal:
        asker, store = Asker(backend, journal), journal.store

        def store_two(key: str, completion: Completion) -> None:
            if len(journal) == 2:
                raise JournalError("full")
            store(key, completion)

        monkeypatch.setattr(journal, "store", store_two)
        with pytest.raises(RadprompterError, match="full"):
            list(asker.hold([asked_once(prompts)]))
        assert asker.tally.n_asked == len(journal) == 2
