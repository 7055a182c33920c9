"""Disputed cells: what is one, what is read first, and the words that are marked in a text."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from agreements import agreement_of, random_cells
from page_outline import Outline
from quiet_tab import open_quietly

from radprompter.agreement.disputes import find_disputes
from radprompter.agreement.measuring.cells import Cells
from radprompter.agreement.page import render_agreement
from radprompter.agreement.page.marking import Noted, cut, find_words, letter
from radprompter.agreement.report import Agreement
from radprompter.label_table import LabelTable
from radprompter.labels import Cell, FindingSpec, LabelSchema, LabelState

FINDINGS = ("effusion", "edema")
POSITIVE, NEGATIVE, UNCERTAIN, SILENT, NONE = 0, 1, 2, 3, 4
TEXTS = {
    "r0": "CANARY ZERO. Small\neffusion on the left. No edema.",
    "r1": "CANARY ONE. Possible <b>edema</b>.",
    "r2": "CANARY TWO. Clear lungs.",
}


def agreement(reference: list[list[int]], *labelers: list[list[int]], **options: Any) -> Agreement:
    n = len(reference)
    cells = Cells(
        tuple(f"r{row}" for row in range(n)), FINDINGS, tuple(f"labeler {at}" for at in range(len(labelers))),
        np.array(reference, dtype=np.int8), np.array(labelers, dtype=np.int8), None, np.arange(n), np.ones(n),
        np.zeros(n, dtype=np.intp),
    )  # fmt: skip
    return agreement_of(cells, rounds=5, **options)


def table(evidence: dict[tuple[str, str], str]) -> LabelTable:
    schema = LabelSchema("test", tuple(FindingSpec(name) for name in FINDINGS))
    cells = [
        Cell(report, name, LabelState.POSITIVE, evidence=evidence.get((report, name)))
        for report in TEXTS
        for name in FINDINGS
    ]
    return LabelTable.from_cells(cells, schema)


@pytest.fixture
def disputed() -> Agreement:
    reference = [[POSITIVE, NEGATIVE], [SILENT, UNCERTAIN], [SILENT, SILENT]]
    first = [[POSITIVE, POSITIVE], [SILENT, POSITIVE], [SILENT, NEGATIVE]]
    second = [[SILENT, NEGATIVE], [NONE, UNCERTAIN], [SILENT, SILENT]]
    return agreement(reference, first, second)


def test_the_worst_report_comes_first_and_in_it_the_worst_cell(disputed: Agreement) -> None:
    found = find_disputes(disputed, {})
    assert [(one.report_id, round(one.severity, 9)) for one in found] == [("r0", 1.8), ("r1", 0.5), ("r2", 0.1)]
    assert [(cell.finding, cell.severity) for cell in found[0].cells] == [("edema", 1.0), ("effusion", 0.8)]
    edema = found[0].cells[0]
    assert (edema.reference.state, [one.state for one in edema.labelers]) == ("negative", ["positive", "negative"])


def test_a_cell_without_a_label_is_no_dispute(disputed: Agreement) -> None:
    assert [cell.finding for cell in find_disputes(disputed, {})[1].cells] == ["edema"]
    unread = agreement([[-1, POSITIVE]], [[POSITIVE, NONE]])
    assert find_disputes(unread, {}) == ()


def test_what_no_definition_tells_apart_is_no_dispute() -> None:
    cells = ([[NEGATIVE, POSITIVE]], [[SILENT, UNCERTAIN]])
    binary = agreement(*cells, definitions=["uncertain_is_negative"], overview=[])
    assert [cell.finding for cell in find_disputes(binary, {})[0].cells] == ["edema"]
    positive = agreement(*cells, definitions=["positive"], overview=[])
    assert [cell.finding for cell in find_disputes(positive, {})[0].cells] == ["edema"]
    same = agreement(*cells, definitions=["cell_accuracy"], overview=[])
    assert len(find_disputes(same, {})[0].cells) == 2


def test_the_evidence_is_that_of_each_table_under_its_own_name_of_the_finding(disputed: Agreement) -> None:
    found = find_disputes(disputed, {"labeler 0": table({("r0", "edema"): "No edema"})})
    edema = found[0].cells[0]
    assert [one.evidence for one in (edema.reference, *edema.labelers)] == ["", "No edema", ""]


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("small effusion", ((0, 14),)),
        ("  effusion   ON the left", ((6, 26),)),
        ("large effusion", ()),
        ("", ()),
        (".*", ()),
    ],
)
def test_words_are_found_but_for_case_and_white_space(words: str, found: tuple[tuple[int, int], ...]) -> None:
    assert find_words(words, "Small\neffusion\non the left.") == found


def test_marks_may_overlap_and_no_character_is_lost() -> None:
    first, second = Noted("1a", "x", "first"), Noted("2a", "y", "second")
    pieces = tuple(cut("abcdef", [(1, 4, first), (2, 5, second)]))
    assert [(one.text, one.claims, one.ending) for one in pieces] == [
        ("a", (), ()),
        ("b", (first,), ()),
        ("cd", (first, second), (first,)),
        ("e", (second,), (second,)),
        ("f", (), ()),
    ]
    assert [letter(place) for place in (0, 25, 26)] == ["a", "z", "aa"]


@pytest.mark.parametrize("given", [{}, {"texts": TEXTS}, {"disputes": ()}])
def test_no_word_and_no_id_of_a_report_is_on_the_page_unless_asked(disputed: Agreement, given: dict[str, Any]) -> None:
    if "disputes" in given:
        given = {"disputes": find_disputes(disputed, {"labeler 0": table({("r0", "edema"): "CANARY"})})}
    page = render_agreement(disputed, **given)
    assert "CANARY" not in page and ">r0" not in page and "Report r0" not in page
    assert "patient text" not in page.lower()


@pytest.fixture
def page(disputed: Agreement) -> str:
    words = {("r0", "edema"): "No edema", ("r0", "effusion"): "small effusion", ("r1", "edema"): "possible <b>edema"}
    tables = {"labeler 0": table(words), "labeler 1": table({("r0", "effusion"): "not there"})}
    return render_agreement(disputed, disputes=find_disputes(disputed, tables), texts=TEXTS, at_most=2)


def test_the_page_shows_the_worst_reports_and_says_how_many_it_leaves_out(page: str) -> None:
    assert "Contains patient text" in page and "CANARY ZERO" in page and "CANARY ONE" in page
    assert "CANARY TWO" not in page
    assert "4 cells of 3 reports are in dispute, worst first; 1 of these reports are not shown" in page
    assert "its words are not in the text: <q>not there</q>" in page
    assert "<b>" not in page.partition("<main>")[2].partition('id="disputes"')[2].partition("<table")[0]
    outline = Outline()
    outline.feed(page)
    assert outline.open == [] and len(outline.ids) == len(set(outline.ids))
    assert {"report-1-1", "report-1-2", "report-2-1"} <= set(outline.ids)
    assert {target[1:] for target in outline.targets} <= set(outline.ids)


@pytest.mark.browser
def test_a_mark_leads_to_the_finding_that_it_is_of(browser: Any, page: str, tmp_path: Path) -> None:
    (tmp_path / "page.html").write_text(page)
    tab = open_quietly(browser, tmp_path / "page.html", 375, "dark")
    assert tab.locator("mark").nth(0).inner_text() == "Small\neffusion2a"
    assert tab.locator("mark").nth(1).get_attribute("title") == "labeler 0: edema positive"
    tab.locator("mark a").nth(1).click()
    assert tab.evaluate("document.querySelector('tr:target th').innerText") == "1 edema"
    tab.close()


def test_random_agreements_have_their_disputes_where_the_labels_differ() -> None:
    made = agreement_of(random_cells(FINDINGS, ["a", "b"], n_reports=50), rounds=5)
    cells = made.cells
    differ = (cells.labels != cells.reference) & (cells.labels != NONE) & (cells.reference >= 0)
    found = {(report.report_id, cell.finding) for report in find_disputes(made, {}) for cell in report.cells}
    rows, columns = np.nonzero(differ.any(axis=0))
    assert found == {(cells.report_ids[row], FINDINGS[column]) for row, column in zip(rows, columns, strict=True)}
