"""Lines of a batch: what is written for a request, and what comes back, whatever the order."""

from __future__ import annotations

import json
from typing import Any

import pytest

from radprompter.backends.batch_lines import Answer, read_answer, read_answers, request_line, split_lines
from radprompter.backends.dialogue import Dialogue
from radprompter.backends.request import OpenAIOptions
from radprompter.records import Message, Prompt, Report, Turn

OPTIONS = OpenAIOptions(model="m")
BODY = {"choices": []}


def line(name: Any, body: Any = None, status: int = 200, error: Any = None) -> bytes:
    response = None if body is None else {"status_code": status, "body": body}
    return json.dumps({"custom_id": name, "response": response, "error": error}).encode()


def dialogue(text: str, sample: int = 0) -> Dialogue:
    return Dialogue(Prompt(Report("a", {"report": text}), (Turn((Message("user", text),), 9),), sample=sample))


def test_answers_come_in_the_order_of_the_requests_whatever_the_order_of_the_lines() -> None:
    lines = [line("c", {"n": 3}), b"{torn", line("z", {"n": 9}), line(7, {}), b"[]", line("a", {"n": 1})]
    assert read_answers(lines, ["a", "b", "c"], "missing") == [
        Answer("a", {"n": 1}),
        Answer("b", failure="missing"),
        Answer("c", {"n": 3}),
    ]


def test_an_answer_counts_more_than_an_error_about_the_same_request_and_the_first_more_than_the_second() -> None:
    lines = [line("a", error={"code": "batch_expired"}), line("a", {"n": 1}), line("a", {"n": 2})]
    assert read_answers(lines, ["a"], "missing") == [Answer("a", {"n": 1})]


@pytest.mark.parametrize(
    ("written", "kind"),
    [
        (line("a", error={"code": "batch_expired", "message": "x"}), "expired"),
        (line("a", error={"code": "batch_cancelled"}), "cancelled"),
        (line("a", {"error": {"code": "context_length_exceeded"}}, 400), "beyond_context"),
        (line("a", None, error={"error": {"message": "This model's maximum context length is 8"}}), "beyond_context"),
        (line("a", {"error": {"code": None, "param": "top_p"}}, 400), "bad_request (top_p)"),
        (line("a", {"error": {"code": "Text of a report!"}}, 400), "bad_request"),
        (line("a", {"error": {}}, 401), "unauthorised"),
        (line("a", {"error": {}}, 404), "unknown_model"),
        (line("a", {}, 408), "timeout"),
        (line("a", {}, 429), "rate_limited"),
        (line("a", {}, 503), "server_error"),
        (line("a", "text"), "bad_response"),
        (line("a"), "bad_response"),
        (line("a", error={"code": "internal"}), "failed (internal)"),
        (b'{"custom_id": "a"}', "bad_response"),
        (b'{"custom_id": "a", "response": 7, "error": 8}', "bad_response"),
    ],
)
def test_an_error_has_the_name_that_a_single_request_would_give_it(written: bytes, kind: str) -> None:
    assert read_answer(written) == Answer("a", failure=kind)


def test_a_request_has_one_id_for_one_question_and_another_for_each_change() -> None:
    name, written = request_line(OPTIONS, dialogue("x"))
    assert request_line(OPTIONS, dialogue("x"))[0] == name
    others = {
        request_line(OPTIONS, dialogue("y"))[0],
        request_line(OPTIONS, dialogue("x", sample=1))[0],
        request_line(OpenAIOptions(model="n"), dialogue("x"))[0],
        request_line(OPTIONS, dialogue("x"), {"base_url": "elsewhere"})[0],
    }
    assert len(others | {name}) == 5
    assert len(name) == 64
    assert json.loads(written) == {
        "custom_id": name,
        "method": "POST",
        "url": "/v1/chat/completions",
        "body": {
            "model": "m",
            "messages": [{"role": "user", "content": "x"}],
            "max_tokens": 9,
            "temperature": 0.0,
        },
    }


@pytest.mark.parametrize(
    ("most", "most_bytes", "parts"),
    [(10, 100, ["abcd"]), (3, 100, ["abc", "d"]), (10, 20, ["ab", "cd"]), (10, 1, ["a", "b", "c", "d"])],
)
def test_files_keep_to_both_limits_and_equal_requests_are_one(most: int, most_bytes: int, parts: list[str]) -> None:
    lines = [(name, b"0123456789") for name in "abacd"]
    assert ["".join(part) for part in split_lines(lines, most=most, most_bytes=most_bytes)] == parts
