"""What a turn becomes in a request, and what of the response is the reply: prefill, stop texts, roles, constraints."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from asking import SCHEMA, ask, prompt
from fake_endpoint import Body, answer, endpoint
from small_region import small_region

from radprompter.backends import choose_backend, open_backend
from radprompter.backends.request import NO_IDENTITY, OpenAIOptions
from radprompter.errors import RecipeError
from radprompter.journal import journal_key
from radprompter.records import Completion, Message, Role, Turn

SYSTEM, USER, ASSISTANT = "system", "user", "assistant"


def said(*messages: tuple[Role, str]) -> tuple[Message, ...]:
    return tuple(Message(role, content) for role, content in messages)


def converse(
    replies: list[Any], tmp_path: Path, *turns: Turn, **settings: Any
) -> tuple[Completion, list[list[tuple[str, str]]], list[Body]]:
    """The completion, the messages of each request, and its other fields."""
    with endpoint(lambda number, body: replies[number]) as server:
        completion = ask(server, [prompt("a", *turns)], tmp_path, **settings)["a"]
    sent = [[(m["role"], m["content"]) for m in body.pop("messages")] for body in server.bodies]
    return completion, sent, server.bodies


QUESTION = said((USER, "Any fracture?"))


@pytest.mark.parametrize(
    ("generated", "prefill", "reply"),
    [
        (" yes", "Answer:", "Answer: yes"),
        ("Answer: yes", "Answer:", "Answer: yes"),
        ("\nAnswer: yes", "Answer:", "Answer: yes"),
        ('"yes"}', '{"answer": ', '{"answer": "yes"}'),
        ('{"answer":"yes"}', '{"answer": ', '{"answer": "yes"}'),
        ('{"answer": "yes"}', '{"answer": ', '{"answer": "yes"}'),
        ("Answer yes", "Answer:", "Answer:Answer yes"),
        (" yes", "", " yes"),
        ("yes", "\n", "\nyes"),
    ],
)
def test_a_reply_is_the_prefill_once_and_what_was_generated(
    generated: str, prefill: str, reply: str, tmp_path: Path
) -> None:
    completion, _, _ = converse([answer(generated)], tmp_path, Turn(QUESTION, 9, prefill=prefill))
    assert (completion.failure, completion.replies) == (None, (reply,))


@pytest.mark.parametrize("generated", [" no.", "Thought: no."])
def test_a_prefill_stands_once_in_the_history_of_the_conversation(generated: str, tmp_path: Path) -> None:
    turns = (Turn(QUESTION, 9, prefill="Thought:"), Turn(said((USER, "So?")), 9))
    completion, (first, second), (body, later) = converse([answer(generated), answer("no")], tmp_path, *turns)
    assert first == [(USER, "Any fracture?"), (ASSISTANT, "Thought:")]
    assert second == [(USER, "Any fracture?"), (ASSISTANT, "Thought: no."), (USER, "So?")]
    assert (body["continue_final_message"], body["add_generation_prompt"]) == (True, False)
    assert later.keys() == {"model", "max_tokens", "temperature"}
    assert completion.replies == ("Thought: no.", "no")


@pytest.mark.parametrize(
    ("response", "reply", "failure"),
    [
        (answer("yes"), "<a>yes", None),
        (answer("yes</a>"), "<a>yes", None),
        (answer("yes</a> And then", finish_reason="length"), "<a>yes", None),
        (answer("yes; perhaps</a>"), "<a>yes", None),
        (answer("yes, and", finish_reason="length"), "<a>yes, and", "truncated"),
        (answer("</a>"), "<a>", "empty"),
        (answer("<a>"), "<a>", "empty"),
        (answer(None, finish_reason="content_filter"), "", "filtered"),
    ],
)
def test_a_reply_ends_before_a_stop_text_wherever_the_endpoint_ended_it(
    response: Body, reply: str, failure: str | None, tmp_path: Path
) -> None:
    turn = Turn(QUESTION, 9, prefill="<a>", stop=("</a>", ";"))
    completion, _, (body,) = converse([response], tmp_path, turn)
    assert body["stop"] == ["</a>", ";"]
    assert (completion.replies, completion.failure) == ((reply,), failure)


@pytest.mark.parametrize(
    ("own", "sent"), [(".", ["</a>", "."]), ([".", "</a>"], ["</a>", "."]), (None, ["</a>"]), ([], ["</a>"])]
)
def test_stop_texts_of_a_turn_come_beside_those_of_the_recipe(own: Any, sent: list[str], tmp_path: Path) -> None:
    turn = Turn(QUESTION, 9, stop=("</a>",))
    _, _, (body,) = converse([answer("yes")], tmp_path, turn, extra_body={"stop": own})
    assert body["stop"] == sent


@pytest.mark.parametrize(
    ("messages", "sent"),
    [
        ([(SYSTEM, "S"), (USER, "U")], [(USER, "S\n\nU")]),
        ([(SYSTEM, "S"), (SYSTEM, "T"), (USER, "U")], [(USER, "S\n\nT\n\nU")]),
        (
            [(SYSTEM, "S"), (USER, "1"), (ASSISTANT, "2"), (USER, "3")],
            [(USER, "S\n\n1"), (ASSISTANT, "2"), (USER, "3")],
        ),
        ([(USER, "U")], [(USER, "U")]),
        ([(SYSTEM, "S")], [(USER, "S")]),
    ],
)
def test_without_a_system_role_its_text_begins_the_first_user_message(
    messages: list[tuple[Role, str]], sent: list[tuple[str, str]], tmp_path: Path
) -> None:
    turns = (Turn(said(*messages), 9), Turn(said((USER, "So?")), 9))
    replies = [answer("1"), answer("2")]
    _, requests, _ = converse(replies, tmp_path, *turns, system_role=False)
    assert requests == [sent, [*sent, (ASSISTANT, "1"), (USER, "So?")]]
    _, requests, _ = converse(replies, tmp_path, *turns)
    assert requests[0] == messages


RESPONSE_FORMAT = {"type": "json_schema", "json_schema": {"name": "labels", "schema": SCHEMA, "strict": True}}


@pytest.mark.parametrize(
    ("structured", "fields"),
    [
        (True, {"response_format": RESPONSE_FORMAT}),
        ("response_format", {"response_format": RESPONSE_FORMAT}),
        ("structured_outputs", {"structured_outputs": {"json": SCHEMA}}),
        (False, {}),
        ("none", {}),
    ],
)
def test_a_constraint_is_sent_the_way_that_the_recipe_names(
    structured: Any, fields: dict[str, Any], tmp_path: Path
) -> None:
    turn = Turn(QUESTION, 9, SCHEMA)
    _, _, (body,) = converse([answer("{}")], tmp_path, turn, structured=structured)
    assert body == {"model": "m", "max_tokens": 9, "temperature": 0.0, **fields}


def test_a_prefill_beside_a_constraint_is_refused(tmp_path: Path) -> None:
    contradiction = Turn(QUESTION, 9, SCHEMA, prefill="So:")
    with pytest.raises(RecipeError, match=r"label\.prefill: a JSON schema begins the answer anew"):
        converse([answer("{}")], tmp_path, contradiction)
    completion, _, _ = converse([answer(" {}")], tmp_path, contradiction, structured=False)
    assert completion.answer == "So: {}"


def key(tmp_path: Path, **settings: Any) -> str:
    settings = {"name": "openai", "model": "m", "base_url": "http://localhost:8000/v1", "seed": 3, **settings}
    backend = open_backend({"extra_body": {"top_p": 0.5}, **settings}, small_region(tmp_path))
    return journal_key({"backend": backend.name, **backend.identity}, "f")


def test_settings_that_came_later_leave_the_keys_of_stored_answers_as_they_were(tmp_path: Path) -> None:
    stored = "55e5a2a55469c64095fa5ef596026564390e3f56a5f1767446aae6e87d4ff4ef"
    assert key(tmp_path) == key(tmp_path, structured="response_format", system_role=True) == stored
    assert key(tmp_path, canary=False, max_in_flight=2, max_tokens_field="max_completion_tokens") == stored
    others = [{"system_role": False}, {"structured": "structured_outputs"}, {"structured": "none"}, {"seed": 4}]
    assert len({stored, *(key(tmp_path, **other) for other in others)}) == 5
    assert key(tmp_path, structured="none") == key(tmp_path, structured=False)


def test_what_is_no_part_of_the_identity_is_a_setting() -> None:
    assert set(OpenAIOptions.model_fields) >= NO_IDENTITY


def test_another_way_to_constrain_is_refused() -> None:
    with pytest.raises(RecipeError, match="structured"):
        choose_backend({"name": "openai", "model": "m", "structured": "guided_json"})
