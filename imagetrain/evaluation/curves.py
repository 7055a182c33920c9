"""Curves of a finding as they are drawn: ROC and precision-recall, with pointwise bands from resamples of patients."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from imagetrain.evaluation.auroc import Floats, corners, precision_recall_curve, roc_curve
from imagetrain.evaluation.bootstrap import CurveReplicates

GRID: Floats = np.linspace(0, 1, 101)
"""False positive rates, and recalls, at which bands are given."""
MOST_POINTS = 160


def drawn_curves(
    targets: NDArray[np.float32], logits: NDArray[np.float32], replicates: CurveReplicates, *, alpha: float
) -> dict[str, Any]:
    """ROC and precision-recall curve with their bands, as JSON; both classes must be there.

    Parameters
    ----------
    replicates:
        At `GRID`.
    """
    x, y = corners(roc_curve(targets, logits), at_most=MOST_POINTS)
    recall, precision = _steps(targets, logits)
    return {
        "false_positive_rate": x,
        "true_positive_rate": y,
        "recall": recall,
        "precision": precision,
        "band": {"false_positive_rate": rounded(GRID)} | band(replicates.true_positive_rate, alpha),
        "pr_band": {"recall": rounded(GRID)} | band(replicates.precision, alpha),
    }


def band(replicates: Floats, alpha: float) -> dict[str, Any]:
    """Pointwise percentile limits of curves ``(n_resamples, n_places)``; None with fewer than two that are defined."""
    defined = replicates[~np.isnan(replicates).any(axis=1)]
    if len(defined) < 2:
        nothing = [None] * replicates.shape[1]
        return {"low": nothing, "high": nothing}
    low, high = np.quantile(defined, [alpha / 2, 1 - alpha / 2], axis=0)
    return {"low": rounded(low), "high": rounded(high)}


def rounded(values: Floats) -> list[float]:
    """To five decimals, as a drawing needs them."""
    return [round(float(value), 5) for value in values]


def _steps(targets: NDArray[np.float32], logits: NDArray[np.float32]) -> tuple[list[float], list[float]]:
    """Recall and precision wherever recall rises, thinned evenly: the steps whose area is average precision."""
    curve = precision_recall_curve(targets, logits)
    rises = np.flatnonzero(np.diff(curve.recall, prepend=0) > 0)
    if rises.size > MOST_POINTS:
        rises = rises[np.unique(np.linspace(0, rises.size - 1, MOST_POINTS).round().astype(int))]
    return rounded(curve.recall[rises]), rounded(curve.precision[rises])
