"""Quotas and waits that an endpoint tells of: all requests keep to them, and they come back a few at a time."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest
from asking import ask, prompt
from fake_endpoint import Body, Fault, answer, endpoint

from radprompter.backends.retrying import exhausted_s

REQUESTS, TOKENS = "x-ratelimit-remaining-requests", "x-ratelimit-remaining-tokens"
REQUESTS_RESET, TOKENS_RESET = "x-ratelimit-reset-requests", "x-ratelimit-reset-tokens"


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({REQUESTS: "1", REQUESTS_RESET: "6s"}, None),
        ({REQUESTS: "0", REQUESTS_RESET: "6s"}, 6.0),
        ({REQUESTS: "0", REQUESTS_RESET: "20ms"}, 0.02),
        ({REQUESTS: "0", REQUESTS_RESET: "1m0.5s"}, 60.0),
        ({REQUESTS: "0", REQUESTS_RESET: "0.5s"}, 0.5),
        ({REQUESTS: "0", REQUESTS_RESET: "6m0s"}, 60.0),
        ({TOKENS: "0", TOKENS_RESET: "12"}, 12.0),
        ({REQUESTS: "0", REQUESTS_RESET: "1s", TOKENS: "0", TOKENS_RESET: "3s"}, 3.0),
        ({REQUESTS: "0", REQUESTS_RESET: "1s", TOKENS: "5", TOKENS_RESET: "3s"}, 1.0),
        ({TOKENS: "-1", TOKENS_RESET: "0"}, None),
        ({REQUESTS: "0"}, 0.0),
        ({REQUESTS: "0", REQUESTS_RESET: "soon"}, 0.0),
        ({REQUESTS: "0", REQUESTS_RESET: "-5"}, 0.0),
        ({REQUESTS: "0", REQUESTS_RESET: "nan"}, 0.0),
        ({REQUESTS: "0", REQUESTS_RESET: "1e999"}, 60.0),
        ({REQUESTS: "0", REQUESTS_RESET: "9" * 100_000}, 60.0),
    ],
)
def test_a_quota_that_is_used_up_says_how_long_to_wait(headers: dict[str, str], seconds: float | None) -> None:
    assert exhausted_s(headers) == seconds


def test_all_requests_wait_once_an_answer_says_that_nothing_is_left(tmp_path: Path) -> None:
    spent = Fault(body=b'{"choices": [{"message": {"content": "{}"}}]}', headers={REQUESTS: "0", REQUESTS_RESET: "1s"})

    with endpoint(lambda n, body: spent if n == 0 else answer("{}")) as server:
        completions = ask(server, [prompt(str(one)) for one in range(20)], tmp_path, max_in_flight=1)
    assert {done.usage.attempts for done in completions.values()} == {1}
    assert server.times[1] - server.times[0] >= 0.95


@pytest.mark.parametrize("headers", [{"retry-after": "1"}, {REQUESTS: "0", REQUESTS_RESET: "1s"}])
def test_requests_that_were_told_to_wait_come_back_one_by_one_and_not_as_a_storm(
    headers: dict[str, str], tmp_path: Path
) -> None:
    crowd = 16
    all_here = threading.Barrier(crowd, timeout=30)

    def refuse_all_at_once(number: int, body: Body) -> Any:
        if number < crowd:
            all_here.wait()
            return Fault(429, headers=headers)
        return answer("{}")

    with endpoint(refuse_all_at_once) as server:
        completions = ask(server, [prompt(str(one)) for one in range(60)], tmp_path, max_in_flight=crowd)
    assert {done.failure for done in completions.values()} == {None}
    assert len(server.bodies) == 60 + crowd
    assert min(server.times[crowd:]) - max(server.times[:crowd]) >= 0.95
    for at_once, n_answered in server.crowd[crowd:]:
        assert at_once <= 1 + n_answered


def test_congestion_halts_no_request_that_another_server_error_would_not(tmp_path: Path) -> None:
    """A 500 says nothing of the pace: all places are taken again at once."""
    crowd = 8
    first, second = (threading.Barrier(crowd, timeout=30) for _ in range(2))

    def fail_all_at_once(number: int, body: Body) -> Any:
        if number < crowd:
            first.wait()
            return Fault(500)
        if number < 2 * crowd:
            second.wait()  # passed only where as many are under way as before
        return answer("{}")

    with endpoint(fail_all_at_once) as server:
        ask(server, [prompt(str(one)) for one in range(40)], tmp_path, max_in_flight=crowd)
    assert len(server.bodies) == 40 + crowd


@pytest.mark.parametrize("fault", [Fault(429), Fault(503), Fault(408), Fault(reset=True)])
def test_congestion_lowers_how_many_are_under_way(fault: Fault, tmp_path: Path) -> None:
    crowd = 8
    all_here = threading.Barrier(crowd, timeout=30)

    def refuse_all_at_once(number: int, body: Body) -> Any:
        if number < crowd:
            all_here.wait()
            return fault
        return answer("{}")

    with endpoint(refuse_all_at_once) as server:
        ask(server, [prompt(str(one)) for one in range(12)], tmp_path, max_in_flight=crowd)
    assert max(at_once for at_once, _ in server.crowd[crowd : crowd + 6]) <= 6


def test_one_that_waits_to_try_again_leaves_its_place_to_others(tmp_path: Path) -> None:
    settled = threading.Event()

    def behave(number: int, body: Body) -> Any:
        if body["messages"][-1]["content"] == "Report 0" and not settled.is_set():
            return Fault(500)
        if number >= 30:
            settled.set()
        return answer("{}")

    with endpoint(behave) as server:
        completions = ask(server, [prompt(str(one)) for one in range(60)], tmp_path, max_in_flight=4)
    assert {done.failure for done in completions.values()} == {None}
    assert server.most_at_once <= 4
