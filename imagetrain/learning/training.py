"""The training loop, written out."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from torch import nn

from imagetrain.learning.averaging import Averaged
from imagetrain.learning.inference import reduced
from imagetrain.learning.losses import bce, smoothed, training_loss, weighted_mean
from imagetrain.learning.optimisers import learning_rate, make_optimiser, set_rate
from imagetrain.learning.validation import Material, Score, validate
from imagetrain.pixels.augment import augment
from imagetrain.pixels.dataset import Rows, n_batches, shuffled_batches
from imagetrain.pixels.mixing import mix
from imagetrain.recipe import TrainRecipe
from radprompter.errors import TrainingError
from radprompter.terminal import Track, quiet


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
    values = smoothed(torch.from_numpy(material.targets.values).to(device), recipe.label_smoothing)
    weights = torch.from_numpy(material.targets.mask).to(device, torch.float32)
    cost = training_loss(recipe, material.targets, material.training, device)
    model.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    optimiser = make_optimiser(model, recipe)
    averaged = Averaged(model, recipe.ema_decay)
    generator = torch.Generator(device)
    steps_per_epoch = n_batches(len(material.training), recipe.batch_size)
    n_steps = recipe.epochs * steps_per_epoch
    best, best_weights = (-math.inf, -math.inf), _copy(model)

    step, losses, started = 0, [], time.monotonic()
    batches = _all_batches(material.training, recipe)
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        for batch in track(batches, f"train {name}".strip(), n_steps):
            model.train()
            set_rate(optimiser, learning_rate(step, recipe, steps_per_epoch))
            generator.manual_seed(step_seed(recipe.seed, step))
            torch.manual_seed(step_seed(recipe.seed, step))  # dropout and stochastic depth
            picks = material.pixels.drawn(batch, seed=recipe.seed, epoch=step // steps_per_epoch)
            views = material.pixels.batch(batch, picks)
            images = augment(views.images, recipe.augment, generator)
            mixed = mix(images, views.present, values[batch], weights[batch], recipe.mix, generator)
            with reduced(recipe.precision, device):
                logits = model(mixed.images.contiguous(memory_format=torch.channels_last), mixed.present)
            loss = weighted_mean(cost(logits, mixed.values), mixed.weights)
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
                results = {k: validate(net, material, recipe, loss=bce, score=score) for k, net in candidates.items()}
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
                    learning_rate=optimiser.param_groups[0]["lr"],
                    seconds=time.monotonic() - started,
                )
                losses, started = [], time.monotonic()
    model.load_state_dict(best_weights)


def step_seed(seed: int, step: int) -> int:
    """What the random numbers of a step are drawn from: the seed and the step alone, nothing that must be kept."""
    return int(np.random.SeedSequence([seed, step]).generate_state(1, np.uint64)[0] >> 1)


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
