"""Faults of attributes and conditions: what loading a region refuses, and what `templates check` finds besides."""

from __future__ import annotations

from pathlib import Path

import pytest
from typed_region import TYPED_REGION, typed_region

from radprompter.errors import RecipeError, TemplateError
from radprompter.prompting.check import check_region
from radprompter.prompting.scaffold import write_starter
from radprompter.region import load_region


def check(tmp_path: Path, *pairs: tuple[str, str]) -> list[str]:
    """Problems of the region after some edits, without file and line."""
    folder = tmp_path / "typed"
    folder.mkdir()
    text = TYPED_REGION
    for old, new in pairs:
        assert old in text, old
        text = text.replace(old, new, 1)
    (folder / "region.yaml").write_text(text, encoding="utf-8")
    problems = check_region(folder)
    assert all(problem.startswith(str(folder / "region.yaml:")) for problem in problems)
    return [problem.split(": ", 1)[1] for problem in problems]


def test_a_region_with_everything_is_sound(tmp_path: Path) -> None:
    assert check(tmp_path) == []


def test_the_examples_of_the_starter_are_sound(tmp_path: Path) -> None:
    write_starter("wrist", tmp_path)
    path = tmp_path / "wrist" / "region.yaml"
    path.write_text(path.read_text().replace("    # - ", "    "))
    assert check_region(path.parent) == []
    findings = load_region("wrist", templates=tmp_path).findings
    assert list(findings["fracture"].attributes) == ["side", "severity", "displacement", "pattern"]
    assert (findings["fracture"].evidence, list(findings["avulsion"].depends_on)) == (True, ["fracture"])


FOUND = [
    ("{fracture: [positive]}", "{fractur: [positive]}",
     ["healing depends on 'fractur', which the region lacks; did you mean 'fracture'?"]),
    ("{fracture: [positive]}", "{refracture: [positive]}",
     ["healing depends on itself: healing -> refracture -> healing"]),
    ("    otherwise: negative\n", "",
     ["refracture is not_mentioned where it is not asked, which it cannot be; "
      "set otherwise: positive, negative, uncertain"]),
    ("    depends_on: {fracture: [positive]}", "    depends_on: {fracture: [positive, not_mentioned]}\n"
     "    states: [positive, negative]\n    otherwise: negative",
     ["refracture depends on healing being uncertain, which it cannot be"]),
    ("healing: [positive, uncertain]}", "healing: [negative], effusion: [positive]}", []),
    ("{fracture: [positive, uncertain], healing", "{fracture: [uncertain], healing",
     ["refracture is never asked: what it depends on asks for different states of fracture"]),
    ("title: {en: Step, de: Stufe}", "title: {en: Step}", ["attribute 'step' of fracture has no title in 'de'"]),
    ("description: {en: The number of pieces., de: Die", "description: {de: Die",
     ["attribute 'fragments' of fracture has no description in 'en'"]),
    ("radius: {de: Radius}", "radius: {en: radius}", ["value 'radius' of attribute 'bone' of fracture has no word in"]),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new", "expected"), FOUND)
def test_what_shows_only_later_is_found(old: str, new: str, expected: list[str], tmp_path: Path) -> None:
    problems = check(tmp_path, (old, new))
    assert len(problems) == len(expected), problems
    assert all(message in problem for message, problem in zip(expected, problems, strict=True)), problems


def test_several_faults_are_told_at_once_with_their_lines(tmp_path: Path) -> None:
    problems = check(
        tmp_path,
        ("values: [transverse, oblique, buckle]", "values: []"),
        ("side: {kind: laterality}", "answer: {kind: laterality}"),
        ("{fracture: [positive]}", "{fractur: [positive]}"),
    )
    assert any("a choice needs values" in problem for problem in problems)
    assert any("depends on 'fractur'" in problem for problem in problems)


FAULTS = [
    ("step: {kind: number, title: {en: Step, de: Stufe}, ", "step: {kind: number, ", "kind number needs a title"),
    ("{kind: laterality}", "{kind: laterality, values: [up]}", "kind laterality takes no values"),
    ("values: [transverse, oblique, buckle]", "values: []", "a choice needs values"),
    ("[transverse, oblique, buckle]", "[transverse, Buckle, buckle]", "'buckle' stands for two values"),
    ("[transverse, oblique, buckle]", "[transverse, transverse]", "'transverse' stands for two values"),
    ("[transverse, oblique, buckle]", "[transverse, '']", "a value is empty"),
    ("[transverse, oblique, buckle]", "[transverse, yes]", "should be a valid string"),
    ("units: [mm, cm, in]", "units: [mm, CM, zentimeter]", "a unit stands twice"),
    ("units: [mm, cm, in]", "units: ['']", "a unit is empty"),
    ("units: [mm, cm, in]", "units: [mm, kg]", "minimum and maximum need units that convert"),
    ("minimum: 0, maximum: 100", "minimum: 10, maximum: 1", "minimum 10 is above maximum 1"),
    ("{kind: laterality}", "{kind: laterality, units: mm}", "units, minimum and maximum are those of numbers"),
    ("{kind: laterality}", "{kind: laterality, of: text}", "`of` says what the items of a list are"),
    ("{kind: laterality}", "{kind: laterality, unit: mm}", "unknown key; did you mean 'units'?"),
    ("{kind: laterality}", "{kind: side}", "kind: input should be 'choice'"),
    ("{kind: laterality}", "{kind: laterality, when: []}", "allowed states are positive, negative"),
    ("{kind: laterality}", "{kind: laterality, when: [failed]}", "found failed"),
    ("{kind: laterality}", "{kind: laterality, title: {fr: Site}}", "unknown language fr"),
    ("side: {kind: laterality}", "state: {kind: laterality}", "an attribute cannot be called 'state'"),
    ("side: {kind: laterality}", "answer: {kind: laterality}", "an attribute cannot be called 'answer'"),
    ("side: {kind: laterality}", "Side: {kind: laterality}", "'Side': expected a name in snake_case"),
    ("depends_on: {fracture: [positive]}", "depends_on: {fracture: []}", "allowed states are"),
    ("depends_on: {fracture: [positive]}", "otherwise: negative", "there is no depends_on"),
]


@pytest.mark.parametrize(("old", "new", "message"), FAULTS, ids=lambda value: value[-28:])
def test_a_faulty_attribute_is_refused(old: str, new: str, message: str, tmp_path: Path) -> None:
    assert old in TYPED_REGION
    with pytest.raises((RecipeError, TemplateError)) as refused:
        typed_region(tmp_path, TYPED_REGION.replace(old, new, 1))
    assert message in str(refused.value)
    assert "region.yaml:" in str(refused.value)
