"""`radprompter journal`: what is kept can be seen, written out and made smaller, and no answer is lost by that."""

from __future__ import annotations

import gzip
import json
import os
from pathlib import Path
from typing import Any

import pytest
from label_study import ANSWER as REPLY
from label_study import study, write_recipe, write_reports
from typer.testing import CliRunner

from radprompter.cli.app import app
from radprompter.journal import Journal
from radprompter.records import Completion, Usage
from radprompter.run import label_reports

RUNNER = CliRunner()
TIMEOUT = Completion("r1", (), failure="timeout", model="m", usage=Usage(seconds=2.0))


def success(reply: str) -> Completion:
    return Completion("r1", (reply,), model="m", usage=Usage(100, 20, 50, 1.0))


def invoke(*arguments: Path | str) -> Any:
    return RUNNER.invoke(app, ["journal", *map(str, arguments)])


@pytest.fixture
def journal(tmp_path: Path) -> Path:
    """Request a: failed, answered twice; b: failed twice; c: answered, then failed; d: cut off."""
    path = tmp_path / "j.sqlite"
    with Journal(path) as opened:
        for key, completion in (
            ("a", TIMEOUT), ("b", TIMEOUT), ("a", success("old")), ("c", success("only")), ("a", success("new")),
            ("b", TIMEOUT), ("c", TIMEOUT), ("d", Completion("r2", ("{",), failure="truncated", model="n")),
        ):  # fmt: skip
            opened.store(key, completion)
    return path


def answers(path: Path) -> dict[str, str]:
    with Journal(path) as opened:
        return {key: found.answer for key, found in opened.find_all("abcd").items()}


def test_show_counts_what_is_there(journal: Path) -> None:
    said = json.loads(invoke("show", journal, "--json").stdout)
    assert said["first"] <= said["last"]
    assert said["n_bytes"] == journal.stat().st_size
    assert {name: said[name] for name in said if name not in ("first", "last", "n_bytes", "path")} == {
        "n_rows": 8,
        "n_requests": 4,
        "n_answered": 2,
        "n_successes": 3,
        "failures": {"timeout": 4, "truncated": 1},
        "models": {"m": 7, "n": 1},
        "tokens": {"prompt": 300, "completion": 60, "cached": 150},
        "n_damaged": 0,
    }
    text = invoke("show", journal).stdout
    assert "different requests: 4, of them answered: 2" in text
    assert "failures (timeout): 4" in text


def test_show_and_export_work_while_a_run_holds_the_journal_and_prune_does_not(journal: Path, tmp_path: Path) -> None:
    with Journal(journal) as opened:
        opened.store("e", success("just now"))
        assert json.loads(invoke("show", journal, "--json").stdout)["n_rows"] == 9
        assert invoke("export", journal, "--to", tmp_path / "out.jsonl").exit_code == 0
        refused = invoke("prune", journal, "--failed")
        assert refused.exit_code == 1
        assert f"in use by process {os.getpid()}" in refused.stderr
        assert len(opened) == 9


@pytest.mark.parametrize("name", ["out.jsonl", "out.jsonl.gz"])
def test_export_writes_every_completion_and_warns(name: str, journal: Path, tmp_path: Path) -> None:
    done = invoke("export", journal, "--to", tmp_path / name)
    assert (done.exit_code, "8 completions" in done.stdout) == (0, True)
    assert "answers may quote reports" in done.stderr
    content = (tmp_path / name).read_bytes()
    lines = [json.loads(line) for line in (gzip.decompress(content) if name.endswith("gz") else content).splitlines()]
    assert [(line["key"], line["failure"]) for line in lines[:3]] == [("a", "timeout"), ("b", "timeout"), ("a", None)]
    assert lines[2]["content"]["replies"] == ["old"]
    assert set(lines[0]) == {"key", "report_id", "failure", "stored_at", "content"}


def test_export_replaces_no_file(journal: Path, tmp_path: Path) -> None:
    (tmp_path / "out.jsonl").write_text("mine")
    refused = invoke("export", journal, "--to", tmp_path / "out.jsonl")
    assert (refused.exit_code, "is there already" in refused.stderr) == (2, True)
    assert (tmp_path / "out.jsonl").read_text() == "mine"
    assert invoke("export", journal, "--to", tmp_path / "out.csv").exit_code == 2


