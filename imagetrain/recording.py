"""What a run that is trained leaves in its folder: model file, predictions, description and manifest."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from imagetrain.preparation import Prepared, counts
from imagetrain.radiographs.cache import PixelCache
from imagetrain.recipe import StudyRecipe
from imagetrain.records import VALIDATION, EpochResult, Predictions
from imagetrain.store import ModelCard, save_description, save_model, save_predictions
from radprompter.files import sha256, write_json

if TYPE_CHECKING:
    from imagetrain.learning.models import ViewClassifier

PACKAGES = ("torch", "timm", "numpy", "radprompter-imagetrain")  # whose versions are told


class Fit(NamedTuple):
    """One run of a recipe in one fold: what it is trained on, and the folder that it is written to."""

    name: str
    folder: Path
    study: StudyRecipe
    prepared: Prepared
    cache: PixelCache


class Fitted(NamedTuple):
    """What training came to.

    Parameters
    ----------
    logits:
        float32 ``(n_studies, n_findings)`` of every study, in the order of the split.
    notices:
        What somebody should know of how it went.
    processes:
        How many trained together.
    """

    model: ViewClassifier
    epochs: Sequence[EpochResult]
    logits: NDArray[np.float32]
    notices: Sequence[str]
    device: str
    processes: int
    seconds: float


def record_run(fit: Fit, fitted: Fitted) -> None:
    """Write the folder of a run."""
    from imagetrain.learning.models import to_arrays

    prepared, split = fit.prepared, fit.prepared.split
    targets = prepared.targets[fit.name]
    patients = [split.patient_ids[row] for row in prepared.where(VALIDATION)]
    card = _card(fit, fitted)
    save_model(fit.folder / "model.safetensors", to_arrays(fitted.model), card)
    save_predictions(
        fit.folder / "predictions.parquet",
        Predictions(
            split.study_ids,
            split.patient_ids,
            split.sites,
            split.parts,
            targets.findings,
            fitted.logits,
            targets.definitive,
        ),
    )
    described = asdict(card) | {
        "label_schema": prepared.schema.name,
        "recipe": fit.study.need_train().model_dump(mode="json"),
        "data": fit.study.need_data().model_dump(mode="json"),
        "left_out": dict(prepared.left_out),
        "excluded": dict(prepared.excluded),
        "unused_images": dict(prepared.unused),
        "n_images": {
            "found": len(fit.cache.images) + len(prepared.unused),
            "used": int((prepared.rows >= 0).sum()),
        },
        "n_studies": {part: split.parts.count(part) for part in dict.fromkeys(split.parts)},
        "targets": counts(targets, split),
        "validation": {
            finding: validation_auroc(truth, logits, patients)
            for finding, truth, logits in _on_validation(fit, fitted.logits)
        },
        "n_parameters": sum(parameter.numel() for parameter in fitted.model.parameters()),
        "device": fitted.device,
        "processes": fitted.processes,
        "notices": list(fitted.notices),
        "seconds": round(fitted.seconds, 1),
    }
    save_description(fit.folder, described, prepared.schema)
    write_json(fit.folder / "manifest.json", described)


def _card(fit: Fit, fitted: Fitted) -> ModelCard:
    from imagetrain.evaluation.thresholds import youden

    data, recipe, schema = fit.study.need_data(), fit.study.need_train(), fit.prepared.schema
    best = next(epoch for epoch in reversed(fitted.epochs) if epoch.is_best)
    hashes = {"labels": sha256(recipe.runs[fit.name].labels or data.labels), "pixels": fit.cache.hash}
    if isinstance(recipe.pretrained, Path):
        hashes["pretrained"] = sha256(recipe.pretrained)
    return ModelCard(
        run=fit.name,
        model=recipe.model,
        findings=fit.prepared.findings,
        views=data.views,
        size=data.size,
        equalise=data.equalise,
        layout=fitted.model.layout._asdict(),
        thresholds={
            finding: _number(youden(truth, logits).threshold)
            for finding, truth, logits in _on_validation(fit, fitted.logits)
        },
        label_schema=schema.to_json(),
        schema_hash=schema.hash,
        policy=recipe.runs[fit.name].model_dump(mode="json"),
        best_epoch=best.epoch,
        validation_auroc=_number(best.validation_auroc),
        hashes=hashes,
        versions={package: version(package) for package in PACKAGES},
    )


def _on_validation(fit: Fit, logits: NDArray[np.float32]) -> list[tuple[str, NDArray[np.float32], NDArray[np.float32]]]:
    """Each finding with its labels, NaN where there are none, and its logits on validation."""
    targets, validation = fit.prepared.targets[fit.name], fit.prepared.where(VALIDATION)
    truth = targets.definitive[validation]
    return list(zip(targets.findings, truth.T, logits[validation].T, strict=True))


def validation_auroc(
    truth: NDArray[np.float32], logits: NDArray[np.float32], patients: Sequence[str]
) -> dict[str, float | int | str | None]:
    """AUROC of one finding on validation with DeLong's interval, patients independent, or why there is none."""
    from imagetrain.evaluation.delong import delong

    found = delong(truth, logits, patient_ids=patients)
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
