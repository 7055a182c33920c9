"""Checklists of reporting guidelines: filled with what a run knows, blank where it does not, nothing invented."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest
from docx import Document
from page_outline import Outline
from quiet_tab import open_quietly
from reference.predictions import two_runs

from imagetrain.describing.facts import facts_of
from imagetrain.evaluation.numbers import Options
from imagetrain.evaluation.report import evaluate
from imagetrain.exports.answers import TOLD
from imagetrain.exports.checklist import BLANK, checklists, checklists_csv, checklists_docx
from imagetrain.exports.guideline import guidelines
from imagetrain.page.checklist import render_checklists
from imagetrain.recipe import StudyRecipe, load_recipe
from radprompter.shipped import find_recipe

LABELS = {
    "n_reports": 700,
    "backend": "vllm",
    "model": "m",
    "n_failed": 3,
    "n_skipped": 1,
    "template": {"region": "elbow", "hash": "abc", "strategy": "zero_shot", "plan": "one_json"},
    "schema": {"name": "elbow-29", "hash": "def"},
    "privacy": {"action": "mask", "kinds": ["date", "name"], "n_reports": 12},
}
TRAINED = {"n_parameters": 747309, "left_out": {"callus": "rare"}, "device": "cpu"}
LEAKAGE = {"same_pixels": [], "near_duplicates": [1, 2]}


@pytest.fixture(scope="module")
def study() -> StudyRecipe:
    return load_recipe(find_recipe(Path("recipes/quickstart.yaml")))


@pytest.fixture(scope="module")
def metrics():
    return evaluate(two_runs(), options=Options(resamples=20, permutations=0)).metrics


@pytest.fixture(scope="module")
def whole(metrics, study: StudyRecipe):
    flow = [{"step": "labelled", "n": 700, "unit": "studies", "lost": []}]
    flow.append({"step": "tested", "n": 380, "unit": "studies", "lost": [{"reason": "used for training", "n": 320}]})
    told = {
        "title": "Elbow <b>study</b>",
        "synthetic": True,
        "reference": "Held against readers.",
        "flow": flow,
        "facts": facts_of(study, TRAINED, LABELS, LEAKAGE),
        "runs": [("inclusive", "uncertain counts as positive")],
        "versions": [("torch", "2.15.0")],
        "hashes": [("predictions.parquet", "0123456789abcdef" * 4)],
    }
    return metrics | {"study": told}


def entries(metrics, name):
    filled = next(one for one in checklists(metrics) if one.guideline.name == name)
    return {entry.item.number: entry for entry in filled.entries}


def test_the_items_are_those_of_the_guidelines():
    tripod, claim = guidelines()
    numbers = [item.number for item in tripod.items]
    assert len(numbers) == 52 and len(set(numbers)) == 52
    assert list(dict.fromkeys(number.rstrip("abcdefg") for number in numbers)) == [str(i) for i in range(1, 28)]
    assert [item.number for item in claim.items] == [str(i) for i in range(1, 43)]
    assert all(item.asks and item.section for one in (tripod, claim) for item in one.items)


def test_every_fact_that_an_item_names_is_told_by_something(study: StudyRecipe):
    known = set(TOLD) | set(facts_of(study, TRAINED, LABELS, LEAKAGE))
    named = {fact.removesuffix("?") for one in guidelines() for item in one.items for fact in item.facts}
    assert named <= known


def test_what_the_run_knows_is_filled_in(whole):
    tripod, claim = entries(whole, "TRIPOD+AI"), entries(whole, "CLAIM")
    assert tripod["12a"].state == "filled" and "stratified by labels, seed 1" in tripod["12a"].answer
    assert "share no patient" in claim["21"].answer
    assert "747,309 parameters" in claim["22"].answer and "torch 2.15.0" in claim["23"].answer
    assert "700 radiology reports were labelled by vllm (m)" in claim["14"].answer
    assert "inclusive: inclusive, not mentioned negative" in claim["14"].answer
    assert "used for training" in claim["33"].answer and claim["33"].state == "filled"
    assert "date, name" in claim["12"].answer and "2 are nearly equal" in tripod["7"].answer
    macro = whole["macro"][0]["auroc"]
    assert f"{macro['value']:.3f} ({macro['low']:.3f}–{macro['high']:.3f})" in claim["35"].answer


def test_what_nobody_told_the_run_is_left_to_the_authors(whole):
    tripod, claim = entries(whole, "TRIPOD+AI"), entries(whole, "CLAIM")
    for entry in (*(tripod[n] for n in ("1", "3c", "5b", "8b", "17", "18a", "19", "25")), claim["15"], claim["42"]):
        assert (entry.state, entry.answer, entry.rest) == ("open", "", BLANK)
    assert tripod["10"].state == "in part" and tripod["10"].rest.startswith("By the authors: Why these numbers suffice")


def test_an_item_that_lacks_a_fact_is_filled_in_part_only(whole):
    performance = entries(whole, "TRIPOD+AI")["23a"]
    assert performance.state == "in part" and "did not record" in performance.rest
    about = {"set": "test", "run": "inclusive", "attribute": "sex", "group": "F", "n_studies": 70, "n_patients": 35}
    row = about | {"finding": None, "n": None, "n_positive": None, "auroc": whole["macro"][0]["auroc"]}
    performance = entries(whole | {"subgroups": [row]}, "TRIPOD+AI")["23a"]
    assert performance.state == "filled" and "by sex" in performance.answer and performance.rest == ""


def test_scores_from_elsewhere_say_nothing_of_how_they_were_made(metrics):
    flow = [{"step": step, "n": 9, "unit": "studies", "lost": []} for step in ("studies with scores", "tested")]
    metrics = metrics | {"study": {"flow": flow}}
    tripod, claim = entries(metrics, "TRIPOD+AI"), entries(metrics, "CLAIM")
    for entry in (tripod["12c"], tripod["11"], tripod["22"], claim["20"], claim["22"], claim["33"], claim["23"]):
        assert entry.state in ("open", "in part") and "None" not in entry.answer
    assert tripod["12c"].state == claim["33"].state == "open" and tripod["12e"].answer


def test_tables_that_are_not_there_are_not_referred_to(metrics):
    assert "tables/prevalence" not in str(checklists(metrics)) and "tables/discrimination" in str(checklists(metrics))


def test_each_list_counts_its_items_and_says_which_version_it_follows(whole):
    for one in checklists(whole):
        n = [sum(entry.state == state for entry in one.entries) for state in ("filled", "in part", "open")]
        assert f"of {sum(n)} items and parts of items, {n[0]} are filled" in one.summary and min(n) > 8
        assert "official text governs" in one.about and "20" in one.guideline.version


def test_facts_are_told_only_where_they_are_known(study: StudyRecipe):
    bare = facts_of(study.model_copy(update={"data": None, "train": None, "phantom": None}), {}, {}, {})
    assert set(bare) == {"thresholds"}
    assert "privacy" not in facts_of(study, {}, LABELS | {"privacy": {"action": "off"}}, {})
    assert not {"model", "training", "leakage"} & set(facts_of(study, {}, LABELS, {}))
    scored = study.evaluate.model_copy(update={"scores": {"run": Path("scores.csv")}})
    elsewhere = facts_of(study.model_copy(update={"evaluate": scored}), TRAINED, {}, {})
    assert set(elsewhere) == {"thresholds", "synthetic"}


def test_the_files_have_every_item(whole):
    filled = checklists(whole)
    rows = list(csv.DictReader(io.StringIO(checklists_csv(filled))))
    assert len(rows) == 94 and rows[0]["from_the_authors"] == BLANK
    made = Document(io.BytesIO(checklists_docx(filled, "Elbow <b>study</b>")))
    assert [len(table.rows) for table in made.tables] == [53, 43]
    assert [cell.text for cell in made.tables[1].rows[42].cells][0::4] == ["42", BLANK]


def test_the_page_is_whole_and_names_cannot_become_markup(whole):
    page = render_checklists(checklists(whole), title=whole["study"]["title"], synthetic=True)
    outline = Outline()
    outline.feed(page)
    assert outline.open == [] and {target[1:] for target in outline.targets} <= set(outline.ids)
    assert "<b>study" not in page and "Synthetic data" in page and "<script" not in page


@pytest.mark.browser
@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (390, "dark")])
def test_a_browser_shows_the_checklists_without_fault(browser, whole, tmp_path: Path, width, scheme):
    axe = pytest.importorskip("axe_playwright_python", reason="axe-playwright-python is not installed")
    [source] = Path(axe.__file__).parent.rglob("axe.min.js")
    page = render_checklists(checklists(whole), title="Elbow", synthetic=True)
    (tmp_path / "checklist.html").write_text(page)
    tab = open_quietly(browser, tmp_path / "checklist.html", width, scheme)
    assert tab.locator("li").count() == 94
    tab.close()
    size = {"width": width, "height": 900}
    unguarded = browser.new_context(viewport=size, color_scheme=scheme, bypass_csp=True)
    tab = unguarded.new_page()
    tab.goto((tmp_path / "checklist.html").as_uri())
    tab.evaluate(source.read_text())
    found = tab.evaluate("axe.run(document, {resultTypes: ['violations']})")
    assert [(one["impact"], one["id"], one["nodes"][0]["html"]) for one in found["violations"]] == []
    unguarded.close()
