"""The page of checklists of reporting guidelines."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from radprompter.pages import render_page

TEMPLATE = Path(__file__).parent / "checklist.html.jinja"


def render_checklists(checklists: Sequence[Any], *, title: str, synthetic: bool = False) -> str:
    """One self-contained HTML page; a checklist has `guideline`, `summary`, `about` and `entries`, each with `item`,
    `state`, `answer` and `rest`."""
    return render_page(TEMPLATE, checklists=checklists, title=title, synthetic=synthetic)
