"""What each fault of an endpoint comes to in the table: one report that meets it beside one that does not.

The same faults are looked at closely elsewhere: waits and storms in `test_rates`, retries and stops in
`test_openai_faults`, keys in `test_keys`, sizes in `test_transport`, words around and in answers in `test_answers` and
`malformed/`, log-probabilities in `test_plans`, thousands at once in `flow/test_many_faults`.
"""

from __future__ import annotations

import json
import sqlite3
import threading
from contextlib import closing
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from fake_endpoint import Body, Endpoint, Fault, answer, endpoint
from label_study import ANSWER, study

from radprompter.errors import BackendError
from radprompter.run import label_reports

P, N, NM, X, M, F = "positive", "negative", "not_mentioned", "invalid", "missing", "failed"
SOUND = (P, N, NM)
PATIENT_S, STALLED_S = 4, 60  # a busy machine may stall for a second by itself
TEXTS = {"well": "Sound.", "ill": "Faulty."}


class Study:
    """A run over two reports, of which one meets faults; `rows` counts what the journal has of both."""

    def __init__(self, folder: Path, server: Endpoint, *, label: dict[str, Any], **backend: Any) -> None:
        backend = {"name": "openai", "model": "m", "base_url": server.url, **backend}
        recipe = study(folder, backend, TEXTS, **label)
        label_reports(recipe)
        out = folder / "out" / "label"
        table = pd.read_parquet(out / "labels.parquet")
        self.states = {
            name: tuple(table.loc[table["report_id"] == name, "state"].astype(str)) for name in ("well", "ill")
        }
        self.notes = [note for note in table.loc[table["report_id"] == "ill", "repair"] if isinstance(note, str)]
        self.manifest = json.loads((out / "manifest.json").read_text())
        with closing(sqlite3.connect(out / "journal.sqlite")) as database:
            (self.rows,) = database.execute("SELECT count(*) FROM completion").fetchone()


def run(folder: Path, *responses: Body | Fault, label: dict[str, Any] | None = None, **backend: Any) -> Study:
    """The study where the faulty report meets one response after another, the last of them again and again."""
    waiting = list(responses)
    lock = threading.Lock()

    def behave(number: int, body: Body) -> Body | Fault:
        if "Faulty." not in json.dumps(body["messages"]):
            return answer(ANSWER)
        with lock:
            return waiting.pop(0) if len(waiting) > 1 else waiting[0]

    with endpoint(behave) as server:
        return Study(folder, server, label=label or {}, **backend)


@pytest.mark.parametrize(
    ("responses", "attempts"),
    [
        ([Fault(429, headers={"retry-after-ms": "50"})], 2),
        ([Fault(500), Fault(500), Fault(500)], 4),
        ([Fault(reset=True)], 2),
        ([Fault(delay_s=STALLED_S)], 2),
        ([Fault(body=b'{"choices": [{"message": {"content": "{')], 2),
        ([Fault(503), Fault(reset=True), Fault(body=b"<html>")], 4),
    ],
    ids=["asked to wait", "three errors", "lost after the work", "stalled", "cut off", "mixed"],
)
def test_a_fault_that_passes_leaves_one_row_the_same_labels_and_the_number_of_attempts(
    responses: list[Fault], attempts: int, tmp_path: Path
) -> None:
    found = run(tmp_path, *responses, answer(ANSWER), request_timeout_s=PATIENT_S)
    assert found.states == {"well": SOUND, "ill": SOUND}
    assert found.rows == 2
    assert found.manifest["attempts"] == 1 + attempts  # what was lost was paid for too: the server worked as often
    assert (found.manifest["n_failed"], found.manifest["failures"]) == (0, {})


LONGER = {"reasks": 1}
ONCE = {"reasks": 0}


