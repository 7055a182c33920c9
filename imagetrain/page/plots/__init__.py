"""Every plot as a function of the numbers: `plot` (what one is), `frame` (the square of curves), then one file a kind.

`drawn` has them all by kind and subject, for the page; `files` makes files of their own of them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from imagetrain.page.plots.forest import findings_forest
from imagetrain.page.plots.plot import Plot
from imagetrain.page.plots.roc import precision_recall_plot, roc_plot
from imagetrain.page.view import View

OF_FINDING: Mapping[str, Callable[[View, str], Plot | None]] = {
    "roc": roc_plot,
    "pr": precision_recall_plot,
}
"""Kind of plot -> what draws it for a finding, or says that there is nothing to draw."""

OF_STUDY: Mapping[str, Callable[[View], Plot | None]] = {
    "forest": lambda view: findings_forest(view).plot,
}
"""Kind of plot -> what draws it for a whole evaluation."""

Drawn = dict[tuple[str, str], Plot]


def drawn(view: View) -> Drawn:
    """Every plot by its kind and subject: a finding, or nothing for the whole evaluation."""
    made = {(kind, ""): draw(view) for kind, draw in OF_STUDY.items()}
    made |= {(kind, f): draw(view, f) for kind, draw in OF_FINDING.items() for f in view.titles}
    return {key: plot for key, plot in made.items() if plot is not None}
