"""The page of an agreement: its numbers are those of the agreement, and it works in a real browser."""

from __future__ import annotations

import itertools
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from agreements import agreement_of, random_cells
from page_outline import Outline, Tables
from quiet_tab import open_quietly

from radprompter.agreement.comparing.labelers import LabelerComparison, Methods, compare_agreement, compare_labelers
from radprompter.agreement.content import describe
from radprompter.agreement.definitions import DEFINITIONS
from radprompter.agreement.measuring.numbers import Number
from radprompter.agreement.measuring.titles import TITLES
from radprompter.agreement.measuring.whole_reports import REPORT_MEASURES
from radprompter.agreement.page import render_agreement
from radprompter.agreement.page.meaning import explain
from radprompter.agreement.report import Agreement, MatchedFinding
from radprompter.labels import LABELS
from radprompter.pages.formats import count, decimal, limits, p_value, signed

FINDINGS = ("pleural_effusion", "edema", "no_finding", "rare_thing")
LABELERS = ("rules", "model a", "model-b")


@pytest.fixture(scope="module")
def agreement() -> Agreement:
    cells = random_cells(FINDINGS, LABELERS, n_reports=90, rare=True)
    return agreement_of(cells, groups=True, costs=True, refused=dict.fromkeys(("macro", "macro_zero"), "no doubt"))


@pytest.fixture(scope="module")
def page(agreement: Agreement) -> str:
    return render_agreement(agreement, comparisons=[compared(agreement)])


@pytest.fixture(scope="module")
def tables(page: str) -> Tables:
    return Tables(page)


def compared(agreement: Agreement) -> LabelerComparison:
    """Every pair of labelers; so lenient that some difference is significant and some is not."""
    return compare_labelers(agreement.cells, agreement.measured, agreement.definitions[0], Methods(alpha=0.3))


def printed(number: Number) -> str:
    """What a table has of a number, but for notes."""
    if number.value is None:
        return f"– {number.reason}"
    score = f" score {limits(number.score_low, number.score_high)}" if number.shows_score else ""
    return f"{decimal(number.value)} {decimal(number.mean)} {limits(number.low, number.high)}{score}"


def find(agreement: Agreement, labeler: str, definition: str, measure: str, finding: str = "", **more: str) -> Number:
    wanted = {"group": "", "task": "", **more}
    [found] = [
        one
        for one in agreement.numbers
        if (one.labeler, one.definition, one.measure, one.finding) == (labeler, definition, measure, finding)
        and (one.group, one.task) == (wanted["group"], wanted["task"])
    ]
    return found


def worded(finding: str) -> str:
    return finding.replace("_", " ") or "all findings"


@pytest.mark.parametrize("name", ["uncertain_is_negative", "chexbert"])
def test_each_number_of_each_finding_is_printed_with_its_interval_or_its_reason(agreement, tables, name: str):
    definition = DEFINITIONS[name]
    caption = f"{worded(name)}: {definition.says}" if name == "uncertain_is_negative" else worded(name)
    [rows] = [rows[1:] for found, rows in tables.tables if found == caption and rows[0][0] == "Finding"]
    assert len(rows) == len(LABELERS) * (len(FINDINGS) + 1)
    for row, (finding, labeler) in zip(rows, itertools.product(("", *FINDINGS), LABELERS), strict=True):
        first = find(agreement, labeler, name, definition.measures[0], finding)
        assert row[:4] == [worded(finding), labeler, count(first.n), count(first.support)]
        for text, measure in zip(row[4:], definition.measures, strict=True):
            assert text.startswith(printed(find(agreement, labeler, name, measure, finding)))
    reasons = {text for row in rows for text in row[4:] if text.startswith("– ")}
    assert reasons  # else no undefined number was read


