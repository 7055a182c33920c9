"""The training loop, written out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import islice

import torch
from torch import nn

from imagetrain.learning.devices import explained
from imagetrain.learning.feeding import Feed
from imagetrain.learning.losses import bce, training_loss
from imagetrain.learning.optimisers import learning_rate
from imagetrain.learning.processes import ALONE, Processes
from imagetrain.learning.progress import (
    WORST,
    Keeper,
    Pace,
    Progress,
    begin,
    copy_weights,
    restore,
    to_checkpoint,
)
from imagetrain.learning.selection import left_out_shares
from imagetrain.learning.steps import TrainStep
from imagetrain.learning.validation import Material, Score, validate
from imagetrain.recipe import TrainRecipe
from imagetrain.records import Checkpoint, EpochResult
from radprompter.errors import StoppedError, TrainingError
from radprompter.terminal import Note, Track, quiet

LOOK_EVERY = 20  # steps: whoever looks at what a GPU computed waits for it


def train(
    model: nn.Module,
    material: Material,
    recipe: TrainRecipe,
    *,
    scores: Mapping[str, Score],
    processes: Processes = ALONE,
    resume: Checkpoint | None = None,
    keeper: Keeper | None = None,
    track: Track = quiet,
    note: Note = str,
    name: str = "",
) -> Iterator[EpochResult]:
    """Train a classifier; when the last result has been taken, the model has the weights of its best epoch.

    Best is the highest macro mean of the score that `train.best_by` names over the findings that have both classes in
    validation, or the lowest validation loss where no finding has. On a CPU the same recipe, data and numbers of
    threads and processes give the same weights, in one go or from any checkpoint on.

    Parameters
    ----------
    resume:
        Where to go on: a checkpoint of the same model, material and recipe.
    keeper:
        Is given a checkpoint after each epoch, when it wants one, and before stopping; says when to stop.

    Raises
    ------
    TrainingError
        If a loss or gradient is not finite (the message names the studies of the step), if in no epoch the logits of
        validation are, or memory does not suffice.
    StoppedError
        If the keeper said so; it has the checkpoint.
    """
    device = material.pixels.device
    model.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    loss = training_loss(recipe, material.targets, material.training, device)
    feed, take_step = Feed(material, recipe, processes), TrainStep(model, recipe, loss, processes)
    progress = restore(resume, take_step) if resume else begin(model, device)
    n_steps = 0 if _is_over(progress, recipe) else recipe.epochs * feed.steps_per_epoch
    steps = range(progress.step, n_steps)
    batches = feed.batches(progress.step, len(steps))
    pace = Pace(feed.step_size * material.pixels.rows.shape[1])

    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []), explained(recipe, processes):
        for step in track(steps, f"train {name}".strip(), len(steps), note=lambda: f"{pace}  {note()}".strip()):
            rate = learning_rate(step, recipe, feed.steps_per_epoch)
            left_out = left_out_shares(recipe.noise, step, feed.steps_per_epoch)
            mean_loss = take_step(islice(batches, recipe.accumulate), step=step, rate=rate, left_out=left_out)
            progress.step, progress.losses, pace.n_steps = step + 1, progress.losses + mean_loss, pace.n_steps + 1

            ends_epoch = progress.step % feed.steps_per_epoch == 0
            if not ends_epoch and device.type == "cuda" and progress.step % LOOK_EVERY:
                continue
            _refuse_bad_step(take_step, feed, material, recipe)
            if ends_epoch:
                _validate(take_step, progress, material, recipe, scores, processes, pace)
                pace.restart()
            asked_to_stop = False
            if keeper is not None:
                asked_to_stop, is_due = processes.any(keeper.asked_to_stop(), ends_epoch or keeper.is_due())
                if processes.leads and (asked_to_stop or is_due):
                    keeper.keep(to_checkpoint(take_step, progress))
            if ends_epoch:
                yield progress.epochs[-1]
            if asked_to_stop:
                where = (
                    f"epoch {-(-progress.step // feed.steps_per_epoch)}, after step {progress.step:,} of {n_steps:,}"
                )
                raise StoppedError(f"stopped as asked in {where}; run the same command to go on from there")
            if _is_over(progress, recipe):
                break
    if progress.epochs and progress.best == WORST:
        raise TrainingError(
            "in no epoch were the logits of all validation studies numbers, so no weights are the best ones. Lower "
            + _remedies(recipe)
        )
    model.load_state_dict(progress.best_weights)


def _validate(
    take_step: TrainStep,
    progress: Progress,
    material: Material,
    recipe: TrainRecipe,
    scores: Mapping[str, Score],
    processes: Processes,
    pace: Pace,
) -> None:
    """End an epoch: hold the last and the averaged weights against validation; the better ones may be the best yet."""
    pace.end_steps()
    candidates = {"last": take_step.model} | ({"averaged": take_step.averaged.model} if recipe.ema_decay else {})
    for network in candidates.values():
        processes.share_buffers(network)
    results = {
        kind: validate(network, material, recipe, loss=bce, scores=scores, processes=processes)
        for kind, network in candidates.items()
    }
    kind = max(results, key=lambda kind: results[kind].rank(recipe.best_by))
    rank, result = results[kind].rank(recipe.best_by), results[kind]
    is_best = rank > progress.best
    if is_best:
        progress.best, progress.best_weights = rank, copy_weights(candidates[kind])
    n_epochs = len(progress.epochs) + 1
    progress.epochs.append(
        EpochResult(
            epoch=n_epochs,
            n_epochs=recipe.epochs,
            loss=float(progress.losses) * n_epochs / progress.step,
            validation_loss=result.loss,
            validation_auroc=result.scores["auroc"],
            validation_auprc=result.scores["auprc"],
            n_findings_scored=result.n_scored,
            weights=kind,  # type: ignore[arg-type]
            is_best=is_best,
            learning_rate=max(group["lr"] for group in take_step.optimiser.param_groups),
            seconds=pace.seconds,
            images_per_second=pace.images_per_second,
        )
    )
    progress.losses = torch.zeros_like(progress.losses)


def _is_over(progress: Progress, recipe: TrainRecipe) -> bool:
    """Whether enough epochs went by without a better one."""
    return recipe.patience is not None and progress.epochs_since_best >= recipe.patience


def _refuse_bad_step(take_step: TrainStep, feed: Feed, material: Material, recipe: TrainRecipe) -> None:
    step = take_step.first_bad_step()
    if step is not None:
        studies = ", ".join(material.pixels.study_ids[i] for i in feed.studies(step))
        raise TrainingError(
            f"the loss or gradient of step {step + 1} is not a number; its batch: {studies}. Lower " + _remedies(recipe)
        )


def _remedies(recipe: TrainRecipe) -> str:
    return f"train.learning_rate ({recipe.learning_rate:g}), set train.clip_norm" + (
        "" if recipe.precision == "fp32" else ", or use train.precision: fp32"
    )
