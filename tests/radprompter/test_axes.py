"""Ways to ask vary independently: each choice changes what it is about, whatever the others are."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import pytest
from label_study import study
from small_region import small_region

from radprompter.answers import read
from radprompter.errors import RecipeError, TemplateError
from radprompter.labeling.section import label_template
from radprompter.prompting import STRATEGIES, load_template
from radprompter.prompting.check import check_region
from radprompter.prompting.strict import strict_problems
from radprompter.records import Completion, Message, Prompt, Report, Turn
from radprompter.region import Region

REPORT = Report("a", {"findings": "Fracture of the ulna.", "impression": "Fracture."})
EXAMPLES = {
    "en": "examples:\n  - {report: Nothing broken., labels: {fracture: negative}, why: Denied.}\n",
    "de": "examples:\n  - {report: Nichts gebrochen., labels: {fracture: negative}, why: Verneint.}\n",
}
PERSONAS = ("annotator", "radiologist", "none", "house")
PLANS = ("one_json", "per_finding", "label_read")
REFUSED = {("label_read", "chain_of_thought_one_turn")}

Choice = dict[str, Any]


def choices() -> list[Choice]:
    """Every combination that can be asked: few-shot is zero-shot with examples."""
    combined = itertools.product(("en", "de"), STRATEGIES, PLANS, PERSONAS, (False, True))
    return [
        {
            "language": language,
            "strategy": strategy,
            "plan": plan,
            "persona": persona,
            "examples": f"examples.{language}.yaml" if shown else None,
        }
        for language, strategy, plan, persona, shown in combined
        if (plan, strategy) not in REFUSED
        and shown == {"zero_shot": False, "few_shot": True}.get(strategy, shown)
    ]  # fmt: skip


CHOICES = choices()


def region_with_choices(templates: Path) -> Region:
    region = small_region(templates)
    for language, text in EXAMPLES.items():
        (region.folders[0] / f"examples.{language}.yaml").write_text(text, encoding="utf-8")
        (region.folders[0] / f"persona_house.{language}.jinja").write_text("House: {{ region.title }}.\n")
    return region


@pytest.fixture(scope="module")
def region(tmp_path_factory: pytest.TempPathFactory) -> Region:
    return region_with_choices(tmp_path_factory.mktemp("templates"))


@pytest.fixture(scope="module")
def asked(region: Region) -> dict[tuple[Any, ...], tuple[Prompt, ...]]:
    """Every combination -> the prompts about one report."""
    return {key(choice): load_template(region, **choice).prompts(REPORT) for choice in CHOICES}


def key(choice: Choice, **changed: Any) -> tuple[Any, ...]:
    return tuple({**choice, **changed}.values())


def name(choice: Choice) -> str:
    return "-".join(str(part) for part in key(choice))


def turns(prompts: tuple[Prompt, ...]) -> list[Turn]:
    return [turn for prompt in prompts for turn in prompt.turns]


def behind_the_system_text(prompts: tuple[Prompt, ...]) -> list[Any]:
    return [{**turn.content(), "messages": [m for m in turn.messages if m.role != "system"]} for turn in turns(prompts)]


def system(prompts: tuple[Prompt, ...]) -> str:
    (text,) = {message.content for turn in turns(prompts) for message in turn.messages if message.role == "system"}
    return text


@pytest.mark.parametrize("choice", CHOICES, ids=name)
def test_every_combination_asks_and_begins_alike(choice: Choice, asked: dict[tuple[Any, ...], Any]) -> None:
    prompts = asked[key(choice)]
    assert len(prompts) == (1 if choice["plan"] == "one_json" else 3)
    assert system(prompts)  # one text, equal for all findings
    for prompt in prompts:
        assert [message.role for message in prompt.turns[0].messages] == ["system", "user"]
        user = prompt.turns[0].messages[1].content
        assert user.startswith("<report>\n")
        assert all(user.count(f"\n{words}\n") == 1 for words in REPORT.sections.values())
        last = prompt.turns[-1]
        assert (last.json_schema is None) is (choice["plan"] == "label_read") is bool(last.top_logprobs)
        assert strict_problems(last.json_schema or {"type": "object", "additionalProperties": False}) == []
        assert len(prompt.turns) == (2 if choice["strategy"] == "chain_of_thought" else 1)
    said = "\n".join(message.content for turn in turns(prompts) for message in turn.messages)
    assert not any(mark in said for mark in ("{{", "{%", "{#", "Undefined", "None"))


def test_no_two_combinations_ask_alike(asked: dict[tuple[Any, ...], tuple[Prompt, ...]]) -> None:
    prints = [tuple(prompt.fingerprint for prompt in prompts) for prompts in asked.values()]
    assert len(set(prints)) == len(prints) == len(CHOICES)


@pytest.mark.parametrize("choice", [c for c in CHOICES if c["persona"] == "annotator"], ids=name)
def test_a_persona_changes_the_first_words_of_the_system_text_alone(
    choice: Choice, asked: dict[tuple[Any, ...], Any]
) -> None:
    before = asked[key(choice)]
    default, _, rest = system(before).partition("\n\n")
    assert default
    for persona in PERSONAS[1:]:
        after = asked[key(choice, persona=persona)]
        assert behind_the_system_text(after) == behind_the_system_text(before)
        role, _, same = system(after).partition("\n\n")
        assert same == rest
        assert role != default
    assert system(asked[key(choice, persona="house")]).startswith(
        "House: wrist.\n\n" if choice["language"] == "en" else "House: Handgelenk.\n\n"
    )


@pytest.mark.parametrize("choice", [c for c in CHOICES if c["examples"] and c["strategy"] != "few_shot"], ids=name)
def test_examples_add_to_the_system_text_and_behind_a_definition(
    choice: Choice, asked: dict[tuple[Any, ...], Any]
) -> None:
    without, with_examples = asked[key(choice, examples=None)], asked[key(choice)]
    head, example, tail = system(with_examples).partition(
        "Examples of other" if choice["language"] == "en" else "Beispiele anderer"
    )
    assert example
    assert system(without).startswith(head.rstrip())
    assert system(without).splitlines()[-1] == tail.splitlines()[-1]
    lines = "Its value in the examples" if choice["language"] == "en" else "Sein Wert in den Beispielen"
    for turn, before in zip(turns(with_examples), turns(without), strict=True):
        kept = [
            Message(m.role, "\n".join(line for line in m.content.splitlines() if not line.startswith(lines)))
            for m in turn.messages
            if m.role != "system"
        ]
        assert kept == [m for m in before.messages if m.role != "system"]
        assert (turn.max_tokens, turn.json_schema) == (before.max_tokens, before.json_schema)


@pytest.mark.parametrize("choice", [c for c in CHOICES if c["language"] == "en"], ids=name)
def test_a_language_changes_the_words_and_not_the_answer(choice: Choice, asked: dict[tuple[Any, ...], Any]) -> None:
    german = choice | {"language": "de", "examples": choice["examples"] and "examples.de.yaml"}
    one, other = turns(asked[key(choice)]), turns(asked[key(german)])
    assert [(t.max_tokens, t.json_schema, len(t.messages)) for t in one] == [
        (t.max_tokens, t.json_schema, len(t.messages)) for t in other
    ]


BLOCKS = ("role", "states", "conventions", "rules", "findings", "answer", "examples", "caution")
BUT = {"findings": ("per_finding", "label_read"), "answer": PLANS}
"""Blocks that plans or strategies fill themselves."""


@pytest.mark.parametrize("block", BLOCKS)
def test_a_region_overrides_any_block_in_every_combination(block: str, tmp_path: Path) -> None:
    region = region_with_choices(tmp_path)
    for language in EXAMPLES:
        (region.folders[0] / f"system.{language}.jinja").write_text(
            f'{{% extends "_shared/system.{language}.jinja" %}}{{% block {block} %}}{{{{ super() }}}}\nOf our own.\n'
            "{% endblock %}"
        )
    for choice in (choice for choice in CHOICES if choice["persona"] == "radiologist"):
        prompts = load_template(region, **choice).prompts(REPORT)
        assert ("\nOf our own.\n" in system(prompts) + "\n") is (choice["plan"] not in BUT.get(block, ()))


def test_a_persona_that_the_system_text_leaves_out_is_refused(tmp_path: Path) -> None:
    region = region_with_choices(tmp_path)
    (region.folders[0] / "system.en.jinja").write_text(
        '{% extends "_shared/system.en.jinja" %}{% block role %}Read.\n{% endblock %}'
    )
    assert load_template(region).wording.persona == "annotator"  # which a region may replace without being asked
    with pytest.raises(TemplateError, match="its system text leaves the persona out"):
        load_template(region, persona="radiologist")


def test_examples_that_the_system_text_leaves_out_are_refused(tmp_path: Path) -> None:
    region = region_with_choices(tmp_path)
    (region.folders[0] / "zero_shot.en.jinja").write_text("Read.")
    with pytest.raises(TemplateError, match="its system text leaves examples out"):
        load_template(region, strategy="few_shot")


@pytest.mark.parametrize(
    ("persona", "message"),
    [
        ("radiolgist", "unknown persona 'radiolgist'; did you mean 'radiologist'"),
        ("", "unknown persona ''; known: annotator, house, none, radiologist"),
        ("../x", r"unknown persona '\.\./x'"),
    ],
)
def test_an_unknown_persona_is_refused(persona: str, message: str, region: Region) -> None:
    with pytest.raises(TemplateError, match=message):
        load_template(region, persona=persona)


def test_a_faulty_persona_is_named_with_its_line(tmp_path: Path) -> None:
    region = region_with_choices(tmp_path)
    (region.folders[0] / "persona_house.en.jinja").write_text("Read\n{{ regin.title }}.")
    with pytest.raises(TemplateError, match=r"persona_house\.en\.jinja:2: undefined variable 'regin'"):
        load_template(region, persona="house")
    assert any("persona_house.en.jinja:2" in problem for problem in check_region(region.folders[0]))


def test_a_persona_of_a_region_overrides_nothing_and_is_no_fault(tmp_path: Path) -> None:
    region = region_with_choices(tmp_path)
    assert not any("overrides nothing" in problem for problem in check_region(region.folders[0]))


# The answer begun and ended


@pytest.mark.parametrize("choice", [c for c in CHOICES if c["plan"] != "label_read"], ids=name)
def test_the_last_reply_alone_is_begun_and_ended(
    choice: Choice, region: Region, asked: dict[tuple[Any, ...], Any]
) -> None:
    led = load_template(region, **choice, prefill="<answer>", stop=("</answer>",)).prompts(REPORT)
    for before, after in zip(asked[key(choice)], led, strict=True):
        assert after.turns[:-1] == before.turns[:-1]
        last = after.turns[-1]
        assert (last.prefill, last.stop, last.json_schema) == ("<answer>", ("</answer>",), None)
        assert (last.messages, last.max_tokens) == (before.turns[-1].messages, before.turns[-1].max_tokens)


def test_a_stop_text_alone_leaves_the_answer_constrained(region: Region) -> None:
    (turn,) = load_template(region, stop=("</answer>",)).render(REPORT).turns
    assert turn.json_schema is not None
    assert load_template(region, stop=("</answer>",)).hash != load_template(region).hash


@pytest.mark.parametrize(
    "reply",
    [
        '<answer>{"fracture": "present", "effusion": "absent", "no_finding": "not mentioned"}',
        '<answer>\n{"fracture": "present", "effusion": "absent", "no_finding": "not mentioned"}\n',
        '{"fracture": "present", "effusion": "absent", "no_finding": "not mentioned"}',
        '<answer>{"fracture": "present", "effusion": "absent", "no_finding": "not mentioned"}</answer>',
    ],
)
def test_the_answer_is_read_between_what_begins_and_ends_it(reply: str, region: Region) -> None:
    cells = read(Completion("a", (reply,)), REPORT, region, "t").cells
    assert [str(cell.state) for cell in cells] == ["positive", "negative", "not_mentioned"]


@pytest.mark.parametrize(
    ("label", "message"),
    [
        ({"prefill": "<answer>"}, "take prefill away, or leave answers unconstrained"),
        ({"prefill": "{", "plan": "label_read"}, "label_read reads one token and no text"),
        ({"stop": ["x"], "plan": "label_read"}, "label_read reads one token and no text"),
        ({"stop": [""]}, "an empty text would end every answer"),
    ],
)
def test_a_recipe_that_contradicts_itself_is_refused(label: Choice, message: str, tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match=message):
        study(tmp_path, {"name": "openai", "model": "m"}, {"a": "x"}, **label)


@pytest.mark.parametrize("structured", [False, "none"])
def test_an_unconstrained_recipe_may_begin_its_answers(structured: Any, tmp_path: Path) -> None:
    backend = {"name": "openai", "model": "m", "structured": structured}
    recipe = study(tmp_path, backend, {"a": "x"}, prefill="<answer>", stop=["</answer>"], persona="radiologist")
    assert recipe.label is not None
    template = label_template(recipe.label)
    assert (template.prefill, template.stop, template.wording.persona) == ("<answer>", ("</answer>",), "radiologist")


@pytest.mark.parametrize(
    ("choice", "message"),
    [
        ({"plan": "label_read", "prefill": "x"}, "reads one token and no text"),
        ({"plan": "label_read", "stop": ("x",)}, "reads one token and no text"),
        ({"stop": ("",)}, "an empty text"),
        ({"plan": "label_read", "strategy": "chain_of_thought_one_turn"}, "use 'chain_of_thought', which reasons in a"),
    ],
)
def test_a_choice_that_cannot_be_asked_is_refused(choice: Choice, message: str, region: Region) -> None:
    with pytest.raises(TemplateError, match=message):
        load_template(region, **choice)
