"""The proof at the start: what an endpoint must show before the first report, and what is said of one that does not."""

from __future__ import annotations

import json
import math
import socket
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from fake_endpoint import Behaviour, Body, Endpoint, Fault, answer, endpoint
from obedient import NUMBERS, likely, obey, tokens
from small_region import small_region

from radprompter.backends import open_backend
from radprompter.backends.probes import COLOUR, COUNT, COUNTED, ODD, OPEN
from radprompter.errors import BackendError, RecipeError
from radprompter.prompting.templates import load_template
from radprompter.records import Message, Report, Turn

SECRET = "Mrs Smith has a fracture."
MESSAGES = (Message("system", SECRET), Message("user", SECRET))
SCHEMA = {"type": "object", "properties": {}, "required": [], "additionalProperties": False}

FREE = Turn(MESSAGES, 100)
CONSTRAINED = Turn(MESSAGES, 100, SCHEMA)
READ_OUT = Turn(MESSAGES, 1, top_logprobs=20)
LED = Turn(MESSAGES, 100, prefill="So:", stop=("</answer>",))

THINKING_OFF = {"extra_body": {"chat_template_kwargs": {"enable_thinking": False}}}
THINKING_ON = {"extra_body": {"chat_template_kwargs": {"enable_thinking": True}}}


def prove(server: Endpoint, tmp_path: Path, *turns: Turn, **settings: Any) -> Mapping[str, Any]:
    settings = {"name": "openai", "model": "m", "base_url": server.url, "max_retries": 1, **settings}
    return open_backend(settings, small_region(tmp_path)).prove(turns)


def proven(behave: Behaviour, tmp_path: Path, *turns: Turn, **settings: Any) -> tuple[dict[str, Any], Endpoint]:
    with endpoint(behave, honest=False) as server:
        return prove(server, tmp_path, *turns, **settings)["proven"], server


def obedient(number: int, body: Body) -> Body:
    return obey(body)


def without(*names: str) -> Behaviour:
    """An endpoint that takes some fields and does nothing about them."""
    return lambda number, body: obey({name: value for name, value in body.items() if name not in names})


def refusing(refused: Any) -> Behaviour:
    """An endpoint that answers 400 where something holds of the request."""
    return lambda number, body: Fault(400) if refused(body) else obey(body)


def told(text: str | None, **message: Any) -> Behaviour:
    return lambda number, body: answer(text, **message)


def read(shares: dict[str, float]) -> Behaviour:
    return lambda number, body: likely(body, shares)


LETTERS = {letter: round(share, 6) for letter, share in list(tokens(20).items())[:4]}


@pytest.mark.parametrize(
    ("turns", "shown", "n_requests"),
    [
        ((FREE,), {"thinking": False}, 1),
        ((FREE, CONSTRAINED), {"constraint": "response_format", "thinking": False, "schema": "accepted"}, 2),
        ((READ_OUT,), {"logprobs": {"listed": 20, "mass": 0.9}, "letters": LETTERS}, 2),
        ((LED,), {"thinking": False, "prefill": "continued", "stop": "obeyed"}, 1),
        ((replace(LED, prefill=""),), {"thinking": False, "stop": "obeyed"}, 1),
        ((replace(LED, stop=()),), {"thinking": False, "prefill": "continued"}, 1),
    ],
)
def test_an_endpoint_that_obeys_is_asked_only_what_the_turns_need(
    turns: tuple[Turn, ...], shown: dict[str, Any], n_requests: int, tmp_path: Path
) -> None:
    with endpoint(obedient, honest=False) as server:
        result = prove(server, tmp_path, *turns)
    assert result["proven"] == {**shown, "system": "accepted"}
    assert (result["model"], result["requests"], len(server.bodies)) == ("fake-1", n_requests, n_requests)
    assert result["tokens"] == {"prompt": 10 * n_requests, "completion": 5 * n_requests}
    assert json.loads(json.dumps(result)) == result


