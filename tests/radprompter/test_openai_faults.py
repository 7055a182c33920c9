"""Faults of an endpoint: which pass, which fail one report, and which stop the run."""

from __future__ import annotations

import socket
import time
from email.utils import formatdate
from pathlib import Path
from typing import Any

import pytest
from asking import ask, ask_one, ask_until_stopped, prompt
from fake_endpoint import Behaviour, Fault, answer, endpoint
from small_region import small_region

from radprompter.backends import open_backend
from radprompter.errors import BackendError


def failing_first(*faults: Fault) -> Behaviour:
    return lambda number, body: faults[number] if number < len(faults) else answer("{}")


@pytest.mark.parametrize(
    ("response", "failure"),
    [
        (answer('{"a": 1', finish_reason="length"), "truncated"),
        (answer("", finish_reason="content_filter"), "filtered"),
        (answer(None, refusal="I cannot help with that."), "refused"),
        (answer(None), "empty"),
        (answer("  "), "empty"),
        (Fault(400, body=b'{"error": {"message": "maximum context length is 5", "code": 400}}'), "beyond_context"),
        (Fault(400, body=b'{"error": {"message": "x", "code": "content_filter"}}'), "filtered"),
        (
            Fault(400, body=b'{"error": {"message": "x", "code": "unsupported_parameter", "param": "max_tokens"}}'),
            "bad_request (unsupported_parameter max_tokens)",
        ),
        (Fault(422), "bad_request"),
    ],
)
def test_what_is_no_answer_is_a_failure_of_its_kind_and_not_tried_again(
    response: Any, failure: str, tmp_path: Path
) -> None:
    completion, server = ask_one(lambda n, body: response, tmp_path)
    assert completion.failure == failure
    assert len(server.bodies) == 1


def test_a_truncated_reply_is_kept_as_it_came(tmp_path: Path) -> None:
    completion, _ = ask_one(lambda n, body: answer('{"a": "pos', finish_reason="length"), tmp_path)
    assert (completion.replies, completion.finish_reason) == (('{"a": "pos',), "length")


@pytest.mark.parametrize(
    "fault",
    [
        Fault(500),
        Fault(503, body=b"<html>busy</html>", headers={"content-type": "text/html"}),
        Fault(408),
        Fault(409),
        Fault(429),
        Fault(reset=True),
        Fault(body=b"not json"),
        Fault(body=b"[]"),
        Fault(body=b'{"choices": []}'),
        Fault(body=b"plain", headers={"content-type": "text/plain"}),
    ],
)
def test_a_passing_fault_is_tried_again_and_gives_one_answer(fault: Fault, tmp_path: Path) -> None:
    completion, server = ask_one(failing_first(fault), tmp_path)
    assert (completion.failure, completion.answer, completion.usage.attempts) == (None, "{}", 2)
    assert len(server.bodies) == 2


def test_three_server_errors_then_an_answer_are_four_attempts(tmp_path: Path) -> None:
    completion, _ = ask_one(failing_first(Fault(500), Fault(502), Fault(503)), tmp_path)
    assert (completion.failure, completion.usage.attempts) == (None, 4)


@pytest.mark.parametrize(
    "headers",
    [{"retry-after": "1"}, {"retry-after-ms": "1000"}, {"retry-after": formatdate(time.time() + 3600, usegmt=True)}],
    ids=["seconds", "milliseconds", "date"],
)
def test_the_wait_that_the_endpoint_asks_for_is_kept(headers: dict[str, str], tmp_path: Path) -> None:
    if "GMT" in headers.get("retry-after", ""):
        headers = {"retry-after": formatdate(time.time() + 2, usegmt=True)}  # whole seconds: between 1 and 2 s
    _, server = ask_one(failing_first(Fault(429, headers=headers)), tmp_path)
    assert server.times[1] - server.times[0] >= 0.95


def test_all_requests_wait_when_one_was_told_to(tmp_path: Path) -> None:
    def busy_once(number: int, body: dict[str, Any]) -> Any:
        return Fault(429, headers={"retry-after": "1"}) if number == 0 else answer("{}")

    with endpoint(busy_once) as server:
        ask(server, [prompt(str(n)) for n in range(20)], tmp_path, max_in_flight=1)
        assert server.times[1] - server.times[0] >= 1
        assert len(server.bodies) == 21


