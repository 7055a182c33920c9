"""A trained run and a table of images to predictions, without labels."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from imagetrain.classifiers import open_classifier
from imagetrain.preparation import cache_images, rows_of
from imagetrain.recipe import StudyRecipe
from imagetrain.records import EXTERNAL, Predictions
from imagetrain.store import ModelCard, read_label_schema, save_predictions
from radprompter.errors import RecipeError
from radprompter.files import write_text
from radprompter.terminal import Track, quiet


def run_predict(
    study: StudyRecipe, *, run: str | None = None, images: Path | None = None, track: Track = quiet
) -> dict[str, Any]:
    """Predict the studies of a table of images with a trained run; writes predictions.parquet and predictions.csv.

    Parameters
    ----------
    run:
        Name of a run of the recipe; the first if None.
    images:
        A table like the recipe's `data.images`; that one if None.
    """
    data, recipe = study.need_data(), study.need_train()
    name = run or next(iter(recipe.runs))
    if name not in recipe.runs:
        raise RecipeError(f"the recipe has no run {name!r}; it has: {', '.join(recipe.runs)}")
    from imagetrain.learning.devices import choose_device
    from imagetrain.learning.inference import predict_logits
    from imagetrain.pixels.dataset import open_pixels

    device = choose_device(recipe.device)
    schema = read_label_schema(data) if data.labels.is_file() else None
    model, card = open_classifier(study.out / "train" / name / "model.safetensors", device=device, schema=schema)
    table = data.images if images is None else data.images.model_copy(update={"path": images, "root": None})
    folder = study.out / "predict" / name
    as_trained = data.model_copy(update={"size": card.size, "equalise": card.equalise})
    cache = cache_images(table, card.views, folder / "cache", data=as_trained, track=track)
    ids = tuple(study for study, rows in cache.rows(card.views).items() if all(rows))
    pixels = open_pixels(ids, cache.pixels, rows_of(cache, card.views, ids), device=device)
    logits = predict_logits(model, pixels, np.arange(len(ids)), batch_size=recipe.batch_size, track=track)
    n = len(ids)
    unknown = np.full_like(logits, np.nan)
    predictions = Predictions(ids, ids, ("",) * n, (EXTERNAL,) * n, card.findings, logits, unknown)
    save_predictions(folder / "predictions.parquet", predictions)
    write_text(folder / "predictions.csv", _readable(predictions, card))
    return {
        "run": name,
        "folder": str(folder),
        "n_studies": n,
        "findings": list(card.findings),
        "incomplete": cache.incomplete(card.views),
        "n_failed": len(cache.excluded),
        "line": f"{n:,} studies x {len(card.findings)} findings by {name}: {folder / 'predictions.csv'}",
    }


def _readable(predictions: Predictions, card: ModelCard) -> str:
    """CSV with a probability and, where the run has a threshold, a call of 1 or 0 a finding."""
    import pandas as pd

    columns: dict[str, Any] = {"study_id": predictions.study_ids}
    for column, finding in enumerate(predictions.findings):
        logits = predictions.logits[:, column]
        columns[finding] = np.round(1 / (1 + np.exp(-logits.astype(np.float64))), 6)
        threshold = card.thresholds[finding]
        if threshold is not None:
            columns[f"{finding}:positive"] = (logits >= np.float32(threshold)).astype(int)
    return pd.DataFrame(columns).to_csv(index=False)
