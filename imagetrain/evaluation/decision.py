"""Decision curves: what acting on a classifier is worth, beside acting on everybody and on nobody.

A. Vickers, E. Elkin, Medical Decision Making 26 (2006) 565. Whoever acts from a probability t on holds a false alarm to
cost t / (1 - t) of what a hit is worth; net benefit is in hits per case, so costs and outcomes need no numbers.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from imagetrain.evaluation.auroc import Floats, known_cases
from imagetrain.evaluation.bootstrap import Counts, drawn_totals


class DecisionCurve(NamedTuple):
    """Net benefit, ``(n_thresholds,)`` each, of acting by the classifier and on everybody; on nobody it is 0."""

    thresholds: Floats
    classifier: Floats
    everybody: Floats


def decision_curve(targets: ArrayLike, probabilities: ArrayLike, thresholds: ArrayLike) -> DecisionCurve:
    """Net benefit at each threshold of probability; NaN without cases.

    Parameters
    ----------
    probabilities:
        ``(n,)``, calibrated as well as may be: a decision curve takes them at their word.
    thresholds:
        ``(n_thresholds,)`` in (0, 1); a case is acted on if its probability is at or above it.
    """
    positive, values = known_cases(targets, probabilities)
    cuts = np.asarray(thresholds, dtype=np.float64)
    odds = cuts / (1 - cuts)
    if not values.size:
        return DecisionCurve(cuts, np.full(cuts.shape, np.nan), np.full(cuts.shape, np.nan))
    hits = _at_or_above(values[positive], cuts) / values.size
    alarms = _at_or_above(values[~positive], cuts) / values.size
    share = positive.mean()
    return DecisionCurve(cuts, hits - odds * alarms, share - odds * (1 - share))


def replicate_net_benefit(
    targets: ArrayLike, probabilities: ArrayLike, thresholds: ArrayLike, counts: Counts
) -> Floats:
    """Net benefit of the classifier in each resample, ``(n_thresholds, n_resamples)``; NaN in one without cases."""
    known = np.flatnonzero(~np.isnan(np.asarray(targets, dtype=np.float64)))
    positive, values = known_cases(targets, probabilities)
    cuts = np.asarray(thresholds, dtype=np.float64)
    order = np.argsort(-values, kind="stable")
    hits, alarms = (
        drawn_totals(counts, known[order[mask[order]]], _at_or_above(values[mask], cuts).astype(np.intp))
        for mask in (positive, ~positive)
    )
    whole = drawn_totals(counts, known, np.array([known.size]))
    worth = hits - (cuts / (1 - cuts))[:, None] * alarms
    return np.asarray(worth / np.where(whole > 0, whole, np.nan))


def _at_or_above(values: Floats, cuts: Floats) -> Floats:
    return np.asarray(values.size - np.searchsorted(np.sort(values), cuts, side="left"), dtype=np.float64)
