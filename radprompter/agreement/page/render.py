"""Write the page of an agreement."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from radprompter.agreement.comparing.labelers import LabelerComparison
from radprompter.agreement.disputes import DisputedReport
from radprompter.agreement.page.marking import letter
from radprompter.agreement.page.plots import swatch
from radprompter.agreement.page.shown import has_long_word
from radprompter.agreement.page.view import View, arrange_disputes
from radprompter.agreement.report import Agreement
from radprompter.pages import render_page
from radprompter.pages.svg import forest_axis

TEMPLATE = Path(__file__).parent / "page.html.jinja"


def render_agreement(
    agreement: Agreement,
    *,
    comparisons: Sequence[LabelerComparison] = (),
    disputes: Sequence[DisputedReport] | None = None,
    texts: Mapping[str, str] | None = None,
    at_most: int = 50,
) -> str:
    """One self-contained HTML page without scripts; the same agreement gives the same bytes.

    Parameters
    ----------
    comparisons:
        Labelers against each other; that of the headline's first measure marks the heat map.
    disputes:
        Reports to show with their text, worst first (`disputes.find_disputes`). Without them, or without `texts`, the
        page has no word of any report and no report id.
    texts:
        The reports' texts by id.
    at_most:
        Reports that are shown; the page says how many are not.
    """
    view = View(agreement, comparisons)
    shown = None
    if disputes is not None and texts is not None:
        shown = arrange_disputes(view, disputes, texts, at_most=at_most)
    tools = {"swatch": swatch, "forest_axis": forest_axis, "letter": letter, "has_long_word": has_long_word}
    return render_page(TEMPLATE, view=view, disputes=shown, **tools)