@pytest.mark.parametrize("plan", ["one_json", "per_finding", "label_read"])
@pytest.mark.parametrize("strategy", ["zero_shot", "chain_of_thought"])
def test_the_turns_of_every_plan_can_be_proven_without_a_word_of_them(plan: Any, strategy: str, tmp_path: Path) -> None:
    template = load_template(small_region(tmp_path), plan=plan, strategy=strategy)
    turns = template.prompts(Report("a", {"report": SECRET}))[0].turns
    shown, server = proven(obedient, tmp_path, *turns)
    sent = json.dumps([body["messages"] for body in server.bodies])
    assert SECRET not in sent and "wrist" not in sent
    assert ("logprobs" in shown) == (plan == "label_read") != ("constraint" in shown)


@pytest.mark.parametrize("structured", [True, "response_format", "structured_outputs"])
def test_either_way_to_constrain_is_proven_by_an_answer_that_nobody_would_give(structured: Any, tmp_path: Path) -> None:
    shown, server = proven(obedient, tmp_path, CONSTRAINED, structured=structured)
    assert shown["constraint"] == ("response_format" if structured is True else structured)
    assert shown["constraint"] in server.bodies[0]
    assert server.bodies[0]["messages"][-1]["content"] == COLOUR


@pytest.mark.parametrize(
    ("behave", "message"),
    [
        (without("response_format", "structured_outputs"), r"ignores the JSON schema .*structured: none"),
        (
            without("response_format"),
            r"ignores the JSON schema .*set label.backend.structured: structured_outputs, whi",
        ),
        (told("White."), "ignores the JSON schema"),
        (told('{"colour": "white"}'), "ignores the JSON schema"),
        (told(f"The answer is {json.dumps(ODD)}"), "ignores the JSON schema"),
        (told(None, reasoning=json.dumps(ODD)), "into its reasoning instead of its content: .*reasoning parser"),
        (told("<think>" + json.dumps(ODD)), "into its reasoning instead of its content"),
        (told(None, reasoning="Hm", finish_reason="length"), "no constrained answer within the tokens .*max_tokens"),
        (told('{"colour":      ', finish_reason="length"), "no constrained answer within"),
        (told(None, refusal="I cannot."), "ignores the JSON schema"),
    ],
)
def test_an_endpoint_that_does_not_constrain_is_stopped_at(behave: Behaviour, message: str, tmp_path: Path) -> None:
    with pytest.raises(BackendError, match=rf"127\.0\.0\.1:\d+ .*{message}") as caught:
        proven(behave, tmp_path, CONSTRAINED)
    assert caught.value.kind == "unproven"


def test_an_endpoint_that_ignores_a_schema_will_do_where_none_is_sent(tmp_path: Path) -> None:
    shown, _ = proven(without("response_format"), tmp_path, CONSTRAINED, structured="none")
    assert shown == {"thinking": False, "system": "accepted"}


@pytest.mark.parametrize(
    ("message", "thinks"),
    [
        ({"reasoning": "Let me see."}, True),
        ({"reasoning_content": "Let me see."}, True),
        ({"content": "<think>Let me see.</think>" + json.dumps(ODD)}, True),
        ({"content": "Let me see.</think>" + json.dumps(ODD)}, True),
        ({"content": "<think>\n\n</think>\n\n" + json.dumps(ODD)}, False),
        ({"reasoning": "\n"}, False),
        ({}, False),
    ],
)
def test_thinking_must_come_as_it_is_switched(message: dict[str, str], thinks: bool, tmp_path: Path) -> None:
    behave = told(
        **{"text": message.get("content", json.dumps(ODD)), **{k: v for k, v in message.items() if k != "content"}}
    )
    assert proven(behave, tmp_path, CONSTRAINED)[0]["thinking"] is thinks
    good, bad = (THINKING_ON, THINKING_OFF) if thinks else (THINKING_OFF, THINKING_ON)
    assert proven(behave, tmp_path, CONSTRAINED, **good)[0]["thinking"] is thinks
    complaint = "thinks although that is switched off" if thinks else "does not think although that is switched on"
    with pytest.raises(BackendError, match=complaint):
        proven(behave, tmp_path, CONSTRAINED, **bad)


