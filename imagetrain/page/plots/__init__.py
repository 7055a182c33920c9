"""Every plot as a function of the numbers: `plot` (what one is), `frame` (the square of curves), then one file a kind.

`drawn` has them all by kind and subject, for the page; `files` makes files of their own of them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from imagetrain.page.plots.calibration import calibration_plot
from imagetrain.page.plots.confusion import confusion_plot
from imagetrain.page.plots.decision import decision_plot
from imagetrain.page.plots.flow import flow_plot
from imagetrain.page.plots.forest import findings_forest
from imagetrain.page.plots.matrix import KINDS, matrix_plot
from imagetrain.page.plots.plot import Plot
from imagetrain.page.plots.prevalence import prevalence_plot
from imagetrain.page.plots.roc import precision_recall_plot, roc_plot
from imagetrain.page.plots.subgroups import attributes, subgroup_plot
from imagetrain.page.view import View

OF_FINDING: Mapping[str, Callable[[View, str], Plot | None]] = {
    "roc": roc_plot,
    "pr": precision_recall_plot,
    "confusion": confusion_plot,
    "calibration": calibration_plot,
    "decision": decision_plot,
}
"""Kind of plot -> what draws it for a finding, or says that there is nothing to draw."""

OF_STUDY: Mapping[str, Callable[[View], Plot | None]] = {
    "flow": flow_plot,
    "prevalence": prevalence_plot,
    "forest": lambda view: findings_forest(view).plot,
}
"""Kind of plot -> what draws it for a whole evaluation."""

Drawn = dict[tuple[str, str], Plot]


def drawn(view: View) -> Drawn:
    """Every plot by its kind and subject: a finding, an attribute, or nothing for the whole evaluation."""
    made: dict[tuple[str, str], Plot | None] = {(kind, ""): draw(view) for kind, draw in OF_STUDY.items()}
    made |= {(kind, f): draw(view, f) for kind, draw in OF_FINDING.items() for f in view.titles}
    made |= {("subgroups", attribute): subgroup_plot(view, attribute) for attribute in attributes(view)}
    made |= {(kind, ""): matrix_plot(view, score) for kind, score in KINDS.items()}
    return {key: plot for key, plot in made.items() if plot is not None}
