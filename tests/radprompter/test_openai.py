"""The `openai` backend against a real server on this machine: answers, faults, and what never leaves."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest
from asking import SCHEMA, ask, ask_one, prompt
from fake_endpoint import answer, endpoint
from small_region import small_region

from radprompter.backends import open_backend
from radprompter.errors import RecipeError
from radprompter.records import Message, Turn


def test_an_answer_comes_with_its_tokens_model_and_thinking(tmp_path: Path) -> None:
    completion, _ = ask_one(lambda n, body: answer('{"a": 1}', reasoning="because"), tmp_path)
    assert completion.replies == ('{"a": 1}',)
    assert (completion.failure, completion.model, completion.reasoning) == (None, "fake-1", "because")
    usage = completion.usage
    assert (usage.prompt_tokens, usage.completion_tokens, usage.cached_tokens, usage.attempts) == (10, 5, 4, 1)


def test_the_older_name_of_thinking_is_understood(tmp_path: Path) -> None:
    completion, _ = ask_one(lambda n, body: answer("{}", reasoning_content="hm"), tmp_path)
    assert (completion.reasoning, completion.answer) == ("hm", "{}")


def test_a_request_carries_what_the_recipe_says_and_nothing_else(tmp_path: Path) -> None:
    extra = {"top_p": 0.5}
    _, server = ask_one(lambda n, body: answer("{}"), tmp_path, seed=3, extra_body=extra)
    assert server.bodies == [
        {
            "model": "m",
            "messages": [{"role": "system", "content": "Read."}, {"role": "user", "content": "Report a"}],
            "max_tokens": 50,
            "temperature": 0.0,
            "seed": 3,
            "response_format": {
                "type": "json_schema",
                "json_schema": {"name": "labels", "schema": SCHEMA, "strict": True},
            },
            "top_p": 0.5,
        }
    ]


def test_capabilities_are_switched_by_flags(tmp_path: Path) -> None:
    settings = {"structured": False, "temperature": None, "max_tokens_field": "max_completion_tokens"}
    _, server = ask_one(lambda n, body: answer("{}"), tmp_path, **settings)
    assert set(server.bodies[0]) == {"model", "messages", "max_completion_tokens"}


def test_turns_run_in_order_and_each_reply_becomes_part_of_the_conversation(tmp_path: Path) -> None:
    turns = (Turn((Message("user", "think"),), 20), Turn((Message("user", "answer"),), 10, SCHEMA))
    with endpoint(lambda n, body: answer(f"reply {n}")) as server:
        completion = ask(server, [prompt("a", *turns)], tmp_path)["a"]
    assert completion.replies == ("reply 0", "reply 1")
    assert completion.usage.prompt_tokens == 20
    assert [m["content"] for m in server.bodies[1]["messages"]] == ["think", "reply 0", "answer"]
    assert [m["role"] for m in server.bodies[1]["messages"]] == ["user", "assistant", "user"]
    assert ["response_format" in body for body in server.bodies] == [False, True]


def test_many_prompts_are_each_answered_once_with_no_more_in_flight_than_allowed(tmp_path: Path) -> None:
    def echo(number: int, body: dict[str, Any]) -> dict[str, Any]:
        time.sleep(0.005)
        return answer(body["messages"][-1]["content"])

    with endpoint(echo) as server:
        completions = ask(server, [prompt(str(n)) for n in range(60)], tmp_path, max_in_flight=7)
    assert all(c.answer == f"Report {report_id}" for report_id, c in completions.items())
    assert server.most_at_once <= 7
    assert set(server.asked().values()) == {1}


@pytest.mark.parametrize(
    "url",
    [
        "https://api.openai.com/v1",
        "http://example.org:8000/v1",
        "http://192.0.2.7/v1",
        "http://10.255.254.253/v1",
        "http://localhost.example.org/v1",
        "http://127.0.0.1.example.org/v1",
        "http://[2001:db8::1]/v1",
    ],
)
def test_an_endpoint_elsewhere_is_refused_unless_the_recipe_allows_it(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret")
    settings = {"name": "openai", "model": "m", "base_url": url}
    with pytest.raises(RecipeError, match="not on this machine"):
        open_backend(settings, small_region(tmp_path))
    open_backend({**settings, "remote": "allow"}, small_region(tmp_path)).close()


def test_the_hosted_endpoint_is_the_default_and_so_refused(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match=r"api\.openai\.com is not on this machine"):
        open_backend({"name": "openai", "model": "gpt-4o"}, small_region(tmp_path))


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "127.9.9.9", "[::1]", "LOCALHOST."])
def test_addresses_of_this_machine_need_no_permission_and_no_key(
    host: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    open_backend({"name": "openai", "model": "m", "base_url": f"http://{host}:1/v1"}, small_region(tmp_path)).close()


def test_an_endpoint_elsewhere_needs_a_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SOME_KEY", raising=False)
    with pytest.raises(RecipeError, match="environment variable SOME_KEY"):
        open_backend(
            {"name": "openai", "model": "m", "remote": "allow", "api_key_env": "SOME_KEY"}, small_region(tmp_path)
        )


@pytest.mark.parametrize(
    "url", ["ftp://localhost/", "localhost:8000", "http://user:sk-x@localhost/v1", "http://h/?k=1"]
)
def test_an_address_that_is_none_or_carries_a_key_is_refused_without_showing_it(url: str, tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="base_url") as caught:
        open_backend({"name": "openai", "model": "m", "base_url": url}, small_region(tmp_path))
    assert "sk-x" not in str(caught.value)


def test_a_proxy_of_the_environment_is_not_used_for_this_machine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://192.0.2.1:9")
    monkeypatch.setenv("ALL_PROXY", "http://192.0.2.1:9")
    assert ask_one(lambda n, body: answer("{}"), tmp_path)[0].failure is None


def test_the_identity_has_what_changes_answers_and_never_the_key(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret")
    base = {"name": "openai", "model": "m", "base_url": "http://localhost:1/v1"}
    region = small_region(tmp_path)

    def identity(**settings: Any) -> str:
        return json.dumps(open_backend({**base, **settings}, region).identity, sort_keys=True)

    assert identity() == identity(max_in_flight=3, max_retries=1)
    assert (
        len({identity(), identity(model="n"), identity(seed=1), identity(temperature=1), identity(structured=False)})
        == 5
    )
    assert "sk-secret" not in identity()
