"""Self-consistency: a question asked several times, and what the votes make of it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from fake_endpoint import answer, endpoint
from label_study import study
from small_region import small_region

from radprompter.answers import vote
from radprompter.errors import RecipeError
from radprompter.labels import Cell, LabelState
from radprompter.run import label_reports

WORDS = ["present", "present", "absent", "dunno", "present"]


def openai(url: str, **settings: Any) -> dict[str, Any]:
    return {
        "name": "openai",
        "model": "m",
        "base_url": url,
        "canary": False,
        "temperature": 0.7,
        "max_in_flight": 1,
        **settings,
    }


def in_turn(number: int, body: dict[str, Any]) -> dict[str, Any]:
    return answer(json.dumps({"fracture": WORDS[number % 5], "effusion": "absent", "no_finding": "not mentioned"}))


def elect(states: list[str], finding: str, tmp_path: Path) -> Cell:
    cells = [Cell("a", finding, LabelState(state)) for state in states]
    (cell,) = vote(cells, small_region(tmp_path))
    return cell


@pytest.mark.parametrize(
    ("states", "finding", "state", "shares"),
    [
        (["positive", "positive", "negative"], "fracture", "positive", (2 / 3, 1 / 3, 0.0)),
        (["positive", "negative"], "fracture", "uncertain", (0.5, 0.5, 0.0)),
        (["positive", "invalid", "failed"], "fracture", "positive", (1.0, 0.0, 0.0)),
        (["not_mentioned", "uncertain", "uncertain"], "fracture", "uncertain", (0.0, 0.0, 2 / 3)),
        (["failed", "invalid"], "fracture", "failed", (None, None, None)),
        (["positive", "not_mentioned"], "no_finding", "failed", (None, None, None)),
        (["positive", "positive", "not_mentioned"], "no_finding", "positive", (2 / 3, None, None)),
    ],
)
def test_the_state_with_the_most_votes_is_the_label_and_a_tie_is_uncertain(
    states: list[str], finding: str, state: str, shares: tuple[float | None, ...], tmp_path: Path
) -> None:
    cell = elect(states, finding, tmp_path)
    assert cell.state == state
    assert (cell.p_positive, cell.p_negative, cell.p_uncertain) == shares


def test_the_votes_are_kept_with_the_cell(tmp_path: Path) -> None:
    assert elect(["positive", "negative"], "fracture", tmp_path).repair == "2 samples: 1 positive, 1 negative, tied"


def test_each_sample_is_a_request_of_its_own_in_the_journal(tmp_path: Path) -> None:
    texts = {"a": "Fracture.", "b": "___"}
    with endpoint(in_turn) as server:
        two = label_reports(study(tmp_path, openai(server.url), texts, samples=2, reasks=0))
        five = label_reports(study(tmp_path, openai(server.url), texts, samples=5, reasks=0))
        fracture, b = five.table.frame.iloc[0], set(five.table.wide().loc["b"])
        again = label_reports(study(tmp_path, openai(server.url), texts, samples=4, reasks=0))
        assert len(server.bodies) == 5
    assert two.summary["requests"] == {"asked": 2, "from_journal": 0}
    assert five.summary["requests"] == {"asked": 3, "from_journal": 2}
    assert again.summary["requests"] == {"asked": 0, "from_journal": 4}
    assert (fracture["state"], fracture["p_positive"], fracture["p_negative"]) == ("positive", 0.75, 0.25)
    assert fracture["repair"] == "5 samples: 3 positive, 1 negative"
    assert b == {"skipped"}
    assert five.summary["failures"] == {"no_text": 1}


def test_samples_of_one_finding_are_joined_too(tmp_path: Path) -> None:
    def behave(number: int, body: dict[str, Any]) -> dict[str, Any]:
        return answer(json.dumps({"answer": ["present", "not mentioned", "present"][number % 3]}))

    with endpoint(behave) as server:
        recipe = study(tmp_path, openai(server.url), {"a": "x1"}, samples=3, plan="per_finding")
        run = label_reports(recipe)
        assert len(server.bodies) == 9
    assert set(run.table.frame["state"]) == {"positive"}
    assert run.table.frame["p_positive"].tolist() == pytest.approx([2 / 3] * 3)


@pytest.mark.parametrize(
    ("label", "backend", "message"),
    [
        ({}, {"temperature": 0}, "samples at temperature 0 are all alike"),
        ({}, {"seed": 1}, "samples with one seed are all alike"),
        ({"plan": "label_read"}, {}, "label_read gives probabilities by itself"),
    ],
)
def test_samples_that_could_not_differ_are_refused(
    label: dict[str, Any], backend: dict[str, Any], message: str, tmp_path: Path
) -> None:
    with pytest.raises(RecipeError, match=message):
        study(tmp_path, openai("http://127.0.0.1:1/v1", **backend), {"a": "x"}, samples=2, **label)


def test_the_rules_have_one_answer(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match=r"label\.samples: 2: this backend reads the report itself"):
        label_reports(study(tmp_path, {"name": "rules"}, {"a": "x"}, samples=2, reasks=0))
