"""The training flow on one screen: tables and images to a cache, to trained runs and their predictions."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from imagetrain.fitting import fit_run
from imagetrain.gathering.sources import check_files
from imagetrain.leak_check import check_leakage
from imagetrain.learning.processes import Processes, joined
from imagetrain.locks import in_use, locked
from imagetrain.pooling import pool_run
from imagetrain.preparation import Prepared, cache_images, open_images, prepare
from imagetrain.radiographs.cache import PixelCache
from imagetrain.radiographs.filling import LOCK
from imagetrain.radiographs.guarded import cannot_limit
from imagetrain.radiographs.views import pictured
from imagetrain.recipe import StudyRecipe
from imagetrain.recording import Fit
from imagetrain.records import TRAIN
from imagetrain.resuming import FREE, Checkpoints
from imagetrain.store import read_studies, save_split
from imagetrain.targets.leakage import Leakage
from imagetrain.teaching import read_lessons
from imagetrain.tracked import track_training
from imagetrain.watching import SILENT, Several, Watch
from radprompter.files import STAMP, is_up_to_date, read_json, sha256, stamp_inputs, write_stamp
from radprompter.terminal import Track, quiet

OUTPUTS = (
    "model.safetensors",
    "model.json",
    "MODEL_CARD.md",
    "epochs.jsonl",
    "manifest.json",
    "predictions.parquet",
)
POOLED = ("manifest.json", "predictions.parquet")
SPLIT = "split.csv"
LOCKED = "train.lock"


@dataclass(frozen=True, slots=True)
class TrainedRun:
    """What one run came to, as its manifest says."""

    name: str
    folder: Path
    up_to_date: bool  # nothing was done, since nothing had changed
    manifest: Mapping[str, Any]
    leakage: Leakage  # of the study, the same for all runs


def run_cache(study: StudyRecipe, *, track: Track = quiet) -> dict[str, Any]:
    """Bring the pixel cache up to date; the summary of the stage."""
    data = study.need_data()
    folder = study.out / "cache"
    before = _hash_of(folder / "manifest.json")
    started = time.monotonic()
    cache = cache_images(data.images, data.views, folder, data=data, track=track)
    studies, incomplete = pictured(cache, data.views, data.missing_views)
    line = f"{len(studies):,} studies, {len(cache.images):,} images of {data.size} x {data.size} pixels"
    if incomplete:
        line += f"; {len(incomplete):,} studies left out"
    if cache.n_read:
        line += f"; {cache.n_read:,} read at {cache.n_read / (time.monotonic() - started):,.0f} a second"
    warned = {image.file: list(image.warnings) for image in cache.images if image.warnings}
    if warned:
        line += f"; {len(warned):,} images with warnings"
    if cache.unused:
        line += f"; {len(cache.unused):,} images not used"
    return {
        "n_images": len(cache.images),
        "n_studies": len(studies),
        "incomplete": incomplete,
        "excluded": {image.file: image.reason for image in cache.excluded},
        "unused": {image.file: image.reason for image in cache.unused},
        "warnings": warned,
        "notices": [notice for notice in (cannot_limit(),) if notice],
        "n_read": cache.n_read,
        "seconds": round(time.monotonic() - started, 1),
        "n_failed": len(cache.excluded),
        "up_to_date": before is not None and before == _hash_of(folder / "manifest.json"),
        "line": line,
    }


def run_train(
    study: StudyRecipe, *, go_on: bool = False, track: Track = quiet, watch: Watch = SILENT
) -> dict[str, Any]:
    """Train every run of a recipe, each unless it is up to date; the summary of the stage."""
    runs = train_runs(study, go_on=go_on, track=track, watch=watch)
    first = runs[0].manifest
    scores = [(run.name, run.manifest["validation_auroc"]) for run in runs]
    shown = ", ".join(f"{name} {score:.3f}" if score is not None else f"{name} –" for name, score in scores)
    return {
        "runs": {run.name: {**run.manifest, "folder": str(run.folder), "up_to_date": run.up_to_date} for run in runs},
        "up_to_date": all(run.up_to_date for run in runs),
        "n_failed": 0,
        "leakage": runs[0].leakage.line,
        "line": f"{len(first['findings'])} findings, {first['n_studies'][TRAIN]:,} training studies; "
        f"validation AUROC: {shown}",
    }


def train_runs(
    study: StudyRecipe, *, go_on: bool = False, track: Track = quiet, watch: Watch = SILENT
) -> tuple[TrainedRun, ...]:
    """Train every run of a recipe that is not up to date; one that was stopped goes on from its last checkpoint.

    Parameters
    ----------
    go_on:
        Go on also from a checkpoint whose learning rate or the like (`resuming.FREE`) was another one.

    Raises
    ------
    InputError
        If the tables, images, split or model cannot be used.
    TrainingError
        If a loss is not finite, memory does not suffice, or another process of this training is gone.
    StoppedError
        If a signal asked to stop; a checkpoint is kept.
    """
    data, recipe = study.need_data(), study.need_train()
    if not all((study.out / "train" / name / STAMP).is_file() for name in recipe.runs):
        from imagetrain.learning.networks import refuse_unknown_model

        refuse_unknown_model(recipe.model)  # before the images are read, which may take hours
        check_files(study)
        read_lessons(data, recipe)
        read_studies(data.studies)
    with joined(recipe.device) as processes, _watched(study, watch) as watch:
        ready = processes.first(
            lambda: _ready(study, cache_images(data.images, data.views, study.out / "cache", data=data, track=track)),
            lambda: _ready(study, open_images(data.images, data.views, study.out / "cache")),
        )
        with in_use(study.out / "cache" / LOCK):  # its pixels are read until the end
            return tuple(
                _train_run(name, study, ready, processes, go_on=go_on, track=track, watch=watch) for name in recipe.runs
            )


class _Ready(NamedTuple):
    """What all runs are trained on; one `Prepared` a fold."""

    cache: PixelCache
    folds: Sequence[Prepared]
    leakage: Leakage


def _ready(study: StudyRecipe, cache: PixelCache) -> _Ready:
    data = study.need_data()
    folds = prepare(data, study.need_train(), cache)
    return _Ready(cache, folds, check_leakage(study.out / "train", data, folds, cache))


def _train_run(
    name: str, study: StudyRecipe, ready: _Ready, processes: Processes, *, go_on: bool, track: Track, watch: Watch
) -> TrainedRun:
    """Train a run, or each of its folds, unless that is up to date."""
    folder = study.out / "train" / name
    made_from, was_done = {}, True
    for prepared in ready.folds:
        here = folder if prepared.fold is None else folder / f"fold{prepared.fold}"
        made_from[here] = _made_from(name, study, prepared, ready.cache)
        (is_done,) = processes.any(processes.leads and is_up_to_date(here, made_from[here]))
        was_done &= is_done
        checkpoints = Checkpoints(
            here / "checkpoint",
            made_from[here],
            _made_from(name, study, prepared, ready.cache, without=FREE),
            study.need_train().model_dump(mode="json"),
            minutes=study.need_train().checkpoint_minutes,
            go_on=go_on,
        )
        if not is_done:
            if processes.leads:
                save_split(study.out / "train" / SPLIT, [fold.split for fold in ready.folds])
            lock = locked(here / LOCKED, "is training this run") if processes.leads else contextlib.nullcontext()
            with lock:
                fit_run(
                    Fit(name, here, study, prepared, ready.cache),
                    checkpoints=checkpoints,
                    processes=processes,
                    track=track,
                    watch=watch,
                )
                if processes.leads:
                    write_stamp(here, made_from[here], [*OUTPUTS, os.path.relpath(study.out / "train" / SPLIT, here)])
        if processes.leads:
            checkpoints.remove()
    if processes.leads:
        _remove_former(folder, list(made_from))
        was_done &= not study.need_data().split.folds or _pooled(folder, made_from)
        track_training(study, name)
    processes.any(False)  # its files are there when all are here
    return TrainedRun(name, folder, was_done, read_json(folder / "manifest.json"), ready.leakage)


def _remove_former(folder: Path, current: Sequence[Path]) -> None:
    """Remove results of a recipe with other folds, or none: beside those of now they would be taken for them."""
    for place in (folder, *sorted(folder.glob("fold*"))):
        if place not in current:
            kept = POOLED if place == folder else ()
            former = [place / name for name in (*OUTPUTS, *([] if kept else [STAMP, LOCKED])) if name not in kept]
            for file in former:
                with contextlib.suppress(OSError):
                    file.unlink()
            with contextlib.suppress(OSError):  # what else is there stays
                place.rmdir()


def _pooled(folder: Path, made_from: Mapping[Path, Any]) -> bool:
    """Pool the folds of a run, unless that was done; whether it was."""
    of_folds = {"folds": list(made_from.values())}
    if is_up_to_date(folder, of_folds):
        return True
    pool_run(folder, list(made_from))
    write_stamp(folder, of_folds, POOLED)
    return False


@contextlib.contextmanager
def _watched(study: StudyRecipe, watch: Watch) -> Iterator[Watch]:
    """Whom to tell: also TensorBoard, if the recipe asks for it."""
    wanted = study.tracking.tensorboard
    if not wanted or os.environ.get("RANK", "0") != "0":
        yield watch
        return
    from imagetrain.learning.tensorboard import TensorBoard

    board = TensorBoard(study.out / "tensorboard" if wanted is True else wanted, watch)
    yield Several(watch, board)
    board.close()


def _made_from(
    name: str, study: StudyRecipe, prepared: Prepared, cache: PixelCache, *, without: Iterable[str] = ()
) -> dict[str, Any]:
    """Everything that a run's result depends on, but for some settings of `train`; found without importing torch."""
    data, recipe = study.need_data(), study.need_train()
    policy, split = recipe.runs[name], prepared.split
    settings = {
        "data": data.model_dump(mode="json", exclude={"bad_images": True, "split": {"leakage"}}),
        "train": recipe.model_dump(mode="json", exclude={"runs", "device", "checkpoint_minutes", *without}),
        "policy": policy.model_dump(mode="json"),
        "targets": prepared.targets[name].hash,
        "split": [split.study_ids, split.patient_ids, split.sites, split.parts],
        "pixels": cache.hash,
    }
    files = [data.labels, policy.labels, recipe.pretrained]
    return stamp_inputs(settings, [file for file in files if isinstance(file, Path)])


def _hash_of(file: Path) -> str | None:
    return sha256(file) if file.is_file() else None