@pytest.mark.parametrize(
    ("response", "label", "failure"),
    [
        (Fault(delay_s=STALLED_S), ONCE, "timeout"),
        (Fault(body=b" " * 2**16, endless=True), ONCE, "too_large"),
        (answer('{"fracture": "pres', finish_reason="length"), LONGER, "truncated"),
        (answer(None, refusal="I cannot."), ONCE, "refused"),
        (answer("", finish_reason="content_filter"), ONCE, "filtered"),
        (answer(" "), ONCE, "empty"),
    ],
    ids=["slow", "endless", "truncated", "refused", "filtered", "empty"],
)
def test_a_fault_that_does_not_pass_fails_its_report_alone_by_name_and_is_asked_again_by_the_next_run(
    response: Body | Fault, label: dict[str, Any], failure: str, tmp_path: Path
) -> None:
    found = run(tmp_path, response, label=label, deadline_s=PATIENT_S)
    assert found.states == {"well": SOUND, "ill": (F, F, F)}
    assert found.manifest["failures"] == {failure: 1}
    later = run(tmp_path, answer(ANSWER), label=label)
    assert later.states == {"well": SOUND, "ill": SOUND}


def test_an_answer_that_was_cut_off_is_asked_for_once_more_with_more_room(tmp_path: Path) -> None:
    found = run(tmp_path, answer('{"fracture": "pres', finish_reason="length"), answer(ANSWER), label=LONGER)
    assert found.states["ill"] == SOUND
    assert found.manifest["follow_ups"] == {"longer": 1}


ALL_ABSENT = '{"fracture": "absent", "effusion": "absent", "no_finding": "absent"}'


@pytest.mark.parametrize(
    ("words", "states", "noted"),
    [
        (f"Here it is:\n```json\n{ANSWER}\n```", SOUND, True),
        (f"At first {ALL_ABSENT}, but then {ANSWER}", SOUND, True),
        (
            '{"fracture": "present", "fracture": "absent", "effusion": "absent", "no_finding": null}',
            (F, N, M),
            True,
        ),
        ('{"fracture": "present", "fracture": "present", "effusion": "absent"}', (P, N, M), False),
        ('{"fracture": "present", "tumour": "present"}', (P, M, M), True),
        ('{"fracture": "Present ", "effusion": "ABSENT", "no_finding": "not mentioned"}', SOUND, False),
        ('{"fracture": "presnt", "effusion": "abwesend", "no_finding": "perhaps not"}', (X, X, X), True),
        ('{"fracture": NaN, "effusion": Infinity, "no_finding": -Infinity}', (X, X, X), True),
        ('{"fracture": ' + "[" * 10_000, (F, F, F), True),
    ],
    ids=["fenced", "two objects", "conflict", "repeated", "unknown", "spelled", "misspelled", "no number", "deep"],
)
def test_what_stands_in_an_answer_is_read_or_refused_but_never_guessed(
    words: str, states: tuple[str, ...], noted: bool, tmp_path: Path
) -> None:
    found = run(tmp_path, answer(words), label=ONCE)
    assert found.states == {"well": SOUND, "ill": states}
    assert bool(found.notes) == noted


def test_of_two_objects_the_last_counts_and_the_cell_says_that_there_were_two(tmp_path: Path) -> None:
    found = run(tmp_path, answer(f"{ALL_ABSENT}\n{ANSWER}"), label=ONCE)
    assert found.states["ill"] == SOUND
    assert all("last" in note for note in found.notes), found.notes


def test_models_that_answer_in_turns_are_each_counted(tmp_path: Path) -> None:
    other = {**answer(ANSWER), "model": "fake-2"}
    assert run(tmp_path, other).manifest["models"] == {"fake-1": 1, "fake-2": 1}


@pytest.mark.parametrize("status", [401, 403, 404, 308])
def test_what_every_report_would_meet_stops_the_run_and_labels_none(status: int, tmp_path: Path) -> None:
    with pytest.raises(BackendError, match=str(status)):
        run(tmp_path, Fault(status, headers={"location": "http://192.0.2.1/"}))
    assert not (tmp_path / "out" / "label" / "labels.parquet").exists()
