"""The tables of an agreement in Markdown, as papers print them."""

from __future__ import annotations

from dataclasses import replace

import pytest
from agreements import agreement_of, random_cells

from radprompter.agreement.comparing.labelers import compare_agreement
from radprompter.agreement.comparing.paper_tables import paper_tables
from radprompter.agreement.report import Agreement

FINDINGS, LABELERS = ("edema", "no_finding", "rare"), ("rules", "model|7b", "student")


@pytest.fixture(scope="module")
def agreement() -> Agreement:
    return agreement_of(random_cells(FINDINGS, LABELERS, rare=True), rounds=40)


def rows_under(text: str, caption: str) -> list[list[str]]:
    table = text.split(f"\n{caption}\n\n")[1].split("\n\n")[0]
    return [
        [cell.strip() for cell in line.replace("\\|", "/").strip("|").split("|")] for line in table.strip().split("\n")
    ]


def test_findings_stand_in_rows_and_their_average_last(agreement: Agreement) -> None:
    head, _, *rows = rows_under(paper_tables(agreement), "F1 under uncertain_is_negative")
    assert head == ["finding", "rules", "model/7b", "student"]
    assert [row[0] for row in rows] == ["edema", "no_finding", "rare", "average"]
    values = {
        (one.finding, one.labeler): one.value
        for one in agreement.numbers
        if (one.definition, one.measure, one.task) == ("uncertain_is_negative", "f1", "")
    }
    assert rows[0][1:] == [f"{values['edema', labeler]:.4f}" for labeler in LABELERS]
    assert rows[3][1:] == [f"{values['', labeler]:.4f}" for labeler in LABELERS]


def test_measures_stand_as_means_of_the_resamples_with_their_interval(agreement: Agreement) -> None:
    text = paper_tables(agreement)
    head, _, *rows = rows_under(text, "edema under uncertain_is_negative: mean of the resamples (interval)")
    assert head == ["labeler", "F1", "Accuracy", "Sensitivity", "Specificity", "PPV", "NPV"]
    found = next(
        one
        for one in agreement.numbers
        if (one.labeler, one.definition, one.measure, one.finding)
        == ("student", "uncertain_is_negative", "ppv", "edema")
    )
    assert rows[2][5] == f"{found.mean:.3f} ({found.low:.3f}–{found.high:.3f})"


def test_what_is_undefined_is_a_dash_with_its_reason_below(agreement: Agreement) -> None:
    text = paper_tables(agreement)
    rows = rows_under(text, "rare under uncertain_is_negative: mean of the resamples (interval)")
    assert rows[2][1] == rows[2][3] == "–"
    reasons = {one.reason for one in agreement.numbers if one.finding == "rare" and one.reason and not one.task}
    notes = [line for line in text.splitlines() if line.startswith("–: ")]
    assert notes and {reason for line in notes for reason in line[3:].split("; ")} <= reasons


def test_p_values_come_with_their_method_and_every_caption_with_its_definition(agreement: Agreement) -> None:
    text = paper_tables(agreement, compare_agreement(agreement))
    head, _, *rows = rows_under(text, "P values over the findings' scores, F1 under uncertain_is_negative")
    assert head[5:] == ["method", "findings", "zeros"] and len(rows) == 3
    assert rows[0][0] == "rules – model/7b" and rows[0][5:7] == ["exact", "2"]
    for definition in agreement.definitions:
        assert f"(definition {definition.hash})" in text
    assert text.startswith(
        "# rules, model|7b, student against reference.csv\n\n60 reports; intervals: 95%, percentiles of 40"
    )


def test_names_cannot_break_a_table(agreement: Agreement) -> None:
    cells = replace(agreement.cells, findings=("edema | x", "<b>", "rare"))
    rows = rows_under(paper_tables(agreement_of(cells, rounds=2)), "F1 under uncertain_is_negative")
    assert {len(row) for row in rows} == {4} and rows[3][0] == "&lt;b>"
