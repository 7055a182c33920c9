"""Agreements with several references on one page."""

from __future__ import annotations

from dataclasses import replace

from agreements import agreement_of, random_cells
from page_outline import Outline, Tables

from radprompter.agreement.page import Part, render_agreement, render_agreements


def test_agreements_with_two_references_stand_on_one_page_each_with_its_own_numbers_and_links() -> None:
    cells = random_cells(["edema", "fracture"], ["rules", "model"], n_reports=40)
    first = replace(agreement_of(cells), reference="readers.csv")
    second = replace(agreement_of(cells.of(cells.reference[:, 0] >= 2)), reference="<coders>.csv")
    page = render_agreements([Part(first), Part(second)])
    outline = Outline()
    outline.feed(page)
    assert outline.open == []
    assert len(outline.ids) == len(set(outline.ids)) >= 20
    assert {target[1:] for target in outline.targets} == set(outline.ids)
    assert "Agreement with readers.csv and &lt;coders&gt;.csv" in page and "<coders>" not in page
    alone = [Tables(render_agreement(one)).tables for one in (first, second)]
    assert Tables(page).tables == [*alone[0], *alone[1]]
    assert alone[0] != alone[1]


def test_a_page_warns_of_text_if_any_of_its_agreements_has_it() -> None:
    agreement = agreement_of(random_cells(["edema"], ["rules"]))
    plain, shown = Part(agreement), Part(agreement, disputes=(), texts={})
    warning = "Contains patient text"
    assert warning not in render_agreements([plain, plain])
    assert warning in render_agreements([plain, shown])
