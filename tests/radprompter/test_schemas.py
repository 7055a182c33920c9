"""The JSON Schemas that editors use: equal to their committed copies, and true of what ships."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from radprompter.cli.app import app
from radprompter.recipe import load_recipe
from radprompter.region import load_region
from radprompter.schemas import SCHEMAS, examples_schema, lexicon_schema, recipe_schema, region_schema
from radprompter.shipped import shipped
from radprompter.typed_yaml import read_yaml

ROOT = Path(__file__).parents[2]
RECIPES = sorted((ROOT / "recipes").rglob("*.yaml"))
REGIONS = sorted((ROOT / "templates").glob("*/region.yaml"))
LEXICONS = sorted((ROOT / "templates").glob("*/lexicon.??.yaml"))
EXAMPLES = sorted((ROOT / "templates").glob("*/examples.*.yaml"))


@pytest.mark.parametrize("kind", SCHEMAS)
def test_the_committed_schema_is_what_the_command_prints(kind: str) -> None:
    result = CliRunner().invoke(app, ["schema", kind])
    remedy = f"schemas/{kind}.json is out of date: radprompter schema {kind} > schemas/{kind}.json"
    assert result.stdout == (shipped("schemas") / f"{kind}.json").read_text(encoding="utf-8"), remedy


def test_another_kind_of_file_is_refused() -> None:
    assert CliRunner().invoke(app, ["schema", "report"]).exit_code == 2


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        *((path, "recipe") for path in RECIPES),
        *((path, "region") for path in REGIONS),
        *((path, "lexicon") for path in LEXICONS),
        *((path, "examples") for path in EXAMPLES),
    ],
    ids=lambda value: str(value.relative_to(ROOT)) if isinstance(value, Path) else value,
)
def test_every_shipped_file_names_its_schema_in_the_first_line(path: Path, kind: str) -> None:
    first = path.read_text(encoding="utf-8").splitlines()[0]
    beginning, _, place = first.partition("=")
    assert beginning == "# yaml-language-server: $schema"
    assert (path.parent / place).resolve() == ROOT / "schemas" / f"{kind}.json"


def test_a_recipe_has_the_sections_of_both_packages() -> None:
    schema = recipe_schema()
    sections = ["phantom", "label", "weaken", "agree", "data", "train", "evaluate", "report", "studies", "tracking"]
    assert [name for name in schema["properties"] if name not in ("name", "out")] == sections
    for section in sections:
        if section != "studies":  # names and paths, no keys of its own
            assert list(references(schema["properties"][section])), f"{section} is not described"


def test_a_backend_is_described_by_its_own_settings() -> None:
    definitions = recipe_schema()["$defs"]
    assert definitions["backend_openai"]["properties"]["remote"]["enum"] == ["refuse", "allow"]
    assert definitions["backend_openai"]["required"] == ["name", "model"]
    assert definitions["backend_rules"]["properties"]["name"] == {"const": "rules"}


@pytest.mark.parametrize("schema", [make() for make in SCHEMAS.values()], ids=SCHEMAS)
def test_a_schema_refers_only_to_what_it_defines_and_refuses_unknown_keys(schema: dict[str, Any]) -> None:
    assert {name.removeprefix("#/$defs/") for name in references(schema)} <= set(schema["$defs"])
    assert schema["additionalProperties"] is False
    for name, part in schema["$defs"].items():
        assert part.get("additionalProperties") is False or "enum" in part, name


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.stem)
def test_a_shipped_recipe_has_no_key_that_its_schema_lacks(path: Path) -> None:
    load_recipe(path)
    assert list(strangers(read_yaml(path).data, recipe_schema(), recipe_schema())) == []


@pytest.mark.parametrize("path", REGIONS, ids=lambda path: path.parent.name)
def test_a_shipped_region_has_no_key_that_its_schema_lacks(path: Path) -> None:
    load_region(str(path.parent))
    assert list(strangers(read_yaml(path).data, region_schema(), region_schema())) == []


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_a_shipped_examples_file_has_no_key_that_its_schema_lacks(path: Path) -> None:
    assert list(strangers(read_yaml(path).data, examples_schema(), examples_schema())) == []


@pytest.mark.parametrize("path", LEXICONS, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_a_shipped_lexicon_has_no_key_that_its_schema_lacks(path: Path) -> None:
    assert list(strangers(read_yaml(path).data, lexicon_schema(), lexicon_schema())) == []


def test_a_misspelled_key_is_a_stranger() -> None:
    found = strangers({"name": "x", "label": {"regoin": "elbow"}}, recipe_schema(), recipe_schema())
    assert list(found) == ["label.regoin"]


def references(part: Any) -> Iterator[str]:
    if isinstance(part, dict):
        yield from ([part["$ref"]] if "$ref" in part else [])
        part = list(part.values())
    for inner in part if isinstance(part, list) else ():
        yield from references(inner)


def strangers(value: Any, part: dict[str, Any], schema: dict[str, Any], where: str = "") -> Iterator[str]:
    """Keys that no branch of a schema knows: enough of a validator to find a typo."""
    if not isinstance(value, dict):
        return
    branches = [resolved(branch, schema) for branch in part.get("anyOf", part.get("oneOf", [part]))]
    branches = [branch for branch in branches if "properties" in branch or "additionalProperties" in branch]
    named = [b for b in branches if b.get("properties", {}).get("name", {}).get("const") in (None, value.get("name"))]
    for key, inner in value.items():
        here = f"{where}{key}"
        known = [branch["properties"][key] for branch in named if key in branch.get("properties", {})]
        known += [branch["additionalProperties"] for branch in named if branch.get("additionalProperties")]
        if not known:
            yield here
        for branch in known[:1]:
            if isinstance(branch, dict):
                yield from strangers(inner, resolved(branch, schema), schema, f"{here}.")


def resolved(part: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    return schema["$defs"][part["$ref"].removeprefix("#/$defs/")] if "$ref" in part else part
