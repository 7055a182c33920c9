"""`radprompter doctor RECIPE`: what the endpoint of a recipe can do, asked without a report."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from fake_endpoint import Behaviour, answer, endpoint
from label_study import write_recipe
from obedient import obey
from typer.testing import CliRunner

from radprompter.cli.app import app


def consult(*arguments: str, code: int = 0) -> Result:
    result = CliRunner().invoke(app, ["doctor", *arguments], env={"COLUMNS": "200"})
    assert result.exit_code == code, result.output
    return result


def ask_about(behave: Behaviour, folder: Path, *arguments: str, code: int = 0, **label: Any) -> tuple[Result, int]:
    with endpoint(behave, honest=False) as server:
        backend = {"name": "openai", "model": "m", "base_url": server.url, "canary": False}
        recipe = write_recipe(folder, backend, **label)
        return consult(str(recipe), *arguments, code=code), len(server.bodies)


def test_what_an_endpoint_can_do_is_listed(tmp_path: Path) -> None:
    result, n_asked = ask_about(lambda number, body: obey(body), tmp_path)
    _, _, shown = result.stdout.partition("\nendpoint\n")
    lines = {line.split()[0]: " ".join(line.split()[1:]) for line in shown.splitlines()}
    assert lines.pop("asked").startswith("fake-1: 2 made-up questions, 20 + 10 tokens, ")
    assert lines == {
        "constraint": "response_format",
        "thinking": "False",
        "schema": "accepted",
        "system": "accepted",
    }
    assert n_asked == 2


def test_a_read_out_is_listed_with_its_letters(tmp_path: Path) -> None:
    result, _ = ask_about(lambda number, body: obey(body), tmp_path, "--json", plan="label_read")
    proven = json.loads(result.stdout)["endpoint"]["proven"]
    assert list(proven["letters"]) == ["A", "B", "C", "D"]
    assert proven["logprobs"]["listed"] == 20


def test_an_endpoint_that_does_not_do_is_a_problem_after_all_that_is_installed(tmp_path: Path) -> None:
    result, _ = ask_about(lambda number, body: answer("White."), tmp_path, code=1)
    assert "\npackages\n" in result.stdout
    assert "problem     127.0.0.1:" in result.stdout
    assert "ignores the JSON schema" in result.stdout
    facts, _ = ask_about(lambda number, body: answer("White."), tmp_path, "--json", code=1)
    assert json.loads(facts.stdout)["endpoint"]["kind"] == "unproven"


@pytest.mark.parametrize("backend", ["rules", "scripted"])
def test_a_backend_without_an_endpoint_has_nothing_to_prove(backend: str, tmp_path: Path) -> None:
    result = consult(str(write_recipe(tmp_path, {"name": backend})))
    assert "none        this backend asks no endpoint" in result.stdout


def test_a_recipe_that_labels_nothing_or_is_wrong_is_refused(tmp_path: Path) -> None:
    (tmp_path / "other.yaml").write_text(f"name: x\nout: {tmp_path}\n")
    assert "no `label` section" in consult(str(tmp_path / "other.yaml"), code=2).stderr
    recipe = write_recipe(tmp_path, {"name": "rules"})
    assert "no_such" in consult(str(recipe), "--set", "label.no_such=1", code=2).stderr
