"""The canary, prefill, stop texts and roles against a real vLLM server, whose model of random weights knows nothing."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from small_region import small_region
from tiny_model import CHAT_TEMPLATE, MODEL, VOCABULARY

from radprompter.backends import open_backend
from radprompter.errors import BackendError
from radprompter.records import Completion, Message, Prompt, Report, Turn

pytestmark = [pytest.mark.vllm, pytest.mark.slow]

MESSAGES = (Message("system", "Be brief."), Message("user", "Is there a fracture?"))
SCHEMA = {
    "type": "object",
    "properties": {"answer": {"type": "string", "enum": ["yes", "no"]}},
    "required": ["answer"],
    "additionalProperties": False,
}
FREE = Turn(MESSAGES, 24)
CONSTRAINED = replace(FREE, json_schema=SCHEMA)
READ_OUT = Turn(MESSAGES, 1, top_logprobs=20)
LED = replace(FREE, prefill="There is a", stop=("7",))

VARIED = {"temperature": 1.0, "seed": 1}
"""At temperature 0 a random model says one word again and again."""

NO_SYSTEM = (
    "{% if messages[0]['role'] == 'system' %}{{ raise_exception('System role not supported') }}{% endif %}"
    + CHAT_TEMPLATE
)
"""What Gemma's chat template does."""

NO_PREFILL = CHAT_TEMPLATE.replace("{{ message['content'] }}", "{{ message['content'] | upper }}")


def backend(server: str, tmp_path: Path, **settings: Any) -> Any:
    settings = {"name": "openai", "model": MODEL, "base_url": server, **settings}
    return open_backend(settings, small_region(tmp_path))


def proven(server: str, tmp_path: Path, turn: Turn, **settings: Any) -> Mapping[str, Any]:
    result: Mapping[str, Any] = backend(server, tmp_path, **settings).prove([turn])
    assert (result["model"], result["tokens"]["prompt"] > 0) == (MODEL, True)
    return result["proven"]  # type: ignore[no-any-return]


def complete(server: str, tmp_path: Path, *turns: Turn, **settings: Any) -> Completion:
    (completion,) = backend(server, tmp_path, **settings).complete([Prompt(Report("a", {"report": "x"}), turns)])
    return completion  # type: ignore[no-any-return]


def go_on(server: str, text: str, max_tokens: int, **settings: Any) -> str:
    """What the model says after a text, without any chat template."""
    body = {"model": MODEL, "prompt": text, "max_tokens": max_tokens, "temperature": 0, **settings}
    headers = {"content-type": "application/json"}
    request = urllib.request.Request(f"{server}/completions", json.dumps(body).encode(), headers)
    with urllib.request.urlopen(request) as response:
        said: str = json.load(response)["choices"][0]["text"]
    return said


def written(*messages: tuple[str, str]) -> str:
    return "".join(f"<|start|>{role}\n{content}<|end|>\n" for role, content in messages)


BEGUN = written(("system", "Be brief."), ("user", "Is there a fracture?"))


@pytest.mark.parametrize("way", ["response_format", "structured_outputs"])
def test_a_real_server_is_proven_to_constrain(way: str, server: str, tmp_path: Path) -> None:
    shown = proven(server, tmp_path, CONSTRAINED, structured=way)
    assert shown == {"constraint": way, "thinking": False, "schema": "accepted", "system": "accepted"}


def test_a_field_that_a_real_server_ignores_constrains_nothing_and_is_found_out(server: str, tmp_path: Path) -> None:
    old_name = {"guided_json": SCHEMA}
    reply = complete(server, tmp_path, CONSTRAINED, structured="none", extra_body=old_name).answer
    assert not reply.startswith("{")
    ignoring = {"response_format": {"type": "text"}, **old_name}
    with pytest.raises(BackendError, match=r"ignores the JSON schema .*structured: structured_outputs, which it obeys"):
        proven(server, tmp_path, CONSTRAINED, extra_body=ignoring)


def test_the_probabilities_of_a_real_server_are_proven_to_be_the_models_own(server: str, tmp_path: Path) -> None:
    shown = proven(server, tmp_path, READ_OUT)
    assert shown["logprobs"]["listed"] == 20
    assert 0 < shown["logprobs"]["mass"] < 0.5
    shown = proven(server, tmp_path, READ_OUT, extra_body={"top_logprobs": VOCABULARY})
    assert shown["logprobs"] == {"listed": VOCABULARY, "mass": pytest.approx(1, abs=1e-4)}
    assert list(shown["letters"]) == ["A", "B", "C", "D"]


