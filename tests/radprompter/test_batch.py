"""Batches at a hosted endpoint: submit, end, fetch; nothing twice, and every way a request can come to nothing."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from fake_batches import Line, Store, always, batch_endpoint, done, failed
from label_study import ANSWER, study, write_recipe, write_reports
from obedient import answer

from radprompter.backends.request import OpenAIOptions, request_body
from radprompter.errors import AwaitingError, BackendError
from radprompter.recipe import load_recipe
from radprompter.run import LabelRun, label_reports

TEXTS = {f"r{number}": f"There is a fracture. Number {number}." for number in range(5)}


def backend(url: str, **settings: Any) -> dict[str, Any]:
    return {"name": "openai-batch", "model": "m", "base_url": url, "max_retries": 0, **settings}


def label(folder: Path, url: str, texts: dict[str, str] = TEXTS, *, label: Any = None, **settings: Any) -> LabelRun:
    return label_reports(study(folder, backend(url, **settings), texts, **(label or {})))


def submit(folder: Path, url: str, n_requests: int = len(TEXTS), **settings: Any) -> None:
    with pytest.raises(AwaitingError) as awaiting:
        label(folder, url, **settings)
    assert awaiting.value.n_requests == n_requests


def n_sent(store: Store) -> int:
    return sum(line.startswith("POST /v1/batches") for line in store.log)


def question(request: Line) -> str:
    return str(request["body"]["messages"][-1]["content"])


def test_a_run_submits_and_ends_and_the_next_fetches_and_writes_the_table(tmp_path: Path) -> None:
    with batch_endpoint(always(ANSWER)) as (url, store):
        submit(tmp_path, url)
        submit(tmp_path, url)
        assert n_sent(store) == 1
        store.finish()
        run = label(tmp_path, url)
        assert run.summary["states"]["positive"] == 5
        assert run.summary["n_failed"] == 0
        assert run.summary["requests"] == {"asked": 5, "from_journal": 0}
        assert label(tmp_path, url).summary["up_to_date"]
        assert n_sent(store) == 1


def test_the_command_line_ends_well_while_answers_are_awaited_and_another_process_fetches(tmp_path: Path) -> None:
    with batch_endpoint(always(ANSWER)) as (url, store):
        write_reports(tmp_path / "reports.csv", TEXTS)
        recipe = write_recipe(tmp_path, backend(url))
        command = [sys.executable, "-m", "radprompter.cli.app", "label", str(recipe)]
        command[1:3] = ["-c", "from radprompter.cli.app import main; main()"]
        first = subprocess.run(command, capture_output=True, text=True, check=False)
        assert first.returncode == 0, first.stderr
        assert "5 answers are awaited" in first.stdout and "run the same command again" in first.stdout
        as_json = subprocess.run([*command, "--json"], capture_output=True, text=True, check=False)
        assert json.loads(as_json.stdout)["awaited"] == 5
        store.finish()
        last = subprocess.run(command, capture_output=True, text=True, check=False)
        assert last.returncode == 0, last.stderr
        assert (tmp_path / "out" / "label" / "labels.csv").read_text().count("\n") == 6
        assert n_sent(store) == 1


def test_a_request_is_what_the_openai_backend_would_send(tmp_path: Path) -> None:
    with batch_endpoint(always(ANSWER)) as (url, store):
        submit(tmp_path, url, seed=3, extra_body={"top_p": 0.5})
        (remote,) = store.batches.values()
        for request in store.requests(remote):
            assert (request["method"], request["url"]) == ("POST", "/v1/chat/completions")
            assert {"temperature": 0.0, "seed": 3, "top_p": 0.5}.items() <= request["body"].items()
            assert request["body"]["response_format"]["json_schema"]["strict"] is True
            assert not any(report_id in request["custom_id"] for report_id in TEXTS)
        assert request_body(OpenAIOptions(model="m"), _turn())["max_tokens"] == 9


def _turn() -> Any:
    from radprompter.records import Message, Turn

    return Turn((Message("user", "x"),), 9)


def test_requests_are_split_at_the_limits_of_lines_and_size(tmp_path: Path) -> None:
    for name in ("lines", "size"):
        (tmp_path / name).mkdir()
    with batch_endpoint(always(ANSWER), at_once=True) as (url, store):
        label(tmp_path / "lines", url, batch={"max_lines": 2, "wait_s": 20, "delete_files": False})
        sizes = [len(store.requests(remote)) for remote in store.batches.values()]
        assert sizes == [2, 2, 1]
        store.batches.clear()
        most = 2.5 * len(store.files["file-0"][1]) / 2 / 2**20
        label(tmp_path / "size", url, batch={"max_mib": most, "wait_s": 20, "delete_files": False})
        assert [len(store.requests(remote)) for remote in store.batches.values()] == [2, 2, 1]


@pytest.mark.parametrize("lost", ["POST /v1/files", "POST /v1/batches"])
def test_nothing_is_submitted_twice_when_the_run_dies_before_it_learns_that_it_was(tmp_path: Path, lost: str) -> None:
    with batch_endpoint(always(ANSWER)) as (url, store):
        store.lose_next = lost
        with pytest.raises(BackendError, match="run the same command again") as error:
            label(tmp_path, url)
        assert error.value.retryable
        submit(tmp_path, url)
        assert len(store.batches) == 1
        assert len(store.files) == 1
        store.finish()
        assert label(tmp_path, url).summary["n_failed"] == 0


@pytest.mark.parametrize("refused", ["POST /v1/files", "POST /v1/batches", "GET /v1/batches"])
def test_a_run_that_died_before_it_submitted_goes_on_with_what_it_wrote(tmp_path: Path, refused: str) -> None:
    with batch_endpoint(always(ANSWER)) as (url, store):
        store.refuse_next = refused
        with pytest.raises(BackendError, match="try again later") as error:
            label(tmp_path, url)
        assert "fracture" not in str(error.value)
        state = json.loads((tmp_path / "out" / "label" / "batches" / "state.json").read_text())
        assert state["batches"][0]["stage"] == "written"
        submit(tmp_path, url)
        assert (len(store.files), len(store.batches)) == (1, 1)


FAILURES = {
    "expired line": (lambda r: failed(r, "batch_expired"), "completed", "expired"),
    "too long": (lambda r: failed(r, "context_length_exceeded", 400), "completed", "beyond_context"),
    "rate limit": (lambda r: failed(r, "x", 429), "completed", "rate_limited"),
    "server error": (lambda r: failed(r, "x", 500), "completed", "server_error"),
    "refused": (lambda r: failed(r, "invalid_value", 400), "completed", "bad_request (invalid_value)"),
    "no line": (lambda r: None, "completed", "missing"),
    "no line, expired": (lambda r: None, "expired", "expired"),
    "no line, cancelled": (lambda r: None, "cancelled", "cancelled"),
    "no completion": (lambda r: done(r, {"choices": []}), "completed", "bad_response"),
    "cut off": (lambda r: done(r, answer('{"fra', finish_reason="length")), "completed", "truncated"),
    "filtered": (lambda r: done(r, answer("", finish_reason="content_filter")), "completed", "filtered"),
}


@pytest.mark.parametrize(("line", "status", "kind"), FAILURES.values(), ids=FAILURES)
def test_a_request_that_came_to_nothing_fails_alone_and_is_asked_again_by_the_next_run(
    tmp_path: Path, line: Any, status: str, kind: str
) -> None:
    with batch_endpoint(lambda r: line(r) if "Number 3" in question(r) else done(r, answer(ANSWER))) as (url, store):
        no_follow_up = {"label": {"reasks": 0}}
        submit(tmp_path, url, **no_follow_up)
        store.finish(status)
        run = label(tmp_path, url, **no_follow_up)
        assert run.summary["failures"] == {kind: 1}
        assert run.summary["states"]["positive"] == 4
        store.answering = always(ANSWER)
        submit(tmp_path, url, n_requests=1, **no_follow_up)
        store.finish()
        again = label(tmp_path, url, **no_follow_up)
        assert again.summary["n_failed"] == 0
        assert again.summary["requests"] == {"asked": 1, "from_journal": 4}
        assert n_sent(store) == 2


def test_a_failure_is_not_asked_again_while_another_batch_is_awaited(tmp_path: Path) -> None:
    def answering(request: Line) -> Line | None:
        return failed(request, "x", 500) if "Number 0" in question(request) else done(request, answer(ANSWER))

    with batch_endpoint(answering) as (url, store):
        submit(tmp_path, url, batch={"max_lines": 1})
        waiting = list(store.batches.values())[1:]
        for remote in waiting:
            remote.status = "validating"
        store.finish()
        submit(tmp_path, url, n_requests=4, batch={"max_lines": 1})
        submit(tmp_path, url, n_requests=4, batch={"max_lines": 1})
        assert n_sent(store) == 5


def test_a_batch_that_is_refused_as_a_whole_stops_the_run_and_is_submitted_anew(tmp_path: Path) -> None:
    with batch_endpoint(always(ANSWER)) as (url, store):
        submit(tmp_path, url)
        (remote,) = store.batches.values()
        error = {"code": "token_limit_exceeded", "message": "There is a fracture.", "line": None, "param": None}
        remote.status, remote.errors = "failed", {"object": "list", "data": [error]}
        with pytest.raises(BackendError, match="token_limit_exceeded") as raised:
            label(tmp_path, url)
        assert "There is a fracture" not in str(raised.value)
        submit(tmp_path, url)
        store.finish()
        assert label(tmp_path, url).summary["n_failed"] == 0


def test_reasoning_in_a_turn_of_its_own_makes_a_batch_a_turn(tmp_path: Path) -> None:
    def answering(request: Line) -> Line:
        has_schema = "response_format" in request["body"]
        return done(request, answer(ANSWER if has_schema else f"Thought about {question(request)[-3:]}"))

    two_turns = {"label": {"strategy": "chain_of_thought"}}
    with batch_endpoint(answering) as (url, store):
        submit(tmp_path, url, **two_turns)
        store.finish()
        submit(tmp_path, url, **two_turns)
        last = list(store.batches.values())[-1]
        assert all("Thought about" in r["body"]["messages"][-2]["content"] for r in store.requests(last))
        store.finish()
        run = label(tmp_path, url, **two_turns)
        assert run.summary["states"]["positive"] == 5
        assert len(store.batches) == 2


def test_what_follows_an_answer_is_awaited_too(tmp_path: Path) -> None:
    def answering(request: Line) -> Line:
        first = len(request["body"]["messages"]) <= 2
        return done(request, answer(ANSWER if not first or "Number 1" not in question(request) else '{"fracture": 7}'))

    with batch_endpoint(answering) as (url, store):
        submit(tmp_path, url)
        store.finish()
        submit(tmp_path, url, n_requests=1)
        store.finish()
        run = label(tmp_path, url)
        assert run.summary["follow_ups"] == {"again": 1}
        assert run.summary["n_failed"] == 0
        assert run.summary["requests"]["from_journal"] == 5


def test_samples_of_one_question_are_requests_of_their_own(tmp_path: Path) -> None:
    with batch_endpoint(always(ANSWER), at_once=True) as (url, store):
        label(tmp_path, url, temperature=0.7, label={"samples": 3}, batch={"wait_s": 20, "delete_files": False})
        (remote,) = store.batches.values()
        assert len({request["custom_id"] for request in store.requests(remote)}) == 15


def test_nothing_of_the_reports_is_left_at_the_endpoint_or_in_the_request_files(tmp_path: Path) -> None:
    with batch_endpoint(always(ANSWER)) as (url, store):
        submit(tmp_path, url)
        store.finish()
        label(tmp_path, url)
        assert store.files == {}
        names = sorted(path.suffixes[0] for path in (tmp_path / "out" / "label" / "batches").iterdir())
        assert names == [".answers", ".json"]


def test_an_endpoint_is_proven_once_and_not_whenever_the_state_is_asked(tmp_path: Path) -> None:
    with batch_endpoint(always(ANSWER)) as (url, store):
        submit(tmp_path, url)
        n_chats = store.n_chats
        assert n_chats
        submit(tmp_path, url)
        store.finish()
        label(tmp_path, url)
        assert store.n_chats == n_chats


def test_reports_do_not_leave_this_machine_unless_the_recipe_says_so(tmp_path: Path) -> None:
    settings = study(tmp_path, {"name": "openai-batch", "model": "m"}, TEXTS)
    with pytest.raises(Exception, match="remote: allow"):
        label_reports(settings)
    assert not (tmp_path / "out" / "label" / "batches").exists()


def test_files_are_only_written_and_read_where_a_program_on_this_machine_answers_them(tmp_path: Path) -> None:
    settings = {"name": "openai-batch", "model": "m", "batch": {"runner": "files"}}
    recipe = load_recipe(write_recipe(tmp_path, settings))
    write_reports(tmp_path / "reports.csv", TEXTS)
    with pytest.raises(AwaitingError, match="vllm run-batch --model m -i"):
        label_reports(recipe)
    folder = tmp_path / "out" / "label" / "batches"
    (requests,) = folder.glob("*.requests.jsonl")
    rows = [json.loads(line) for line in requests.read_text().splitlines()]
    output = requests.with_name(requests.name.replace("requests", "output"))
    output.write_text("\n".join(json.dumps(done(row, answer(ANSWER))) for row in reversed(rows)) + "\n{torn")
    assert label_reports(recipe).summary["states"]["positive"] == 5
    assert not requests.exists()