def test_an_effort_of_none_switches_thinking_off_and_another_leaves_it_to_the_model(tmp_path: Path) -> None:
    def behave(number: int, body: Body) -> Body:
        response = obey(body)
        response["usage"]["completion_tokens_details"] = {"reasoning_tokens": 64}
        return response

    assert proven(behave, tmp_path, FREE, extra_body={"reasoning_effort": "low"})[0]["thinking"] is True
    assert proven(obedient, tmp_path, FREE, extra_body={"reasoning_effort": "low"})[0]["thinking"] is False
    with pytest.raises(BackendError, match="thinks although that is switched off"):
        proven(behave, tmp_path, FREE, extra_body={"reasoning_effort": "none"})


NORMAL = tokens(20)
CERTAIN = tokens(20, rest=0.0)


@pytest.mark.parametrize(
    ("behave", "message"),
    [
        (without("logprobs"), "gives no log-probabilities of the first token.*use plan per_finding"),
        (read({"A": 1.0, **dict.fromkeys("abcdefghijklmnopqrs", 0.0)}), "rules out tokens .*raw_logprobs"),
        (read(CERTAIN), "divided by their sum: 20 tokens have all of it"),
        (read(dict.fromkeys("ABCD", 0.25)), "divided by their sum: 4 tokens have all of it"),
        (read({**NORMAL, "A": 0.9, "B": 0.9}), r"log-probabilities that are none: .*2\.025"),
        (read(tokens(5)), r"lists 5 likely tokens where 20 were asked for: set .*top_logprobs: 5"),
        (read({**NORMAL, "A": 1.5}), "gives no log-probabilities"),
    ],
)
def test_probabilities_that_are_not_the_models_own_are_not_read_out(
    behave: Behaviour, message: str, tmp_path: Path
) -> None:
    with pytest.raises(BackendError, match=message):
        proven(behave, tmp_path, READ_OUT)


def test_a_model_may_be_sure_of_one_first_word_but_not_of_all(tmp_path: Path) -> None:
    def behave(number: int, body: Body) -> Body:
        sure = body["messages"][-1]["content"] == OPEN[0]
        return likely(body, CERTAIN if sure else NORMAL)

    shown, server = proven(behave, tmp_path, READ_OUT)
    assert shown["logprobs"]["mass"] == pytest.approx(0.9)
    assert len(server.bodies) == 3


def test_a_whole_vocabulary_may_sum_to_1(tmp_path: Path) -> None:
    shares = tokens(100, rest=0.0)
    shown, _ = proven(read(shares), tmp_path, READ_OUT, extra_body={"top_logprobs": 100})
    assert shown["logprobs"] == {"listed": 100, "mass": pytest.approx(1.0)}


def test_a_model_that_does_not_speak_of_letters_is_told_and_left_to_the_label_mass(tmp_path: Path) -> None:
    shares = {f"word{place}": share for place, share in enumerate(NORMAL.values())}
    assert proven(read(shares), tmp_path, READ_OUT)[0]["letters"] == {}
    spelled = {" A": 0.02, "a": 0.01, "AB": 0.03, **shares}
    assert proven(read(spelled), tmp_path, READ_OUT)[0]["letters"] == {"A": 0.03}


