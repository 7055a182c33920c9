"""Canned answers come back as they were given."""

from __future__ import annotations

from pathlib import Path

import pytest
from small_region import small_region

from radprompter.backends import open_backend
from radprompter.errors import RecipeError
from radprompter.records import Completion, Prompt, Report


def complete(settings: dict[str, object], tmp_path: Path) -> list[Completion]:
    backend = open_backend({"name": "scripted", **settings}, small_region(tmp_path))
    prompts = [Prompt(Report(report_id, {"findings": "x"})) for report_id in ("a", "b", "c")]
    completions = list(backend.complete(prompts))
    backend.close()
    return completions


def test_each_report_gets_its_own_answer_and_the_others_the_default(tmp_path: Path) -> None:
    answers = {"a": "one", "b": ["thought", "two"]}
    assert [c.replies for c in complete({"answers": answers, "default": "d"}, tmp_path)] == [
        ("one",),
        ("thought", "two"),
        ("d",),
    ]


def test_a_failure_can_be_scripted_and_no_answer_is_one(tmp_path: Path) -> None:
    completions = complete({"answers": {"a": {"failure": "refused"}, "b": "x"}}, tmp_path)
    assert [c.failure for c in completions] == ["refused", None, "no_answer"]


def test_answers_may_stand_in_a_file(tmp_path: Path) -> None:
    path = tmp_path / "answers.jsonl"
    path.write_text('{"report_id": "a", "answer": "one"}\n\n{"report_id": "b", "answer": "two"}\n')
    assert [c.answer for c in complete({"answers": str(path)}, tmp_path)] == ["one", "two", ""]


@pytest.mark.parametrize("line", ["nonsense", "[1]", '{"report_id": "a"}'])
def test_a_bad_line_of_answers_is_named(line: str, tmp_path: Path) -> None:
    path = tmp_path / "answers.jsonl"
    path.write_text('{"report_id": "a", "answer": "one"}\n' + line)
    with pytest.raises(RecipeError, match=r"answers\.jsonl:2: expected"):
        complete({"answers": str(path)}, tmp_path)


def test_an_unknown_setting_is_refused_with_the_one_that_was_meant(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="did you mean 'answers'"):
        complete({"anwsers": {}}, tmp_path)


def test_an_unknown_backend_is_refused_with_those_there_are(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="known: rules, openai, vllm, openai-batch, vllm-offline, scripted"):
        open_backend({"name": "gpt"}, small_region(tmp_path))


def test_other_answers_are_another_identity(tmp_path: Path) -> None:
    region = small_region(tmp_path)
    first, second, third = (
        open_backend({"name": "scripted", "answers": answers}, region).identity
        for answers in ({"a": "x"}, {"a": "y"}, {"a": "x"})
    )
    assert first == third != second