def test_a_grammar_before_the_probabilities_of_a_real_server_is_found_out(server: str, tmp_path: Path) -> None:
    with pytest.raises(BackendError, match="rules out tokens before it gives their log-probabilities"):
        proven(server, tmp_path, READ_OUT, extra_body={"structured_outputs": {"choice": ["A", "B"]}})


def test_more_probabilities_than_a_real_server_gives_are_found_out(server: str, tmp_path: Path) -> None:
    with pytest.raises(BackendError, match=r"refuses what .* set label\.backend\.extra_body\.top_logprobs: 20$"):
        proven(server, tmp_path, replace(READ_OUT, top_logprobs=VOCABULARY + 1))


def test_thinking_that_a_constraint_leaves_no_room_for_is_found_out(server: str, tmp_path: Path) -> None:
    switch = {"chat_template_kwargs": {"enable_thinking": True}}
    with pytest.raises(BackendError, match="vLLM needs --reasoning-parser to let thinking come first"):
        proven(server, tmp_path, CONSTRAINED, extra_body=switch)
    assert proven(server, tmp_path, CONSTRAINED, extra_body={"chat_template_kwargs": {"enable_thinking": False}})


def test_a_chat_template_without_a_system_role_is_found_out_and_works_with_the_named_setting(
    server: str, tmp_path: Path
) -> None:
    settings = {"extra_body": {"chat_template": NO_SYSTEM}}
    assert complete(server, tmp_path, FREE, **settings).failure == "bad_request"
    with pytest.raises(BackendError, match=r"\(bad_request\) but takes it otherwise: set .*system_role: false"):
        proven(server, tmp_path, CONSTRAINED, **settings)
    shown = proven(server, tmp_path, CONSTRAINED, system_role=False, **settings)
    assert (shown["constraint"], shown["system"]) == ("response_format", "put before the first user message")
    said = complete(server, tmp_path, FREE, system_role=False, **settings).answer
    assert said == go_on(server, written(("user", "Be brief.\n\nIs there a fracture?")) + "<|start|>assistant\n", 24)


def test_a_real_server_goes_on_from_a_prefill_which_stands_once_in_the_reply_and_the_history(
    server: str, tmp_path: Path
) -> None:
    assert proven(server, tmp_path, LED)["prefill"] == "continued"
    generated = go_on(server, BEGUN + "<|start|>assistant\nThere is a", LED.max_tokens, **VARIED)
    stop = generated[len(generated) // 2 :][:3]
    completion = complete(server, tmp_path, replace(LED, stop=(stop,)), Turn((Message("user", "So?"),), 12), **VARIED)
    first = "There is a" + generated[: generated.index(stop)]
    assert completion.replies[0] == first
    history = BEGUN + written(("assistant", first), ("user", "So?")) + "<|start|>assistant\n"
    assert completion.replies[1] == go_on(server, history, 12, **VARIED)


def test_a_prefill_that_a_real_server_sends_back_is_not_doubled(server: str, tmp_path: Path) -> None:
    plain, echoed = (complete(server, tmp_path, LED, extra_body=extra).answer for extra in ({}, {"echo": True}))
    assert plain == echoed


def test_a_chat_template_that_a_prefill_cannot_be_found_in_is_found_out(server: str, tmp_path: Path) -> None:
    with pytest.raises(BackendError, match=r"takes it otherwise: .*(prefill|chat_template)"):
        proven(server, tmp_path, LED, extra_body={"chat_template": NO_PREFILL})


@pytest.mark.parametrize("included", [False, True])
def test_a_real_server_stops_before_a_stop_text(included: bool, server: str, tmp_path: Path) -> None:
    whole = complete(server, tmp_path, FREE, **VARIED)
    assert whole.failure == "truncated"
    stop = whole.answer[len(whole.answer) // 2 :][:2]
    extra_body = {"include_stop_str_in_output": included}
    stopped = complete(server, tmp_path, replace(FREE, stop=(stop,)), **VARIED, extra_body=extra_body)
    assert (stopped.failure, stopped.finish_reason) == (None, "stop")
    assert stopped.answer == whole.answer[: whole.answer.index(stop)]
