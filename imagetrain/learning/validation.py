"""How good weights are on the validation studies."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import nn

from imagetrain.learning.inference import predict_logits
from imagetrain.learning.losses import Loss, weighted_mean
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
    score: float  # macro mean; NaN if it is defined for no finding
    n_scored: int  # findings that the mean is over

    @property
    def rank(self) -> tuple[float, float]:
        """Higher is better: the score, and among equals (or without one) the loss."""
        return (-math.inf if math.isnan(self.score) else self.score, -self.loss)


def validate(model: nn.Module, material: Material, recipe: TrainRecipe, *, loss: Loss, score: Score) -> Validation:
    """Loss over all counted cells, and the macro mean of `score` over the findings for which it is defined."""
    rows = material.validation
    logits = predict_logits(model, material.pixels, rows, batch_size=2 * recipe.batch_size, precision=recipe.precision)
    if not np.isfinite(logits).all():
        return Validation(math.inf, math.nan, 0)
    values, mask = material.targets.values[rows], material.targets.mask[rows]
    cells = loss(torch.from_numpy(logits), torch.from_numpy(values))
    hard = np.where(mask, np.rint(values), np.nan)
    scores = [score(hard[:, column], logits[:, column]) for column in range(hard.shape[1])]
    defined: NDArray[np.float64] = np.array([value for value in scores if not math.isnan(value)])
    mean = float(defined.mean()) if defined.size else math.nan
    return Validation(float(weighted_mean(cells, torch.from_numpy(mask).float())), mean, defined.size)
