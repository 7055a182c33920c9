"""The JSON schema of an answer, as the strict mode of OpenAI's structured outputs wants it.

Every key is required and nothing else is allowed; what may be absent is null. A finding's answer is its state; where
more is asked it is an object: the quote first, since it decides, then the state, then the attributes.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, NamedTuple

from radprompter.attributes import MAX_CHARACTERS, MAX_ITEMS, Attribute
from radprompter.region import Region

Schema = dict[str, Any]

LONGEST_NUMBER = -0.123456789012345


def answer_schema(region: Region) -> Schema:
    """JSON schema of an answer: an object with every finding, in order, and nothing else."""
    return _object({name: _finding(region, name) for name in region.schema.names})


def finding_schema(region: Region, finding: str) -> Schema:
    """JSON schema of an answer about one finding: its state is ``answer``, and what else is asked stands beside it."""
    return _object(_parts(region, finding, state="answer"))


def _finding(region: Region, finding: str) -> Schema:
    parts = _parts(region, finding, state="state")
    return _object(parts) if region.findings[finding].is_typed else parts["state"]


def _parts(region: Region, finding: str, *, state: str) -> Schema:
    asked = region.findings[finding]
    spellings = {"type": "string", "enum": [region.spelling[allowed] for allowed in region.allowed(finding)]}
    evidence = {"evidence": _nullable({"type": "string"})} if asked.evidence else {}
    return {**evidence, state: spellings, **{name: _attribute(found) for name, found in asked.attributes.items()}}


def _attribute(attribute: Attribute) -> Schema:
    item = _item(attribute)
    return _nullable({"type": "array", "items": item} if attribute.kind == "list" else item)


def _item(attribute: Attribute) -> Schema:
    """One value: a number stands with its unit, so that no number is read in a unit that it was not written in."""
    if attribute.item_kind == "choice":
        return {"type": "string", "enum": list(attribute.choices)}
    if attribute.item_kind == "text":
        return {"type": "string"}
    number = {"type": "number"}
    units = {"type": "string", "enum": list(attribute.units)}
    return _object({"value": number, "unit": units}) if attribute.units else number


def _nullable(schema: Schema) -> Schema:
    return {"anyOf": [schema, {"type": "null"}]}


def _object(properties: Mapping[str, Any]) -> Schema:
    required = list(properties)
    return {"type": "object", "properties": properties, "required": required, "additionalProperties": False}


class Form(NamedTuple):
    """The schema of an answer, and the tokens that no valid answer exceeds."""

    schema: Mapping[str, Any]
    tokens: int


def answer_tokens(schema: Mapping[str, Any]) -> int:
    """Tokens that no valid answer exceeds: the bytes of the longest one, indented and in a code fence.

    A schema cannot limit texts and lists in strict mode; they are as long as prompts allow (`MAX_CHARACTERS`, a token
    each at most in a Latin script, and `MAX_ITEMS`).
    """
    return len(_written(_longest(schema)).encode()) + len("```json\n\n```")


def _longest(schema: Mapping[str, Any]) -> Any:
    """The longest valid value of a schema."""
    if "anyOf" in schema:
        return max(map(_longest, schema["anyOf"]), key=lambda value: len(_written(value)))
    if "enum" in schema:
        return max(schema["enum"], key=len)
    if schema["type"] == "object":
        return {name: _longest(part) for name, part in schema["properties"].items()}
    if schema["type"] == "array":
        return [_longest(schema["items"])] * MAX_ITEMS
    return {"string": "a" * MAX_CHARACTERS, "number": LONGEST_NUMBER, "null": None}[schema["type"]]


def _written(value: Any) -> str:
    return json.dumps(value, indent=4, ensure_ascii=False)
