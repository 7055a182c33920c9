"""Optimisers by name, and the rate at each step."""

from __future__ import annotations

import math

import torch
from torch import nn

from imagetrain.recipe import TrainRecipe


def make_optimiser(model: nn.Module, recipe: TrainRecipe) -> torch.optim.Optimizer:
    """AdamW or Lion (Chen et al. 2023, arXiv 2302.06675); biases and normalisation are not decayed."""
    from timm.optim import create_optimizer_v2

    optimiser: torch.optim.Optimizer = create_optimizer_v2(
        model, opt=recipe.optimiser, lr=recipe.learning_rate, weight_decay=recipe.weight_decay
    )
    return optimiser


def set_rate(optimiser: torch.optim.Optimizer, rate: float) -> None:
    """Take the next steps at this rate; groups of weights may have a scale of their own."""
    for group in optimiser.param_groups:
        group["lr"] = rate * group.get("lr_scale", 1.0)


def learning_rate(step: int, recipe: TrainRecipe, steps_per_epoch: int) -> float:
    """Linear warm-up, then half a cosine to zero (Loshchilov & Hutter 2017, eq. 5, without restarts)."""
    n_steps, n_warm = recipe.epochs * steps_per_epoch, recipe.warmup_epochs * steps_per_epoch
    if step < n_warm:
        return recipe.learning_rate * (step + 1) / (n_warm + 1)
    done = (step - n_warm) / max(1.0, n_steps - n_warm)
    return recipe.learning_rate * 0.5 * (1 + math.cos(math.pi * min(1.0, done)))
