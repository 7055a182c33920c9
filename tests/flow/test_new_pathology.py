"""A pathology added by the folder of docs/write_a_template.md alone: rules, prompts, a server and the page use it."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from fake_endpoint import answer, endpoint
from reference.predictions import make_predictions

import imagetrain.recipe
from imagetrain.assess import run_evaluate, run_report
from imagetrain.store import save_predictions
from radprompter.label_table import LabelTable
from radprompter.prompting.check import check_region
from radprompter.recipe import load_recipe
from radprompter.run import label_reports

ROOT = Path(__file__).parents[2]

RECIPE = """
name: Wrist
out: {folder}/out
label:
  reports: {{path: {folder}/reports.csv, text: text, language_column: language}}
  region: wrist
  templates: {folder}/templates
data:
  labels: {folder}/out/label/labels.parquet
  studies: {{path: {folder}/reports.csv}}
  images: {{path: {folder}/images.csv}}
train: {{runs: {{inclusive: {{}}}}}}
evaluate: {{bootstrap: 50}}
"""
REPORTS = {
    "a": ("en", "Buckle fracture of the distal radius. No dislocation."),
    "b": ("en", "Possible scaphoid fracture."),
    "c": ("de", "Keine Luxation. Distale Radiusfraktur."),
}
STATES = {
    "a": ["positive", "positive", "not_mentioned", "negative", "not_mentioned"],
    "b": ["uncertain", "not_mentioned", "uncertain", "not_mentioned", "not_mentioned"],
    "c": ["positive", "positive", "not_mentioned", "negative", "not_mentioned"],
}
FINDINGS = ["fracture", "distal_radius_fracture", "scaphoid_fracture", "dislocation", "osteoarthritis"]
SPELLED = {"positive": "present", "negative": "absent"}


def spoken(report: str) -> str:
    """What a model would answer."""
    states = [SPELLED.get(state, state) for state in STATES[report]]
    return json.dumps(dict(zip(FINDINGS, states, strict=True)))


@pytest.fixture
def recipe(tmp_path: Path) -> Path:
    guide = (ROOT / "docs" / "write_a_template.md").read_text(encoding="utf-8")
    found = re.search(r"```yaml\n# mine/wrist/region.yaml\n(.*?)```", guide, re.DOTALL)
    assert found is not None
    (tmp_path / "templates" / "wrist").mkdir(parents=True)
    (tmp_path / "templates" / "wrist" / "region.yaml").write_text(found.group(1), encoding="utf-8")
    rows = [f'{key},{language},"{text}"' for key, (language, text) in REPORTS.items()]
    (tmp_path / "reports.csv").write_text("\n".join(["report_id,language,text", *rows]) + "\n", encoding="utf-8")
    (tmp_path / "recipe.yaml").write_text(RECIPE.format(folder=tmp_path))
    return tmp_path / "recipe.yaml"


def labelled(recipe: Path, backend: dict[str, Any]) -> LabelTable:
    return label_reports(load_recipe(recipe, settings=[f"label.backend={json.dumps(backend)}"])).table


def states(table: LabelTable) -> dict[str, list[str]]:
    wide = table.wide()
    assert list(wide.columns) == FINDINGS
    return {str(report): [str(state) for state in wide.loc[report]] for report in wide.index}


def test_the_folder_is_sound(recipe: Path) -> None:
    assert check_region(recipe.parent / "templates" / "wrist") == []


def test_the_rules_read_it(recipe: Path) -> None:
    assert states(labelled(recipe, {"name": "rules"})) == STATES


def test_prompts_are_written_from_it_and_answers_are_read_by_it(recipe: Path) -> None:
    answers = {report: spoken(report) for report in REPORTS}
    assert states(labelled(recipe, {"name": "scripted", "answers": answers})) == STATES


def test_a_server_is_asked_for_its_findings(recipe: Path) -> None:
    asked: list[dict[str, Any]] = []

    def behave(_: int, body: dict[str, Any]) -> dict[str, Any]:
        asked.append(body)
        said = body["messages"][-1]["content"]
        return answer(next((spoken(key) for key, (_, text) in REPORTS.items() if text in said), "{}"))

    with endpoint(behave) as server:
        backend = {"name": "openai", "model": "m", "base_url": server.url}
        assert states(labelled(recipe, backend)) == STATES
    system = asked[-1]["messages"][0]["content"]
    assert "(Wrist)" in system and "(Distal radius fracture): Fracture of the distal radius" in system
    assert list(asked[-1]["response_format"]["json_schema"]["schema"]["properties"]) == FINDINGS


def test_the_page_calls_its_findings_by_their_titles(recipe: Path) -> None:
    labelled(recipe, {"name": "rules"})
    study = imagetrain.recipe.load_recipe(recipe)
    predictions = replace(make_predictions(seed=1), findings=tuple(FINDINGS))
    save_predictions(study.out / "train" / "inclusive" / "predictions.parquet", predictions)
    run_evaluate(study)
    run_report(study)
    page = (study.out / "page" / "report.html").read_text(encoding="utf-8")
    for title in ("Distal radius fracture", "Scaphoid fracture", "Dislocation"):
        assert title in page
    assert "distal_radius_fracture" not in re.sub(r"<[^>]*>", "", page)
