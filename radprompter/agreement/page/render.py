"""Write the page of an agreement."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from radprompter.agreement.comparing.labelers import LabelerComparison
from radprompter.agreement.disputes import DisputedReport
from radprompter.agreement.page.marking import letter
from radprompter.agreement.page.plots import swatch
from radprompter.agreement.page.shown import has_long_word, listed
from radprompter.agreement.page.view import Disputes, View, arrange_disputes
from radprompter.agreement.report import Agreement
from radprompter.pages import render_page
from radprompter.pages.svg import forest_axis

TEMPLATE = Path(__file__).parent / "page.html.jinja"


class Part(NamedTuple):
    """An agreement on a page.

    Attributes
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

    agreement: Agreement
    comparisons: Sequence[LabelerComparison] = ()
    disputes: Sequence[DisputedReport] | None = None
    texts: Mapping[str, str] | None = None
    at_most: int = 50


class Arranged(NamedTuple):
    """A part as the template has it; `at` begins the ids of its elements."""

    view: View
    disputes: Disputes | None
    at: str


def render_agreement(
    agreement: Agreement,
    *,
    comparisons: Sequence[LabelerComparison] = (),
    disputes: Sequence[DisputedReport] | None = None,
    texts: Mapping[str, str] | None = None,
    at_most: int = 50,
) -> str:
    """The page of one agreement; see `Part` for what it is made of."""
    return render_agreements([Part(agreement, comparisons, disputes, texts, at_most)])


def render_agreements(parts: Sequence[Part]) -> str:
    """One self-contained HTML page without scripts, of agreements with one reference or several.

    The same agreements give the same bytes.
    """
    arranged = [_arrange(part, f"{number}-" if number > 1 else "") for number, part in enumerate(parts, start=1)]
    tools = {"swatch": swatch, "forest_axis": forest_axis, "letter": letter, "has_long_word": has_long_word}
    return render_page(
        TEMPLATE,
        title=f"Agreement with {listed([part.agreement.reference for part in parts])}",
        parts=arranged,
        has_text=any(part.disputes is not None for part in arranged),
        **tools,
    )


def _arrange(part: Part, at: str) -> Arranged:
    view = View(part.agreement, part.comparisons)
    if part.disputes is None or part.texts is None:
        return Arranged(view, None, at)
    return Arranged(view, arrange_disputes(view, part.disputes, part.texts, at_most=part.at_most), at)
