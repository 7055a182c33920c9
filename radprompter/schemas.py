"""JSON Schemas of the YAML files that a person writes, so that an editor completes and checks them.

``schemas/recipe.json``, ``region.json``, ``lexicon.json`` and ``examples.json`` are their committed copies; every
shipped file names its own in the first line (``# yaml-language-server: $schema=``).
"""

from __future__ import annotations

import importlib
import json
from collections.abc import Callable, Mapping
from typing import Any

from radprompter.backends import BACKENDS, find_backend
from radprompter.prompting.examples import ExamplesFile
from radprompter.recipe import StudyRecipe
from radprompter.region import RegionFile
from radprompter.rules.lexicon import RegionLexicon

DIALECT = "https://json-schema.org/draft/2020-12/schema"

Schema = dict[str, Any]


def recipe_schema() -> Schema:
    """The schema of a recipe: the sections of `radprompter`, and those of `imagetrain` in one.

    `imagetrain` is found by name, since this package never imports the other.
    """
    labeling = StudyRecipe.model_json_schema()
    training = importlib.import_module("imagetrain.recipe").StudyRecipe.model_json_schema()
    properties: Schema = dict(labeling["properties"])
    for name, section in training["properties"].items():
        if _is_foreign(properties.get(name, {"description": "read by"})):
            properties[name] = section
    for section in properties.values():
        section.pop("title", None)
    properties["label"]["description"] = "reports in, label table out"
    joined: Schema = {
        "$schema": DIALECT,
        "title": "Recipe",
        "description": "What radprompter and imagetrain are asked to do: one section a stage.",
        "type": "object",
        "properties": properties,
        "required": ["name"],
        "additionalProperties": False,
        "$defs": _definitions(labeling["$defs"], training["$defs"]) | _backends(),
    }
    joined["$defs"]["LabelRecipe"]["properties"]["backend"] = {
        "description": "`name` of the backend and its own settings",
        "default": {"name": "rules"},
        "oneOf": [{"$ref": f"#/$defs/backend_{name}"} for name in BACKENDS],
    }
    return joined


def region_schema() -> Schema:
    """The schema of a ``region.yaml``."""
    return {"$schema": DIALECT, **RegionFile.model_json_schema(), "title": "Region"}


def examples_schema() -> Schema:
    """The schema of an ``examples.<language>.yaml``."""
    return {"$schema": DIALECT, **ExamplesFile.model_json_schema(), "title": "Examples"}


def lexicon_schema() -> Schema:
    """The schema of a ``lexicon.<language>.yaml``."""
    return {"$schema": DIALECT, **RegionLexicon.model_json_schema(), "title": "Lexicon"}


SCHEMAS: Mapping[str, Callable[[], Schema]] = {
    "recipe": recipe_schema,
    "region": region_schema,
    "lexicon": lexicon_schema,
    "examples": examples_schema,
}
"""Kind of file -> its schema."""


def schema_text(schema: Schema) -> str:
    """The schema as the committed copies have it."""
    return json.dumps(schema, indent=1, ensure_ascii=False) + "\n"


def _is_foreign(section: Mapping[str, Any]) -> bool:
    """Whether a package declares a section only to leave it to the other."""
    return str(section.get("description", "")).startswith("read by")


def _definitions(one: Schema, other: Schema) -> Schema:
    clash = [name for name in one.keys() & other.keys() if one[name] != other[name]]
    assert not clash, f"both packages define {clash}, each in its own way"
    return {**one, **other}


def _backends() -> Schema:
    """The settings of each backend, with its name."""
    found: Schema = {}
    for name in BACKENDS:
        schema = find_backend(name).Options.model_json_schema()
        found |= schema.pop("$defs", {})
        schema["properties"] = {"name": {"const": name}} | schema["properties"]
        schema["required"] = ["name", *schema.get("required", ())]
        found[f"backend_{name}"] = schema
    return found
