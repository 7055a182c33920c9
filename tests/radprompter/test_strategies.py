from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest

from radprompter.errors import TemplateError
from radprompter.prompting.answer_schema import answer_schema, answer_tokens
from radprompter.prompting.strategies import REASONING_TOKENS, STRATEGIES, reasoned_schema
from radprompter.records import Message, Role, Turn
from radprompter.region import load_region, region_names

SCHEMA: dict[str, Any] = {"type": "object", "properties": {"fracture": {"enum": ["present"]}}, "required": ["fracture"]}


class Pen:
    """A writer that says which template it was asked for."""

    answer_schema: Mapping[str, Any] = SCHEMA
    answer_tokens = 300

    def write(self, role: Role, template: str) -> Message:
        return Message(role, template)


def shape(turns: tuple[Turn, ...]) -> list[tuple[list[str], bool]]:
    return [([f"{m.role}: {m.content}" for m in turn.messages], turn.json_schema is not None) for turn in turns]


def test_zero_shot_asks_once_for_constrained_json() -> None:
    assert shape(STRATEGIES["zero_shot"](Pen())) == [(["system: zero_shot", "user: report"], True)]


def test_chain_of_thought_reasons_freely_and_then_answers_under_a_constraint() -> None:
    assert shape(STRATEGIES["chain_of_thought"](Pen())) == [
        (["system: chain_of_thought", "user: report"], False),
        (["user: chain_of_thought_answer"], True),
    ]


def test_examples_change_what_is_told_and_not_how_it_is_asked() -> None:
    assert shape(STRATEGIES["few_shot"](Pen())) == shape(STRATEGIES["zero_shot"](Pen()))


def test_reasoning_in_one_turn_is_the_first_key_of_the_answer_and_has_room() -> None:
    turns = STRATEGIES["chain_of_thought_one_turn"](Pen())
    assert shape(turns) == [(["system: chain_of_thought_one_turn", "user: report"], True)]
    assert turns[0].max_tokens == 300 + REASONING_TOKENS
    schema = turns[0].json_schema
    assert schema is not None
    assert list(schema["properties"]) == schema["required"] == ["reasoning", "fracture"]
    assert schema["properties"]["reasoning"] == {"type": "string"}


def test_a_finding_may_not_take_the_place_of_the_reasoning() -> None:
    with pytest.raises(TemplateError, match="a finding is named 'reasoning'"):
        reasoned_schema({"properties": {"reasoning": {"enum": ["present"]}}})


@pytest.mark.parametrize("name", STRATEGIES)
def test_the_last_reply_of_every_strategy_holds_the_answer(name: str) -> None:
    turns = STRATEGIES[name](Pen())
    assert turns[-1].json_schema is not None
    assert turns[-1].json_schema["properties"].items() >= SCHEMA["properties"].items()
    assert turns[-1].max_tokens >= 300
    assert sum(message.role == "system" for turn in turns for message in turn.messages) == 1
    assert turns[0].messages[-1] == Message("user", "report")


@pytest.mark.parametrize("name", region_names())
def test_there_is_room_for_the_longest_answer_however_it_is_tokenized(name: str) -> None:
    schema = answer_schema(load_region(name))
    for words in (min, max):
        answer = {finding: words(allowed["enum"], key=len) for finding, allowed in schema["properties"].items()}
        for indent in (None, 2, 4):
            assert len(json.dumps(answer, indent=indent).encode()) <= answer_tokens(schema)
    assert answer_tokens(schema) < 2500


@pytest.mark.parametrize("name", region_names())
def test_answer_schemas_keep_to_the_strict_profile(name: str) -> None:
    schema = answer_schema(load_region(name))
    assert schema["additionalProperties"] is False
    assert schema["required"] == list(schema["properties"])
    assert sum(len(allowed["enum"]) for allowed in schema["properties"].values()) <= 1000
    assert len(json.dumps(schema)) <= 120_000
