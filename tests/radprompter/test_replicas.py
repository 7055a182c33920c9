"""Several addresses that serve one model: shared work, deaths and returns, and what stays the same."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest
from asking import SCHEMA, ask, ask_until_stopped, prompt
from fake_endpoint import Behaviour, Body, Endpoint, Fault, answer, endpoint
from obedient import obey
from small_region import small_region

from radprompter.backends import open_backend
from radprompter.backends.endpoint import goes_elsewhere
from radprompter.backends.proof import UNANSWERED
from radprompter.errors import BackendError, RecipeError
from radprompter.journal import journal_key
from radprompter.records import Message, Turn

FAR = "https://llm.example.org/v1"


def echo(number: int, body: Body) -> Body:
    return answer(body["messages"][-1]["content"])


def prompts(number: int) -> list[Any]:
    return [prompt(str(one)) for one in range(number)]


@contextmanager
def endpoints(*behaviours: Behaviour, **settings: Any) -> Iterator[list[Endpoint]]:
    with ExitStack() as stack:
        yield [stack.enter_context(endpoint(behave, **settings)) for behave in behaviours]


@pytest.fixture
def dead_url() -> str:
    """An address where nothing listens."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{free.getsockname()[1]}/v1"


def test_the_work_is_shared_and_each_report_is_asked_once(tmp_path: Path) -> None:
    meeting = threading.Barrier(4, timeout=30)  # passed only where both are asked at the same time

    def wait(number: int, body: Body) -> Body:
        if number < 2:
            meeting.wait()
        return echo(number, body)

    with endpoints(wait, wait) as (one, two):
        completions = ask(one, prompts(40), tmp_path, replicas=[two.url], max_in_flight=2)
    assert all(done.answer == f"Report {name}" for name, done in completions.items())
    assert one.bodies and two.bodies
    assert sorted((one.asked() + two.asked()).values()) == [1] * 40
    assert max(one.most_at_once, two.most_at_once) <= 2


def test_an_address_that_was_never_there_is_done_without(dead_url: str, tmp_path: Path) -> None:
    with endpoint(echo) as server:
        completions = ask(server, prompts(30), tmp_path, replicas=[dead_url], max_in_flight=4)
    assert {done.failure for done in completions.values()} == {None}


def test_the_first_address_may_be_the_one_that_is_not_there(dead_url: str, tmp_path: Path) -> None:
    with endpoint(echo) as server:
        settings = {"name": "openai", "model": "m", "base_url": dead_url, "replicas": [server.url]}
        completions = list(open_backend(settings, small_region(tmp_path)).complete(prompts(30)))
    assert {done.failure for done in completions} == {None}
    assert len(completions) == 30


def test_an_address_that_dies_halfway_loses_no_report(tmp_path: Path) -> None:
    def die(number: int, body: Body) -> Body | Fault:
        return Fault(reset=True) if number >= 5 else echo(number, body)

    with endpoints(echo, die) as (well, dying):
        completions = ask(well, prompts(60), tmp_path, replicas=[dying.url], max_in_flight=4)
    assert {done.failure for done in completions.values()} == {None}
    assert len(dying.bodies) < 30


def test_an_address_that_comes_back_is_asked_again(tmp_path: Path) -> None:
    back = threading.Event()

    def falter(number: int, body: Body) -> Body | Fault:
        if number < 4:
            return Fault(reset=True)
        back.set()
        return echo(number, body)

    def slow(number: int, body: Body) -> Body:
        assert number < 4 or back.wait(30)  # the run cannot end before the other is back
        return echo(number, body)

    with endpoints(slow, falter) as (well, faltering):
        completions = ask(well, prompts(40), tmp_path, replicas=[faltering.url], max_in_flight=2)
    assert {done.failure for done in completions.values()} == {None}
    assert len(faltering.bodies) > 4


def test_the_run_stops_only_when_no_address_answers(dead_url: str, tmp_path: Path) -> None:
    def end(number: int, body: Body) -> Body | Fault:
        return Fault(500) if number >= 5 else echo(number, body)

    with endpoints(end, end) as (one, two):
        got = ask_until_stopped(one, prompts(60), tmp_path, replicas=[two.url, dead_url], max_retries=1)
    assert [done.failure for done in got].count(None) == 10