@pytest.mark.parametrize("form", ["token", "reasoning"])
def test_a_read_out_that_begins_with_thinking_is_stopped_at(form: str, tmp_path: Path) -> None:
    def behave(number: int, body: Body) -> Body:
        response = likely(body, {**NORMAL, "A": 0.01, "<think>": 0.5} if form == "token" else NORMAL)
        if form == "reasoning":
            response["choices"][0]["message"] |= {"content": None, "reasoning": "Okay"}
        return response

    with pytest.raises(BackendError, match=r"begins with thinking.*enable_thinking: false"):
        proven(behave, tmp_path, READ_OUT)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("0, 11, 12, ", "continued"),
        (" 0, 11, 12, ", "continued"),
        (COUNTED + "0, 11, 12, ", "continued, sent back"),
        ("1111111", "could not be told"),
        ("12", "could not be told"),
        ("pneumo", "could not be told"),
    ],
)
def test_a_prefill_that_is_gone_on_with_shows_in_the_middle_of_a_number(text: str, shown: str, tmp_path: Path) -> None:
    assert proven(told(text), tmp_path, replace(LED, stop=()))[0]["prefill"] == shown


@pytest.mark.parametrize(
    ("text", "prompt", "shown"),
    [
        ("pneumo", "<assistant>" + COUNTED, "continued"),
        (NUMBERS, "<assistant>" + COUNTED, "continued"),
        ("0, 11, 12", f"<assistant>{COUNTED}</assistant><assistant>", None),
    ],
)
def test_an_endpoint_that_shows_the_prompt_shows_whether_it_ends_with_the_prefill(
    text: str, prompt: str, shown: str | None, tmp_path: Path
) -> None:
    def behave(number: int, body: Body) -> Body:
        assert body["return_prompt_text"]
        return {**answer(text), "prompt_text": prompt}

    if shown is not None:
        assert proven(behave, tmp_path, replace(LED, stop=()))[0]["prefill"] == shown
        return
    with pytest.raises(BackendError, match="answers anew"):
        proven(behave, tmp_path, LED)


def test_an_endpoint_that_does_not_know_how_to_show_the_prompt_is_not_held_to_it(tmp_path: Path) -> None:
    shown, server = proven(refusing(lambda body: "return_prompt_text" in body), tmp_path, LED)
    assert (shown["prefill"], len(server.bodies)) == ("continued", 2)


@pytest.mark.parametrize("text", [NUMBERS, "1,2,3", "10, 11, 12"])
def test_an_endpoint_that_answers_a_prefill_anew_is_stopped_at(text: str, tmp_path: Path) -> None:
    with pytest.raises(BackendError, match=r"does not go on with a prefill but answers anew: .*continue_final_message"):
        proven(told(text), tmp_path, LED)


def test_a_prefill_is_sent_as_the_message_to_go_on_with(tmp_path: Path) -> None:
    _, server = proven(obedient, tmp_path, LED)
    (body,) = server.bodies
    assert [m["role"] for m in body["messages"]] == ["system", "user", "assistant"]
    assert body["messages"][1]["content"] == COUNT
    assert (body["continue_final_message"], body["add_generation_prompt"]) == (True, False)


def test_an_endpoint_that_does_not_stop_is_stopped_at(tmp_path: Path) -> None:
    with pytest.raises(BackendError, match="goes on after a stop text"):
        proven(without("stop"), tmp_path, LED)


def is_system(body: Body) -> bool:
    return body["messages"][0]["role"] == "system"


@pytest.mark.parametrize(
    ("refused", "turn", "remedies"),
    [
        (is_system, FREE, ["system_role: false"]),
        (lambda body: "max_tokens" in body, FREE, ["max_tokens_field: max_completion_tokens"]),
        (lambda body: "temperature" in body, FREE, ["temperature: null"]),
        (lambda body: "seed" in body, FREE, ["take label.backend.seed away"]),
        (lambda body: "top_k" in body, FREE, ["take top_k out of label.backend.extra_body"]),
        (lambda body: "response_format" in body, CONSTRAINED, ["structured: structured_outputs"]),
        (
            lambda body: "response_format" in body or "structured_outputs" in body,
            CONSTRAINED,
            ["label.backend.structured: none"],
        ),
        (lambda body: body.get("top_logprobs", 0) > 5, READ_OUT, ["extra_body.top_logprobs: 5"]),
        (lambda body: "logprobs" in body, READ_OUT, ["use another plan than label_read"]),
        (lambda body: "continue_final_message" in body, LED, ["take label.prefill away"]),
        (lambda body: "stop" in body, LED, ["take label.stop away"]),
        (
            lambda body: "temperature" in body or "max_tokens" in body,
            FREE,
            ["max_tokens_field: max_completion_tokens", "temperature: null"],
        ),
    ],
)
def test_of_a_refusal_the_setting_is_named_that_mends_it(
    refused: Any, turn: Turn, remedies: list[str], tmp_path: Path
) -> None:
    with pytest.raises(BackendError, match=r"refuses what the recipe asks for \(bad_request\) but takes it") as caught:
        proven(refusing(refused), tmp_path, turn, seed=1, extra_body={"top_k": 5})
    assert all(remedy in str(caught.value) for remedy in remedies)
    assert str(caught.value).count(" and ") == len(remedies) - 1
    assert "sk-secret" not in str(caught.value)


