"""The training loop, written out."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import nn

from imagetrain.learning.inference import predict_logits, reduced
from imagetrain.learning.losses import masked_bce
from imagetrain.pixels.augment import augment
from imagetrain.pixels.dataset import Rows, StudyPixels, n_batches, shuffled_batches
from imagetrain.recipe import TrainRecipe
from imagetrain.records import Targets
from radprompter.errors import TrainingError
from radprompter.terminal import Track, quiet

Score = Callable[[ArrayLike, ArrayLike], float]
"""Targets ``(n,)`` of 0, 1 or NaN and logits ``(n,)`` to a number; NaN where it is not defined."""


@dataclass(frozen=True, slots=True)
class EpochResult:
    """What an epoch came to."""

    epoch: int  # from 1
    n_epochs: int
    loss: float  # mean over the training batches
    validation_loss: float
    validation_auroc: float  # macro mean, of the better weights; NaN if no finding has both classes in validation
    n_findings_scored: int  # findings with both classes in validation: what the mean is over
    weights: Literal["last", "averaged"]  # which weights are the better ones on validation
    is_best: bool
    learning_rate: float  # at the end of the epoch
    seconds: float


@dataclass(frozen=True, slots=True, eq=False)
class Material:
    """What is trained on: pixels and targets of the same studies, and which of them are for what."""

    pixels: StudyPixels
    targets: Targets
    training: Rows
    validation: Rows


def train(
    model: nn.Module, material: Material, recipe: TrainRecipe, *, score: Score, track: Track = quiet, name: str = ""
) -> Iterator[EpochResult]:
    """Train a classifier; when the last result has been taken, the model has the weights of its best epoch.

    Best is the highest macro mean of `score` over the findings that have both classes in validation, or the lowest
    validation loss where no finding has. On a CPU the same recipe, data and number of threads give the same weights.

    Raises
    ------
    TrainingError
        If a loss is not finite; the message names the studies of the batch.
    """
    device = material.pixels.device
    values = torch.from_numpy(material.targets.values).to(device)
    mask = torch.from_numpy(material.targets.mask).to(device)
    model.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    optimiser = _optimiser(model, recipe)
    averaged = Averaged(model, recipe.ema_decay)
    generator = torch.Generator(device).manual_seed(recipe.seed)
    steps_per_epoch = n_batches(len(material.training), recipe.batch_size)
    n_steps = recipe.epochs * steps_per_epoch
    best, best_weights = (-math.inf, -math.inf), _copy(model)

    step, losses, started = 0, [], time.monotonic()
    batches = _all_batches(material.training, recipe)
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        torch.manual_seed(recipe.seed)  # dropout and stochastic depth
        for batch in track(batches, f"train {name}".strip(), n_steps):
            model.train()
            rate = learning_rate(step, recipe, steps_per_epoch)
            for group in optimiser.param_groups:
                group["lr"] = rate * group.get("lr_scale", 1.0)
            images = augment(material.pixels.batch(batch).images, recipe.augment, generator)
            with reduced(recipe.precision, device):
                logits = model(images.contiguous(memory_format=torch.channels_last))
            loss = masked_bce(logits.float(), values[batch], mask[batch])
            if not torch.isfinite(loss):
                raise TrainingError(_not_finite(material, batch, step, recipe))
            optimiser.zero_grad(set_to_none=True)
            loss.backward()  # type: ignore[no-untyped-call]
            optimiser.step()
            averaged.update(model, step)
            losses.append(loss.detach())
            step += 1

            if step % steps_per_epoch == 0:
                candidates = {"last": model, "averaged": averaged.model} if recipe.ema_decay else {"last": model}
                results = {kind: _validate(net, material, recipe, score) for kind, net in candidates.items()}
                kind = max(results, key=lambda k: results[k].rank)
                is_best = results[kind].rank > best
                if is_best:
                    best, best_weights = results[kind].rank, _copy(candidates[kind])
                yield EpochResult(
                    epoch=step // steps_per_epoch,
                    n_epochs=recipe.epochs,
                    loss=float(torch.stack(losses).mean()),
                    validation_loss=results[kind].loss,
                    validation_auroc=results[kind].score,
                    n_findings_scored=results[kind].n_scored,
                    weights=kind,  # type: ignore[arg-type]
                    is_best=is_best,
                    learning_rate=rate,
                    seconds=time.monotonic() - started,
                )
                losses, started = [], time.monotonic()
    model.load_state_dict(best_weights)


def learning_rate(step: int, recipe: TrainRecipe, steps_per_epoch: int) -> float:
    """Linear warm-up, then half a cosine to zero (Loshchilov & Hutter 2017, eq. 5, without restarts)."""
    n_steps, n_warm = recipe.epochs * steps_per_epoch, recipe.warmup_epochs * steps_per_epoch
    if step < n_warm:
        return recipe.learning_rate * (step + 1) / (n_warm + 1)
    done = (step - n_warm) / max(1.0, n_steps - n_warm)
    return recipe.learning_rate * 0.5 * (1 + math.cos(math.pi * min(1.0, done)))


class Averaged:
    """Exponential moving average of a model's weights and buffers, by timm.

    The decay warms up as 1 - (1 + step)^(-2/3), up to the recipe's: a short run is averaged over what it has, not
    held at its random start.
    """

    def __init__(self, model: nn.Module, decay: float) -> None:
        from timm.utils import ModelEmaV3

        self._ema = ModelEmaV3(model, decay=decay, use_warmup=True) if decay else None

    @property
    def model(self) -> nn.Module:
        """The averaged model."""
        assert self._ema is not None, "averaging is off"
        module: nn.Module = self._ema.module
        return module

    def update(self, model: nn.Module, step: int) -> None:
        """Take in the weights after a step."""
        if self._ema is not None:
            self._ema.update(model, step=step)


@dataclass(frozen=True, slots=True)
class _Validation:
    loss: float
    score: float
    n_scored: int

    @property
    def rank(self) -> tuple[float, float]:
        """Higher is better: the score, and among equals (or without one) the loss."""
        return (-math.inf if math.isnan(self.score) else self.score, -self.loss)


def _validate(model: nn.Module, material: Material, recipe: TrainRecipe, score: Score) -> _Validation:
    rows = material.validation
    logits = predict_logits(model, material.pixels, rows, batch_size=2 * recipe.batch_size, precision=recipe.precision)
    values, mask = material.targets.values[rows], material.targets.mask[rows]
    loss = masked_bce(torch.from_numpy(logits), torch.from_numpy(values), torch.from_numpy(mask))
    if not np.isfinite(logits).all():
        return _Validation(math.inf, math.nan, 0)
    hard = np.where(mask, np.rint(values), np.nan)
    scores = [score(hard[:, column], logits[:, column]) for column in range(hard.shape[1])]
    defined: NDArray[np.float64] = np.array([value for value in scores if not math.isnan(value)])
    return _Validation(float(loss), float(defined.mean()) if defined.size else math.nan, defined.size)


def _optimiser(model: nn.Module, recipe: TrainRecipe) -> torch.optim.Optimizer:
    """AdamW or Lion (Chen et al. 2023, arXiv 2302.06675); biases and normalisation are not decayed."""
    from timm.optim import create_optimizer_v2

    optimiser: torch.optim.Optimizer = create_optimizer_v2(
        model, opt=recipe.optimiser, lr=recipe.learning_rate, weight_decay=recipe.weight_decay
    )
    return optimiser


def _all_batches(studies: Rows, recipe: TrainRecipe) -> Iterator[Rows]:
    for epoch in range(recipe.epochs):
        yield from shuffled_batches(studies, recipe.batch_size, seed=recipe.seed, epoch=epoch)


def _copy(model: nn.Module) -> dict[str, torch.Tensor]:
    return {name: tensor.detach().clone() for name, tensor in model.state_dict().items()}


def _not_finite(material: Material, batch: Rows, step: int, recipe: TrainRecipe) -> str:
    studies = ", ".join(material.pixels.study_ids[i] for i in batch)
    return (
        f"the loss of step {step + 1} is not a number; its batch: {studies}. Lower train.learning_rate "
        f"({recipe.learning_rate:g})" + (" or use train.precision: fp32" if recipe.precision == "bf16" else "")
    )