def test_a_run_without_any_address_that_answers_names_them_all(dead_url: str, tmp_path: Path) -> None:
    other = dead_url.replace("127.0.0.1", "127.0.0.2")
    settings = {"name": "openai", "model": "m", "base_url": dead_url, "replicas": [other]}
    with pytest.raises(BackendError, match=r"127\.0\.0\.1:\d+, 127\.0\.0\.2:\d+ gives no answer"):
        list(open_backend(settings, small_region(tmp_path)).complete(prompts(3)))


def test_a_key_that_one_address_refuses_stops_the_run(tmp_path: Path) -> None:
    with endpoints(echo, lambda n, body: Fault(401)) as (one, two):
        settings = {"name": "openai", "model": "m", "base_url": one.url, "replicas": [two.url]}
        with pytest.raises(BackendError, match="refuses the key"):
            list(open_backend(settings, small_region(tmp_path)).complete(prompts(50)))


def test_more_addresses_leave_the_keys_of_stored_answers_as_they_were(tmp_path: Path) -> None:
    def key(**settings: Any) -> str:
        settings = {"name": "openai", "model": "m", "base_url": "http://localhost:1/v1", **settings}
        backend = open_backend(settings, small_region(tmp_path))
        return journal_key({"backend": backend.name, **backend.identity}, "f")

    assert key() == key(replicas=["http://localhost:2/v1"]) == key(replicas=["http://localhost:2/v1"] * 2)
    assert key() != key(base_url="http://localhost:2/v1")


def test_every_address_must_be_allowed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-x")
    near = {"name": "openai", "model": "m", "base_url": "http://localhost:1/v1"}
    region = small_region(tmp_path)
    with pytest.raises(RecipeError, match=r"replicas: llm\.example\.org is not on this machine"):
        open_backend({**near, "replicas": [FAR]}, region)
    with pytest.raises(RecipeError, match="replicas: expected an address"):
        open_backend({**near, "replicas": ["localhost:8000"]}, region)
    with pytest.raises(RecipeError, match="replicas: one is not on this machine while base_url is; swap them"):
        open_backend({**near, "replicas": [FAR], "remote": "allow"}, region)
    swapped = open_backend({**near, "base_url": FAR, "replicas": [near["base_url"]], "remote": "allow"}, region)
    assert goes_elsewhere(swapped.identity)


CONSTRAINED = Turn((Message("user", "x"),), 100, SCHEMA)


def prove(tmp_path: Path, *urls: str) -> dict[str, Any]:
    settings = {"name": "openai", "model": "m", "base_url": urls[0], "replicas": urls[1:], "max_retries": 0}
    return dict(open_backend(settings, small_region(tmp_path)).prove([CONSTRAINED]))


def test_each_address_proves_what_is_needed(tmp_path: Path) -> None:
    with endpoints(*[lambda n, body: obey(body)] * 2, honest=False) as (one, two):
        proven = prove(tmp_path, one.url, two.url)
    assert (len(one.bodies), len(two.bodies)) == (2, 2)
    assert proven["proven"]["constraint"] == "response_format"
    assert proven["addresses"] == {"asked": 2, "answered": 2}


def test_one_address_that_does_not_obey_is_enough_to_refuse(tmp_path: Path) -> None:
    with endpoints(lambda n, body: obey(body), lambda n, body: answer("White."), honest=False) as (one, two):
        with pytest.raises(BackendError, match="ignores the JSON schema") as caught:
            prove(tmp_path, one.url, two.url)
        assert two.root.removeprefix("http://") in str(caught.value)


def test_an_address_that_is_not_there_yet_is_left_to_the_run(dead_url: str, tmp_path: Path) -> None:
    with endpoint(lambda n, body: obey(body), honest=False) as server:
        assert prove(tmp_path, dead_url, server.url)["addresses"] == {"asked": 2, "answered": 1}
    with pytest.raises(BackendError) as caught:
        prove(tmp_path, dead_url, dead_url.replace("127.0.0.1", "127.0.0.2"))
    assert caught.value.kind in UNANSWERED


def test_batches_go_to_one_address(tmp_path: Path) -> None:
    batch = {"name": "openai-batch", "model": "m", "base_url": "http://localhost:1/v1"}
    for settings in ({"replicas": ["http://localhost:2/v1"]}, {"azure": {"api_version": "2024-10-21"}}):
        with pytest.raises(RecipeError, match="batches go to one base_url"):
            open_backend({**batch, **settings}, small_region(tmp_path))
