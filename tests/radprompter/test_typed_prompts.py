"""Regions that ask more than states: the schemas of their answers, and what prompts tell."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typed_region import TYPED_REGION, typed_region

from radprompter import Report, load_template
from radprompter.answers import read
from radprompter.attributes import MAX_CHARACTERS, MAX_ITEMS
from radprompter.prompting.answer_schema import answer_schema, answer_tokens, finding_schema
from radprompter.prompting.strategies import FEW_SHOT, STRATEGIES
from radprompter.prompting.strict import strict_problems
from radprompter.recipe import LabelRecipe
from radprompter.records import Completion
from radprompter.region import LANGUAGES, Region, load_region, region_names

REPORT = Report("r", {"report": "Words."})


@pytest.fixture(scope="module")
def region(tmp_path_factory: pytest.TempPathFactory) -> Region:
    return typed_region(Path(tmp_path_factory.mktemp("templates")))


def said(region: Region, *, strategy: str = "zero_shot", language: str = "en", **choices: Any) -> list[str]:
    """The words of each prompt about a report."""
    template = load_template(region, strategy=strategy, language=language, **choices)
    return [
        "\n".join(message.content for turn in prompt.turns for message in turn.messages)
        for prompt in template.prompts(REPORT)
    ]


STATES = {"type": "string", "enum": ["present", "absent", "uncertain", "not mentioned"]}
NULL = {"type": "null"}


def test_an_answer_is_a_state_or_an_object_with_the_quote_first(region: Region) -> None:
    properties = answer_schema(region)["properties"]
    assert properties["effusion"] == STATES
    assert list(properties["fracture"]["properties"])[:4] == ["evidence", "state", "side", "bone"]
    assert properties["fracture"]["required"] == list(properties["fracture"]["properties"])
    assert properties["fracture"]["properties"]["evidence"] == {"anyOf": [{"type": "string"}, NULL]}
    assert properties["healing"] == {
        "type": "object",
        "properties": {"state": STATES, "stage": {"anyOf": [{"type": "string"}, NULL]}},
        "required": ["state", "stage"],
        "additionalProperties": False,
    }


def test_each_kind_has_its_schema(region: Region) -> None:
    parts = finding_schema(region, "fracture")["properties"]
    found = {name: part["anyOf"][0] for name, part in parts.items() if "anyOf" in part}
    measure = found["step"]
    assert measure["properties"] == {
        "value": {"type": "number"},
        "unit": {"type": "string", "enum": ["mm", "cm", "in"]},
    }
    assert (measure["required"], measure["additionalProperties"]) == (["value", "unit"], False)
    assert found["side"] == {"type": "string", "enum": ["left", "right", "bilateral"]}
    assert found["bone"] == {"type": "string", "enum": ["radius", "ulna", "scaphoid"]}
    assert found["severity"] == {"type": "string", "enum": ["mild", "moderate", "severe"]}
    assert found["fragments"] == {"type": "number"}
    assert found["device"] == found["evidence"] == {"type": "string"}
    assert found["joints"] == {"type": "array", "items": {"type": "string", "enum": ["radiocarpal", "ulnocarpal"]}}
    assert found["gaps"]["items"]["properties"]["unit"] == {"type": "string", "enum": ["mm", "cm"]}
    assert (list(parts)[:2], parts["answer"]) == (["evidence", "answer"], STATES)


def test_a_strict_endpoint_takes_every_schema(region: Region) -> None:
    schemas = [answer_schema(region), *(finding_schema(region, name) for name in region.findings)]
    schemas += [answer_schema(load_region(name).quoting()) for name in region_names()]
    assert [problem for schema in schemas for problem in strict_problems(schema)] == []


TEXTS = st.text(
    st.characters(min_codepoint=32, max_codepoint=0x24F, exclude_characters="\x7f"), max_size=MAX_CHARACTERS
)


def answers_to(schema: Mapping[str, Any]) -> st.SearchStrategy[Any]:
    """Valid answers to a schema, texts and lists as long as prompts allow."""
    if "anyOf" in schema:
        return st.one_of([answers_to(part) for part in schema["anyOf"]])
    if "enum" in schema:
        return st.sampled_from(schema["enum"])
    if schema["type"] == "object":
        return st.fixed_dictionaries({name: answers_to(part) for name, part in schema["properties"].items()})
    if schema["type"] == "array":
        return st.lists(answers_to(schema["items"]), max_size=MAX_ITEMS)
    numbers = st.floats(-1e6, 1e6, allow_nan=False).map(lambda number: round(number, 6))
    return {"string": TEXTS, "number": numbers, "null": st.none()}[schema["type"]]


@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_no_valid_answer_has_more_tokens_than_are_asked_for(data: st.DataObject, region: Region) -> None:
    schema = answer_schema(region)
    answer = data.draw(answers_to(schema))
    reply = f"```json\n{json.dumps(answer, indent=4, ensure_ascii=False)}\n```"
    assert len(reply.encode()) <= answer_tokens(schema)
    cells = read(Completion("r", (reply,)), REPORT, region, "test").cells
    assert all(cell.state.is_label or cell.finding == "refracture" for cell in cells)
    statuses = {a.status for cell in cells for a in cell.attributes}
    assert statuses <= {"answered", "not_stated", "not_applicable", "invalid"}  # invalid: out of range, such as 1e6 mm


@pytest.mark.parametrize("strategy", [name for name in STRATEGIES if name != FEW_SHOT])  # the region has no examples
@pytest.mark.parametrize("language", LANGUAGES)
def test_a_prompt_about_all_findings_tells_every_attribute(strategy: str, language: str, region: Region) -> None:
    (text,) = said(region, strategy=strategy, language=language)
    for finding in region.findings.values():
        for name, attribute in finding.attributes.items():
            for word in (name, *attribute.choices, *attribute.units):
                assert json.dumps(word, ensure_ascii=False) in text
            assert attribute.titles[language] in text
    assert ("Kahnbein" in text, "scaphoid bone" in text) == (language == "de", language == "en")


def test_a_prompt_says_where_a_finding_is_asked(region: Region) -> None:
    (english,), (german,) = said(region), said(region, language="de")
    assert (
        '"refracture" is asked about only where "fracture" is "present" or "uncertain" and "healing" is "present" or '
        '"uncertain"; elsewhere its value is "absent".'
    ) in english
    assert (
        'Nach "healing" ist nur gefragt, wenn "fracture" "present" ist; sonst ist der Wert "not mentioned".' in german
    )
    assert all("asked about only" not in text for text in said(region, plan="per_finding"))


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_question_about_a_finding_without_attributes_does_not_know_of_them(language: str, tmp_path: Path) -> None:
    region = typed_region(tmp_path / "a")
    plain = TYPED_REGION.replace("    evidence: true\n", "").replace("    depends_on: {fracture: [positive]}\n", "")
    plain = plain[: plain.index("    attributes:\n")] + plain[plain.index("  healing:") :]
    plain = plain.replace("    attributes: {stage: {kind: text, title: {en: Stage, de: Stadium}}}\n", "")
    plain = plain.replace("    depends_on: {fracture: [positive, uncertain], healing: [positive, uncertain]}\n", "")
    plain = plain.replace("    otherwise: negative\n", "")
    bare = typed_region(tmp_path / "b", plain)
    assert not bare.asks_more
    for plan, same in (("per_finding", [False, False, True, True]), ("label_read", [True] * 4)):
        typed, untyped = (load_template(r, plan=plan, language=language).prompts(REPORT) for r in (region, bare))
        assert [a.fingerprint == b.fingerprint for a, b in zip(typed, untyped, strict=True)] == same


def test_quotes_can_be_asked_of_any_region() -> None:
    for plan in ("one_json", "per_finding"):
        for text in said(load_region("elbow"), plan=plan, evidence=True):
            assert '"evidence"' in text
    (turn,) = load_template("elbow", evidence=True).render(REPORT).turns
    assert turn.json_schema is not None
    assert list(turn.json_schema["properties"]["fracture"]["properties"]) == ["evidence", "state"]
    assert load_template("elbow", evidence=True).hash != load_template("elbow").hash


def test_a_region_or_a_finding_may_ask_for_quotes(tmp_path: Path) -> None:
    text = TYPED_REGION.replace("schema: wrist-typed-1", "schema: wrist-typed-1\nevidence: true")
    text = text.replace("  effusion:\n", "  effusion:\n    evidence: false\n")
    findings = typed_region(tmp_path, text).findings
    assert {name: finding.evidence for name, finding in findings.items()} == {
        "fracture": True, "healing": True, "refracture": True, "effusion": False,
    }  # fmt: skip


def test_probabilities_are_read_without_words_to_quote() -> None:
    recipe = {"reports": {"path": "r.csv"}, "region": "elbow", "evidence": True}
    assert LabelRecipe.model_validate(recipe).evidence
    with pytest.raises(ValueError, match="reads probabilities and no words; take evidence away"):
        LabelRecipe.model_validate({**recipe, "plan": "label_read"})


def test_what_is_asked_changes_the_hash_and_what_is_not_asked_does_not(tmp_path: Path) -> None:
    def digest(folder: str, *pairs: tuple[str, str]) -> str:
        text = TYPED_REGION
        for old, new in pairs:
            assert old in text
            text = text.replace(old, new, 1)
        return typed_region(tmp_path / folder, text).hash

    same = digest("same")
    assert digest("a", ("    definition: {en: Fluid", "    evidence: false\n    definition: {en: Fluid")) == same
    assert digest("b", ("maximum: 100", "maximum: 99")) != same
    assert digest("c", ("otherwise: negative", "otherwise: uncertain")) != same
    assert digest("d", ("evidence: true", "evidence: false")) != same