def test_a_wait_beyond_the_deadline_is_not_begun(tmp_path: Path) -> None:
    fault = Fault(429, headers={"retry-after": "3600"})
    completion, server = ask_one(lambda n, body: fault, tmp_path, deadline_s=5)
    assert (completion.failure, len(server.bodies)) == ("rate_limited", 1)


def test_an_endpoint_that_stalls_past_the_deadline_is_a_timeout(tmp_path: Path) -> None:
    completion, _ = ask_one(lambda n, body: Fault(delay_s=1.0), tmp_path, deadline_s=0.3)
    assert completion.failure == "timeout"


def test_an_attempt_that_stalls_is_given_up_for_another(tmp_path: Path) -> None:
    completion, _ = ask_one(failing_first(Fault(delay_s=60)), tmp_path, request_timeout_s=4)
    assert (completion.failure, completion.usage.attempts) == (None, 2)


def test_a_fault_that_does_not_pass_ends_after_the_allowed_attempts(tmp_path: Path) -> None:
    completion, server = ask_one(lambda n, body: Fault(500), tmp_path, max_retries=2)
    assert (completion.failure, completion.usage.attempts, len(server.bodies)) == ("server_error", 3, 3)


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        (Fault(401), r"refuses the key \(401\)"),
        (Fault(403), r"refuses the key \(403\)"),
        (Fault(404), "does not know this model"),
        (Fault(307, headers={"location": "http://192.0.2.1/v1/chat/completions"}), r"redirects \(307\)"),
    ],
)
def test_what_every_request_would_meet_stops_the_run_without_showing_the_key(
    fault: Fault, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TEST_KEY", "sk-secret")
    with endpoint(lambda n, body: fault) as server:
        with pytest.raises(BackendError, match=message) as caught:
            ask(server, [prompt(str(n)) for n in range(50)], tmp_path, api_key_env="TEST_KEY", max_in_flight=2)
        assert len(server.bodies) <= 3
        assert server.keys[0] == "Bearer sk-secret"
    shown = f"{caught.getrepr(chain=True)}"
    assert "sk-secret" not in str(caught.value)
    assert "Bearer sk-secret" not in shown


def test_answers_that_came_before_the_stop_are_handed_over(tmp_path: Path) -> None:
    def behave(number: int, body: dict[str, Any]) -> Any:
        return Fault(401) if body["messages"][-1]["content"] == "Report 5" else answer("{}")

    with endpoint(behave) as server:
        got = ask_until_stopped(server, [prompt(str(n)) for n in range(9)], tmp_path, max_in_flight=1)
    assert [completion.report_id for completion in got] == ["0", "1", "2", "3", "4"]


def test_a_server_that_is_not_running_stops_the_run_with_one_clear_message(tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}/v1"
    backend = open_backend({"name": "openai", "model": "m", "base_url": url}, small_region(tmp_path))
    with pytest.raises(BackendError, match=r"gives no answer .* is the server running\?"):
        list(backend.complete([prompt("a"), prompt("b")]))


def test_a_server_that_dies_halfway_stops_the_run_instead_of_failing_every_report(tmp_path: Path) -> None:
    prompts = [prompt(str(n)) for n in range(100)]
    with endpoint(lambda n, body: answer("{}") if n < 10 else Fault(500)) as server:
        got = ask_until_stopped(server, prompts, tmp_path, max_in_flight=4, max_retries=0)
    assert [completion.failure for completion in got].count(None) == 10
    assert len(got) < 30


def test_a_run_that_is_given_up_early_leaves_nothing_open(tmp_path: Path) -> None:
    with endpoint(lambda n, body: answer("{}")) as server:
        settings = {"name": "openai", "model": "m", "base_url": server.url, "max_in_flight": 4}
        completions = open_backend(settings, small_region(tmp_path)).complete(prompt(str(n)) for n in range(100))
        next(iter(completions))
        completions.close()  # type: ignore[attr-defined]
        assert len(server.bodies) < 20
