"""Plans: what one request asks, what is asked again after an edit, and how the answers are joined."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import typer
from fake_endpoint import Endpoint, Fault, answer, endpoint
from label_study import ANSWER, study
from small_region import REGION, small_region
from typer.testing import CliRunner

from radprompter.backends import open_backend
from radprompter.cli.render import render
from radprompter.errors import RecipeError, TemplateError
from radprompter.prompting.templates import load_template
from radprompter.recipe import StudyRecipe
from radprompter.records import Prompt, Report
from radprompter.run import LabelRun, label, label_reports

TEXTS = {"a": "Fracture of the radius.", "b": "No fracture.", "c": "___"}
NAMES = ("fracture", "effusion", "no_finding")
STATES = {"fracture": "present", "effusion": "possible", "no finding": "not mentioned"}


def asked_title(body: dict[str, Any]) -> str:
    found = re.search(r"^Finding: (.*)$", "\n".join(m["content"] for m in body["messages"]), re.MULTILINE)
    assert found is not None
    return found.group(1)


def by_finding(number: int, body: dict[str, Any]) -> dict[str, Any]:
    """The answer of an endpoint that says the same about every report."""
    return answer(json.dumps({"answer": STATES[asked_title(body)]}))


def by_letter(masses: dict[str, float], number: int, body: dict[str, Any]) -> dict[str, Any]:
    import math

    top = [{"token": token, "logprob": math.log(mass), "bytes": None} for token, mass in masses.items()]
    response = answer("A", finish_reason="length")
    response["choices"][0]["logprobs"] = {"content": [{**top[0], "top_logprobs": top}]}
    return response


def openai(server: Endpoint, **settings: Any) -> dict[str, Any]:
    return {"name": "openai", "model": "m", "base_url": server.url, **settings}


def states(run: LabelRun) -> dict[str, tuple[str, ...]]:
    wide = run.table.wide()
    return {str(report_id): tuple(wide.loc[report_id]) for report_id in wide.index}


def prompts(tmp_path: Path, plan: Any, text: str = "Fracture.", **settings: Any) -> tuple[Prompt, ...]:
    template = load_template(small_region(tmp_path), plan=plan, **settings)
    return template.prompts(Report("a", {"report": text}))


def change_definition(recipe: StudyRecipe, tmp_path: Path) -> None:
    changed = REGION.replace("fluid in the joint", "fluid within the joint")
    assert changed != REGION
    (tmp_path / "templates" / "wrist" / "region.yaml").write_text(changed, encoding="utf-8")


@pytest.mark.parametrize("language", ["en", "de"])
@pytest.mark.parametrize("plan", ["per_finding", "label_read"])
def test_a_request_a_finding_begins_alike_and_names_no_other_definition(
    plan: str, language: str, tmp_path: Path
) -> None:
    asked = prompts(tmp_path, plan, language=language)
    assert [prompt.findings for prompt in asked] == [(name,) for name in NAMES]
    system, *others = (prompt.turns[0].messages[0].content for prompt in asked)
    assert others == [system, system]
    assert not any(word in system for word in ("a broken bone", "ein gebrochener Knochen"))
    users = [prompt.turns[0].messages[1].content for prompt in asked]
    assert all(user.startswith("<report>\nFracture.\n</report>\n") for user in users)
    bones = [("a broken bone" in user or "ein gebrochener Knochen" in user) for user in users]
    assert bones == [True, False, False]


def test_the_answer_about_a_finding_is_constrained_to_its_own_spellings(tmp_path: Path) -> None:
    schemas = [prompt.turns[-1].json_schema for prompt in prompts(tmp_path, "per_finding")]
    enums = [schema["properties"]["answer"]["enum"] for schema in schemas if schema]
    assert enums == [["present", "absent", "possible", "not mentioned"]] * 2 + [["present", "not mentioned"]]


def test_one_json_asks_what_it_asked_before_there_were_plans(tmp_path: Path) -> None:
    (prompt,) = prompts(tmp_path, "one_json")
    assert prompt.findings == ()
    assert prompt == load_template(small_region(tmp_path)).render(prompt.report)
    assert set(prompt.turns[0].content()) == {"messages", "max_tokens", "json_schema"}


def test_a_report_is_joined_from_its_requests(tmp_path: Path) -> None:
    with endpoint(by_finding) as server:
        run = label_reports(study(tmp_path, openai(server), TEXTS, plan="per_finding"))
        assert len(server.bodies) == 2 * 3
        assert all("response_format" in body for body in server.bodies)
    row = ("positive", "uncertain", "not_mentioned")
    assert states(run) == {"a": row, "b": row, "c": ("skipped",) * 3}
    assert run.summary["requests"] == {"asked": 6, "from_journal": 0}
    assert run.summary["failures"] == {"no_text": 1}


@pytest.mark.parametrize("plan", ["per_finding", "label_read"])
def test_another_wording_of_one_finding_asks_about_that_finding_alone(plan: str, tmp_path: Path) -> None:
    def behave(number: int, body: dict[str, Any]) -> dict[str, Any]:
        return by_letter({"A": 0.9}, number, body) if "logprobs" in body else by_finding(number, body)

    with endpoint(behave) as server:
        recipe = study(tmp_path, openai(server), TEXTS, plan=plan)
        label_reports(recipe)
        change_definition(recipe, tmp_path)
        run = label_reports(recipe)
        assert {asked_title(body) for body in server.bodies[6:]} == {"effusion"}
    assert run.summary["requests"] == {"asked": 2, "from_journal": 4}


def test_under_one_json_the_same_edit_asks_about_all(tmp_path: Path) -> None:
    with endpoint(lambda number, body: answer(ANSWER)) as server:
        recipe = study(tmp_path, openai(server), TEXTS)
        label_reports(recipe)
        change_definition(recipe, tmp_path)
        assert label_reports(recipe).summary["requests"] == {"asked": 2, "from_journal": 0}


def test_a_failed_request_is_one_failed_cell_and_is_asked_again_alone(tmp_path: Path) -> None:
    broken = True

    def behave(number: int, body: dict[str, Any]) -> Any:
        return Fault(400) if broken and asked_title(body) == "effusion" else by_finding(number, body)

    with endpoint(behave) as server:
        recipe = study(tmp_path, openai(server), {"a": "Fracture."}, plan="per_finding")
        first = label_reports(recipe)
        assert states(first)["a"] == ("positive", "failed", "not_mentioned")
        broken = False
        second = label_reports(recipe)
    assert first.summary["failures"] == {"bad_request": 1}
    assert states(second)["a"] == ("positive", "uncertain", "not_mentioned")
    assert second.summary["requests"] == {"asked": 1, "from_journal": 2}


@pytest.mark.parametrize(
    ("reply", "state"),
    [
        ('{"answer": "absent"}', "negative"),
        ('{"answer": "YES"}', "positive"),
        ('{"answer": "no", "fracture": "yes"}', "negative"),
        ('{"answer": "dunno"}', "invalid"),
        ('{"answer": null}', "missing"),
        ('{"answer": "yes", "answer": "no"}', "failed"),
        ('{"fracture": "yes"}', "missing"),
        ("present", "failed"),
        ("", "failed"),
    ],
)
def test_answers_about_one_finding_are_read_like_all_others(reply: str, state: str, tmp_path: Path) -> None:
    region = small_region(tmp_path)
    backend = open_backend({"name": "scripted", "answers": {"a/fracture": reply}}, region)
    table = label([Report("a", {"report": "x"})], load_template(region, plan="per_finding"), backend)
    assert tuple(table.wide().loc["a"]) == (state, "failed", "failed")


def test_reports_with_the_same_words_are_asked_about_once_a_finding(tmp_path: Path) -> None:
    with endpoint(by_finding) as server:
        run = label_reports(study(tmp_path, openai(server), {"a": "x1", "b": "x1"}, plan="per_finding"))
        assert len(server.bodies) == 3
    assert states(run)["a"] == states(run)["b"] == ("positive", "uncertain", "not_mentioned")


def test_a_read_out_generates_one_token_and_no_grammar_constrains_it(tmp_path: Path) -> None:
    with endpoint(lambda n, body: by_letter({"A": 0.6, "B": 0.2, "C": 0.1, "D": 0.05, "x": 0.05}, n, body)) as server:
        run = label_reports(study(tmp_path, openai(server), {"a": "Fracture."}, plan="label_read"))
        body = server.bodies[0]
    assert (body["max_tokens"], body["logprobs"], body["top_logprobs"]) == (1, True, 20)
    assert "response_format" not in body
    cell = run.table.frame.iloc[0]
    found = [cell[f"p_{state}"] for state in ("positive", "negative", "uncertain")]
    assert found == pytest.approx([0.6 / 0.95, 0.2 / 0.95, 0.1 / 0.95])
    assert cell["repair"] == "label mass 0.9500"
    no_finding = run.table.frame.iloc[2]  # A and B alone are its letters: positive, not mentioned
    assert no_finding["p_positive"] == pytest.approx(0.75)
    assert no_finding[["p_negative", "p_uncertain"]].isna().all()


def test_a_read_out_after_reasoning_constrains_neither_turn(tmp_path: Path) -> None:
    def behave(number: int, body: dict[str, Any]) -> Any:
        return by_letter({"B": 0.9}, number, body) if "logprobs" in body else answer("It is denied.")

    with endpoint(behave) as server:
        recipe = study(tmp_path, openai(server), {"a": "x."}, plan="label_read", strategy="chain_of_thought")
        run = label_reports(recipe)
        assert len(server.bodies) == 2 * 3
        assert not any("response_format" in body for body in server.bodies)
    assert states(run)["a"] == ("negative", "negative", "not_mentioned")


@pytest.mark.parametrize(
    ("logprobs", "failure"),
    [
        (None, "no_logprobs"),
        ({"content": []}, "no_logprobs"),
        ({"content": [{"token": "A", "logprob": None, "top_logprobs": []}]}, "no_logprobs"),
        ({"content": [{"token": "A", "logprob": 2.0, "top_logprobs": []}]}, "no_logprobs"),
        ({"content": [{"token": "A", "logprob": float("nan"), "top_logprobs": []}]}, "bad_response"),
    ],
)
def test_without_usable_probabilities_a_cell_has_failed_and_has_none(
    logprobs: Any, failure: str, tmp_path: Path
) -> None:
    def behave(number: int, body: dict[str, Any]) -> Any:
        response = answer("A")
        response["choices"][0]["logprobs"] = logprobs
        return response

    with endpoint(behave) as server:
        recipe = study(tmp_path, openai(server, max_retries=0), {"a": "Fracture."}, plan="label_read")
        run = label_reports(recipe)
    assert states(run)["a"] == ("failed",) * 3
    assert run.summary["failures"] == {failure: 3}
    assert set(run.table.frame["repair"]) == {failure}
    assert run.table.frame[["p_positive", "p_negative", "p_uncertain"]].isna().all(axis=None)


def test_another_floor_reads_the_same_completions_again(tmp_path: Path) -> None:
    with endpoint(lambda n, body: by_letter({"The": 0.7, "A": 0.3}, n, body)) as server:
        first = label_reports(study(tmp_path, openai(server), {"a": "Fracture."}, plan="label_read"))
        assert states(first)["a"] == ("failed",) * 3
        assert set(first.table.frame["repair"]) == {"label mass 0.3000 below 0.5"}
        lower = study(tmp_path, openai(server), {"a": "Fracture."}, plan="label_read", least_label_mass=0.2)
        second = label_reports(lower)
    assert states(second)["a"] == ("positive",) * 3
    assert second.summary["requests"] == {"asked": 0, "from_journal": 3}


def test_the_rules_answer_about_all_findings_at_once(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match=r"label\.plan: per_finding: this backend reads the report itself"):
        label_reports(study(tmp_path, {"name": "rules"}, TEXTS, plan="per_finding"))
    assert not (tmp_path / "out").exists()


def test_a_grammar_before_a_read_out_is_refused(tmp_path: Path) -> None:
    backend = {"name": "openai", "model": "m", "extra_body": {"structured_outputs": {"choice": ["A", "B"]}}}
    with pytest.raises(RecipeError, match="take structured_outputs out of extra_body"):
        study(tmp_path, backend, TEXTS, plan="label_read")


def test_a_system_text_that_names_the_finding_is_refused(tmp_path: Path) -> None:
    small_region(tmp_path)
    (tmp_path / "wrist" / "one_finding.en.jinja").write_text("Look for {{ finding.title }}.")
    with pytest.raises(TemplateError, match="undefined variable 'finding'"):
        prompts(tmp_path, "per_finding")


def test_an_unknown_plan_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match=r"label\.plan"):
        study(tmp_path, {"name": "rules"}, TEXTS, plan="all")
    with pytest.raises(TemplateError, match="unknown plan 'all'; known: one_json, per_finding, label_read"):
        prompts(tmp_path, "all")


@pytest.mark.parametrize(
    ("plan", "n_shown", "reply"),
    [
        ("one_json", 1, "JSON object with 3 keys"),
        ("per_finding", 3, "JSON object with 1 keys"),
        ("label_read", 3, "probabilities of the 20 likeliest tokens, at most 1 tokens"),
    ],
)
def test_render_shows_every_request_of_a_report(plan: str, n_shown: int, reply: str, tmp_path: Path) -> None:
    study(tmp_path, {"name": "scripted"}, TEXTS, plan=plan)
    app = typer.Typer(pretty_exceptions_enable=False)
    app.command()(render)
    shown = CliRunner().invoke(app, [str(tmp_path / "recipe.yaml")])
    assert shown.exit_code == 0, shown.output
    assert shown.stdout.count("━━━ report 1 of 3: a") == shown.stdout.count("Fracture of the radius.") == n_shown
    assert shown.stdout.count(reply) == n_shown
    assert f"{2 * n_shown} requests" in shown.stdout
    assert "3 reports, of which 1 without text are skipped" in shown.stdout
    rows = json.loads(CliRunner().invoke(app, [str(tmp_path / "recipe.yaml"), "--json"]).stdout)["prompts"]
    assert [row["findings"] for row in rows] == ([[]] if plan == "one_json" else [[name] for name in NAMES])
