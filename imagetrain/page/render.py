"""Write the page of an evaluation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from imagetrain.page import formats, tables
from imagetrain.page.plots import drawn, matrix, subgroups
from imagetrain.page.plots.files import named
from imagetrain.page.plots.forest import findings_forest
from imagetrain.page.plots.frame import N_LOOKS, swatch
from imagetrain.page.plots.plot import PlotFile
from imagetrain.page.view import View
from imagetrain.records import EvaluationReport
from radprompter.pages import render_page
from radprompter.pages.svg import forest_axis

HERE = Path(__file__).parent
TEMPLATE = "page.html.jinja"


def render(
    report: EvaluationReport, *, pictures: Sequence[Mapping[str, Any]] = (), links: Sequence[tuple[str, str]] = ()
) -> str:
    """One self-contained HTML page.

    `report.metrics` may have, beside what `evaluate` writes, the key ``study`` with the texts ``title`` and
    ``created``, ``synthetic`` (bool), ``reference`` (text), and the lists of name and text ``not_trained``, ``runs``,
    ``settings``, ``hashes`` and ``versions``; what is absent is left out. `describe_cohort` says what the lists
    ``flow``, ``flow_notes`` and ``prevalence`` have.

    Parameters
    ----------
    pictures:
        Saliency maps ``{run, finding, pictures}``, of which each has its ``source`` (a data URI), ``probability`` and
        ``label`` (in words).
    links:
        Title and name of files that are put beside the page.
    """
    view = View(report.metrics, pictures=pictures, links=links)
    tools = {name: getattr(formats, name) for name in formats.__all__}
    tools |= {"swatch": swatch, "forest_axis": forest_axis, "n_looks": N_LOOKS}
    sections = {"tables": tables, "subgroups": subgroups, "matrix": matrix, "by_finding": findings_forest(view)}
    return render_page(HERE / TEMPLATE, view=view, plots=drawn(view), **sections, **tools)


def plots(report: EvaluationReport) -> dict[str, PlotFile]:
    """Every plot of the page: name of a file, without its ending -> its SVG and the data that it draws."""
    return named(drawn(View(report.metrics)))
