"""The networks of all folds of a run as one: out-of-fold predictions, and a manifest that says what they are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from imagetrain.records import ALL_FOLDS, EXTERNAL, TEST, VALIDATION, Predictions
from imagetrain.store import read_predictions, save_predictions
from radprompter.files import read_json, write_json


def pool_predictions(folds: Sequence[Predictions]) -> Predictions:
    """What no network has been trained on: validation and test studies of each fold, and the mean of all outside.

    Each internal study is tested once, by the network of the fold that it is in. Its validation rows stay with the
    networks that they validated, so that each network has a threshold of its own. External studies have the mean of
    all networks' logits.

    Parameters
    ----------
    folds:
        Predictions of the same studies in the same order, once a fold.
    """
    first = folds[0]
    kept = []
    for number, predictions in enumerate(folds, start=1):
        rows = [i for i, part in enumerate(predictions.parts) if part in (VALIDATION, TEST)]
        kept.append(replace(predictions.take(rows), folds=(number,) * len(rows)))
    outside = [i for i, part in enumerate(first.parts) if part == EXTERNAL]
    logits = np.stack([predictions.logits[outside] for predictions in folds]).mean(axis=0, dtype=np.float64)
    kept.append(replace(first.take(outside), logits=logits.astype(np.float32), folds=(ALL_FOLDS,) * len(outside)))
    return _joined(kept)


def pool_manifests(manifests: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The manifest of a run with folds: what all folds share, what they were tested on together, and each fold's own.

    Numbers of training and validation studies, `thresholds` and `validation_auroc` are means over the folds; one that
    some fold does not have is None.
    """
    first = manifests[0]
    own = ("n_studies", "targets", "validation", "thresholds", "best_epoch", "validation_auroc", "seconds", "notices")
    folds = [
        {"fold": number} | {name: one[name] for name in own if name in one}
        for number, one in enumerate(manifests, start=1)
    ]
    parts = dict.fromkeys(part for one in manifests for part in one["n_studies"])
    n_studies = {part: [one["n_studies"].get(part, 0) for one in manifests] for part in parts}
    return {name: value for name, value in first.items() if name not in own} | {
        "folds": folds,
        "n_studies": {part: sum(n) if part == TEST else round(sum(n) / len(n)) for part, n in n_studies.items()},
        "thresholds": {name: _mean([one["thresholds"][name] for one in manifests]) for name in first["findings"]},
        "best_epoch": None,
        "validation_auroc": _mean([one["validation_auroc"] for one in manifests]),
        "seconds": round(sum(one["seconds"] for one in manifests), 1),
    }


def pool_run(folder: Path, folds: Sequence[Path]) -> None:
    """Write predictions and manifest of a run from those of its folds."""
    save_predictions(
        folder / "predictions.parquet",
        pool_predictions([read_predictions(fold / "predictions.parquet") for fold in folds]),
    )
    write_json(folder / "manifest.json", pool_manifests([read_json(fold / "manifest.json") for fold in folds]))


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return float(np.mean(known)) if len(known) == len(values) else None


def _joined(parts: Sequence[Predictions]) -> Predictions:
    return Predictions(
        tuple(study for part in parts for study in part.study_ids),
        tuple(patient for part in parts for patient in part.patient_ids),
        tuple(site for part in parts for site in part.sites),
        tuple(name for part in parts for name in part.parts),
        parts[0].findings,
        np.concatenate([part.logits for part in parts]),
        np.concatenate([part.targets for part in parts]),
        tuple(fold for part in parts for fold in part.folds or ()),
    )
