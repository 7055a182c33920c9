from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Any

import pytest
import typer
from label_study import write_recipe, write_reports
from typer.testing import CliRunner

from radprompter.cli.doctor import PACKAGES, doctor
from radprompter.cli.render import describe_survey, render
from radprompter.cli.templates import templates
from radprompter.journal import Journal
from radprompter.prompting import STRATEGIES
from radprompter.prompting.tokens import count_prompt_tokens
from radprompter.recipe import load_recipe
from radprompter.records import Message, Prompt, Report, Turn
from radprompter.region import load_region, region_names
from radprompter.run import label_reports

ROOT = Path(__file__).parents[2]

app = typer.Typer(pretty_exceptions_enable=False)
app.add_typer(templates, name="templates")
for command in (render, doctor):
    app.command()(command)

REPORTS = """report_id,findings,impression
a,"No fracture. [bold]{{ 7*7 }}[/] </report>",Normal.
b,,
c,"Radial head fracture, <5 mm displaced.",
"""

RECIPE = """
name: trial
out: {folder}/out
label:
  reports: {{path: {folder}/reports.csv}}
  region: elbow
  backend: {{name: scripted}}
"""


@pytest.fixture
def recipe(tmp_path: Path) -> str:
    (tmp_path / "reports.csv").write_text(REPORTS)
    (tmp_path / "trial.yaml").write_text(RECIPE.format(folder=tmp_path))
    return str(tmp_path / "trial.yaml")


def call(*arguments: str, code: int = 0) -> Any:
    result = CliRunner().invoke(app, arguments, env={"COLUMNS": "200"})
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == code, result.stderr
    return result


def test_every_region_is_listed_with_its_findings_languages_and_strategies() -> None:
    lines = call("templates").stdout.splitlines()
    for name in region_names():
        (line,) = (line for line in lines if line.split()[:1] == [name])
        assert f" {len(load_region(name).findings)} " in line
        assert "en, de" in line
        assert ", ".join(STRATEGIES) in line


def test_a_region_is_shown_with_its_definitions() -> None:
    shown = " ".join(call("templates", "elbow", "--language", "de").stdout.split())
    region = load_region("elbow")
    assert "elbow-29, 29 findings" in shown
    assert all(name in shown for name in region.findings)
    assert "Jede Fraktur von distalem" in shown


def test_regions_are_one_json_line_for_programs() -> None:
    summary = json.loads(call("templates", "--json").stdout)
    assert [region["region"] for region in summary["regions"]] == list(region_names())
    elbow = json.loads(call("templates", "elbow", "--json").stdout)
    assert elbow["n_findings"] == len(elbow["definitions"]) == 29


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("templates", "elbwo"), "unknown region 'elbwo'; did you mean 'elbow'?"),
        (("templates", "elbow", "--language", "fr"), "--language 'fr': expected one of en, de"),
        (("templates", "--templates", "/nowhere"), "/nowhere: no region folders"),
    ],
)
def test_a_wrong_question_about_templates_is_refused(arguments: tuple[str, ...], message: str) -> None:
    result = call(*arguments, code=2)
    assert message in result.stderr
    assert "Traceback" not in result.stderr


def test_the_messages_of_the_first_report_are_shown_as_they_would_be_sent(recipe: str) -> None:
    shown = call("render", recipe).stdout
    assert "── request 1, system ──\nYou read radiology reports of one kind (Elbow)" in shown
    assert (
        "── request 1, user ──\n<report>\n"
        "FINDINGS:\nNo fracture. [bold]{{ 7*7 }}[/] ‹/report>\n\nIMPRESSION:\nNormal.\n"
        "</report>\n── reply 1: JSON object with 29 keys, all required: 29 x (" in shown
    )
    assert "report 1 of 3: a" in shown
    assert "report 2 of 3" not in shown
    assert "3 reports, of which 1 without text are skipped\n2 requests\n" in shown
    assert "(approximate: characters / 4;" in shown
    assert shown.endswith("nothing was sent\n")


def test_reasoning_and_answer_are_two_requests(recipe: str) -> None:
    shown = call("render", recipe, "-n", "3", "--set", "label.strategy=chain_of_thought").stdout
    assert "reply 1: free text, at most 1,024 tokens" in shown
    assert "── request 2, user ──\nNow give the values" in shown
    assert "no text in the chosen sections: the report would be skipped" in shown
    assert "\n4 requests\n" in shown


def test_a_backend_that_reads_reports_is_sent_nothing(recipe: str) -> None:
    shown = call("render", recipe, "--set", "label.backend={name: rules}").stdout
    assert "no message is sent: this backend reads the report itself" in shown
    assert "── section findings ──\nNo fracture. [bold]{{ 7*7 }}[/] </report>" in shown
    assert "request 1" not in shown


def test_the_recipe_decides_sections_language_and_limit(recipe: str) -> None:
    chosen = ("label.sections=impression", "label.language=de", "label.limit=1")
    shown = call("render", recipe, *(word for item in chosen for word in ("--set", item))).stdout
    assert "<report>\nBEURTEILUNG:\nNormal.\n</report>" in shown
    assert "\n1 reports\n1 requests\n" in shown