def test_a_template_that_fails_as_a_server_error_is_found_out_too(tmp_path: Path) -> None:
    with pytest.raises(
        BackendError, match=r"\(server_error\) but takes it otherwise: set label.backend.system_role: f"
    ):
        proven(lambda number, body: Fault(500) if is_system(body) else obey(body), tmp_path, FREE)


def test_the_named_setting_does_mend_it(tmp_path: Path) -> None:
    shown, server = proven(refusing(is_system), tmp_path, CONSTRAINED, system_role=False)
    assert shown["system"] == "put before the first user message"
    assert all(m["role"] == "user" for body in server.bodies for m in body["messages"])


@pytest.mark.parametrize(
    ("fault", "message", "kind"),
    [
        (Fault(401), r"refuses the key \(401\)", "unauthorised"),
        (Fault(404), "does not know this model", "unknown_model"),
        (Fault(429), r"did not answer a made-up question \(rate_limited, 2 attempts\); try again", "rate_limited"),
        (Fault(400), r"refuses a made-up question \(bad_request\), whichever setting", "unproven"),
        (Fault(500), r"refuses a made-up question \(server_error\), whichever setting", "unproven"),
    ],
)
def test_an_endpoint_that_does_not_answer_at_all_is_said_to(
    fault: Fault, message: str, kind: str, tmp_path: Path
) -> None:
    with pytest.raises(BackendError, match=message) as caught:
        proven(lambda number, body: fault, tmp_path, CONSTRAINED)
    assert caught.value.kind == kind
    assert "sk-secret" not in str(caught.value)


def test_a_server_that_is_not_running_is_said_to_be_so(tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}/v1"
    settings = {"name": "openai", "model": "m", "base_url": url}
    with pytest.raises(BackendError, match=r"is the server running\?"):
        open_backend(settings, small_region(tmp_path)).prove([FREE])


def test_a_prefill_beside_a_schema_is_refused_before_anything_is_asked(tmp_path: Path) -> None:
    contradiction = replace(CONSTRAINED, prefill="So:")
    with endpoint(obedient, honest=False) as server:
        with pytest.raises(RecipeError, match=r"label.prefill: a JSON schema begins the answer anew.*structured: none"):
            prove(server, tmp_path, contradiction)
        assert server.bodies == []
        assert prove(server, tmp_path, contradiction, structured="none")["proven"]["prefill"] == "continued"


def test_a_canary_that_is_switched_off_asks_nothing(tmp_path: Path) -> None:
    with endpoint(told("nonsense"), honest=False) as server:
        assert prove(server, tmp_path, CONSTRAINED, canary=False) == {}
        assert prove(server, tmp_path) == {}
        assert server.bodies == []


def test_mass_is_what_the_listed_tokens_have_together(tmp_path: Path) -> None:
    shares = tokens(20, rest=0.25)
    shown, _ = proven(read(shares), tmp_path, READ_OUT)
    assert shown["logprobs"]["mass"] == pytest.approx(math.fsum(shares.values()), abs=1e-6)
