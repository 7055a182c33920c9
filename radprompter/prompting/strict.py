"""What OpenAI's strict structured outputs refuse in a JSON schema.

Limits: https://platform.openai.com/docs/guides/structured-outputs (supported schemas), as of 2026.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

MAX_PROPERTIES = 5_000
MAX_DEPTH = 10
MAX_ENUM_VALUES = 1_000
MAX_CHARACTERS = 120_000  # names of properties and definitions, enum and const values, together
LONG_ENUM, MAX_LONG_ENUM_CHARACTERS = 250, 15_000
REFUSED = (
    "allOf", "oneOf", "not", "if", "then", "else", "dependentRequired", "dependentSchemas", "patternProperties",
    "default",
)  # fmt: skip


def strict_problems(schema: Mapping[str, Any]) -> list[str]:
    """Every reason for which a strict endpoint would refuse the schema, each once; none if it would take it."""
    found: dict[str, None] = {}
    if schema.get("type") != "object" or "anyOf" in schema:
        found["its root is not a plain object"] = None
    n_properties = n_values = n_characters = depth = 0
    for where, level, part in _parts(schema, "the answer", 1):
        depth = max(depth, level)
        found |= dict.fromkeys(_problems(where, part))
        names, values = list(part.get("properties", {})), [str(value) for value in part.get("enum", ())]
        values += [str(part["const"])] if "const" in part else []
        n_properties += len(names)
        n_values += len(values)
        n_characters += sum(map(len, (*names, *part.get("$defs", {}), *values)))
    for count, limit, what in (
        (n_properties, MAX_PROPERTIES, "keys"),
        (depth, MAX_DEPTH, "levels"),
        (n_values, MAX_ENUM_VALUES, "allowed values"),
        (n_characters, MAX_CHARACTERS, "characters in keys and allowed values"),
    ):
        if count > limit:
            found[f"it has {count:,} {what}; at most {limit:,} are taken"] = None
    return list(found)


def _problems(where: str, part: Mapping[str, Any]) -> Iterator[str]:
    for word in REFUSED:
        if word in part:
            yield f"{where}: {word!r} is not taken"
    if "properties" in part or part.get("type") == "object":
        if part.get("additionalProperties") is not False:
            yield f"{where}: additionalProperties must be false"
        optional = [name for name in part.get("properties", {}) if name not in part.get("required", ())]
        if optional:
            yield f"{where}: every key must be required, but {', '.join(optional)} is not"
    values = part.get("enum")
    if values is not None and not values:
        yield f"{where}: no value is allowed"
    if values and len(set(map(repr, values))) < len(values):
        yield f"{where}: a value is allowed twice"
    if values and len(values) > LONG_ENUM and sum(len(str(value)) for value in values) > MAX_LONG_ENUM_CHARACTERS:
        yield f"{where}: more than {MAX_LONG_ENUM_CHARACTERS:,} characters in {len(values):,} allowed values"


def _parts(schema: Mapping[str, Any], where: str, level: int) -> Iterator[tuple[str, int, Mapping[str, Any]]]:
    """Every schema inside a schema, with its place and depth."""
    yield where, level, schema
    for key in ("properties", "$defs"):
        for name, inner in schema.get(key, {}).items():
            yield from _parts(inner, name, level + (key == "properties"))
    if isinstance(schema.get("items"), Mapping):
        yield from _parts(schema["items"], f"{where}[]", level + 1)
    for inner in schema.get("anyOf", ()):
        yield from _parts(inner, where, level)
