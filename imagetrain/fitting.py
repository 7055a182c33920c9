"""One run of a recipe: from prepared studies to its folder of weights, predictions and a manifest."""

from __future__ import annotations

import time
from dataclasses import asdict
from functools import partial
from importlib.metadata import version
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from imagetrain.learning.processes import ALONE, Processes
from imagetrain.preparation import Prepared, counts
from imagetrain.radiographs.cache import PixelCache
from imagetrain.recipe import StudyRecipe
from imagetrain.records import TRAIN, VALIDATION, EpochResult, Predictions
from imagetrain.resuming import Checkpoints
from imagetrain.store import ModelCard, save_description, save_epochs, save_model, save_predictions
from imagetrain.watching import SILENT, Watch
from radprompter.files import sha256, write_json
from radprompter.terminal import Track, quiet


def fit_run(
    name: str,
    folder: Path,
    study: StudyRecipe,
    prepared: Prepared,
    cache: PixelCache,
    *,
    checkpoints: Checkpoints,
    processes: Processes = ALONE,
    track: Track = quiet,
    watch: Watch = SILENT,
) -> None:
    """Train one run, from its checkpoint on if there is one, and write its folder."""
    from imagetrain.evaluation.auroc import auroc, average_precision
    from imagetrain.evaluation.thresholds import youden
    from imagetrain.learning.devices import choose_device, refuse_precision
    from imagetrain.learning.inference import predict_logits
    from imagetrain.learning.models import build_model, to_arrays
    from imagetrain.learning.optimisers import remark
    from imagetrain.learning.selection import CoTaught
    from imagetrain.learning.training import train
    from imagetrain.learning.validation import Material
    from imagetrain.pixels.augment import refuse_flips
    from imagetrain.pixels.dataset import open_pixels

    started = time.monotonic()
    data, recipe = study.need_data(), study.need_train()
    targets, split = prepared.targets[name], prepared.split
    shown = name if prepared.fold is None else f"{name}, fold {prepared.fold}"
    refuse_flips(recipe.augment, prepared.schema.select(prepared.findings, name=prepared.schema.name))
    device = choose_device(recipe.device, place=processes.place)
    refuse_precision(recipe.precision, device)
    training, validation = prepared.where(TRAIN), prepared.where(VALIDATION)
    known = np.where(targets.mask[training], targets.values[training], np.nan)
    build = partial(
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
    model = build(seed=recipe.seed)
    trained = CoTaught(model, build(seed=recipe.seed + 1)) if recipe.noise.co_teaching else model
    pixels = open_pixels(split.study_ids, cache.pixels, prepared.rows, device=device)
    material = Material(pixels, targets, training, validation)
    scores = {"auroc": auroc, "auprc": average_precision}
    resume = checkpoints.find()
    no_gpu = "no GPU here: trains on the CPU" if recipe.device != "cpu" and device.type == "cpu" else None
    notices = [text for text in (no_gpu, *checkpoints.notices, remark(recipe)) if text]
    for text in notices:
        watch.notice(shown, text)
    epochs = [EpochResult(**result) for result in resume.facts["epochs"]] if resume else []
    with checkpoints.listening():
        for result in train(
            trained,
            material,
            recipe,
            scores=scores,
            processes=processes,
            resume=resume,
            keeper=checkpoints,
            track=track,
            note=watch.note,
            name=shown,
        ):
            epochs.append(result)
            if processes.leads:
                save_epochs(folder / "epochs.jsonl", epochs)
            watch.epoch(shown, result)
    every = np.arange(len(pixels))
    logits = predict_logits(
        model,
        pixels,
        every,
        batch_size=2 * recipe.batch_size,
        precision=recipe.precision,
        processes=processes,
        track=track,
    )
    if not processes.leads:
        return
    truth = targets.definitive
    thresholds = {
        finding: _number(youden(truth[validation, column], logits[validation, column]).threshold)
        for column, finding in enumerate(targets.findings)
    }
    best = next(epoch for epoch in reversed(epochs) if epoch.is_best)
    hashes = {"labels": sha256(recipe.runs[name].labels or data.labels), "pixels": cache.hash}
    if isinstance(recipe.pretrained, Path):
        hashes["pretrained"] = sha256(recipe.pretrained)
    versions = {package: version(package) for package in ("torch", "timm", "numpy", "radprompter-imagetrain")}
    card = ModelCard(
        run=name,
        model=recipe.model,
        findings=targets.findings,
        views=data.views,
        size=data.size,
        equalise=data.equalise,
        layout=model.layout._asdict(),
        thresholds=thresholds,
        label_schema=prepared.schema.to_json(),
        schema_hash=prepared.schema.hash,
        policy=recipe.runs[name].model_dump(mode="json"),
        best_epoch=best.epoch,
        validation_auroc=_number(best.validation_auroc),
        hashes=hashes,
        versions=versions,
    )
    save_model(folder / "model.safetensors", to_arrays(model), card)
    save_predictions(
        folder / "predictions.parquet",
        Predictions(split.study_ids, split.patient_ids, split.sites, split.parts, targets.findings, logits, truth),
    )
    described = asdict(card) | {
        "label_schema": prepared.schema.name,
        "recipe": recipe.model_dump(mode="json"),
        "left_out": dict(prepared.left_out),
        "excluded": dict(prepared.excluded),
        "unused_images": dict(prepared.unused),
        "n_studies": {part: split.parts.count(part) for part in dict.fromkeys(split.parts)},
        "targets": counts(targets, split),
        "validation": {
            finding: _validation(truth[validation, column], logits[validation, column])
            for column, finding in enumerate(targets.findings)
        },
        "n_parameters": sum(parameter.numel() for parameter in model.parameters()),
        "device": str(device),
        "processes": processes.world,
        "notices": notices,
        "seconds": round(time.monotonic() - started, 1),
    }
    save_description(folder, described, prepared.schema)
    write_json(folder / "manifest.json", described)


def _validation(truth: NDArray[np.float32], logits: NDArray[np.float32]) -> dict[str, float | int | str | None]:
    """AUROC of one finding on validation with DeLong's interval, or why there is none."""
    from imagetrain.evaluation.delong import delong

    found = delong(truth, logits)
    return {
        "auroc": _number(found.auroc),
        "low": _number(found.low) if found.status == "ok" else None,
        "high": _number(found.high) if found.status == "ok" else None,
        "n_positive": int((truth == 1).sum()),
        "n_negative": int((truth == 0).sum()),
        "reason": None if found.status == "ok" else found.status.reason,
    }


def _number(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
