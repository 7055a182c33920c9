"""The training flow on one screen: tables and images to a cache, to trained runs and their predictions."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from imagetrain.pixels.cache import PixelCache
from imagetrain.preparation import Prepared, cache_images, counts, prepare
from imagetrain.recipe import Data, PolicyRecipe, StudyRecipe, TrainRecipe
from imagetrain.records import TRAIN, VALIDATION, Predictions
from imagetrain.store import (
    ModelCard,
    save_epochs,
    save_model,
    save_predictions,
    save_split,
)
from imagetrain.tracked import track_training
from radprompter.files import STAMP, is_up_to_date, read_json, sha256, stamp_inputs, write_json, write_stamp
from radprompter.terminal import Track, quiet

if TYPE_CHECKING:
    from imagetrain.learning.training import EpochResult

OUTPUTS = ("model.safetensors", "epochs.jsonl", "manifest.json", "predictions.parquet", "../split.csv")

OnEpoch = Callable[[str, "EpochResult"], None]


@dataclass(frozen=True, slots=True)
class TrainedRun:
    """What one run came to, as its manifest says."""

    name: str
    folder: Path
    up_to_date: bool  # nothing was done, since nothing had changed
    manifest: Mapping[str, Any]


def run_cache(study: StudyRecipe, *, track: Track = quiet) -> dict[str, Any]:
    """Bring the pixel cache up to date; the summary of the stage."""
    data = study.need_data()
    folder = study.out / "cache"
    before = _hash_of(folder / "manifest.json")
    cache = cache_images(data.images, data.views, folder, data=data, track=track)
    incomplete = cache.incomplete(data.views)
    n_studies = len(cache.rows(data.views))
    line = f"{n_studies:,} studies, {len(cache.images):,} images of {data.size} x {data.size} pixels"
    if incomplete:
        line += f"; {len(incomplete):,} studies left out"
    return {
        "n_images": len(cache.images),
        "n_studies": n_studies,
        "incomplete": incomplete,
        "excluded": dict(cache.excluded),
        "n_failed": len(cache.excluded),
        "up_to_date": before is not None and before == _hash_of(folder / "manifest.json"),
        "line": line,
    }


def run_train(study: StudyRecipe, *, track: Track = quiet, on_epoch: OnEpoch | None = None) -> dict[str, Any]:
    """Train every run of a recipe, each unless it is up to date; the summary of the stage."""
    runs = train_runs(study, track=track, on_epoch=on_epoch)
    first = runs[0].manifest
    scores = [(run.name, run.manifest["validation_auroc"]) for run in runs]
    shown = ", ".join(f"{name} {score:.3f}" if score is not None else f"{name} –" for name, score in scores)
    return {
        "runs": {run.name: {**run.manifest, "folder": str(run.folder), "up_to_date": run.up_to_date} for run in runs},
        "up_to_date": all(run.up_to_date for run in runs),
        "n_failed": 0,
        "line": f"{len(first['findings'])} findings, {first['n_studies'][TRAIN]:,} training studies; "
        f"validation AUROC: {shown}",
    }


def train_runs(study: StudyRecipe, *, track: Track = quiet, on_epoch: OnEpoch | None = None) -> tuple[TrainedRun, ...]:
    """Train every run of a recipe that is not up to date.

    Raises
    ------
    InputError
        If the tables, images, split or model cannot be used.
    TrainingError
        If a loss is not finite.
    """
    data, recipe = study.need_data(), study.need_train()
    if not all((study.out / "train" / name / STAMP).is_file() for name in recipe.runs):
        from imagetrain.learning.models import refuse_unknown_model

        refuse_unknown_model(recipe.model)  # before the images are read, which may take hours
    cache = cache_images(data.images, data.views, study.out / "cache", data=data, track=track)
    prepared = prepare(data, recipe, cache)
    runs = []
    for name, policy in recipe.runs.items():
        folder = study.out / "train" / name
        made_from = _made_from(data, recipe, policy, prepared, cache)
        up_to_date = is_up_to_date(folder, made_from)
        if not up_to_date:
            save_split(study.out / "train" / "split.csv", prepared.split)
            _train_run(name, folder, study, prepared, cache, track, on_epoch)
            write_stamp(folder, made_from, OUTPUTS)
        track_training(study, name)
        runs.append(TrainedRun(name, folder, up_to_date, read_json(folder / "manifest.json")))
    return tuple(runs)


def _train_run(
    name: str,
    folder: Path,
    study: StudyRecipe,
    prepared: Prepared,
    cache: PixelCache,
    track: Track,
    on_epoch: OnEpoch | None,
) -> None:
    """Train one run and write its folder."""
    from imagetrain.evaluation.auroc import auroc
    from imagetrain.evaluation.thresholds import youden
    from imagetrain.learning.inference import choose_device, predict_logits
    from imagetrain.learning.models import build_model, to_arrays
    from imagetrain.learning.training import Material, train
    from imagetrain.pixels.augment import refuse_flips
    from imagetrain.pixels.dataset import open_pixels

    started = time.monotonic()
    data, recipe = study.need_data(), study.need_train()
    targets, split = prepared.targets[name], prepared.split
    refuse_flips(recipe.augment, prepared.schema)
    device = choose_device(recipe.device)
    training, validation = prepared.where(TRAIN), prepared.where(VALIDATION)
    known = np.where(targets.mask[training], targets.values[training], np.nan)
    model = build_model(
        recipe.model,
        n_views=len(data.views),
        n_findings=len(targets.findings),
        size=data.size,
        pretrained=recipe.pretrained,
        prevalence=np.nanmean(known, axis=0, dtype=np.float64),
        seed=recipe.seed,
    )
    pixels = open_pixels(split.study_ids, cache.pixels, prepared.rows, device=device)
    epochs = []
    material = Material(pixels, targets, training, validation)
    for result in train(model, material, recipe, score=auroc, track=track, name=name):
        epochs.append(result)
        if on_epoch is not None:
            on_epoch(name, result)
    every = np.arange(len(pixels))
    logits = predict_logits(
        model, pixels, every, batch_size=2 * recipe.batch_size, precision=recipe.precision, track=track
    )
    truth = np.where(targets.mask, targets.values, np.float32(np.nan))
    thresholds = {
        finding: _number(youden(truth[validation, column], logits[validation, column]).threshold)
        for column, finding in enumerate(targets.findings)
    }
    best = next(epoch for epoch in reversed(epochs) if epoch.is_best)
    versions = {package: version(package) for package in ("torch", "timm", "numpy", "radprompter-imagetrain")}
    card = ModelCard(
        run=name,
        model=recipe.model,
        findings=targets.findings,
        views=data.views,
        size=data.size,
        equalise=data.equalise,
        thresholds=thresholds,
        label_schema=prepared.schema.to_json(),
        schema_hash=prepared.schema.hash,
        policy=recipe.runs[name].model_dump(mode="json"),
        best_epoch=best.epoch,
        validation_auroc=_number(best.validation_auroc),
        hashes={"labels": sha256(data.labels), "pixels": cache.hash},
        versions=versions,
    )
    save_model(folder / "model.safetensors", to_arrays(model), card)
    save_predictions(
        folder / "predictions.parquet",
        Predictions(split.study_ids, split.patient_ids, split.sites, split.parts, targets.findings, logits, truth),
    )
    save_epochs(folder / "epochs.jsonl", epochs)
    described = asdict(card) | {
        "label_schema": prepared.schema.name,
        "recipe": recipe.model_dump(mode="json"),
        "left_out": dict(prepared.left_out),
        "excluded": dict(prepared.excluded),
        "n_studies": {part: split.parts.count(part) for part in dict.fromkeys(split.parts)},
        "targets": counts(targets, split),
        "n_parameters": sum(parameter.numel() for parameter in model.parameters()),
        "device": str(device),
        "seconds": round(time.monotonic() - started, 1),
    }
    write_json(folder / "manifest.json", described)


def _made_from(
    data: Data, recipe: TrainRecipe, policy: PolicyRecipe, prepared: Prepared, cache: PixelCache
) -> dict[str, Any]:
    """Everything that a run's result depends on; found without importing torch."""
    split = prepared.split
    settings = {
        "data": data.model_dump(mode="json", exclude={"bad_images"}),
        "train": recipe.model_dump(mode="json", exclude={"runs", "device"}),
        "policy": policy.model_dump(mode="json"),
        "findings": prepared.findings,
        "split": [split.study_ids, split.patient_ids, split.sites, split.parts],
        "pixels": cache.hash,
    }
    return stamp_inputs(settings, [data.labels])


def _hash_of(file: Path) -> str | None:
    return sha256(file) if file.is_file() else None


def _number(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