def test_an_average_says_how_many_findings_it_covers(agreement, tables):
    definition = agreement.definitions[0]
    row = tables.find(f"uncertain is negative: {definition.says}")[0]
    covered = dict(zip(definition.measures, row[4:], strict=True))
    assert covered["f1"].endswith("3 of 4 findings") and not covered["accuracy"].endswith("findings")


def test_tasks_overview_certainty_and_whole_reports_are_printed(agreement, tables):
    rows = tables.find("chexbert, each state against the rest")
    for row, (finding, labeler) in zip(rows, itertools.product(FINDINGS, LABELERS), strict=True):
        for text, task in zip(row[3:], DEFINITIONS["chexbert"].tasks, strict=True):
            if finding == "no_finding" and task != "positive":
                assert text == "– no task of this finding"
            else:
                assert text.startswith(printed(find(agreement, labeler, "chexbert", "f1", finding, task=str(task))))
    every = [*agreement.definitions, *agreement.overview]
    overview = tables.find("Definitions")
    assert len(overview) == len(every)
    for row, definition in zip(overview, every, strict=True):
        assert row[0].startswith(worded(definition.name)) and row[0].endswith(definition.says)
        for text, labeler in zip(row[1:], LABELERS, strict=True):
            assert text.startswith(printed(find(agreement, labeler, definition.name, definition.measures[0])))
    certainty = tables.find("F1 of each label against the rest, over all findings")
    assert [row[0].split()[0] for row in certainty] == ["positive", "uncertain"]
    for row, name in zip(certainty, ("positive", "uncertain"), strict=True):
        assert row[1].startswith(printed(find(agreement, "rules", name, "f1")))
    reports = tables.find("Whole reports")
    expected = itertools.product(("uncertain_is_negative", "chexbert"), LABELERS)
    for row, (definition, labeler) in zip(reports, expected, strict=True):
        assert row[:2] == [worded(definition), labeler]
        for text, measure in zip(row[4:], REPORT_MEASURES, strict=True):
            assert text == printed(find(agreement, labeler, definition, measure))
    assert tables.find("Refused, because their numbers would mislead here") == [["macro, macro zero", "no doubt"]]


def test_groups_labelers_side_by_side_and_costs_are_printed(agreement, tables):
    rows = tables.find("By site")
    assert [row[:3] for row in rows[:3]] == [["north", name, "30"] for name in LABELERS]
    for row, (site, labeler) in zip(rows, itertools.product(("north", "south"), LABELERS), strict=True):
        number = find(agreement, labeler, "uncertain_is_negative", "f1", group=f"site={site}")
        assert row[4].startswith(printed(number))
    assert tables.find("By length")[0][0] == "short up to 41 words"
    side = tables.find("F1, uncertain is negative")
    assert [row[0] for row in side] == [*map(worded, FINDINGS), "Average"]
    for row, finding in zip(side, (*FINDINGS, ""), strict=True):
        for text, labeler in zip(row[2:], LABELERS, strict=True):
            assert text.startswith(printed(find(agreement, labeler, "uncertain_is_negative", "f1", finding)))
    costs = tables.find("Cost beside quality")
    quality = find(agreement, "rules", "uncertain_is_negative", "f1")
    assert costs[0][1].startswith(printed(quality))
    assert costs[0][2:] == ["90", "1.25", "120,000", "8,000", "0.50", "3 no json 1, timeout 2"]
    assert costs[1][2:] == ["90", "–", "–", "–", "–", "–"]


def test_confusion_matrices_have_the_counts_and_the_shares_of_rows(agreement, tables):
    counts = agreement.measured.counts
    matrices = [rows[1:] for _, rows in tables.tables if rows[0][0] == "Label of the reference"]
    assert len(matrices) == len(LABELERS) * (len(FINDINGS) + 1)
    expected = [counts[who].sum(axis=0) for who in range(3)]
    expected += [counts[who, column] for column in range(len(FINDINGS)) for who in range(3)]
    for rows, matrix in zip(matrices, expected, strict=True):
        for row, of_label, label in zip(rows, matrix, LABELS, strict=True):
            assert row[0] == f"{worded(label)} {of_label.sum():.0f}"
            assert [text.split()[0] for text in row[1:]] == [f"{n:.0f}" for n in of_label]
    assert matrices[0][0][1].split()[1:] == [f"{100 * expected[0][0, 0] / expected[0][0].sum():.0f}", "%"]


