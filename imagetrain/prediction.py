"""A trained classifier and images, in a table or a folder, to predictions, without labels."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import numpy as np

from imagetrain.classifiers import Classifier, networks_of, open_classifier
from imagetrain.preparation import cache_images, rows_of
from imagetrain.radiographs.cache import ExcludedImage, PixelCache
from imagetrain.radiographs.filling import build_cache
from imagetrain.radiographs.folders import find_images
from imagetrain.radiographs.squares import Preprocessing
from imagetrain.radiographs.views import pictured
from imagetrain.recipe import StudyRecipe
from imagetrain.records import EXTERNAL, Predictions
from imagetrain.store import ModelCard, read_label_schema, save_predictions
from radprompter.errors import InputError
from radprompter.files import write_bytes, write_text
from radprompter.spreadsheet import csv_text
from radprompter.terminal import Track, quiet

LEFT_OUT, SALT = "left_out.csv", "study_ids.salt"


def run_predict(
    study: StudyRecipe, *, run: str | None = None, images: Path | None = None, track: Track = quiet
) -> dict[str, Any]:
    """Predict the studies of a table of images with a trained run; writes predictions.parquet and predictions.csv.

    Of a run with folds, logits and thresholds are the means over its networks, as in its external test.

    Parameters
    ----------
    run:
        Name of a run of the recipe; the first if None.
    images:
        A table like the recipe's `data.images`, or a folder as for `predict_folder`; the recipe's table if None.
    """
    from imagetrain.learning.devices import choose_device

    data, recipe = study.need_data(), study.need_train()
    name, networks = networks_of(study, run)
    schema = read_label_schema(data) if data.labels.is_file() else None
    device = choose_device(recipe.device)
    classifiers = [open_classifier(weights, device=device, schema=schema) for weights in networks]
    card, folder = classifiers[0].card, study.out / "predict" / name
    if images is not None and images.is_dir():
        return _of_folder(classifiers, images, folder, view_names=data.images.view_names, hash_ids=False, track=track)
    table = data.images if images is None else data.images.model_copy(update={"path": images, "root": None})
    as_trained = data.model_copy(update={"size": card.size, "equalise": card.equalise})
    cache = cache_images(table, card.views, folder / "cache", data=as_trained, track=track)
    return _predict(classifiers, cache, folder, batch_size=recipe.batch_size, track=track)


def predict_folder(
    weights: Path,
    images: Path,
    out: Path,
    *,
    view_names: Mapping[str, str] | None = None,
    hash_ids: bool = False,
    device: Literal["auto", "cpu", "cuda"] = "auto",
    track: Track = quiet,
) -> dict[str, Any]:
    """Predict the radiographs under a folder with a classifier's file alone, without its recipe or training data.

    Writes predictions.csv, predictions.parquet and left_out.csv: each file that was not used, with the reason. Several
    images of a view of a study count the same: its logits are their mean.

    Parameters
    ----------
    view_names:
        Word of the tags or file names -> the classifier's view that it means.
    hash_ids:
        Write salted hashes in place of StudyInstanceUIDs; the salt is kept in the folder, for its owner alone.
    """
    from imagetrain.learning.devices import choose_device

    classifier = open_classifier(weights, device=choose_device(device))
    return _of_folder([classifier], images, out, view_names=view_names, hash_ids=hash_ids, track=track)


def _of_folder(
    classifiers: Sequence[Classifier],
    images: Path,
    out: Path,
    *,
    view_names: Mapping[str, str] | None,
    hash_ids: bool,
    track: Track,
) -> dict[str, Any]:
    card = classifiers[0].card
    salt = _salt(out / SALT) if hash_ids else None
    found = find_images(images, card.views, view_names=view_names, salt=salt)
    cache = build_cache(
        found.images,
        out / "cache",
        preprocessing=Preprocessing(card.size, card.equalise),
        bad_images="exclude",
        track=track,
    )
    return _predict(classifiers, cache, out, left_out=found.left_out, track=track)


def _predict(
    classifiers: Sequence[Classifier],
    cache: PixelCache,
    folder: Path,
    *,
    left_out: Sequence[ExcludedImage] = (),
    batch_size: int = 32,
    track: Track,
) -> dict[str, Any]:
    from imagetrain.learning.inference import predict_logits
    from imagetrain.pixels.dataset import open_pixels

    card = _mean_thresholds([classifier.card for classifier in classifiers])
    ids, incomplete = pictured(cache, card.views, card.layout["missing_views"])
    if not ids:
        study, reason = next(iter(incomplete.items()))
        raise InputError(f"none of the {len(incomplete)} studies can be predicted; the first, {study}: {reason}")
    device = next(classifiers[0].model.parameters()).device
    pixels = open_pixels(ids, cache.pixels, rows_of(cache, card.views, ids), device=device)
    each = [
        predict_logits(classifier.model, pixels, np.arange(len(ids)), batch_size=batch_size, track=track)
        for classifier in classifiers
    ]
    logits = np.stack(each).mean(axis=0, dtype=np.float64).astype(np.float32)
    n = len(ids)
    if strange := [study for study, finite in zip(ids, np.isfinite(logits).all(axis=1), strict=True) if not finite]:
        raise InputError(
            f"{len(strange)} of {n} studies, such as {strange[0]}, have logits that are no numbers: the weights of "
            f"{card.run!r} are damaged or cannot be used; nothing was written"
        )
    unknown = np.full_like(logits, np.nan)
    predictions = Predictions(ids, ids, ("",) * n, (EXTERNAL,) * n, card.findings, logits, unknown)
    save_predictions(folder / "predictions.parquet", predictions)
    write_text(folder / "predictions.csv", _readable(predictions, card))
    write_text(folder / LEFT_OUT, _reasons([*left_out, *cache.excluded], incomplete))
    return {
        "run": card.run,
        "folder": str(folder),
        "n_studies": n,
        "findings": list(card.findings),
        "incomplete": incomplete,
        "left_out": {image.file: image.reason for image in left_out},
        "n_failed": len(cache.excluded),
        "line": f"{n:,} studies x {len(card.findings)} findings by {card.run}: {folder / 'predictions.csv'}",
    }


def _mean_thresholds(cards: Sequence[ModelCard]) -> ModelCard:
    """The first card, with the mean thresholds of all; a finding without one in some card has none."""
    thresholds = {}
    for finding in cards[0].findings:
        known = [card.thresholds[finding] for card in cards]
        thresholds[finding] = None if None in known else float(np.mean([value for value in known if value is not None]))
    return replace(cards[0], thresholds=thresholds)


def _readable(predictions: Predictions, card: ModelCard) -> str:
    """CSV with a probability and, where the run has a threshold, a call of 1 or 0 a finding."""
    columns: dict[str, Sequence[Any]] = {"study_id": predictions.study_ids}
    for column, finding in enumerate(predictions.findings):
        logits = predictions.logits[:, column]
        columns[finding] = [f"{chance:.6f}" for chance in 1 / (1 + np.exp(-logits.astype(np.float64)))]
        threshold = card.thresholds[finding]
        if threshold is not None:
            columns[f"{finding}:positive"] = (logits >= np.float32(threshold)).astype(int).tolist()
    return csv_text(tuple(columns), zip(*columns.values(), strict=True))


def _reasons(images: Sequence[ExcludedImage], incomplete: Mapping[str, str]) -> str:
    """CSV with every file and study that has no prediction, and why."""
    rows = [(image.file, image.study_id, image.view, image.reason) for image in images]
    rows += [("", study, "", reason) for study, reason in incomplete.items()]
    return csv_text(("file", "study_id", "view", "reason"), rows)


def _salt(path: Path) -> bytes:
    if not path.is_file():
        write_bytes(path, secrets.token_bytes(32))
        path.chmod(0o600)
    return path.read_bytes()
