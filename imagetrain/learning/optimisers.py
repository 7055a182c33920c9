"""Optimisers by name, what they decay, and the rate at each step."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import nn

from imagetrain.recipe import TrainRecipe

VECTORS = ("absent",)  # matrices by their shape, but each row is a learned vector
NEGLIGIBLE_DECAY = 1e-7  # of a weight in a step: 0.1 % in 10,000


def make_optimiser(model: nn.Module, recipe: TrainRecipe) -> torch.optim.Optimizer:
    """AdamW, SGD with Nesterov's momentum, or Lion (Chen et al. 2023, arXiv 2302.06675), by timm."""
    from timm.optim import create_optimizer_v2

    groups = weight_groups(model, weight_decay=recipe.weight_decay, layer_decay=recipe.layer_decay)
    options = {"momentum": recipe.momentum} if recipe.optimiser == "sgd" else {}
    optimiser: torch.optim.Optimizer = create_optimizer_v2(
        groups, opt=recipe.optimiser, lr=recipe.learning_rate, **options
    )
    return optimiser


def weight_groups(model: nn.Module, *, weight_decay: float, layer_decay: float | None = None) -> list[dict[str, Any]]:
    """A model's weights by how they are decayed and how fast they learn.

    Not decayed are biases, normalisation, learned vectors that stand for absent views, and what a network itself asks
    to spare, such as the positions of a transformer. With `layer_decay` the rate falls by that factor from each layer
    of a network to the one before it (Bao et al. 2022, arXiv 2106.08254); the last layer has the whole rate.
    """
    spared = {id(weight) for name, weight in model.named_parameters() if name.split(".")[-1] in VECTORS}
    scales: dict[int, float] = {}
    for network in model.modules():
        if hasattr(network, "no_weight_decay"):
            names = network.no_weight_decay()  # type: ignore[operator]
            spared |= {id(weight) for name, weight in network.named_parameters() if name in names}
        if layer_decay is not None and hasattr(network, "group_matcher"):
            scales |= _layer_scales(network, layer_decay)
    groups: dict[tuple[bool, float], list[nn.Parameter]] = {}
    for weight in model.parameters():
        if weight.requires_grad:
            decayed = weight.ndim > 1 and id(weight) not in spared
            groups.setdefault((decayed, scales.get(id(weight), 1.0)), []).append(weight)
    return [
        {"params": weights, "weight_decay": weight_decay if decayed else 0.0, "lr_scale": scale}
        for (decayed, scale), weights in groups.items()
    ]


def _layer_scales(network: nn.Module, layer_decay: float) -> dict[int, float]:
    from timm.optim import param_groups_layer_decay

    groups = param_groups_layer_decay(network, layer_decay=layer_decay)
    return {id(weight): group["lr_scale"] for group in groups for weight in group["params"]}


def set_rate(optimiser: torch.optim.Optimizer, rate: float) -> None:
    """Take the next steps at this rate; groups of weights may have a scale of their own."""
    for group in optimiser.param_groups:
        group["lr"] = rate * group["lr_scale"]


def learning_rate(step: int, recipe: TrainRecipe, steps_per_epoch: int) -> float:
    """Linear warm-up, then half a cosine to zero (Loshchilov & Hutter 2017, eq. 5, without restarts)."""
    n_steps, n_warm = recipe.epochs * steps_per_epoch, recipe.warmup_epochs * steps_per_epoch
    if step < n_warm:
        return recipe.learning_rate * (step + 1) / (n_warm + 1)
    done = (step - n_warm) / max(1.0, n_steps - n_warm)
    return recipe.learning_rate * 0.5 * (1 + math.cos(math.pi * min(1.0, done)))


def remark(recipe: TrainRecipe) -> str | None:
    """What a reader of the recipe should know of its optimiser, if anything."""
    decayed = recipe.learning_rate * recipe.weight_decay
    if recipe.optimiser == "lion" and 0 < decayed < NEGLIGIBLE_DECAY:
        return (
            f"Lion decays weights by rate x decay a step, here {decayed:.0e}: over 10,000 steps "
            f"{-100 * math.expm1(-1e4 * decayed):.2g} %, so train.weight_decay does next to nothing at this rate"
        )
    return None