def test_a_row_of_the_forest_says_once_why_nobody_has_a_value(agreement, page):
    rows = re.findall(r'<div class="values">(.*?)</div>', page.partition('id="forest"')[2], re.DOTALL)
    texts = [" ".join(re.sub(r"<[^>]+>", "", row).split()) for row in rows]
    assert texts[4] == f"– {find(agreement, 'rules', 'uncertain_is_negative', 'f1', 'rare_thing').reason}"
    assert texts[0].startswith("rules: 0.") and "model-b: 0." in texts[0]


def test_the_column_without_a_label_is_there_only_if_needed():
    cells = random_cells(["edema"], ["rules"])
    for code, expected in ((4, True), (0, False)):
        labels = np.where(cells.labels == 4, 0, cells.labels).astype(np.int8)
        labels[0, cells.reference[:, 0] >= 0, 0] = code
        found = Tables(render_agreement(agreement_of(replace(cells, labels=labels)))).tables
        assert any("no label" in rows[0] for _, rows in found) == expected


def test_differences_and_their_tests_are_those_of_the_comparison(agreement, tables, page):
    comparison = compared(agreement)
    pairs = list(itertools.combinations(LABELERS, 2))
    by_key = {(row.first, row.second, row.finding): row for row in comparison.differences}
    stars = 0
    heat = tables.find("Differences, F1, uncertain is negative")
    for row, finding in zip(heat, ("", *FINDINGS), strict=True):
        assert row[0] == worded(finding)
        for text, pair in zip(row[1:], pairs, strict=True):
            wanted = by_key[(*pair, finding)]
            if wanted.value is None:
                assert text == "– one of them has no value"
                continue
            found = wanted.p_adjusted is not None and wanted.p_adjusted <= comparison.methods.alpha
            stars += found
            assert text.replace("\N{NO-BREAK SPACE}", " ") == f"{signed(wanted.value)}{' *' if found else ''}"
    assert 0 < stars < 12  # else nothing of the marks was tested
    rows = tables.find("rules − model-b, F1, uncertain is negative")
    for row, finding in zip(rows, ("", *FINDINGS), strict=True):
        wanted = by_key["rules", "model-b", finding]
        assert row[1] == f"{decimal(wanted.first_value)} / {decimal(wanted.second_value)}"
        assert row[3].startswith(p_value(wanted.p))
        assert row[5] == f"{wanted.only_first_right} / {wanted.only_second_right}"
    over = tables.find("Over findings: the findings are the units")
    t = comparison.over_findings[0].paired_t
    assert over[0][:3] == ["rules − model a", "3", decimal(t.statistic, 2)] and over[0][3].startswith(p_value(t.p))
    assert all(name in page for name in comparison.families)


def test_without_resamples_there_are_no_intervals_and_no_words_of_them():
    cells = random_cells(["edema"], ["rules"])
    text = render_agreement(agreement_of(cells, definitions=["cell_accuracy"], overview=[], rounds=0))
    [_, row] = Tables(text).find(f"cell accuracy: {DEFINITIONS['cell_accuracy'].says}")
    right = float((cells.labels[0] == cells.reference)[cells.reference >= 0].mean())
    assert row == ["edema", "rules", count(float((cells.reference >= 0).sum())), decimal(right)]
    assert "95" not in text.partition("<body>")[2] and "none: nothing was resampled" in text


