"""The page: what is on it, and what its plots are as files."""

from __future__ import annotations

import re
from dataclasses import replace
from xml.etree import ElementTree

import pytest
from page_outline import Outline
from reference.predictions import make_predictions, two_runs
from reference.whole_report import STUDY, older_report, whole_report

from imagetrain.evaluation.numbers import Options
from imagetrain.evaluation.report import evaluate
from imagetrain.page import formats
from imagetrain.page.plots import drawn
from imagetrain.page.plots.flow import flow_plot
from imagetrain.page.plots.frame import Ruler
from imagetrain.page.plots.matrix import heat_maps
from imagetrain.page.render import plots, render
from imagetrain.page.view import View
from imagetrain.records import EvaluationReport
from radprompter.pages.svg import Axis, Estimate, forest_track


@pytest.fixture(scope="module")
def report() -> EvaluationReport:
    metrics = evaluate(two_runs(), options=Options(resamples=100, permutations=0)).metrics
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


def test_the_flow_is_drawn_a_chart_a_unit_and_says_what_was_lost():
    view = View(whole_report().metrics)
    plot = flow_plot(view)
    assert plot is not None and [one.title for one in plot.panels] == ["Reports", "Studies"]
    assert "less 10 (no usable answer); with a label: 690 reports" in plot.panels[0].svg
    assert ("with a label", "reports", None, "no usable answer", 10) in plot.table.rows
    assert "200 train, 60" in plot.panels[1].svg.replace("</text>", "")


def test_a_drawing_is_read_out_with_its_result():
    made = drawn(View(whole_report().metrics))
    roc = made["roc", "fracture"].panels[0].svg
    assert re.search(r'aria-label="ROC curves of Fracture, Internal test \(alpha\): inclusive AUROC 0\.\d{3} \(', roc)
    assert "sensitivity 0." in roc and "specificity 0." in roc
    assert "true positive" in made["confusion", "fracture"].panels[0].svg
    assert "slope" in made["calibration", "fracture"].panels[0].svg
    assert re.search("is above both others between|is nowhere above", made["decision", "fracture"].panels[0].svg)
    assert re.search(r"inclusive against Radiologists 0\.\d{3}", made["matrix_auroc", ""].panels[0].svg)


def test_numbers_that_older_metrics_lack_are_not_drawn():
    kinds = {kind for kind, _ in drawn(View(older_report().metrics))}
    assert kinds == {"forest", "roc", "confusion"}
    assert "Recalibrated" not in render(older_report())


def test_the_depth_of_a_cell_is_its_place_between_the_lowest_and_the_highest():
    [first, *_] = heat_maps(View(whole_report().metrics), None)
    depths = {cell.value: cell.depth for one in heat_maps(View(whole_report().metrics), None)[::2] for row in one.rows
              for cell in row.cells}  # fmt: skip
    assert first.score == "AUROC" and first.references == ("Radiologists", "Rules", "Rules with errors")
    assert depths[max(depths)] == 1 and depths[min(depths)] == 0


@pytest.mark.parametrize(
    ("low", "high", "ticks"),
    [
        (0.0, 1.0, (0, 0.2, 0.4, 0.6, 0.8, 1.0)),
        (-0.1, 0.4, (-0.1, 0, 0.1, 0.2, 0.3, 0.4)),
        (0.0, 0.037, (0, 0.01, 0.02, 0.03)),
    ],
)
def test_rulers_have_round_numbers(low, high, ticks):
    assert Ruler.over("share", low, high).ticks == pytest.approx(ticks)


def test_studies_that_no_table_knows_are_said_to_be_missing():
    report = whole_report()
    counted = {row["set"]: row["n_not_in_table"] for row in report.metrics["attributes"] if row["attribute"] == "sex"}
    assert counted["test"] > 1
    assert f"Internal test (alpha): {counted['test']} studies are not in the table of this attribute" in render(report)
