"""Recipes: overrides, substitution, and errors that list every problem with a suggestion."""

from __future__ import annotations

from pathlib import Path

import pytest

from radprompter.errors import RecipeError
from radprompter.recipe import StudyRecipe, load_recipe
from radprompter.typed_yaml import override, parse_yaml, read_yaml, substitute, validate

GOOD = """\
name: Test
out: runs/test
label:
  reports: {path: "{out}/reports.csv"}
  region: elbow
"""


def load(text: str, tmp_path: Path, *settings: str) -> StudyRecipe:
    path = tmp_path / "recipe.yaml"
    path.write_text(text)
    return load_recipe(path, settings=settings)


def test_a_recipe_is_typed_and_knows_its_output_folder(tmp_path: Path) -> None:
    recipe = load(GOOD, tmp_path)
    assert recipe.label is not None
    assert recipe.label.reports.path == Path("runs/test/reports.csv")
    assert recipe.label.backend == {"name": "rules"}


def test_another_output_folder_moves_every_path_that_names_it(tmp_path: Path) -> None:
    path = tmp_path / "recipe.yaml"
    path.write_text(GOOD)
    recipe = load_recipe(path, out=Path("/elsewhere"))
    assert recipe.label is not None
    assert recipe.label.reports.path == Path("/elsewhere/reports.csv")


def test_settings_override_any_key_and_are_read_as_yaml(tmp_path: Path) -> None:
    recipe = load(GOOD, tmp_path, "label.limit=3", "label.backend.name=scripted", "name=Other")
    assert recipe.label is not None
    assert (recipe.label.limit, recipe.label.backend["name"], recipe.name) == (3, "scripted", "Other")


def test_all_problems_are_listed_with_lines_and_suggestions(tmp_path: Path) -> None:
    text = GOOD.replace("region: elbow", "regoin: elbow\n  limit: none\n  strategi: zero_shot")
    with pytest.raises(RecipeError) as error:
        load(text, tmp_path)
    lines = str(error.value).splitlines()
    assert len(lines) == 4
    assert any("recipe.yaml:5: label.regoin: unknown key; did you mean 'region'?" in line for line in lines)
    assert any("recipe.yaml:7: label.strategi: unknown key; did you mean 'strategy'?" in line for line in lines)
    assert any("label.region: required, but absent" in line for line in lines)
    assert any(":6: label.limit:" in line and "'none'" in line for line in lines)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "found nothing"),
        ("- a\n- b\n", "found list"),
        ("a: [1\n", "not valid YAML"),
        ("a: 1\nb: 2\na: 3\n", "key 'a' stands on line 1 and again on line 3"),
        ("a: !!python/object/apply:os.system [ls]\n", "not valid YAML"),
        ("a: &x [1]\nb: [" + "*x, " * 200 + "]\n", "more than 100 aliases"),
        ("a: " + "[" * 3000, "not valid YAML"),
    ],
)
def test_hostile_or_broken_yaml_is_refused(text: str, message: str) -> None:
    with pytest.raises(RecipeError, match=message):
        parse_yaml(text, "recipe.yaml")


def test_absent_oversized_and_undecodable_files_are_refused(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="no such file"):
        read_yaml(tmp_path / "none.yaml")
    big = tmp_path / "big.yaml"
    big.write_bytes(b"#" * 1_000_001)
    with pytest.raises(RecipeError, match="larger than"):
        read_yaml(big)
    latin = tmp_path / "latin.yaml"
    latin.write_bytes("name: Größe".encode("latin-1"))
    with pytest.raises(RecipeError, match="not UTF-8"):
        read_yaml(latin)


@pytest.mark.parametrize(
    ("setting", "message"),
    [("label", "expected a.b=value"), ("=3", "expected a.b=value"), ("name.x=3", "'name' is not a section"),
     ("label.limit=[", "not valid YAML")],
)  # fmt: skip
def test_unusable_settings_are_refused(setting: str, message: str) -> None:
    with pytest.raises(RecipeError, match=message):
        override(parse_yaml(GOOD, "recipe.yaml"), [setting])


def test_substitution_leaves_other_braces_alone() -> None:
    document = substitute(parse_yaml("a: '{out}/{x}'\nb: ['{out}', 3]\n", "r"), {"out": "o"})
    assert document.data == {"a": "o/{x}", "b": ["o", 3]}


def test_overriding_leaves_the_document_as_it_was() -> None:
    document = parse_yaml(GOOD, "recipe.yaml")
    override(document, ["label.region=thumb"])
    assert document.data["label"]["region"] == "elbow"


def test_a_value_error_of_ours_keeps_its_words() -> None:
    text = GOOD.replace("region: elbow", "region: elbow\n  backend: {model: x}")
    with pytest.raises(RecipeError, match="a backend needs a name"):
        validate(StudyRecipe, parse_yaml(text, "recipe.yaml"))