@pytest.mark.parametrize(
    ("flags", "n_rows", "n_failures", "n_answers"),
    [
        (["--superseded"], 3, 2, 0),
        (["--failed"], 5, 5, 0),
        (["--failed", "--superseded"], 6, 5, 0),
        (["--damaged"], 0, 0, 0),
        (["--failed", "--older-than", "1"], 0, 0, 0),
        (["--older-than", "0"], 8, 5, 2),
        (["--failed", "--older-than", "0"], 5, 5, 0),
    ],
)
def test_prune_takes_what_it_says_and_keeps_last_answers(
    flags: list[str], n_rows: int, n_failures: int, n_answers: int, journal: Path
) -> None:
    before = answers(journal)
    planned = json.loads(invoke("prune", journal, *flags, "--dry-run", "--json").stdout)
    assert answers(journal) == before
    done = json.loads(invoke("prune", journal, *flags, "--json").stdout)
    for said in (planned, done):
        assert (said["n_rows"], said["n_failures"], said["n_answers"]) == (n_rows, n_failures, n_answers)
    assert answers(journal) == ({} if n_answers else before)
    assert json.loads(invoke("show", journal, "--json").stdout)["n_rows"] == 8 - n_rows


def test_prune_makes_the_file_smaller(tmp_path: Path) -> None:
    path = tmp_path / "j.sqlite"
    with Journal(path) as opened:
        for number in range(2000):
            opened.store(f"k{number % 10}", success(f"{number:0100}"))
    before = path.stat().st_size
    said = json.loads(invoke("prune", path, "--superseded", "--json").stdout)
    assert said["n_rows"] == 1990
    assert before - path.stat().st_size == said["n_bytes"] > before / 2


def test_prune_takes_damaged_rows_and_falls_back_to_the_answer_before(journal: Path) -> None:
    content = journal.read_bytes()
    assert content.count(b'"new"') == 1
    journal.write_bytes(content.replace(b'"new"', b'"odd"'))
    shown = invoke("show", journal)
    assert (shown.exit_code, "damaged rows" in shown.stderr) == (1, True)
    assert invoke("prune", journal, "--damaged", "--superseded").exit_code == 0
    assert answers(journal) == {"a": "old", "c": "only"}


def test_prune_wants_to_be_told_what(journal: Path) -> None:
    refused = invoke("prune", journal)
    assert (refused.exit_code, "say what to remove" in refused.stderr) == (2, True)


@pytest.mark.parametrize("command", [["show"], ["prune", "--failed"], ["export", "--to", "x.jsonl"]])
def test_what_is_no_journal_is_one_clear_error(command: list[str], tmp_path: Path) -> None:
    path = tmp_path / "none.sqlite"
    for content, said in ((None, "no such file"), (b"report_id,text\n" * 99, "damaged, or no journal")):
        if content:
            path.write_bytes(content)
        done = invoke(command[0], path, *command[1:])
        assert (done.exit_code, said in done.stderr) == (1, True)
        assert (path.read_bytes() if path.exists() else None) == content
    path.write_bytes(b"")
    assert invoke("show", path).exit_code == 1


def test_recipes_that_name_one_journal_pay_once(tmp_path: Path) -> None:
    texts = {f"r{number}": f"Words of {number}." for number in range(6)}
    shared, requests = tmp_path / "shared.sqlite", []
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        recipe = study(tmp_path / name, {"name": "scripted", "default": REPLY}, texts, journal=str(shared))
        requests.append(label_reports(recipe).summary["requests"])
        assert not (tmp_path / name / "out/label/journal.sqlite").exists()
    assert requests == [{"asked": 6, "from_journal": 0}, {"asked": 0, "from_journal": 6}]


def test_where_answers_are_kept_is_no_reason_to_label_again(tmp_path: Path) -> None:
    backend = {"name": "scripted", "default": REPLY}
    label_reports(study(tmp_path, backend, {"r1": "Words."}))
    again = study(tmp_path, backend, {"r1": "Words."}, journal=str(tmp_path / "j.sqlite"), durability="each")
    assert label_reports(again).summary["up_to_date"]


def test_a_recipe_stands_for_its_journal(tmp_path: Path) -> None:
    write_reports(tmp_path / "reports.csv", {"r1": "Words."})
    recipe = write_recipe(tmp_path, {"name": "scripted", "default": REPLY}, journal="{out}/kept.sqlite")
    assert RUNNER.invoke(app, ["label", str(recipe)]).exit_code == 0
    said = json.loads(invoke("show", recipe, "--json").stdout)
    assert (said["path"], said["n_answered"]) == (str(tmp_path / "out/kept.sqlite"), 1)