def test_weights_and_strata_are_said_and_counts_need_not_be_whole():
    cells = random_cells(["edema"], ["rules"])
    weighted = replace(
        cells, weights=np.where(np.arange(60) < 30, 1.5, 7.0), strata=(np.arange(60) >= 30).astype(np.intp)
    )
    made = agreement_of(weighted, overview=[])
    text = render_agreement(made)
    number = find(made, "rules", "uncertain_is_negative", "f1", "edema")
    rows = Tables(text).find(f"uncertain is negative: {DEFINITIONS['uncertain_is_negative'].says}")
    assert rows[1][2:4] == [count(number.n), count(number.support)] and ".5" in rows[1][2] + rows[1][3]
    assert "within each of 2 sampling strata" in text and "as many times as reports that it stands for" in text
    alike = agreement_of(replace(cells, weights=np.full(60, 3.5)), overview=[])
    assert "as many times as reports that it stands for" in render_agreement(alike) and describe(alike)["weighted"]


def test_the_page_says_what_the_reference_has_besides_and_which_findings_have_other_names():
    made = agreement_of(random_cells(["edema"], ["rules"]))
    findings = (MatchedFinding("edema", {"reference.csv": "edema", "rules": "oedema"}, "declared"),)
    matching = replace(made.matching, findings=findings, metadata=("site", "patient_id"))
    text = render_agreement(replace(made, matching=matching))
    assert "<dt>Columns of the reference that are no findings</dt><dd>site, patient_id</dd>" in text
    assert Tables(text).find("Findings with several names") == [["edema", "edema", "oedema", "declared"]]
    assert Tables(text).find("Findings left out") == [["hernia", "rules", "no finding of the reference has this name"]]


def test_without_comparisons_nothing_is_marked_and_the_page_says_so(agreement):
    text = render_agreement(agreement)
    assert "Nothing was tested." in text and "&nbsp;*" not in text


def test_the_page_is_whole_needs_nothing_from_elsewhere_and_is_the_same_each_time(agreement, page):
    outline = Outline()
    outline.feed(page)
    assert outline.open == []
    assert len(outline.ids) == len(set(outline.ids))
    assert {target[1:] for target in outline.targets} <= set(outline.ids) and len(outline.targets) >= 10
    assert not re.search(r"<script|https?://|@import|url\(", page)
    assert render_agreement(agreement) == render_agreement(agreement)


def test_names_from_tables_cannot_become_markup():
    cells = random_cells(["<script>alert(1)</script>", 'a" onload="x'], ["</style><b>", "'><i>"])
    made = agreement_of(cells, groups=True, costs=True, refused={"<u>": "<s>"})
    text = render_agreement(replace(made, reference="<h1>&amp;"), comparisons=[
        compare_labelers(cells, made.measured, made.definitions[0])
    ])  # fmt: skip
    for hostile in ("<script", "</style><b>", "'><i>", "<u>", "<s>", "<h1>&amp;", 'a" onload'):
        assert hostile not in text
    outline = Outline()
    outline.feed(text)
    assert outline.open == []


def test_a_page_of_nothing_but_undefined_numbers_gives_reasons():
    cells = random_cells(["edema"], ["rules"])
    silent = replace(cells, reference=np.full_like(cells.reference, -1))
    made = agreement_of(silent, groups=True)
    text = render_agreement(made)
    rows = Tables(text).find(f"uncertain is negative: {DEFINITIONS['uncertain_is_negative'].says}")
    assert {cell for row in rows for cell in row[4:]} == {
        f"– {find(made, 'rules', 'uncertain_is_negative', 'f1', 'edema').reason}"
    }
    assert "nan" not in text.lower().replace("nano", "") and "None" not in text


def test_one_labeler_and_one_finding_have_no_comparisons():
    text = render_agreement(agreement_of(random_cells(["edema"], ["rules"])))
    assert 'id="differences"' not in text and 'id="labelers"' not in text and 'id="costs"' not in text


