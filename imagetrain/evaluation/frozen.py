"""What is chosen on validation studies and applied to tested ones unchanged: thresholds, and maps to probabilities.

With folds each network has its own, from its own validation studies, so that no label of a tested study is used.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from imagetrain.evaluation.auroc import Floats
from imagetrain.evaluation.recalibration import Method, recalibrate
from imagetrain.evaluation.thresholds import ThresholdPoint, choose_threshold
from imagetrain.records import ALL_FOLDS, Predictions

ChosenT = TypeVar("ChosenT")


class FrozenThreshold(NamedTuple):
    """What a run's threshold for a finding is on a set of studies."""

    point: ThresholdPoint  # as chosen on validation; with folds, the mean over them
    cuts: NDArray[np.float64]  # (n_studies,): the threshold for each study, that of its fold's network
    n: int  # validation studies with a known label that it was chosen on


def freeze_thresholds(
    validation: Predictions, tested: Predictions, *, wanted_sensitivity: float | None = None
) -> list[FrozenThreshold]:
    """The threshold that validation gives each finding, as it holds for the tested studies.

    The mean of all networks' logits is held against the mean of their thresholds. A finding without a threshold in
    some fold has none.

    Parameters
    ----------
    wanted_sensitivity:
        None: Youden's rule.
    """

    def choose(targets: NDArray[np.float32], logits: NDArray[np.float32]) -> ThresholdPoint:
        return choose_threshold(targets, logits, wanted_sensitivity=wanted_sensitivity)

    folds, frozen = _folds_of(tested), []
    for f in range(len(validation.findings)):
        points = _by_network(validation, tested, f, choose)
        mean = ThresholdPoint(*(float(np.mean(values)) for values in zip(*points.values(), strict=True)))
        cuts = np.array([points.get(fold, mean).threshold for fold in folds.tolist()], dtype=np.float64)
        known = np.flatnonzero(~np.isnan(validation.targets[:, f]))
        frozen.append(FrozenThreshold(mean, cuts, len({validation.study_ids[i] for i in known})))
    return frozen


def freeze_probabilities(validation: Predictions, tested: Predictions, method: Method) -> list[Floats | None]:
    """Recalibrated probabilities of the tested studies, ``(n_studies,)`` for each finding.

    Where a study has the mean of all networks' logits, it gets the mean of what their maps make of it. None for a
    finding that some network has no map for.
    """
    folds = _folds_of(tested)
    made: list[Floats | None] = []
    for f in range(len(validation.findings)):
        maps = _by_network(validation, tested, f, lambda targets, logits: recalibrate(method, targets, logits))
        found = {fold: to_probability for fold, to_probability in maps.items() if to_probability is not None}
        if len(found) < len(maps):
            made.append(None)
            continue
        probabilities = np.empty(folds.size)
        for fold in np.unique(folds).tolist():
            rows = folds == fold
            asked = [found[fold]] if fold in found else list(found.values())
            probabilities[rows] = np.mean([to_probability(tested.logits[rows, f]) for to_probability in asked], axis=0)
        made.append(probabilities)
    return made


def _by_network(
    validation: Predictions,
    tested: Predictions,
    finding: int,
    choose: Callable[[NDArray[np.float32], NDArray[np.float32]], ChosenT],
) -> dict[int, ChosenT]:
    """What is chosen for each network from its own validation studies, by fold; without folds, by `ALL_FOLDS`."""
    made_by = _folds_of(validation)
    folds = sorted({*made_by.tolist(), *_folds_of(tested).tolist()} - {ALL_FOLDS}) or [ALL_FOLDS]
    targets, logits = validation.targets[:, finding], validation.logits[:, finding]
    order = np.lexsort((targets, logits))  # so that no sum depends on the order of a table
    own = {fold: order[made_by[order] == fold] for fold in folds}
    return {fold: choose(targets[rows], logits[rows]) for fold, rows in own.items()}


def _folds_of(predictions: Predictions) -> NDArray[np.int64]:
    folds = predictions.folds or (ALL_FOLDS,) * len(predictions.parts)
    return np.array(folds, dtype=np.int64)
