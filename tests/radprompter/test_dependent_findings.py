"""Findings that depend on others, through a whole run: who is asked, and what becomes of those who are not."""

from __future__ import annotations

import json
import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from fake_endpoint import Body, Fault, answer, endpoint
from label_study import study
from small_region import REGION

from radprompter.labeling.asking import Survey
from radprompter.run import LabelRun, label_reports

CHAIN = REGION.replace(
    "  effusion:\n",
    """  displacement:
    title: {en: displacement, de: Dislokation}
    definition: {en: fragments apart, de: Fragmente versetzt}
    depends_on: {fracture: [positive, uncertain]}
  angulation:
    title: {en: angulation, de: Achsabweichung}
    definition: {en: fragments at an angle, de: Fragmente im Winkel}
    depends_on: {displacement: [positive]}
    otherwise: negative
  effusion:
""",
)

LOST = "Displaced, and the server is away."
TEXTS = {"broken": "Displaced fracture.", "whole": "No fracture.", "lost": LOST, "empty": "___"}
STATES = {
    "Displaced fracture.": {"fracture": "present", "displacement": "present", "angulation": "possible"},
    "No fracture.": {"fracture": "absent", "displacement": "present", "angulation": "present"},
}


def recipe(folder: Path, url: str, **label: Any) -> Any:
    backend = {"name": "openai", "model": "m", "base_url": url, "max_in_flight": 1, "max_retries": 0}
    made = study(folder, backend, TEXTS, **label)
    (folder / "templates" / "wrist" / "region.yaml").write_text(CHAIN, encoding="utf-8")
    return made


def asked_about(body: Body) -> tuple[str, str | None]:
    """The report of a request, and the title of the finding where it asks about one."""
    said = "\n".join(message["content"] for message in body["messages"])
    text = next(text for text in TEXTS.values() if f"\n{text}\n" in said)
    found = re.search(r"^Finding: (.*)$", said, re.MULTILINE)
    return text, found.group(1) if found else None


def behave(number: int, body: Body) -> Body | Fault:
    text, title = asked_about(body)
    if text == LOST:
        return Fault(500)
    states = {**dict.fromkeys(("effusion", "no_finding"), "not mentioned"), **STATES[text]}
    if title is None:
        return answer(json.dumps(states))
    verdict = "absent" if "A first reading" in body["messages"][-1]["content"] else states[title.replace(" ", "_")]
    return answer(json.dumps({"answer": verdict}))


def cells(done: LabelRun) -> dict[str, dict[str, tuple[str, str | None]]]:
    found: dict[str, dict[str, tuple[str, str | None]]] = {}
    for row in done.table.frame.itertuples():
        note = row.repair if isinstance(row.repair, str) else None
        found.setdefault(str(row.report_id), {})[str(row.finding)] = (str(row.state), note)
    return found


@pytest.mark.parametrize("plan", ["per_finding", "one_json"])
def test_a_finding_is_what_the_region_says_where_its_condition_does_not_hold(plan: str, tmp_path: Path) -> None:
    with endpoint(behave) as server:
        found = cells(label_reports(recipe(tmp_path, server.url, plan=plan)))
    states = {report: {name: state for name, (state, _) in row.items()} for report, row in found.items()}
    assert list(states) == list(TEXTS)
    names = ("fracture", "displacement", "angulation")
    assert [states["broken"][name] for name in names] == ["positive", "positive", "uncertain"]
    assert [states["whole"][name] for name in names] == ["negative", "not_mentioned", "negative"]
    assert found["whole"]["displacement"][1].startswith("not asked: fracture is negative")  # type: ignore[union-attr]
    assert set(states["empty"].values()) == {"skipped"}


def test_a_parent_without_an_answer_leaves_its_children_missing(tmp_path: Path) -> None:
    with endpoint(behave) as server:
        done = label_reports(recipe(tmp_path, server.url, plan="per_finding"))
    lost = cells(done)["lost"]
    assert lost["fracture"] == ("failed", "server_error")
    assert lost["displacement"] == ("missing", "not asked: fracture is failed")
    assert lost["angulation"] == ("missing", "not asked: displacement is missing")


def test_nothing_is_sent_about_a_finding_that_is_not_asked(tmp_path: Path) -> None:
    with endpoint(behave) as server:
        label_reports(recipe(tmp_path, server.url, plan="per_finding"))
        asked = Counter(asked_about(body) for body in server.bodies)
    titles = {title for text, title in asked if text == "No fracture."}
    assert titles == {"fracture", "effusion", "no finding"}
    assert {title for text, title in asked if text == "Displaced fracture."} == titles | {"displacement", "angulation"}


def test_what_may_not_be_due_is_counted_apart_before_anything_is_sent(tmp_path: Path) -> None:
    surveys: list[Survey] = []
    with endpoint(behave) as server:
        label_reports(recipe(tmp_path, server.url, plan="per_finding"), before=surveys.append)
        assert len(server.bodies) == 11  # of 5 for each of 3 reports, without what is not due
    assert [(s.n_new, s.n_conditional) for s in surveys] == [(15, 6)]


def test_a_positive_that_is_not_confirmed_takes_its_children_with_it(tmp_path: Path) -> None:
    for plan in ("per_finding", "one_json"):
        folder = tmp_path / plan
        folder.mkdir()
        with endpoint(behave) as server:
            found = cells(label_reports(recipe(folder, server.url, plan=plan, verify=True)))["broken"]
        assert [found[name][0] for name in ("fracture", "displacement", "angulation")] == [
            "negative", "not_mentioned", "negative",
        ]  # fmt: skip


def test_the_next_run_asks_for_what_the_first_could_not(tmp_path: Path) -> None:
    away = True

    def recovering(number: int, body: Body) -> Body | Fault:
        text, title = asked_about(body)
        if text != LOST or away or title is None:
            return behave(number, body)
        return answer(json.dumps({"answer": STATES["Displaced fracture."].get(title, "not mentioned")}))

    with endpoint(recovering) as server:
        first = label_reports(recipe(tmp_path, server.url, plan="per_finding"))
        away = False
        done = label_reports(recipe(tmp_path, server.url, plan="per_finding"))
    assert first.summary["failures"] == {"server_error": 3, "no_text": 1}
    assert [state for state, _ in cells(done)["lost"].values()] == [
        "positive", "positive", "uncertain", "not_mentioned", "not_mentioned",
    ]  # fmt: skip
    assert done.summary["requests"]["asked"] == 5
