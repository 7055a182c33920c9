"""A trained run to model.onnx, kept only if it gives the same logits there on images of the study."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from imagetrain.classifiers import Classifier, open_classifier, open_images_of, weights_of
from imagetrain.preparation import rows_of
from imagetrain.radiographs.views import pictured
from imagetrain.recipe import StudyRecipe
from radprompter.errors import InputError
from radprompter.files import atomic, sha256, write_json

if TYPE_CHECKING:
    from imagetrain.learning.export import Parity

N_STUDIES, BATCH = 32, 8  # studies that logits are compared on
TOLERANCE = 1e-3  # of a logit: far below what changes a decision, far above rounding in float32


def run_export(study: StudyRecipe, *, run: str | None = None, tolerance: float = TOLERANCE) -> dict[str, Any]:
    """Write out/export/<run>/model.onnx and model.onnx.json; the summary of the stage.

    Raises
    ------
    InputError
        If the run is not trained, its images are not cached, or the logits differ by more than `tolerance`: nothing is
        written then.
    """
    import torch

    from imagetrain.learning.export import export_onnx, inputs_of, measure_parity

    name, weights = weights_of(study, run)
    classifier = open_classifier(weights, device=torch.device("cpu"))
    model, card = classifier
    path = study.out / "export" / name / "model.onnx"
    described = _describe(classifier, weights) | {"inputs": list(inputs_of(model))}
    batches = _cached_batches(study, classifier)
    with atomic(path) as part:
        export_onnx(model, part, size=card.size, metadata={"imagetrain.findings": "\n".join(card.findings)})
        parity = measure_parity(model, part, batches)
        _refuse_difference(parity, tolerance, name)
    write_json(
        path.with_suffix(".onnx.json"),
        described | {"sha256": sha256(path), "parity": {**parity._asdict(), "tolerance": tolerance}},
    )
    return {
        "run": name,
        "file": str(path),
        "parity": parity._asdict(),
        "line": f"{path}: logits differ from torch's by at most {parity.max_difference:.2g} "
        f"on {parity.n_studies} studies of the cache",
    }


def _describe(classifier: Classifier, weights: Path) -> dict[str, Any]:
    card = asdict(classifier.card)
    kept = ("run", "model", "findings", "views", "size", "equalise", "layout", "thresholds", "schema_hash", "versions")
    return {name: card[name] for name in kept} | {
        "images": "float32 (n, views, size, size): grey values 0 to 255, divided by 127.5, minus 1",
        "logits": "float32 (n, findings); probability = 1 / (1 + exp(-logit)); positive if logit >= threshold",
        "weights_sha256": sha256(weights),
    }


def _cached_batches(study: StudyRecipe, classifier: Classifier) -> list[tuple[Any, Any]]:
    """Images of some studies as the network takes them, and which views are there."""
    import torch

    from imagetrain.pixels.augment import to_input
    from imagetrain.pixels.dataset import open_pixels

    card = classifier.card
    cache = open_images_of(card, study)
    ids = pictured(cache, card.views, card.layout["missing_views"]).studies[:N_STUDIES]
    pixels = open_pixels(ids, cache.pixels, rows_of(cache, card.views, ids), device=torch.device("cpu"))
    batches = []
    for start in range(0, len(ids), BATCH):
        images, present = pixels.batch(np.arange(start, min(start + BATCH, len(ids))))
        batches.append((to_input(images).numpy(), present.numpy()))
    return batches


def _refuse_difference(parity: Parity, tolerance: float, run: str) -> None:
    if not parity.max_difference <= tolerance:
        raise InputError(
            f"run {run!r}: logits of ONNX differ from torch's by {parity.max_difference:.2g}, more than {tolerance:g} "
            f"(largest logit {parity.largest_logit:.3g}); nothing was written. Raise --tolerance if that is no matter"
        )
