"""Losses over targets of which some are not known."""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F

Loss = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]
"""Logits and values in [0, 1], both ``(n_studies, n_findings)``, to the loss of each cell, of the same shape."""


def bce(logits: torch.Tensor, values: torch.Tensor) -> torch.Tensor:
    """Binary cross-entropy of each cell."""
    return F.binary_cross_entropy_with_logits(logits, values, reduction="none")


def weighted_mean(cells: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
    """Mean of the losses of cells with weights in [0, 1] of the same shape; 0 if no cell counts.

    Cells without weight have no gradient, whatever their value.
    """
    return weighted_sum(cells, weights) / _at_least_one_cell(weights)


def weighted_sum(cells: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
    """Sum of the losses of cells, each times its weight; without weight a cell does not count, whatever its value."""
    return torch.where(weights > 0, cells * weights, 0).sum()


def _at_least_one_cell(weights: torch.Tensor) -> torch.Tensor:
    total = weights.sum()
    return torch.where(total > 0, total, 1)
