"""Write the page of an evaluation."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from imagetrain.page import formats
from imagetrain.page.svg import standalone, swatch
from imagetrain.page.view import View
from imagetrain.records import EvaluationReport
from radprompter.pages import PLOTS, render_page
from radprompter.pages.svg import forest_axis

HERE = Path(__file__).parent
TEMPLATE, STYLE = "page.html.jinja", "page.css"


def render(report: EvaluationReport) -> str:
    """One self-contained HTML page.

    `report.metrics` may have, beside what `evaluate` writes, the key ``study`` with the texts ``title`` and
    ``created``, ``synthetic`` (bool), ``reference`` (text), and the lists of name and text ``not_trained``, ``runs``,
    ``settings``, ``hashes`` and ``versions``; what is absent is left out.
    """
    names = ("decimal", "signed", "interval", "p_value", "percent")
    tools = {name: getattr(formats, name) for name in names}
    return render_page(HERE / TEMPLATE, view=View(report.metrics), swatch=swatch, forest_axis=forest_axis, **tools)


def plots(report: EvaluationReport) -> dict[str, str]:
    """The ROC curves of each finding as SVG files: file name -> content."""
    style = PLOTS.read_text(encoding="utf-8") + (HERE / STYLE).read_text(encoding="utf-8").partition("/* page */")[0]
    panels: list[dict[str, Any]] = View(report.metrics).roc_panels()
    return {f"roc_{panel['name']}.svg": standalone(panel["svg"], style) for panel in panels}
