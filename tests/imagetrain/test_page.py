"""The page: what is on it, and how it behaves in a real browser."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import pytest
from page_outline import Outline
from quiet_tab import open_quietly
from reference.predictions import make_predictions, two_runs

from imagetrain.evaluation.numbers import Options
from imagetrain.evaluation.report import evaluate
from imagetrain.page import formats
from imagetrain.page.render import plots, render
from imagetrain.records import EvaluationReport
from radprompter.pages.svg import Axis, Estimate, forest_track

STUDY = {
    "title": "Elbow <radiographs>",
    "created": "2030-01-01",
    "synthetic": True,
    "reference": "Held against the reference.",
    "runs": [("inclusive", "uncertain counts as positive")],
    "hashes": [("/a/folder/with/a/long/name/that/does/not/fit/on/a/phone/predictions.parquet", "0123456789abcdef" * 4)],
}


@pytest.fixture(scope="module")
def report() -> EvaluationReport:
    metrics = evaluate(two_runs(), options=Options(resamples=100)).metrics
    return EvaluationReport({**metrics, "study": STUDY})


@pytest.fixture(scope="module")
def page(report: EvaluationReport) -> str:
    return render(report)


def test_the_page_is_whole_and_its_links_lead_somewhere(page: str):
    outline = Outline()
    outline.feed(page)
    assert outline.open == []
    assert len(outline.ids) == len(set(outline.ids))
    assert {target[1:] for target in outline.targets} <= set(outline.ids) and len(outline.targets) >= 8


def test_the_page_needs_nothing_from_elsewhere(page: str):
    assert not re.search(r"<script|https?://|@import|url\(", page)
    assert "default-src 'none'" in page


def test_the_page_says_what_was_tested_and_that_it_is_synthetic(page: str):
    for text in ("Elbow &lt;radiographs&gt;", "Synthetic data", "140 studies of 70 patients", "Internal test (alpha)"):
        assert text in page
    for text in ("0123456789abcdef", "no positives", "scanners", "Benjamini", "Held against the reference."):
        assert text in page


def test_names_from_tables_cannot_become_markup():
    run = make_predictions()
    hostile = run.__class__(
        run.study_ids, run.patient_ids, tuple("<b>x" if s == "beta" else s for s in run.sites), run.parts,
        ("<script>alert(1)</script>", *run.findings[1:]), run.logits, run.targets,
    )  # fmt: skip
    made = EvaluationReport(evaluate({'"><i>': hostile}, options=Options(resamples=10)).metrics)
    text = render(made)
    assert "<script" not in text and "<b>x" not in text and '"><i>' not in text


def test_one_run_at_one_site_makes_a_page_too():
    run = make_predictions()
    inside = [i for i, part in enumerate(run.parts) if part != "external"]

    text = render(EvaluationReport(evaluate({"only": run.take(inside)}, options=Options(resamples=0)).metrics))
    assert "no external site" in text and "Runs compared" not in text and "Inside and outside" not in text


def test_plots_are_svg_files_of_their_own_with_their_data(report: EvaluationReport):
    made = plots(report)
    assert {"forest", "roc_fracture", "roc_foreign_body"} <= set(made) and "roc_osteopenia" not in made
    for name, plot in made.items():
        root = ElementTree.fromstring(plot.svg)
        assert root.tag.endswith("svg") and int(float(root.attrib["width"])) > 200, name
        assert "var(" not in plot.svg and "prefers-color-scheme" not in plot.svg and "#0a62a9" in plot.svg
        assert plot.table.rows and {len(row) for row in plot.table.rows} == {len(plot.table.header)}, name


def test_the_data_of_a_plot_are_the_numbers(report: EvaluationReport):
    table = plots(report)["roc_fracture"].table
    curve = next(c for c in report.metrics["curves"] if c["finding"] == "fracture")
    points = [row[3:5] for row in table.rows if row[:3] == (curve["set"], curve["run"], "curve")]
    assert points == list(zip(curve["false_positive_rate"], curve["true_positive_rate"], strict=True))


def test_names_of_plots_are_names_of_files_and_differ():
    run = make_predictions()
    odd = replace(run, findings=("a/b", "a_b", "A_b", "../x", "Größe"))
    made = plots(EvaluationReport(evaluate({"run": odd}, options=Options(resamples=0)).metrics))
    assert {"roc_a_b", "roc_a_b_2", "roc_A_b_3", "roc_.._x"} <= set(made)
    assert not any("/" in name for name in made)


def test_the_forest_marks_what_is_off_the_axis():
    axis = Axis.around([0.83, 0.61])
    assert (axis.low, axis.ticks) == (0.5, [0.5, 0.6, 0.7, 0.8, 0.9, 1.0])
    assert Axis.around([0.33]).low == 0.3 and Axis.around([0.01]).low == 0.2
    drawn = forest_track([Estimate(0.4, 0.2, 0.7, "run0"), Estimate(None, None, None, "run1")], axis)
    assert "◂" in drawn and "<circle" not in drawn


@pytest.mark.parametrize(
    ("p", "text"),
    [(0.0000001, "<0.001"), (0.0123, "0.012"), (0.456, "0.46"), (0.994, "0.99"), (1.0, "1.00"), (None, "–")],
)
def test_p_values_are_printed_as_journals_do(p, text):
    assert formats.p_value(p) == text


def test_numbers_are_printed_with_signs_and_dashes():
    assert [formats.signed(v) for v in (0.0123, -0.5, 0.0001, None)] == ["+0.012", "−0.500", "0.000", "–"]
    assert [formats.percent(v) for v in (0.012, 0.5, None)] == ["1.2\u00a0%", "50\u00a0%", "–"]


@pytest.mark.browser
@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (390, "dark")])
def test_a_browser_shows_it_without_errors_requests_or_sideways_scrolling(browser, page, tmp_path: Path, width, scheme):
    (tmp_path / "report.html").write_text(page)
    tab = open_quietly(browser, tmp_path / "report.html", width, scheme)
    background = tab.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (background == "rgb(255, 255, 255)") == (scheme == "light")
    assert tab.locator("figure svg.panel").count() > 8
    tracks = tab.evaluate("[...document.querySelectorAll('svg.track')].map(s => s.getBoundingClientRect().width)")
    assert min(tracks) > 150
    tab.close()
