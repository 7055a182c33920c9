"""A region folder begun, broken in many ways, and checked."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from radprompter.cli.app import app
from radprompter.errors import TemplateError
from radprompter.prompting import STRATEGIES, load_template
from radprompter.prompting.check import check_region
from radprompter.prompting.scaffold import write_starter
from radprompter.prompting.strict import strict_problems
from radprompter.records import Report
from radprompter.region import LANGUAGES, load_region, region_names
from radprompter.shipped import shipped


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["templates", *arguments], env={"COLUMNS": "200"})


@pytest.fixture
def starter(tmp_path: Path) -> Path:
    write_starter("wrist", tmp_path)
    return tmp_path / "wrist"


def edit(folder: Path, *pairs: tuple[str, str]) -> None:
    text = (folder / "region.yaml").read_text()
    for old, new in pairs:
        assert old in text, old
        text = text.replace(old, new, 1)
    (folder / "region.yaml").write_text(text)


@pytest.mark.parametrize("name", region_names())
def test_every_shipped_region_passes(name: str) -> None:
    assert check_region(shipped("templates") / name) == []


@pytest.mark.parametrize("strategy", sorted(STRATEGIES.keys() - {"few_shot"}))
@pytest.mark.parametrize("language", LANGUAGES)
def test_a_starter_loads_and_passes_at_once(starter: Path, language: str, strategy: str) -> None:
    assert check_region(starter) == []
    template = load_template("wrist", templates=starter.parent, language=language, strategy=strategy)
    assert tuple(template.region.findings) == ("fracture", "avulsion")
    assert template.render(Report("a", {"report": "Words."})).turns


def test_the_starters_override_changes_no_word_until_it_is_edited(starter: Path) -> None:
    def system() -> str:
        template = load_template("wrist", templates=starter.parent)
        return template.render(Report("a", {"report": "Words."})).turns[0].messages[0].content

    untouched = system()
    (starter / "system.en.jinja").unlink()
    assert system().split() == untouched.split()


def test_the_starter_names_a_schema_that_is_there(starter: Path) -> None:
    first = (starter / "region.yaml").read_text().splitlines()[0]
    assert first.startswith("# yaml-language-server: $schema=")
    assert (starter / first.partition("=")[2]).resolve() == (shipped("schemas") / "region.json").resolve()


@pytest.mark.parametrize("name", ["Wrist", "wrist joint", "../wrist", "1st", "wrist_", ""])
def test_a_name_that_no_column_should_have_is_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(TemplateError, match="snake_case"):
        write_starter(name, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_nothing_is_overwritten(starter: Path) -> None:
    (starter / "region.yaml").write_text("mine")
    result = run("new", "wrist", "--templates", str(starter.parent))
    assert (result.exit_code, "nothing is overwritten" in result.stderr) == (2, True)
    assert (starter / "region.yaml").read_text() == "mine"


FAULTS = [
    ([("implies: [fracture]", "implies: [fractur]")], "avulsion implies 'fractur', which the region lacks; did"),
    ([("fx, buckle fracture*]", "fx, bony avulsion*]"), ("    implies: [fracture]\n", "")], "share 'bony avulsion*'"),
    ([("title: {en: Fracture, de: Fraktur}", "title: {en: Fracture}")], "fracture has no title in 'de'"),
    ([("title: {en: Wrist, de: Wrist}", "title: {de: Wrist}")], "the region has no title in 'en'"),
    ([("Any fracture, acute, healing or old. A suspected occult fracture is uncertain.", "' '")], "no definition in"),
    ([("de: [Fraktur, Frakturen, frakturiert*, Bruch, Brüche, Frakturlinie*, Wulstfraktur*]", "de: []")],
     "fracture has no synonyms in 'de'"),
    ([("negative: absent", "negative: Present")], "'Present' is spelled for both positive and negative"),
    ([("possible]", "possible, JA]")], "'JA' is spelled for both positive and uncertain"),
    ([("  avulsion:\n", "  Fracture:\n")], "fracture and Fracture differ by case or dashes alone"),
    ([("  avulsion:\n", "  fracture:\n")], "key 'fracture' stands on line"),
    ([("    implies: [fracture]", "    implied: [fracture]")], "findings.avulsion.implied: unknown key; did you"),
    ([("schema: wrist-2", "schema: wrist-2\nno_finding: normal")], "no_finding names 'normal', which the region lacks"),
    ([("schema: wrist-2", "schema: wrist-2\nextends: elbwo")], "extends 'elbwo', which is no region folder"),
    ([("      en: Any fracture", "      fr: Toute fracture.\n      en: Any fracture")], "unknown language fr"),
]  # fmt: skip


@pytest.mark.parametrize(("edits", "message"), FAULTS, ids=lambda value: value[-24:] if isinstance(value, str) else "")
def test_a_fault_is_found(starter: Path, edits: list[tuple[str, str]], message: str) -> None:
    edit(starter, *edits)
    problems = check_region(starter)
    assert sum(message in problem for problem in problems) == 1, problems
    assert all(str(starter) in problem for problem in problems)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "expected keys and values, found nothing"),
        ("findings: [a]\n", "findings: input should be a valid dictionary"),
        ("a: &a {b: *a}\n", "not valid YAML"),
        ("title: x\nschema: s\nfindings: {a: 3, b: {implies: [a]}}\n", "findings.a: input should be"),
        (
            "title: {en: [a]}\nschema: s\nfindings: {a: {title: {en: null}}}\n",
            "title.en: input should be a valid string",
        ),
        ("title: {en: X}\nschema: s\nextends: ..\nfindings: {1: {}}\n", "findings.1.[key]"),
    ],
)
def test_what_is_hardly_a_region_file_is_told_without_a_traceback(tmp_path: Path, text: str, problem: str) -> None:
    (tmp_path / "region.yaml").write_text(text)
    problems = check_region(tmp_path)
    assert any(problem in line for line in problems), problems
    assert not any("which the region lacks" in line for line in problems)


def test_findings_that_imply_each_other_are_found(starter: Path) -> None:
    edit(starter, ("  avulsion:\n", "    implies: [avulsion]\n  avulsion:\n"))
    assert [problem.split(": ", 1)[1] for problem in check_region(starter)] == [
        "fracture implies itself, directly or by way of others",
        "avulsion implies itself, directly or by way of others",
    ]


def test_a_region_in_one_language_is_sound(starter: Path) -> None:
    text = (starter / "region.yaml").read_text()
    kept = [line for line in text.splitlines() if not line.strip().startswith("de:")]
    (starter / "region.yaml").write_text("\n".join(kept).replace(", de: Fraktur", "").replace(", de: Abrissfraktur", "")
                                         .replace(", de: Wrist", ""))  # fmt: skip
    (starter / "system.de.jinja").unlink()
    assert check_region(starter) == []


TEMPLATES = [
    ("system.en.jinja", "{{ regoin.title }} {{ nmaes }}", "undefined variable 'regoin'; did you mean 'region'?"),
    ("system.en.jinja", "{{ regoin.title }} {{ nmaes }}", "undefined variable 'nmaes'; did you mean 'names'?"),
    ("report.en.jinja", "{{ report.txt }}", "undefined 'txt' of a report; did you mean 'text'?"),
    ("report.en.jinja", "Read.", "no message contains the whole report"),
    ("system.en.jinja", "{{ report.text }}", "undefined variable 'report' (only user messages know the report)"),
    ("system.de.jinja", "{% block %}", "system.de.jinja:1: "),
    ("system.de.jinja", '{% include "nothing.jinja" %}', "no template 'nothing.jinja'"),
    ("sytem.en.jinja", "Words.", "overrides nothing, and no template refers to it; did you mean 'system.en.jinja'?"),
]


@pytest.mark.parametrize(("name", "text", "message"), TEMPLATES)
def test_a_faulty_template_is_found(starter: Path, name: str, text: str, message: str) -> None:
    (starter / name).write_text(text)
    assert any(message in problem for problem in check_region(starter)), check_region(starter)


def test_a_partial_that_another_file_includes_is_no_fault(starter: Path) -> None:
    (starter / "mine.jinja").write_text("{{ word }}")
    (starter / "report.en.jinja").write_text('{% set word = "x" %}{% include "mine.jinja" %}{{ report.text }}')
    assert check_region(starter) == []


def test_all_problems_are_listed_at_once_with_exit_code_2(starter: Path) -> None:
    edits = [pair for pairs, _ in (FAULTS[0], FAULTS[2], FAULTS[6], FAULTS[7]) for pair in pairs]
    edit(starter, *edits)
    (starter / "system.en.jinja").write_text("{{ regoin.title }}")
    result = run("check", str(starter))
    assert result.exit_code == 2
    for message in (FAULTS[0][1], FAULTS[2][1], FAULTS[6][1], FAULTS[7][1], "'regoin'"):
        assert message in result.stdout
    assert "wrist: 5 problems" in result.stdout


def test_a_name_a_path_and_a_folder_of_regions_are_checked_alike(starter: Path) -> None:
    for arguments in (["wrist", "--templates", str(starter.parent)], [str(starter)], [str(starter.parent)]):
        result = run("check", *arguments)
        assert (result.exit_code, result.stdout) == (0, "wrist: no problem found\n")
    assert run("check").stdout.count("no problem found") == len(region_names())
    assert run("check", "wirst").exit_code == 2


def test_a_region_that_extends_a_shipped_one_is_checked_with_it(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    own = "title: {en: Mine, de: Meins}\nschema: mine-2\nextends: elbow\ntake: [fracture, effusion]\n"
    (tmp_path / "mine" / "region.yaml").write_text(own)
    assert check_region(tmp_path / "mine") == []
    (tmp_path / "mine" / "region.yaml").write_text(own.replace("effusion", "effusoin"))
    assert ["take names findings that elbow lacks" in problem for problem in check_region(tmp_path / "mine")] == [True]


def test_a_region_named_like_a_command_can_still_be_shown(tmp_path: Path) -> None:
    write_starter("new", tmp_path)
    assert "new-2, 2 findings" in run("show", "new", "--templates", str(tmp_path)).stdout


STATES = {"type": "string", "enum": ["present", "absent"]}


def answer(properties: dict[str, object], **more: object) -> dict[str, object]:
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    } | more


@pytest.mark.parametrize(
    ("schema", "problem"),
    [
        (answer({"a": STATES}), None),
        (answer({"a": {"type": ["number", "null"]}, "b": {"type": "array", "items": answer({"c": STATES})}}), None),
        (answer({"a": STATES}, additionalProperties=True), "additionalProperties must be false"),
        (answer({"a": STATES}, required=[]), "every key must be required, but a is not"),
        (answer({"a": {"allOf": [STATES]}}), "a: 'allOf' is not taken"),
        (answer({"a": STATES | {"default": "absent"}}), "a: 'default' is not taken"),
        (answer({"a": {"type": "string", "enum": []}}), "a: no value is allowed"),
        (answer({"a": {"type": "string", "enum": ["x", "x"]}}), "a: a value is allowed twice"),
        ({"anyOf": [answer({"a": STATES})]}, "its root is not a plain object"),
        (answer({f"f{n}": STATES for n in range(501)}), "it has 1,002 allowed values; at most 1,000 are taken"),
        (answer({f"f{n}": {"type": "string"} for n in range(5001)}), "it has 5,001 keys; at most 5,000 are taken"),
        (answer({"x" * 120_001: {"type": "string"}}), "it has 120,001 characters"),
        (answer({"a": {"type": "string", "enum": [f"{n:060}" for n in range(251)]}}), "more than 15,000 characters"),
    ],
)  # fmt: skip
def test_what_a_strict_endpoint_refuses_is_known(schema: dict[str, object], problem: str | None) -> None:
    found = strict_problems(schema)
    assert found == [] if problem is None else any(problem in text for text in found), found


def test_a_schema_may_be_ten_levels_deep() -> None:
    schema = answer({"a": STATES})
    for _ in range(8):
        schema = answer({"a": schema})
    assert strict_problems(schema) == []
    assert strict_problems(answer({"a": schema})) == ["it has 11 levels; at most 10 are taken"]


def test_a_region_too_large_for_a_strict_endpoint_is_found(tmp_path: Path) -> None:
    one = "  f{n}: {{title: {{en: Finding {n}}}, definition: {{en: Finding {n}.}}, synonyms: {{en: [finding{n}]}}}}\n"
    findings = "".join(one.format(n=n) for n in range(251))
    (tmp_path / "big").mkdir()
    (tmp_path / "big" / "region.yaml").write_text(f"title: {{en: Big}}\nschema: big-251\nfindings:\n{findings}")
    assert len(load_region(str(tmp_path / "big")).findings) == 251
    (problem,) = check_region(tmp_path / "big")
    assert "a strict endpoint would refuse the answer schema: it has 1,004 allowed values" in problem


def test_a_lexicon_entry_that_does_not_do_what_its_example_says_is_a_problem(starter: Path) -> None:
    lexicon = starter / "lexicon.en.yaml"
    lexicon.write_text('findings:\n  fracture:\n    denied_by: {"cortex is intact": "The cortex is broken."}\n')
    result = run("check", str(starter))
    assert result.exit_code == 2
    assert "findings.fracture.denied_by 'cortex is intact': its example 'The cortex is broken.' says" in result.stdout
    lexicon.write_text(lexicon.read_text().replace("broken", "intact"))
    assert run("check", str(starter)).exit_code == 0


@pytest.mark.parametrize("phrases", ["[cortex is intact]", '{"cortex is intact": ""}'])
def test_a_lexicon_entry_without_example_is_refused(starter: Path, phrases: str) -> None:
    (starter / "lexicon.en.yaml").write_text(f"findings:\n  fracture:\n    denied_by: {phrases}\n")
    result = run("check", str(starter))
    assert result.exit_code == 2
    assert "lexicon.en.yaml:3: " in result.stdout
    assert "'cortex is intact' needs an example sentence, which is its test" in result.stdout