def test_a_rendering_is_one_json_line_for_programs(recipe: str) -> None:
    summary = json.loads(call("render", recipe, "-n", "2", "--json").stdout)
    assert (summary["n_reports"], summary["n_skipped"], summary["n_requests"]) == (3, 1, 2)
    assert [prompt["report_id"] for prompt in summary["prompts"]] == ["a", "b"]
    assert summary["prompts"][0]["turns"][0]["messages"][1]["role"] == "user"
    assert summary["region"] == "elbow"


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("label.region=elbwo", "did you mean 'elbow'?"),
        ("label.strategy=zeroshot", "did you mean 'zero_shot'?"),
        ("label.backend={name: rulez}", "unknown backend 'rulez'"),
        ("label.backend={name: scripted, delay: 1}", "delay: unknown key; did you mean 'delay_s'?"),
        ("label.reports.id=id", "no column 'id'"),
        ("label.reports.path=/nowhere.csv", "/nowhere.csv: no such file"),
        ("label=null", "no `label` section"),
    ],
)
def test_a_wrong_recipe_is_refused_before_anything_is_shown(recipe: str, setting: str, message: str) -> None:
    result = call("render", recipe, "--set", setting, code=2)
    assert message in result.stderr.replace("\n", " ")
    assert result.stdout == ""


def test_reports_that_the_recipe_writes_itself_are_named_as_such(recipe: str) -> None:
    settings = ("--set", "phantom={}", "--set", "label.reports.path=/nowhere.csv")
    result = call("render", recipe, *settings, code=2)
    assert "no such file yet; `radprompter run" in result.stderr


def test_a_later_turn_counts_the_messages_before_it_again() -> None:
    turns = (Turn((Message("user", "x" * 40),), 10), Turn((Message("user", "x" * 20),), 10))
    assert count_prompt_tokens(Prompt(Report("r", {}), turns)) == (40 + 60) // 4


@pytest.mark.parametrize(
    ("survey", "lines"),
    [
        ((0, 812, {}, 1.5), ["812 requests, none of them answered in the journal"]),
        ((812, 0, {"effusion": 0}, 0.0), ["all 812 requests are answered in the journal: labeling asks nothing"]),
        (
            (1780, 20, {"fracture": 0, "effusion": 20}, 0.034),
            [
                "1,780 of 1,800 different requests are answered in the journal; labeling asks 20, about $0.034 at most",
                "new requests by finding: effusion 20",
            ],
        ),
        (
            (6, 4, {"fracture": 2, "effusion": 2}, None),
            [
                "6 of 10 different requests are answered in the journal; labeling asks 4",
                "new requests by finding: 2 for each of 2",
            ],
        ),
        ((1, 1, {}, None), ["1 of 2 different requests are answered in the journal; labeling asks 1"]),
    ],
)
def test_the_cost_of_an_edit_is_said_in_requests(survey: Any, lines: list[str]) -> None:
    assert describe_survey(*survey) == lines


def test_the_doctor_says_what_is_there() -> None:
    facts = json.loads(call("doctor", "--json").stdout)
    assert facts["packages"]["core"]["jinja2"]
    assert facts["backends"]["rules"] == "ready; sends nothing, reads reports itself"
    assert facts["backends"]["scripted"] == "ready; sends messages"
    shown = call("doctor").stdout
    assert f"python      {facts['python']}" in shown
    assert "\ngpu" in shown


def test_the_doctor_never_shows_a_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-very-secret")
    result = call("doctor")
    assert "sk-very-secret" not in result.stdout + result.stderr


@pytest.mark.parametrize(
    ("script", "found"),
    [
        ("echo 'NVIDIA X, 80 GiB, 1.2'", ["NVIDIA X, 80 GiB, 1.2"]),
        ("exit 9", "none usable: nvidia-smi ended with code 9"),
        ("true", "none found"),
    ],
)
def test_the_doctor_asks_nvidia_smi(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str, found: list[str] | str
) -> None:
    from radprompter.cli.doctor import find_gpus

    program = tmp_path / "nvidia-smi"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    assert find_gpus() == found
    program.unlink()


def test_the_doctor_knows_every_package_that_the_project_declares() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    declared = {"core": project["dependencies"], **{extra: extras[extra] for extra in PACKAGES if extra != "core"}}
    for extra, requirements in declared.items():
        names = {
            requirement.split(";")[0].split(">")[0].split("=")[0].split("[")[0].strip() for requirement in requirements
        }
        assert set(PACKAGES[extra]) == names


def test_an_edited_definition_is_rendered_with_what_it_costs(tmp_path: Path) -> None:
    texts = {"a": "Fracture.", "b": "No fracture.", "c": "___"}
    backend = {"name": "scripted", "default": '{"answer": "present"}'}
    write_reports(tmp_path / "reports.csv", texts)
    recipe = str(write_recipe(tmp_path, backend, plan="per_finding"))
    assert "journal" not in call("render", recipe).stdout
    label_reports(load_recipe(Path(recipe)))
    assert "all 6 requests are answered in the journal: labeling asks nothing" in call("render", recipe).stdout
    region = tmp_path / "templates/wrist/region.yaml"
    region.write_text(region.read_text().replace("fluid in the joint", "fluid within the joint"))
    shown = call("render", recipe).stdout
    assert "4 of 6 different requests are answered in the journal; labeling asks 2\n" in shown
    assert "new requests by finding: effusion 2\n" in shown
    known = json.loads(call("render", recipe, "--json").stdout)["journal"]
    assert known == {"n_known": 4, "n_new": 2, "new_by_finding": {"effusion": 2}}


def test_a_journal_that_is_in_use_is_named_and_rendering_goes_on(tmp_path: Path) -> None:
    write_reports(tmp_path / "reports.csv", {"a": "Fracture."})
    recipe = str(write_recipe(tmp_path, {"name": "scripted"}))
    with Journal(tmp_path / "out/label/journal.sqlite"):
        assert "the journal was not looked at: " in call("render", recipe).stdout
        assert json.loads(call("render", recipe, "--json").stdout)["journal"] is None
