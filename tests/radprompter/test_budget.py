"""A run that fails too often, or costs too much, stops and keeps what it has."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from fake_endpoint import Body, Fault, answer, endpoint
from label_study import ANSWER, study

from radprompter.errors import BudgetError, RecipeError
from radprompter.journal import read_contents
from radprompter.labeling.budget import Limits
from radprompter.labeling.headway import Headway
from radprompter.labeling.tally import Tally
from radprompter.recipe import Budget
from radprompter.records import Completion, Usage
from radprompter.run import label_reports

TEXTS = {f"r{number:03}": f"Report {number:03}." for number in range(300)}
PRICES = "m: {input: 1000, output: 2000, date: 2026-01-01, source: a test}\n"


def half_refused(number: int, body: Body) -> Body | Fault:
    return Fault(400) if number % 5 < 3 else answer(ANSWER)


def openai(url: str, **settings: Any) -> dict[str, Any]:
    return {"name": "openai", "model": "m", "base_url": url, "max_in_flight": 4, "max_retries": 0, **settings}


def test_a_run_in_which_most_requests_fail_stops_and_goes_on_from_there(tmp_path: Path) -> None:
    with endpoint(half_refused) as server:
        with pytest.raises(BudgetError, match=r"stopped: \d+ of 5\d requests failed \(bad_request \d+\).*0\.5"):
            label_reports(study(tmp_path, openai(server.url), TEXTS))
        n_asked = len(server.bodies)
    assert n_asked < 60
    assert not (tmp_path / "out" / "label" / "labels.csv").exists()
    contents = read_contents(tmp_path / "out" / "label" / "journal.sqlite")
    assert contents.n_rows == n_asked
    with endpoint(lambda number, body: answer(ANSWER)) as server:
        recipe = study(tmp_path, openai(server.url, base_url=server.url), TEXTS)
        assert label_reports(recipe).summary["n_failed"] == 0


def test_a_share_may_be_allowed_and_none_may_be(tmp_path: Path) -> None:
    with endpoint(half_refused) as server:
        run = label_reports(study(tmp_path, openai(server.url), TEXTS, budget={"failed_share": None}))
    assert run.summary["failures"] == {"bad_request": 180}
    (tmp_path / "b").mkdir()
    with endpoint(lambda n, b: Fault(400) if n % 20 == 0 else answer(ANSWER)) as server, pytest.raises(BudgetError):
        label_reports(study(tmp_path / "b", openai(server.url), TEXTS, budget={"failed_share": 0.01}))


def test_a_few_failures_at_the_beginning_stop_nothing(tmp_path: Path) -> None:
    with endpoint(lambda number, body: Fault(400) if number < 20 else answer(ANSWER)) as server:
        run = label_reports(study(tmp_path, openai(server.url), TEXTS))
    assert run.summary["failures"] == {"bad_request": 20}


def test_a_run_stops_when_its_money_is_spent_and_the_next_goes_on(tmp_path: Path) -> None:
    (tmp_path / "prices.yaml").write_text(PRICES)
    usage = {"prompt_tokens": 100, "completion_tokens": 50}  # 0.2 USD a request
    budget = {"spend_usd": 10, "prices": str(tmp_path / "prices.yaml")}
    with endpoint(lambda number, body: {**answer(ANSWER), "usage": usage}) as server:
        recipe = study(tmp_path, openai(server.url), TEXTS, budget=budget)
        n_asked = []
        for _ in range(5):
            with pytest.raises(BudgetError, match=r"about \$10\.\d\d, and label\.budget\.spend_usd is \$10\.00 a run"):
                label_reports(recipe)
            n_asked.append(len(server.bodies))
        assert n_asked[0] in range(50, 55)
        assert label_reports(recipe).summary["n_failed"] == 0
        assert len(server.bodies) == 300
    manifest = json.loads((tmp_path / "out" / "label" / "manifest.json").read_text())
    assert manifest["spent_usd"] == pytest.approx(0.2 * (300 - n_asked[-1]))


def test_money_without_a_price_is_refused_before_anything_is_asked(tmp_path: Path) -> None:
    with endpoint(half_refused) as server:
        recipe = study(tmp_path, openai(server.url), TEXTS, budget={"spend_usd": 5})
        with pytest.raises(RecipeError, match=r"label\.budget\.spend_usd: the price file has no price for 'm'"):
            label_reports(recipe)
        assert not server.bodies
    assert not (tmp_path / "out").exists()


def test_a_budget_changes_no_label(tmp_path: Path) -> None:
    scripted = {"name": "scripted", "default": ANSWER}
    label_reports(study(tmp_path, scripted, TEXTS))
    assert label_reports(study(tmp_path, scripted, TEXTS, budget={"failed_share": 0.1})).summary["up_to_date"]


def test_the_pace_tells_rates_of_the_last_half_minute_money_and_failures() -> None:
    now = 0.0
    tally = Tally()
    limits = Limits(Budget(), None)
    headway = Headway(tally, limits, clock=lambda: now)
    assert headway() == ""
    for second in range(100):
        now = float(second)
        for _ in range(20 if second < 50 else 2):
            tally.add_request(Completion("a", ("x",), usage=Usage(90, 10)))
        said = headway()
    assert said == "1,100 asked (2.0/s), 200 tokens/s"
    tally.add_request(Completion("a", (), failure="timeout"))
    tally.add_request(Completion("a", (), failure="refused"))
    tally.add_request(Completion("a", (), failure="timeout"))
    assert headway().endswith(", failed 3 (timeout 2, refused 1)")
