"""Label tables and radiographs in, evaluated classifiers out.

What a notebook needs is here, and imported on use: `read_predictions`, `read_scores`, `evaluate`, `render` (the page).
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from radprompter.version import __version__

if TYPE_CHECKING:
    from imagetrain.evaluation.report import evaluate
    from imagetrain.page.render import render
    from imagetrain.records import EvaluationReport, Predictions
    from imagetrain.store import read_predictions, read_scores

__all__ = ["EvaluationReport", "Predictions", "__version__", "evaluate", "read_predictions", "read_scores", "render"]

_HOMES = {
    "EvaluationReport": "imagetrain.records",
    "Predictions": "imagetrain.records",
    "evaluate": "imagetrain.evaluation.report",
    "read_predictions": "imagetrain.store",
    "read_scores": "imagetrain.store",
    "render": "imagetrain.page.render",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'imagetrain' has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES[name]), name)
