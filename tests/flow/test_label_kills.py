"""A hundred kills at random moments: each history ends with the files of a run that nobody stopped; no answer twice."""

from __future__ import annotations

import json
import random
import re
import sqlite3
import time
from collections import Counter
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from fake_endpoint import Endpoint, answer, endpoint
from forked_runs import Forked, forking
from label_study import study, write_recipe, write_reports

from radprompter.run import label_reports

TEXTS = {f"r{number:04d}": f"This is report {number:04d}." for number in range(2000)}
N_REQUESTS = 2400  # one a report, and one more about each fifth, whose answer is faulty
FILES = ("labels.parquet", "labels.csv", "failures.csv")
WORDS = ("present", "absent", "possible", "not mentioned", "perhaps")

KILLS_ASKING, KILLS_READING, MOST_OF_ONE_RUN = 75, 25, 30
MOST_AT_A_TIME = 170
"""Requests after which a run is killed at the latest, so that kills fall all over a history."""

Question = tuple[str, str]


def question(body: dict[str, Any]) -> Question:
    """The report that a request is about, and whether it is the first about it or follows a faulty answer."""
    found = re.search(r"report (\d{4})", body["messages"][1]["content"])
    assert found is not None
    return f"r{found.group(1)}", "first" if len(body["messages"]) == 2 else "again"


def by_number(number: int, body: dict[str, Any]) -> dict[str, Any]:
    """An answer that depends on the question alone."""
    time.sleep(0.002)
    report_id, which = question(body)
    report = int(report_id[1:])
    word = "present" if which == "again" else WORDS[report % 5]
    return answer(json.dumps({"fracture": word, "effusion": WORDS[report % 3], "no_finding": "present"}))


def stored(journal: Path) -> set[Question]:
    """The questions whose answers a journal has; what follows an answer is stored after it."""
    if not journal.is_file():
        return set()
    with closing(sqlite3.connect(journal)) as database:
        if not database.execute("SELECT name FROM sqlite_master WHERE name = 'completion'").fetchone():
            return set()
        rows = [
            row[0] for row in database.execute("SELECT report_id FROM completion WHERE failure IS NULL ORDER BY id")
        ]
    seen: Counter[str] = Counter()
    found: set[Question] = set()
    for report_id in rows:
        found.add((report_id, "again" if seen[report_id] else "first"))
        seen[report_id] += 1
    return found


def settle(server: Endpoint) -> int:
    """Wait until no request of a killed run is left in the server; the number of requests until then."""
    before = -1
    while server.n_at_once or before != len(server.bodies):
        before = len(server.bodies)
        time.sleep(0.02)
    return before


def wait_for_requests(server: Endpoint, n_more: int) -> None:
    n_before = len(server.bodies)
    while len(server.bodies) < n_before + n_more:
        time.sleep(0.001)


def killed_until_done(runs: Forked, server: Endpoint, recipe: Path, chance: random.Random, most: int) -> int:
    """Begin a run again and again until it is done; the number of kills, none of which may cost a stored answer."""
    journal = recipe.parent / "out/label/journal.sqlite"
    kept: list[tuple[int, set[Question]]] = []
    while True:
        pid = runs.begin(recipe)
        if len(kept) < most and runs.wait_until_it_asks():
            n_left = N_REQUESTS - (len(kept[-1][1]) if kept else 0)
            wait_for_requests(server, chance.randint(0, min(n_left, MOST_AT_A_TIME)))
            time.sleep(chance.uniform(0, 0.02))
            if runs.kill(pid):
                kept.append((settle(server), stored(journal)))
                continue
        else:
            assert runs.end() == 0
        break
    asked = [question(body) for body in server.bodies]
    for n_before, answers in kept:
        assert not answers & set(asked[n_before:])
    assert len(set(asked)) == N_REQUESTS
    assert len(stored(journal)) == N_REQUESTS
    return len(kept)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """The files of a run that nobody stopped."""
    folder = tmp_path_factory.mktemp("whole")
    with endpoint(by_number) as server:
        run = label_reports(study(folder, {"name": "openai", "model": "m", "base_url": server.url}, TEXTS))
    assert run.summary["requests"] == {"asked": N_REQUESTS, "from_journal": 0}
    assert run.summary["n_failed"] == 0
    return {name: (folder / "out/label" / name).read_bytes() for name in FILES}


@pytest.mark.slow
def test_kills_at_random_moments_of_asking_change_no_byte_and_repeat_nothing_that_was_stored(
    whole: dict[str, bytes], tmp_path: Path
) -> None:
    chance, n_kills = random.Random(20), 0
    with forking() as runs:
        while n_kills < KILLS_ASKING:
            folder = tmp_path / f"after{n_kills}"
            folder.mkdir()
            write_reports(folder / "reports.csv", TEXTS)
            with endpoint(by_number) as server:
                backend = {"name": "openai", "model": "m", "base_url": server.url, "max_in_flight": 16}
                recipe = write_recipe(folder, backend)
                most = min(MOST_OF_ONE_RUN, KILLS_ASKING - n_kills)
                n_kills += killed_until_done(runs, server, recipe, chance, most)
            assert {name: (folder / "out/label" / name).read_bytes() for name in FILES} == whole


@pytest.mark.slow
def test_kills_at_random_moments_of_reading_and_writing_leave_each_file_whole_or_absent(
    whole: dict[str, bytes], tmp_path: Path
) -> None:
    chance, labels = random.Random(21), tmp_path / "out/label"
    write_reports(tmp_path / "reports.csv", TEXTS)
    with endpoint(by_number) as server, forking() as runs:
        recipe = write_recipe(tmp_path, {"name": "openai", "model": "m", "base_url": server.url})
        runs.begin(recipe)
        assert runs.end() == 0
        forget(labels)
        started = time.monotonic()
        runs.begin(recipe)
        assert runs.end() == 0
        lasting_s, n_kills = time.monotonic() - started, 0
        while n_kills < KILLS_READING:
            forget(labels)
            pid = runs.begin(recipe)
            time.sleep(chance.uniform(0, lasting_s))
            n_kills += runs.kill(pid)
            for name in FILES:
                assert not (labels / name).exists() or (labels / name).read_bytes() == whole[name]
            if (labels / "manifest.json").exists():
                assert json.loads((labels / "manifest.json").read_text())["n_reports"] == len(TEXTS)
        runs.begin(recipe)
        assert runs.end() == 0
        assert len(server.bodies) == N_REQUESTS
    assert {name: (labels / name).read_bytes() for name in FILES} == whole


def forget(labels: Path) -> None:
    """Remove all that was made from the answers."""
    for name in (*FILES, "manifest.json", "stage.json"):
        (labels / name).unlink(missing_ok=True)
