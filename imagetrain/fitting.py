"""One run of a recipe: from prepared studies to a trained classifier and its folder."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from imagetrain.learning.processes import ALONE, Processes
from imagetrain.recording import Fit, Fitted, record_run
from imagetrain.records import TRAIN, VALIDATION, EpochResult
from imagetrain.resuming import Checkpoints
from imagetrain.store import save_epochs
from imagetrain.watching import SILENT, Watch
from radprompter.terminal import Track, quiet

if TYPE_CHECKING:
    from imagetrain.learning.models import ViewClassifier


def fit_run(
    fit: Fit, *, checkpoints: Checkpoints, processes: Processes = ALONE, track: Track = quiet, watch: Watch = SILENT
) -> None:
    """Train one run, from its checkpoint on if there is one, and write its folder."""
    from imagetrain.evaluation.auroc import auroc, average_precision
    from imagetrain.learning.devices import choose_device, refuse_precision
    from imagetrain.learning.inference import predict_logits
    from imagetrain.learning.optimisers import remark
    from imagetrain.learning.selection import CoTaught
    from imagetrain.learning.training import train
    from imagetrain.learning.validation import Material
    from imagetrain.pixels.augment import refuse_flips
    from imagetrain.pixels.dataset import open_pixels

    started = time.monotonic()
    prepared, recipe = fit.prepared, fit.study.need_train()
    shown = fit.name if prepared.fold is None else f"{fit.name}, fold {prepared.fold}"
    refuse_flips(recipe.augment, prepared.schema.select(prepared.findings, name=prepared.schema.name))
    device = choose_device(recipe.device, place=processes.place)
    refuse_precision(recipe.precision, device)
    build = _builder(fit)
    model = build(seed=recipe.seed)
    pixels = open_pixels(prepared.split.study_ids, fit.cache.pixels, prepared.rows, device=device)
    resume = checkpoints.find()
    no_gpu = "no GPU here: trains on the CPU" if recipe.device != "cpu" and device.type == "cpu" else None
    notices = [text for text in (no_gpu, *checkpoints.notices, remark(recipe)) if text]
    for text in notices:
        watch.notice(shown, text)
    epochs = [EpochResult(**result) for result in resume.facts["epochs"]] if resume else []
    with checkpoints.listening():
        for result in train(
            CoTaught(model, build(seed=recipe.seed + 1)) if recipe.noise.co_teaching else model,
            Material(pixels, prepared.targets[fit.name], prepared.where(TRAIN), prepared.where(VALIDATION)),
            recipe,
            scores={"auroc": auroc, "auprc": average_precision},
            processes=processes,
            resume=resume,
            keeper=checkpoints,
            track=track,
            note=watch.note,
            name=shown,
        ):
            epochs.append(result)
            if processes.leads:
                save_epochs(fit.folder / "epochs.jsonl", epochs)
            watch.epoch(shown, result)
    logits = predict_logits(
        model,
        pixels,
        np.arange(len(pixels)),
        batch_size=2 * recipe.batch_size,
        precision=recipe.precision,
        processes=processes,
        track=track,
    )
    if processes.leads:
        seconds = time.monotonic() - started
        record_run(fit, Fitted(model, epochs, logits, notices, str(device), processes.world, seconds))


def _builder(fit: Fit) -> Callable[..., ViewClassifier]:
    """What makes the network of a run from a seed, its last bias set to how frequent each finding is in training."""
    from imagetrain.learning.models import build_model

    data, recipe = fit.study.need_data(), fit.study.need_train()
    targets, training = fit.prepared.targets[fit.name], fit.prepared.where(TRAIN)
    known = np.where(targets.mask[training], targets.values[training], np.nan)
    return partial(
        build_model,
        recipe.model,
        n_views=len(data.views),
        n_findings=len(targets.findings),
        size=data.size,
        channels=recipe.channels,
        view_networks=recipe.view_networks,
        missing_views=data.missing_views,
        pretrained=recipe.pretrained,
        normalise=recipe.normalise,
        drop_path=recipe.drop_path,
        dropout=recipe.dropout,
        gradient_checkpointing=recipe.gradient_checkpointing,
        prevalence=np.nanmean(known, axis=0, dtype=np.float64),
    )
