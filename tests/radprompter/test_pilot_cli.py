"""A pilot through the ordinary flow: what is asked, what is left out, what is shown, and what a full run then finds."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from fake_endpoint import answer, endpoint
from label_study import ANSWER, study
from typer.testing import CliRunner

from radprompter.cli.app import app
from radprompter.recipe import load_recipe
from radprompter.run import label_reports

TEXTS = {f"r{number}": f"Fracture number {number}." if number != 2 else "___" for number in range(12)}
ONE = '{"answer": "present"}'
ALONE = {f"r{n}/{name}": ONE for n in range(12) for name in ("fracture", "effusion", "no_finding")}
SCRIPTED = {"name": "scripted", "answers": ALONE, "default": ANSWER}
TRUTH = "report_id,fracture,effusion,no_finding\n" + "\n".join(f"r{n},1,0," for n in range(12)) + "\n"


def by_plan(number: int, body: dict[str, Any]) -> Any:
    """The answer of an endpoint to a question about one finding, or about all."""
    alone = "answer" in body["response_format"]["json_schema"]["schema"]["properties"]
    usage = {"prompt_tokens": 100, "completion_tokens": 10, "prompt_tokens_details": {"cached_tokens": 64}}
    return {**answer(ONE if alone else ANSWER), "usage": usage}


def pilot(folder: Path, *arguments: str, code: int = 0) -> Any:
    result = CliRunner().invoke(app, ["pilot", str(folder / "recipe.yaml"), *arguments], env={"COLUMNS": "200"})
    assert result.exit_code == code, result.output
    return result


def summary(folder: Path, *arguments: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(pilot(folder, "--json", *arguments).stdout)
    assert json.loads((folder / "out/pilot/pilot.json").read_text()) == found
    return found


def test_the_first_reports_with_words_are_labeled_in_every_way(tmp_path: Path) -> None:
    study(tmp_path, SCRIPTED, TEXTS, reasks=0)
    found = summary(tmp_path, "-n", "3")
    assert found["report_ids"] == ["r0", "r1", "r3"]
    assert (found["n_reports"], found["n_all"]) == (3, 11)
    ways = {way["plan"]: way for way in found["ways"]}
    assert [(plan, way["n_requests"], way["n_unanswered"]) for plan, way in ways.items()] == [
        ("one_json", 3, 0),
        ("per_finding", 9, 0),
        ("label_read", 9, 9),
    ]
    assert ways["per_finding"]["all_reports"]["n_requests"] == 33
    assert (found["reference"], ways["one_json"]["accuracy"]) == (None, None)
    assert found["agreed"][0] == {"ways": ["zero_shot_one_json", "zero_shot_per_finding"], "n_cells": 9, "n_alike": 3}
    assert "nobody knows how right it is" in found["reason"]
    assert (tmp_path / "out/pilot/zero_shot_per_finding/label/labels.csv").is_file()


def test_a_full_run_finds_the_answers_of_the_pilot(tmp_path: Path) -> None:
    with endpoint(by_plan) as server:
        recipe = study(tmp_path, {"name": "openai", "model": "m", "base_url": server.url}, TEXTS)
        pilot(tmp_path, "-n", "4", "--plans", "one_json")
        assert label_reports(recipe).summary["requests"] == {"asked": 11 - 4, "from_journal": 4}
        said = pilot(tmp_path, "-n", "4", "--plans", "one_json,per_finding").stderr
        assert "zero_shot_per_finding: 12 requests to make\n" in said
        assert len(server.bodies) == 11 + 4 * 3


def test_with_a_reference_ways_are_told_apart_and_the_cheapest_of_the_best_is_taken(tmp_path: Path) -> None:
    study(tmp_path, SCRIPTED, TEXTS)
    (tmp_path / "truth.csv").write_text(TRUTH)
    found = summary(tmp_path, "--reference", str(tmp_path / "truth.csv"))
    ways = {way["plan"]: way for way in found["ways"]}
    assert [way["accuracy"] for way in ways.values()] == [1.0, pytest.approx(1 / 3), 0.0]
    assert ways["per_finding"]["accuracy_from_best"] == [pytest.approx(-2 / 3)] * 2
    assert (ways["one_json"]["n_reports_right"], ways["one_json"]["n_reports_known"]) == (11, 11)
    assert found["take"] == "zero_shot_one_json"
    shown = pilot(tmp_path, "--set", f"agree={{reference: {tmp_path}/truth.csv}}").stdout
    assert "11 of 11 (74.1 to 100.0)" in shown
    assert "take zero_shot_one_json: the accuracy of every other way is distinguishably below" in shown
    assert "in the recipe: label.strategy: zero_shot, label.plan: one_json\n" in shown


def test_reports_that_the_reference_knows_are_tried_first_of_all(tmp_path: Path) -> None:
    study(tmp_path, SCRIPTED, TEXTS)
    (tmp_path / "truth.csv").write_text("report_id,fracture,effusion\nr7,1,0\nr9,1,1\nz,1,1\n")
    found = summary(tmp_path, "--reference", str(tmp_path / "truth.csv"), "--plans", "one_json")
    assert found["report_ids"] == ["r7", "r9"]
    assert found["ways"][0]["accuracy"] == 0.75
    (tmp_path / "truth.csv").write_text("report_id,fracture,effusion\nz,1,1\n")
    assert summary(tmp_path, "--reference", str(tmp_path / "truth.csv"), "-n", "2")["reference"] is None


def test_a_seed_draws_the_same_sample_each_time(tmp_path: Path) -> None:
    study(tmp_path, SCRIPTED, TEXTS)
    drawn = [summary(tmp_path, "-n", "4", "--seed", seed, "--plans", "one_json")["report_ids"] for seed in "1123"]
    assert drawn[0] == drawn[1]
    assert len({tuple(ids) for ids in drawn}) == 3
    assert all(ids == sorted(ids, key=list(TEXTS).index) and "r2" not in ids for ids in drawn)


def test_ways_that_a_backend_or_recipe_cannot_go_are_left_out_with_the_reason(tmp_path: Path) -> None:
    study(tmp_path, {"name": "rules"}, TEXTS)
    rules = ("--set", "label.backend={name: rules}", "--set", "label.region=elbow", "--set", "label.templates=null")
    found = summary(tmp_path, *rules, "--strategies", "zero_shot,chain_of_thought", "-n", "2")
    assert [way["way"] for way in found["ways"]] == ["zero_shot_one_json"]
    assert len(found["left_out"]) == 5
    assert set(found["left_out"].values()) == {"backend 'rules' reads the report itself and has one answer"}
    study(tmp_path, SCRIPTED, TEXTS, samples=3)
    assert summary(tmp_path, "-n", "2")["left_out"] == {
        "zero_shot_label_read": "plan label_read gives probabilities by itself; take samples away"
    }


def test_failed_requests_are_shown_by_kind(tmp_path: Path) -> None:
    study(tmp_path, {"name": "scripted", "answers": {"r0": ANSWER}}, TEXTS)
    shown = pilot(tmp_path, "-n", "3", "--plans", "one_json").stdout
    assert "zero_shot_one_json: failed requests (no_answer): 2" in shown
    assert "take none: no way answers 99% of the cells" in shown


def test_a_price_makes_the_cost_decide(tmp_path: Path) -> None:
    (tmp_path / "prices.yaml").write_text("m: {input: 1000, output: 2000, date: 2026-01-02, source: invoice}\n")
    with endpoint(by_plan) as server:
        study(tmp_path, {"name": "openai", "model": "m", "base_url": server.url}, TEXTS)
        found = summary(
            tmp_path, "-n", "2", "--plans", "one_json,per_finding", "--prices", str(tmp_path / "prices.yaml")
        )
    one, each = found["ways"]
    assert (one["cost_usd"], each["cost_usd"]) == (pytest.approx(0.24), pytest.approx(0.72))
    assert one["all_reports"]["cost_usd"] == pytest.approx(0.24 * 11 / 2)
    assert one["cached_tokens"] == 128
    assert "the cheapest (by cost) of 2 ways" in found["reason"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--plans", "two_json"), "--plans: 'two_json' is not one of one_json, per_finding, label_read"),
        (("--strategies", "guess"), "--strategies: 'guess' is not one of zero_shot"),
        (("--reference", "/nowhere.csv"), "/nowhere.csv: no such file"),
        (("--set", "label=null"), "no `label` section"),
        (("--set", "label.length={limit_tokens: 32}", "--set", "label.region=wirst"), "did you mean 'wrist'"),
    ],
)
def test_a_wrong_pilot_is_refused_before_anything_is_asked(
    arguments: tuple[str, ...], message: str, tmp_path: Path
) -> None:
    study(tmp_path, SCRIPTED, TEXTS)
    assert message in pilot(tmp_path, *arguments, code=2).stderr
    assert not (tmp_path / "out").exists()


def test_a_recipe_may_name_the_reports_to_read(tmp_path: Path) -> None:
    study(tmp_path, SCRIPTED, TEXTS)
    only = ["label.reports.only=[r9, r1]"]
    run = label_reports(load_recipe(tmp_path / "recipe.yaml", settings=only))
    assert run.table.report_ids == ("r1", "r9")
    result = CliRunner().invoke(app, ["label", str(tmp_path / "recipe.yaml"), "--set", "label.reports.only=[r9, zz]"])
    assert result.exit_code == 2
    assert "no report 'zz', which label.reports.only names (1 absent)" in result.stderr
