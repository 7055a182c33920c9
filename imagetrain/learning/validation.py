"""How good weights are on the validation studies."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import nn

from imagetrain.learning.inference import predict_logits
from imagetrain.learning.losses import Loss, weighted_mean
from imagetrain.learning.processes import ALONE, Processes
from imagetrain.pixels.dataset import Rows, StudyPixels
from imagetrain.recipe import TrainRecipe
from imagetrain.records import Targets

Score = Callable[[ArrayLike, ArrayLike], float]
"""Targets ``(n,)`` of 0, 1 or NaN and logits ``(n,)`` to a number; NaN where it is not defined."""


@dataclass(frozen=True, slots=True, eq=False)
class Material:
    """What is trained on: pixels and targets of the same studies, and which of them are for what."""

    pixels: StudyPixels
    targets: Targets
    training: Rows
    validation: Rows


@dataclass(frozen=True, slots=True)
class Validation:
    """What weights came to on the validation studies."""

    loss: float
    scores: Mapping[str, float]  # macro means; NaN where a score is defined for no finding
    n_scored: int  # findings that the means are over

    def rank(self, best_by: str) -> tuple[float, float]:
        """Higher is better: the score, and among equals (or without one) the loss."""
        score = self.scores.get(best_by, math.nan)
        return (-math.inf if math.isnan(score) else score, -self.loss)


def validate(
    model: nn.Module,
    material: Material,
    recipe: TrainRecipe,
    *,
    loss: Loss,
    scores: Mapping[str, Score],
    processes: Processes = ALONE,
) -> Validation:
    """Loss over all counted cells, and the macro mean of each score over the findings for which it is defined.

    Scores are of targets that are 0 or 1; what is in between is part of the loss only.
    """
    rows = material.validation
    logits = predict_logits(
        model,
        material.pixels,
        rows,
        batch_size=max(1, 2 * recipe.batch_size // processes.world),
        precision=recipe.precision,
        processes=processes,
    )
    if not np.isfinite(logits).all():
        return Validation(math.inf, dict.fromkeys(scores, math.nan), 0)
    values, mask = material.targets.values[rows], material.targets.mask[rows]
    cells = loss(torch.from_numpy(logits), torch.from_numpy(values))
    hard = material.targets.definitive[rows]
    found = {name: [score(hard[:, f], logits[:, f]) for f in range(hard.shape[1])] for name, score in scores.items()}
    defined = {name: [value for value in values if not math.isnan(value)] for name, values in found.items()}
    means = {name: float(np.mean(values)) if values else math.nan for name, values in defined.items()}
    n_scored = max((len(values) for values in defined.values()), default=0)
    return Validation(float(weighted_mean(cells, torch.from_numpy(mask).float())), means, n_scored)
