"""Killed at any moment, run again: the same table, and nothing asked twice that was stored."""

from __future__ import annotations

import json
import os
import re
import signal
import sqlite3
import subprocess
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from fake_endpoint import Endpoint, answer, endpoint
from label_study import start, study, write_recipe, write_reports

from radprompter.run import label_reports

TEXTS = {f"r{number:03d}": f"This is report {number:03d}." for number in range(120)}
FILES = ("labels.parquet", "labels.csv", "failures.csv")


N_REQUESTS = 144  # one a report, and one more about each fifth, whose answer is faulty


def question(body: dict[str, Any]) -> tuple[str, str]:
    """The id of the report that a request is about, and whether it is the first about it or follows an answer."""
    found = re.search(r"report (\d{3})", body["messages"][1]["content"])
    assert found is not None
    return f"r{found.group(1)}", "first" if len(body["messages"]) == 2 else "again"


def by_number(number: int, body: dict[str, Any]) -> dict[str, Any]:
    """An answer that depends on the question alone, after a moment."""
    time.sleep(0.03)
    report_id, which = question(body)
    report = int(report_id[1:])
    words = ["present", "absent", "possible", "not mentioned", "perhaps" if which == "first" else "present"]
    return answer(json.dumps({"fracture": words[report % 5], "effusion": words[report % 3], "no_finding": "present"}))


def finish(process: subprocess.Popen[str]) -> str:
    out, err = process.communicate(timeout=120)
    return out + err


def wait_for(server: Endpoint, n_answers: int, process: subprocess.Popen[str]) -> None:
    while server.n_answered < n_answers:
        assert process.poll() is None, finish(process)
        time.sleep(0.005)


def stored(journal: Path) -> list[tuple[str, str]]:
    """The questions whose answers are in a journal; what follows an answer is asked after it."""
    database = sqlite3.connect(journal)
    try:
        rows = [row[0] for row in database.execute("SELECT report_id FROM completion WHERE failure IS NULL")]
        return [(report_id, "again" if report_id in rows[:at] else "first") for at, report_id in enumerate(rows)]
    finally:
        database.close()


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of labels of a run that nobody interrupted."""
    folder = tmp_path_factory.mktemp("whole")
    with endpoint(by_number) as server:
        run = label_reports(study(folder, {"name": "openai", "model": "m", "base_url": server.url}, TEXTS))
    assert run.summary["requests"] == {"asked": N_REQUESTS, "from_journal": 0}
    assert run.summary["n_failed"] == 0
    return folder / "out" / "label"


@pytest.mark.parametrize("n_answers", [1, 60, 130])
def test_a_run_that_is_killed_and_started_again_gives_the_same_table_and_repeats_nothing_stored(
    n_answers: int, whole: Path, tmp_path: Path
) -> None:
    write_reports(tmp_path / "reports.csv", TEXTS)
    labels = tmp_path / "out" / "label"
    with endpoint(by_number) as server:
        recipe = write_recipe(tmp_path, {"name": "openai", "model": "m", "base_url": server.url, "max_in_flight": 4})
        process = start(recipe)
        wait_for(server, n_answers, process)
        os.killpg(process.pid, signal.SIGKILL)
        finish(process)
        kept = stored(labels / "journal.sqlite")
        assert len(kept) < N_REQUESTS
        assert kept or n_answers == 1
        assert not (labels / "labels.csv").exists()
        assert f"{len(kept)} from the journal" in finish(start(recipe))
        asked = Counter(map(question, server.bodies))
    assert {asked[stored_question] for stored_question in kept} <= {1}
    assert len(asked) == N_REQUESTS
    for name in FILES:
        assert (labels / name).read_bytes() == (whole / name).read_bytes()


def test_a_second_process_in_the_same_folder_is_told_who_is_there(tmp_path: Path) -> None:
    write_reports(tmp_path / "reports.csv", TEXTS)
    with endpoint(by_number) as server:
        recipe = write_recipe(tmp_path, {"name": "openai", "model": "m", "base_url": server.url, "max_in_flight": 1})
        first = start(recipe)
        wait_for(server, 1, first)
        second = start(recipe)
        assert f"in use by process {first.pid} on" in " ".join(finish(second).split())
        assert second.returncode == 1
        assert f"{N_REQUESTS} asked" in finish(first)
        assert len(server.bodies) == N_REQUESTS


def test_an_interrupt_stops_cleanly_and_keeps_what_was_answered(tmp_path: Path) -> None:
    write_reports(tmp_path / "reports.csv", TEXTS)
    with endpoint(by_number) as server:
        recipe = write_recipe(tmp_path, {"name": "openai", "model": "m", "base_url": server.url, "max_in_flight": 2})
        process = start(recipe)
        wait_for(server, 20, process)
        os.kill(process.pid, signal.SIGINT)
        said = finish(process)
        assert process.returncode == 130
        assert "Traceback" not in said
        assert len(stored(tmp_path / "out" / "label" / "journal.sqlite")) >= 17
