"""Every file that goes into a paper, by its name beside the page."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from imagetrain.exports.checklist import checklists, checklists_csv, checklists_docx
from imagetrain.exports.latex import as_latex
from imagetrain.exports.tables import tables_of
from imagetrain.exports.text import as_csv, as_markdown
from imagetrain.exports.word import as_docx
from imagetrain.page.checklist import render_checklists
from imagetrain.page.plots.plot import PlotFile

HERE = Path(__file__).parent
Content = str | bytes
LINKS = (
    ("Checklists of TRIPOD+AI and CLAIM, filled with what is known", "checklist.html"),
    ("The same for Word", "checklist.docx"),
    ("Every table as text; beside it for LaTeX and Word", "tables/tables.md"),
)
"""What the page links to: a title, and the name of a file beside it."""


def exported(metrics: Mapping[str, Any], drawings: Mapping[str, PlotFile]) -> dict[str, Callable[[], Content]]:
    """Name of a file -> what makes its content: text as UTF-8, or bytes.

    Parameters
    ----------
    metrics:
        As in ``metrics.json``: no number of them is of a single study, so none of the files is.
    drawings:
        The plots of the page.
    """
    made: dict[str, Callable[[], Content]] = {}
    for name, drawing in drawings.items():
        made[f"plots/{name}.svg"] = partial(str, drawing.svg)
        made[f"plots/{name}.csv"] = partial(as_csv, drawing.table.header, drawing.table.rows)
    tables = tables_of(metrics)
    for name, table in tables.items():
        made[f"tables/{name}.tex"] = partial(as_latex, table, name)
        made[f"tables/{name}.docx"] = partial(as_docx, table)
    filled, study = checklists(metrics), metrics.get("study", {})
    title = str(study.get("title") or "Evaluation")
    made["checklist.html"] = partial(render_checklists, filled, title=title, synthetic=bool(study.get("synthetic")))
    made["checklist.csv"] = partial(checklists_csv, filled)
    made["checklist.docx"] = partial(checklists_docx, filled, title)
    made["tables/tables.md"] = lambda: "\n".join(as_markdown(table) for table in tables.values())
    return made