def test_every_definition_is_explained_in_words():
    for definition in DEFINITIONS.values():
        parts = dict(explain(definition))
        assert parts["Digest of the meaning"] == definition.hash
        assert all(words and "_" not in words.replace(definition.hash, "") for words in parts.values())
        assert set(definition.measures) <= set(TITLES)
    parts = dict(explain(DEFINITIONS["definite_answer"]))
    assert parts["In the reference"] == "negative and not mentioned → negative; uncertain → left out"
    assert parts["By the labeler"] == "negative and not mentioned → negative"
    assert dict(explain(DEFINITIONS["jmir_three_task"]))["In the reference"] == "the four labels as they are"


CONTRASTS = """() => {
  document.querySelectorAll('details').forEach(one => { one.open = true; });
  const canvas = Object.assign(document.createElement('canvas'), {width: 1, height: 1});
  const pen = canvas.getContext('2d', {willReadFrequently: true});
  const rgba = colour => { pen.clearRect(0, 0, 1, 1); pen.fillStyle = colour; pen.fillRect(0, 0, 1, 1);
    return [...pen.getImageData(0, 0, 1, 1).data]; };
  const light = ([r, g, b]) => [r, g, b].map(v => v / 255)
    .map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
    .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
  const behind = node => { for (; node; node = node.parentElement) {
    const found = rgba(getComputedStyle(node).backgroundColor); if (found[3] > 250) return found; }
    return [255, 255, 255]; };
  const low = {};
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  let seen = 0;
  while (walk.nextNode()) {
    const node = walk.currentNode.parentElement;
    if (!walk.currentNode.data.trim() || node.closest('.hidden')) continue;
    const style = getComputedStyle(node);
    const [a, b] = [light(rgba(node.namespaceURI.endsWith('svg') ? style.fill : style.color)), light(behind(node))];
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    const size = parseFloat(style.fontSize);
    seen += 1;
    if (ratio < (size >= 24 || (size >= 18.66 && style.fontWeight >= 700) ? 3 : 4.5))
      low[node.className + ' ' + node.tagName + ' in ' + node.parentElement.className] = ratio.toFixed(2);
  }
  return [seen, low];
}"""


@pytest.mark.browser
@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (375, "dark")])
def test_a_browser_shows_it_in_full_without_errors_or_sideways_scrolling(
    browser: Any, tmp_path: Path, width: int, scheme: str
) -> None:
    names = ["a_" + "very" * 12 + "_long_name", *(f"finding number {at}" for at in range(40))]
    cells = random_cells(names, [f"labeler-{at}" for at in range(6)] + ["x" * 60], n_reports=40, rare=True)
    made = agreement_of(cells, groups=True, costs=True, rounds=20)
    (tmp_path / "page.html").write_text(render_agreement(made, comparisons=compare_agreement(made)))
    tab = open_quietly(browser, tmp_path / "page.html", width, scheme)
    seen, low = tab.evaluate(CONTRASTS)
    assert seen > 10_000 and low == {}
    assert tab.evaluate("document.documentElement.scrollWidth") <= width  # with all details open
    assert tab.evaluate(
        "[...document.querySelectorAll('svg.track, svg.bars')].every(one => one.getBoundingClientRect().width > 100)"
    )
    tab.close()


@pytest.mark.browser
def test_the_keyboard_reaches_every_box_that_scrolls_and_what_is_folded(
    browser: Any, page: str, tmp_path: Path
) -> None:
    (tmp_path / "page.html").write_text(page)
    tab = open_quietly(browser, tmp_path / "page.html", 375, "light")
    reached = set()
    for _ in range(120):
        tab.keyboard.press("Tab")
        reached.add(tab.evaluate("document.activeElement.className || document.activeElement.tagName"))
    assert {"A", "scroll", "SUMMARY"} <= reached
    tab.emulate_media(media="print")
    hidden = "[...document.querySelectorAll('details table')].filter(one => !one.checkVisibility()).length"
    assert tab.evaluate(hidden) == 0
    tab.close()
