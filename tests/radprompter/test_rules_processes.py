"""The rules in several processes: the answers of one, in order, and a clear word when a process ends."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from functools import partial
from pathlib import Path

import pytest
from label_study import start, study, write_recipe, write_reports

from radprompter.backends import open_backend
from radprompter.errors import BackendError, RecipeError
from radprompter.records import Prompt, Report
from radprompter.region import load_region
from radprompter.rules.processes import CHUNK, Processes
from radprompter.run import label_reports

FILES = ("labels.parquet", "labels.csv", "failures.csv")
WORDS = ("Fracture", "No fracture", "Possible fracture", "Effusion", "No effusion", "___")
TEXTS = {f"r{number:04}": f"{WORDS[number % 6]} in study {number}." for number in range(5 * CHUNK)}


def stored(journal: Path) -> list[tuple[str, str]]:
    with closing(sqlite3.connect(journal)) as database:
        return list(database.execute("SELECT report_id, key FROM completion ORDER BY id"))


def wait_until_nobody_is_left(group: int) -> None:
    for _ in range(200):
        try:
            os.killpg(group, 0)
        except ProcessLookupError:
            return
        time.sleep(0.05)
    raise AssertionError("a process of the rules outlived the command")


def test_two_processes_make_the_table_and_the_journal_of_one(tmp_path: Path) -> None:
    for name, backend in (("one", {"name": "rules"}), ("two", {"name": "rules", "processes": 2})):
        (tmp_path / name).mkdir()
        label_reports(study(tmp_path / name, backend, TEXTS))
    one, two = (tmp_path / name / "out" / "label" for name in ("one", "two"))
    for name in FILES:
        assert (one / name).read_bytes() == (two / name).read_bytes()
    assert stored(one / "journal.sqlite") == stored(two / "journal.sqlite")
    assert len(stored(one / "journal.sqlite")) == len(TEXTS)
    assert multiprocessing.active_children() == []


def test_answers_come_in_order_also_where_later_questions_wait_for_them() -> None:
    asked = [f"word {number}" for number in range(7 * CHUNK)]
    waiting = asked[: 2 * CHUNK]

    class Questions:
        def __iter__(self) -> Iterator[str]:
            return self

        def __next__(self) -> str:
            if not waiting:
                raise StopIteration
            return waiting.pop(0)

    processes = Processes[str, str](2, partial, (str.upper,))
    answers = []
    for number, answer in enumerate(processes.answer(Questions())):
        answers.append(answer)
        waiting += asked[2 * CHUNK + number : 2 * CHUNK + number + 1]
    processes.close()
    assert answers == [question.upper() for question in asked]


def test_no_more_is_taken_than_the_processes_can_have() -> None:
    taken = []
    questions = (taken.append(number) or str(number) for number in range(1_000))  # type: ignore[func-returns-value]
    processes = Processes[str, str](2, partial, (str.upper,))
    answers = processes.answer(questions)
    next(answers)
    assert len(taken) == 3 * CHUNK
    answers.close()
    assert multiprocessing.active_children() == []


def test_a_process_that_is_killed_is_one_clear_error_after_what_was_answered() -> None:
    backend = open_backend({"name": "rules", "processes": 2}, load_region("elbow"))
    answers = backend.complete(Prompt(Report(report_id, {"report": text})) for report_id, text in TEXTS.items())
    answered = [next(answers).report_id for _ in range(3)]
    for process in multiprocessing.active_children():
        os.kill(process.pid, signal.SIGKILL)
        process.join()
    with pytest.raises(
        BackendError, match=r"a process of the rules ended \(exit code -9\).*run the same command again"
    ):
        answered += [answer.report_id for answer in answers]
    assert answered == list(TEXTS)[: len(answered)]
    assert multiprocessing.active_children() == []


def test_what_goes_wrong_in_a_process_is_told_without_words_of_the_report() -> None:
    processes = Processes[str, int](1, partial, (int,))
    with pytest.raises(BackendError, match=r"failed: ValueError at processes\.py:\d+") as caught:
        list(processes.answer(["Mrs Miller has an effusion"]))
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__ or caught.value.__context__ is None
    assert multiprocessing.active_children() == []


@pytest.mark.parametrize(("ended_by", "code"), [(signal.SIGINT, 130), (signal.SIGKILL, -9)])
def test_a_run_that_is_interrupted_or_killed_leaves_no_process_and_goes_on(
    ended_by: signal.Signals, code: int, tmp_path: Path
) -> None:
    texts = {f"r{number}": f"Fracture {number}. " + "Possible effusion or fracture. " * 30 for number in range(900)}
    write_reports(tmp_path / "reports.csv", texts)
    recipe = write_recipe(tmp_path, {"name": "rules", "processes": 2})
    journal = tmp_path / "out" / "label" / "journal.sqlite"
    process = start(recipe)
    while not (journal.exists() and journal.stat().st_size > 60_000):
        assert process.poll() is None, process.communicate()
        time.sleep(0.01)
    if ended_by is signal.SIGINT:
        os.killpg(process.pid, ended_by)  # as a terminal does
    else:
        os.kill(process.pid, ended_by)
    out, err = process.communicate(timeout=60)
    assert process.returncode == code
    assert "Traceback" not in out + err
    wait_until_nobody_is_left(process.pid)
    kept = len(stored(journal))
    assert 0 < kept < len(texts)
    out, err = start(recipe).communicate(timeout=120)
    assert f"{kept} from the journal" in out + err


@pytest.mark.parametrize("processes", [0, -1, "many", 1.5])
def test_a_number_of_processes_that_is_none_is_refused(processes: object) -> None:
    with pytest.raises(RecipeError, match="processes"):
        open_backend({"name": "rules", "processes": processes}, load_region("elbow"))


def test_all_processes_are_as_many_as_there_are_cores() -> None:
    region = load_region("elbow")
    backend = open_backend({"name": "rules", "processes": "all"}, region)
    n_cores = len(os.sched_getaffinity(0))
    assert backend.at_once == (1 if n_cores == 1 else n_cores * CHUNK)
    assert backend.identity == open_backend({"name": "rules"}, region).identity
