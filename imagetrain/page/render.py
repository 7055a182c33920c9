"""Write the page of an evaluation."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from imagetrain.page import formats
from imagetrain.page.svg import forest_axis, standalone, swatch
from imagetrain.page.view import View
from imagetrain.records import EvaluationReport

HERE = Path(__file__).parent
TEMPLATE, STYLE = "page.html.jinja", "page.css"


def render(report: EvaluationReport) -> str:
    """One self-contained HTML page.

    `report.metrics` may have, beside what `evaluate` writes, the key ``study`` with the texts ``title`` and
    ``created``, ``synthetic`` (bool), ``reference`` (text), and the lists of name and text ``not_trained``, ``runs``,
    ``settings``, ``hashes`` and ``versions``; what is absent is left out.
    """
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(HERE),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    names = ("decimal", "signed", "interval", "p_value", "percent")
    environment.globals |= {name: getattr(formats, name) for name in names}
    environment.globals |= {"swatch": swatch, "forest_axis": forest_axis}
    page: str = environment.get_template(TEMPLATE).render(view=View(report.metrics))
    return page


def plots(report: EvaluationReport) -> dict[str, str]:
    """The ROC curves of each finding as SVG files: file name -> content."""
    style = (HERE / STYLE).read_text(encoding="utf-8").partition("/* page */")[0]
    panels: list[dict[str, Any]] = View(report.metrics).roc_panels()
    return {f"roc_{panel['name']}.svg": standalone(panel["svg"], style) for panel in panels}
