"""`radprompter label`: exit codes, the summary, and one clear message for a wrong request."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from fake_endpoint import answer, endpoint
from label_study import ANSWER, write_recipe, write_reports
from typer.testing import CliRunner, Result

from radprompter.cli.app import app

TEXTS = {"a": "Fracture.", "b": "No fracture."}


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["label", *arguments], env={"COLUMNS": "200"})


@pytest.fixture
def recipe(tmp_path: Path) -> str:
    write_reports(tmp_path / "reports.csv", TEXTS)
    return str(write_recipe(tmp_path, {"name": "scripted", "default": ANSWER}))


def test_a_full_table_ends_with_0_and_a_summary(recipe: str) -> None:
    result = run(recipe)
    assert result.exit_code == 0, result.output
    assert "2 reports x 3 findings by scripted" in result.output
    assert "2 asked, 0 from the journal" in result.output
    assert "labels.parquet" in result.output


def test_a_second_run_is_up_to_date(recipe: str) -> None:
    run(recipe)
    result = run(recipe)
    assert (result.exit_code, "up to date" in result.output) == (0, True)


def test_what_an_edit_costs_is_said_before_it_is_spent(recipe: str, tmp_path: Path) -> None:
    settings = ["--set", "label.plan=per_finding", "--set", 'label.backend.default=\'{"answer": "not mentioned"}\'']
    assert "6 requests to make (fracture 2, effusion 2, no_finding 2)\n" in run(recipe, *settings).stderr
    region = tmp_path / "templates" / "wrist" / "region.yaml"
    region.write_text(region.read_text().replace("fluid in the joint", "fluid in the wrist"))
    refused = run(recipe, *settings, "--at-most", "1")
    assert refused.exit_code == 2
    assert "2 requests to make (effusion 2), more than --at-most 1; nothing was sent" in refused.stderr
    done = run(recipe, *settings, "--at-most", "2")
    assert "2 requests to make (effusion 2), 4 in the journal\n" in done.stderr
    assert "2 asked, 4 from the journal" in done.stdout


def test_failed_items_end_with_1_and_are_counted(recipe: str) -> None:
    result = run(recipe, "--set", "label.backend.answers={a: {failure: refused}}")
    assert result.exit_code == 1
    assert "failed requests (refused): 1" in result.output
    assert "in failures.csv: 1" in result.output


def test_json_is_one_line(recipe: str, tmp_path: Path) -> None:
    result = run(recipe, "--json", "--out", str(tmp_path / "elsewhere"))
    summary = json.loads(result.stdout)
    assert summary["n_reports"] == 2
    assert Path(summary["folder"], "labels.csv").is_file()


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (["label.backend.delay=1"], "delay: unknown key; did you mean 'delay_s'?"),
        (["label.region=wirst"], "unknown region 'wirst'; did you mean 'wrist'?"),
        (["label.startegy=zero_shot"], "label.startegy: unknown key; did you mean 'strategy'?"),
        (["label.strategy=few"], "unknown strategy 'few'"),
        (["label.reports.text=report"], "no column 'report'"),
        (["label.reports.path=nowhere.csv"], "nowhere.csv: no such file"),
        (["label.backend={name: openai, model: gpt-4o}"], "not on this machine"),
    ],
)
def test_a_wrong_request_ends_with_2_and_one_clear_message(settings: list[str], message: str, recipe: str) -> None:
    result = run(recipe, *(part for setting in settings for part in ("--set", setting)))
    assert result.exit_code == 2, result.output
    assert message in " ".join(result.stderr.split())
    assert "Traceback" not in result.output


def test_duplicate_ids_with_two_texts_end_with_2_and_both_lines(recipe: str, tmp_path: Path) -> None:
    (tmp_path / "reports.csv").write_text("report_id,text\n1,x\n2,y\n1,z\n")
    result = run(recipe)
    assert result.exit_code == 2
    assert "on line 2 and again, with another text, on line 4" in " ".join(result.stderr.split())


def test_an_empty_table_ends_with_2(recipe: str, tmp_path: Path) -> None:
    (tmp_path / "reports.csv").write_text("")
    result = run(recipe)
    assert result.exit_code == 2
    assert "the file is empty" in result.stderr


def test_a_damaged_journal_ends_with_1_and_is_left_alone(recipe: str, tmp_path: Path) -> None:
    journal = tmp_path / "out" / "label" / "journal.sqlite"
    journal.parent.mkdir(parents=True)
    journal.write_bytes(b"not a database" * 1000)
    result = run(recipe)
    assert result.exit_code == 1
    assert "damaged, or no journal" in " ".join(result.stderr.split())
    assert journal.read_bytes() == b"not a database" * 1000


def test_messages_never_quote_a_report(recipe: str, tmp_path: Path) -> None:
    secret = "Mrs Smith fell from a horse"
    (tmp_path / "reports.csv").write_text(f"report_id,text\n1,{secret}\n1,other\n")
    captured: Any = run(recipe)
    assert captured.exit_code == 2
    assert secret not in captured.output


def test_a_model_that_changes_under_the_same_name_is_told(tmp_path: Path) -> None:
    write_reports(tmp_path / "reports.csv", TEXTS)
    with endpoint(lambda number, _: {**answer(ANSWER), "model": f"m-2026-0{number + 1}"}) as server:
        backend = {"name": "openai", "model": "m", "base_url": server.url, "max_in_flight": 1}
        result = run(str(write_recipe(tmp_path, backend)))
    assert "answers of several models: m-2026-01 1, m-2026-02 1\n" in result.stdout
