"""What a logit costs, cell by cell, and the mean over the cells that count.

Every loss is linear in its target: a cell with target v costs v times what a positive would cost plus 1 - v times what
a negative would. So soft targets need no rule of their own, and a mixed target costs what the mix of its two labels
costs. Everything is computed in float32, whatever the logits come in.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray

from imagetrain.recipe import Asymmetric, ClassWeights, CrossEntropy, Focal, TrainRecipe
from imagetrain.records import Targets

Loss = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]
"""Logits and values in [0, 1], both ``(n_studies, n_findings)``, to the loss of each cell, of the same shape."""

HEAVIEST = 20.0  # of balanced class weights: a finding with three positives must not drown the others
FAINTEST = 1e-12  # probabilities below are not raised to a power, whose slope at 0 may be infinite


class Costs(NamedTuple):
    """What each cell would cost if it were positive, and if it were negative."""

    positive: torch.Tensor
    negative: torch.Tensor


def make_loss(recipe: CrossEntropy | Focal | Asymmetric, positive_weights: torch.Tensor | None = None) -> Loss:
    """The loss of a recipe; what positives cost is multiplied by `positive_weights` ``(n_findings,)``."""

    def loss(logits: torch.Tensor, values: torch.Tensor) -> torch.Tensor:
        positive, negative = _costs(logits.float(), recipe)
        if positive_weights is not None:
            positive = positive_weights * positive
        return values * positive + (1 - values) * negative

    return loss


def training_loss(recipe: TrainRecipe, targets: Targets, training: NDArray[np.int64], device: torch.device) -> Loss:
    """The loss that a run is trained with: that of its recipe, with class weights from the training studies."""
    weights = positive_weights(recipe.class_weights, targets, training)
    return make_loss(recipe.loss, None if weights is None else weights.to(device))


bce: Loss = make_loss(CrossEntropy())
"""Binary cross-entropy of each cell: in validation the loss of every run, so that runs can be compared."""


def _costs(logits: torch.Tensor, recipe: CrossEntropy | Focal | Asymmetric) -> Costs:
    match recipe:
        case CrossEntropy():
            return Costs(F.softplus(-logits), F.softplus(logits))
        case Focal(gamma=gamma, alpha=alpha):
            share = (1.0, 1.0) if alpha is None else (alpha, 1 - alpha)
            return Costs(share[0] * _focal(logits, gamma), share[1] * _focal(-logits, gamma))
        case Asymmetric():
            positive = _focal(logits, recipe.gamma_positive)
            return Costs(positive, _shifted(logits, recipe.gamma_negative, recipe.clip))


def _focal(logits: torch.Tensor, gamma: float) -> torch.Tensor:
    """(1 - p)^gamma times -log p (Lin et al. 2017, arXiv 1708.02002, eq. 4).

    The power is taken of a logarithm: its slope is finite also where 1 - p is 0.
    """
    return torch.exp(-gamma * F.softplus(logits)) * F.softplus(-logits)


def _shifted(logits: torch.Tensor, gamma: float, clip: float) -> torch.Tensor:
    """What negatives cost with probabilities lowered by `clip` (Ridnik et al. 2021, arXiv 2009.14119, eq. 4 to 7).

    A negative that looks like a sure positive costs no more than -log(clip), and its slope is 0: its label may be
    wrong.
    """
    if clip == 0:
        return _focal(-logits, gamma)
    lowered = (torch.sigmoid(logits) - clip).clamp(min=FAINTEST)
    return lowered**gamma * -torch.log1p(-lowered)


def weighted_mean(cells: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
    """Mean of the losses of cells with weights in [0, 1] of the same shape; 0 if no cell counts.

    Cells without weight have no gradient, whatever their value.
    """
    return weighted_sum(cells, weights) / _at_least_one_cell(weights)


def weighted_sum(cells: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
    """Sum of the losses of cells, each times its weight; without weight a cell does not count, whatever its value."""
    return torch.where(weights > 0, cells * weights, 0).sum()


def smoothed(values: torch.Tensor, share: float) -> torch.Tensor:
    """Targets drawn towards 0.5: ``(1 - share) * values + share / 2`` (Szegedy et al. 2016, with two classes)."""
    return (1 - share) * values + share / 2


def positive_weights(wanted: ClassWeights, targets: Targets, training: NDArray[np.int64]) -> torch.Tensor | None:
    """How much more a positive counts than a negative, float32 ``(n_findings,)``; None where all count alike.

    Balanced weights are negatives over positives of the training studies, from 1 / `HEAVIEST` to `HEAVIEST`; soft
    targets count on both sides, by their value. Findings that a mapping does not name have weight 1.
    """
    if wanted == "none":
        return None
    if wanted != "balanced":
        return torch.tensor([wanted.get(name, 1.0) for name in targets.findings])
    values, mask = targets.values[training].astype(np.float64), targets.mask[training]
    positives, negatives = np.where(mask, values, 0).sum(axis=0), np.where(mask, 1 - values, 0).sum(axis=0)
    share = np.clip(negatives / np.maximum(positives, 1e-9), 1 / HEAVIEST, HEAVIEST)
    return torch.from_numpy(share.astype(np.float32))


def _at_least_one_cell(weights: torch.Tensor) -> torch.Tensor:
    total = weights.sum()
    return torch.where(total > 0, total, 1)
