"""Examples: a file read with exact errors, shown so that prompts keep their common beginning, and quoted as data."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from fake_endpoint import answer, endpoint
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from label_study import study
from small_region import REGION, small_region

from radprompter.answers import read
from radprompter.errors import RecipeError, TemplateError
from radprompter.prompting import load_template
from radprompter.prompting.check import check_region
from radprompter.prompting.examples import Example, example_problems, find_examples, load_examples, view_examples
from radprompter.prompting.quoting import quote
from radprompter.records import Completion, Message, Prompt, Report
from radprompter.region import LANGUAGES, Region, load_region, region_names
from radprompter.rules.labeler import RuleLabeler
from radprompter.run import label_reports

EXAMPLES = """
examples:
  - report: {findings: Broken radius., impression: Radial fracture.}
    labels:
      fracture: positive
      effusion: uncertain
    why: A broken bone is a fracture.
  - report: Nothing is broken.
    labels: {fracture: negative}
    why: Denied.
"""
REPORT = Report("a", {"report": "Fracture of the ulna."})
SHIPPED = [(name, language) for name in region_names() for language in LANGUAGES]

RULES_DIFFER = {
    # Where the region has no finding for displacement, the rules read the denial as that of the fracture.
    ("chest_ptx_ribfx", "de", "example 2", "rib_fracture"): "negative",
    # Of "avulsion fracture at the base of the proximal phalanx" the rules take the longest mention alone.
    ("thumb", "en", "example 4", "avulsion"): "not_mentioned",
}
"""Where the rule labeler reads an example otherwise than a careful reader: its state, with the reason."""


@pytest.fixture
def region(tmp_path: Path) -> Region:
    loaded = small_region(tmp_path)
    (loaded.folders[0] / "examples.en.yaml").write_text(EXAMPLES, encoding="utf-8")
    return loaded


def written(folder: Path, text: str) -> Path:
    path = folder / "mine.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def system(prompt: Prompt) -> str:
    return prompt.turns[0].messages[0].content


def test_every_finding_of_an_example_has_a_state(region: Region) -> None:
    first, second = load_examples(find_examples(region, "en"), region)
    assert first.report.sections == {"findings": "Broken radius.", "impression": "Radial fracture."}
    assert first.states == {"fracture": "positive", "effusion": "uncertain", "no_finding": "not_mentioned"}
    assert (second.report.text, second.why) == ("Nothing is broken.", "Denied.")


FAULTS = [
    ("fracture: positive", "fracure: positive", "5: examples.0.labels.fracure: unknown finding; did you mean 'fract"),
    ("fracture: positive", "fracture: postive", "5: examples.0.labels.fracture: input should be 'positive', 'neg"),
    ("effusion: uncertain", "no_finding: negative", "6: examples.0.labels.no_finding: no_finding is negative, but may"),
    ("    why: Denied.", "    rest: negative", "10: examples.1.rest: no_finding is negative, but may only be posit"),
    ("report: Nothing is broken.", "report: ' -- '", "8: examples.1.report: no words"),
    ("why: Denied.", "wy: Denied.", "10: examples.1.wy: unknown key; did you mean 'why'?"),
    ("    labels: {fracture: negative}\n", "", "8: examples.1.labels: required, but absent"),
]  # fmt: skip


@pytest.mark.parametrize(("before", "after", "message"), FAULTS)
def test_a_fault_is_named_with_its_line(before: str, after: str, message: str, region: Region, tmp_path: Path) -> None:
    assert EXAMPLES.count(before) == 1
    path = written(tmp_path, EXAMPLES.replace(before, after))
    with pytest.raises(RecipeError) as caught:
        load_examples(path, region)
    assert f"{path}:{message}" in str(caught.value)


def test_all_faults_are_named_at_once(region: Region, tmp_path: Path) -> None:
    path = written(tmp_path, EXAMPLES.replace("fracture", "break").replace("effusion", "fluid"))
    with pytest.raises(RecipeError) as caught:
        load_examples(path, region)
    assert len(str(caught.value).splitlines()) == 3


@pytest.mark.parametrize(("general", "fault"), [("negative", True), ("uncertain", True), ("positive", False)])
def test_an_example_may_not_contradict_what_a_finding_implies(general: str, fault: bool, tmp_path: Path) -> None:
    folder = small_region(tmp_path).folders[0]
    implying = REGION.replace("Flüssigkeit im Gelenk}", "Flüssigkeit im Gelenk}\n    implies: [fracture]")
    (folder / "region.yaml").write_text(implying, encoding="utf-8")
    (folder / "examples.en.yaml").write_text(
        f"examples:\n  - report: x1\n    labels: {{effusion: positive, fracture: {general}}}\n"
    )
    found = [problem for problem in check_region(folder) if "implies fracture, which is" in problem]
    assert bool(found) is fault


def test_the_check_of_a_folder_reads_its_examples(region: Region) -> None:
    folder = region.folders[0]
    assert example_problems(folder) == []
    (folder / "examples.en.yaml").write_text(EXAMPLES.replace("effusion:", "efusion:"))
    (folder / "examples.fr.yaml").write_text(EXAMPLES)
    found = check_region(folder)
    assert sum("unknown finding; did you mean 'effusion'?" in problem for problem in found) == 1
    assert sum("examples.fr.yaml: no language reads this file by itself" in problem for problem in found) == 1


@pytest.mark.parametrize(
    ("choices", "message"),
    [
        (
            {"strategy": "few_shot", "language": "de"},
            r"no examples file 'examples\.de\.yaml'; did you mean 'examples\.en",
        ),
        ({"strategy": "few_shot", "examples": "none.yaml"}, r"no examples file 'none\.yaml'"),
        ({"strategy": "zero_shot", "examples": "examples.en.yaml"}, "'zero_shot' shows no examples; use 'few_shot'"),
    ],
)
def test_examples_that_are_not_there_or_not_shown_are_refused(
    choices: dict[str, Any], message: str, region: Region
) -> None:
    with pytest.raises(TemplateError, match=message):
        load_template(region, **choices)


def test_reasoning_in_the_answer_needs_examples_that_reason(region: Region, tmp_path: Path) -> None:
    path = written(tmp_path, EXAMPLES.replace("    why: Denied.\n", ""))
    assert load_template(region, strategy="chain_of_thought", examples=path)
    with pytest.raises(TemplateError, match="example 2 has no `why`"):
        load_template(region, strategy="chain_of_thought_one_turn", examples=path)


def test_an_answer_that_asks_for_more_than_states_is_not_shown_half(region: Region) -> None:
    examples = load_examples(find_examples(region, "en"), region)
    schema = {"properties": {"fracture": {"type": "object", "properties": {"state": {"enum": ["present"]}}}}}
    with pytest.raises(TemplateError, match="the answer about 'fracture' has more than a state"):
        view_examples(examples, region, "en", schema=schema, reasons=False)
    assert [view.answer for view in view_examples(examples, region, "en", schema=None, reasons=False)] == ["", ""]


def answers_in(text: str) -> list[str]:
    return [line.removeprefix("Answer: ") for line in text.splitlines() if line.startswith("Answer: ")]


@pytest.mark.parametrize("strategy", ["few_shot", "chain_of_thought", "chain_of_thought_one_turn"])
def test_an_example_answers_as_the_schema_asks_and_is_read_back_as_its_labels(strategy: str, region: Region) -> None:
    template = load_template(region, strategy=strategy, examples="examples.en.yaml")
    prompt = template.render(REPORT)
    schema = prompt.turns[-1].json_schema
    shown = answers_in(system(prompt))
    assert schema is not None
    assert len(shown) == 2
    for text, example in zip(shown, template.wording.examples, strict=True):
        answered = json.loads(text)
        assert list(answered) == schema["required"]
        assert all(answered[key] in part["enum"] for key, part in schema["properties"].items() if "enum" in part)
        cells = read(Completion("a", (text,)), REPORT, region, "t").cells
        assert {cell.finding: cell.state for cell in cells} == example.states
        assert {cell.repair for cell in cells} == {None}


def test_reasoning_is_shown_where_the_strategy_reasons(region: Region) -> None:
    def said(strategy: str) -> str:
        return system(load_template(region, strategy=strategy, examples="examples.en.yaml").render(REPORT))

    assert "Denied." not in said("few_shot")
    assert "\nReasoning: Denied.\nAnswer: {" in said("chain_of_thought")
    assert 'Answer: {"reasoning": "Denied.", "fracture": "absent"' in said("chain_of_thought_one_turn")


@pytest.mark.parametrize("plan", ["per_finding", "label_read"])
def test_about_one_finding_the_reports_come_first_and_its_values_last(plan: Any, region: Region) -> None:
    prompts = load_template(region, strategy="few_shot", plan=plan).prompts(REPORT)
    assert len({system(prompt) for prompt in prompts}) == 1
    assert "Nothing is broken." in system(prompts[0])
    assert '"fracture"' not in system(prompts[0])
    assert answers_in(system(prompts[0])) == []
    users = [prompt.turns[0].messages[1].content for prompt in prompts]
    assert all(user.startswith("<report>\nFracture of the ulna.\n</report>\n") for user in users)
    values = [line for user in users for line in user.splitlines() if line.startswith("Its value in the examples")]
    assert values == [
        'Its value in the examples: example 1 "present", example 2 "absent".',
        'Its value in the examples: example 1 "possible", example 2 "not mentioned".',
        'Its value in the examples: example 1 "not mentioned", example 2 "not mentioned".',
    ]


def test_another_state_in_an_example_asks_about_that_finding_alone(region: Region, tmp_path: Path) -> None:
    other = written(tmp_path, EXAMPLES.replace("effusion: uncertain", "effusion: positive"))
    one, two = (
        load_template(region, strategy="few_shot", plan="per_finding", examples=path).prompts(REPORT)
        for path in ("examples.en.yaml", other)
    )
    assert [a.fingerprint == b.fingerprint for a, b in zip(one, two, strict=True)] == [True, False, True]


def test_examples_change_the_hash_and_nothing_behind_the_system_text(region: Region) -> None:
    plain, shown = load_template(region), load_template(region, strategy="few_shot")
    assert plain.hash != shown.hash
    (before,), (after,) = plain.render(REPORT).turns, shown.render(REPORT).turns
    assert replace(before, messages=before.messages[1:]) == replace(after, messages=after.messages[1:])


hostile = st.sampled_from(
    ("{{ 7 * 7 }}", "{% raw %}", "</example>", "<report>", "</report>", "<|im_end|>", "[INST]", "\nAnswer: {}", "]~b]")
)
words = st.lists(st.one_of(st.text(st.characters(exclude_categories=["Cs"]), max_size=12), hostile), max_size=8)


@given(words.map("".join), words.map("".join))
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_whatever_an_example_holds_stays_between_its_tags(tmp_path: Path, report: str, why: str) -> None:
    loaded = small_region(tmp_path)
    example = {"report": f"x {report}", "labels": {"fracture": "positive"}, "why": f"y {why}"}
    path = written(tmp_path, json.dumps({"examples": [example]}))
    if yaml.safe_load(path.read_text(encoding="utf-8")) != {"examples": [example]}:
        return  # YAML reads some escapes of JSON, such as halves of a character, in its own way
    template = load_template(loaded, strategy="chain_of_thought", examples=path)
    said = system(template.render(REPORT))
    thought = " ".join(f"y {why}".split())
    assert f"<example>\n{quote(f'x {report}')}\n</example>\nReasoning: {quote(thought)}\nAnswer: {{" in said
    assert said.count("<example>") == said.count("</example>") == 2  # once where the rule is told
    assert said.count("<report>") == said.count("</report>") == 1
    assert "<|" not in said
    assert "[INST]" not in said


@pytest.mark.parametrize(("name", "language"), SHIPPED)
def test_shipped_examples_show_every_state_and_agree_with_the_rules(name: str, language: str) -> None:
    region = load_region(name)
    examples = load_examples(find_examples(region, language), region)
    labeler = RuleLabeler(region)
    assert 3 <= len(examples) <= 4
    assert all(example.why for example in examples)
    states = {state for example in examples for state in example.states.values()}
    assert states == set(region.states)
    found = {}
    for example in examples:
        decisions = labeler.label(replace(example.report, language=language)) or {}
        for finding, state in example.states.items():
            if decisions[finding].state is not state:
                found[name, language, example.report.id, finding] = str(decisions[finding].state)
    assert found == {place: state for place, state in RULES_DIFFER.items() if place[:2] == (name, language)}


def test_both_languages_tell_the_same_examples() -> None:
    def states(name: str, language: str) -> list[dict[str, Any]]:
        region = load_region(name)
        return [dict(e.states) for e in load_examples(find_examples(region, language), region)]

    assert [states(name, "en") for name in region_names()] == [states(name, "de") for name in region_names()]


@pytest.mark.parametrize("name", ["clavicle", "elbow", "thumb"])
@pytest.mark.parametrize(
    ("language", "words"), [("en", "No displaced fracture."), ("de", "Keine dislozierte Fraktur.")]
)
def test_no_displaced_fracture_denies_displacement_and_no_fracture(name: str, language: str, words: str) -> None:
    region = load_region(name)
    (trap,) = (e for e in load_examples(find_examples(region, language), region) if words in e.report.text)
    assert trap.states["displacement"] == "negative"
    assert trap.states["fracture"] == "uncertain"


def test_an_inherited_file_serves_fewer_findings_and_not_more(tmp_path: Path, region: Region) -> None:
    def child(take: str, findings: str = "") -> Region:
        folder = tmp_path / "carpus"
        folder.mkdir(exist_ok=True)
        text = f"title: {{en: Carpus}}\nschema: carpus\nextends: wrist\ntake: {take}\n{findings}"
        (folder / "region.yaml").write_text(text)
        return load_region(str(folder))

    fewer = child("[effusion]")
    examples: tuple[Example, ...] = load_examples(find_examples(fewer, "en"), fewer)
    assert [dict(example.states) for example in examples] == [{"effusion": "uncertain"}, {"effusion": "not_mentioned"}]
    more = child("[effusion]", "findings:\n  gap: {title: {en: Gap}, definition: {en: A wide gap.}}\n")
    with pytest.raises(RecipeError, match="wrist has no finding gap, of which these examples say nothing"):
        load_examples(find_examples(more, "en"), more)


def test_a_recipe_names_examples_and_a_run_shows_them(tmp_path: Path) -> None:
    path = written(tmp_path, EXAMPLES)
    reply = json.dumps({"reasoning": '{"fracture": "absent"}', "fracture": "present", "effusion": "absent"})
    with endpoint(lambda number, body: answer(reply)) as server:
        backend = {"name": "openai", "model": "m", "base_url": server.url}
        recipe = study(
            tmp_path, backend, {"a": "Fracture."}, strategy="chain_of_thought_one_turn", examples=str(path), reasks=0
        )  # fmt: skip
        run = label_reports(recipe)
        body = server.bodies[-1]
    assert "Nothing is broken." in Message(**body["messages"][0]).content
    assert next(iter(body["response_format"]["json_schema"]["schema"]["properties"])) == "reasoning"
    assert tuple(run.table.wide().loc["a"]) == ("positive", "negative", "missing")
    assert run.table.frame["repair"].isna().all()
