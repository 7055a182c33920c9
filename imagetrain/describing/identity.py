"""What two evaluations must have in common for their numbers to be compared, and what may differ between their runs."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from imagetrain.evaluation.comparison.comparability import OF_SCORES
from imagetrain.evaluation.numbers import Options
from imagetrain.evaluation.report import FORMAT
from imagetrain.recipe import StudyRecipe
from imagetrain.records import EXTERNAL, PARTS, TEST, Predictions
from imagetrain.store import read_manifest
from radprompter.files import sha256

TESTED = (TEST, EXTERNAL)


def identify(study: StudyRecipe, runs: Mapping[str, Predictions], options: Options) -> dict[str, Any]:
    """The identity of an evaluation, as ``metrics.json`` has it.

    Studies, patients, split and labels are told as counts and fingerprints that no order of rows changes; the
    projection says how labels became what is tested against.

    Parameters
    ----------
    runs:
        Name -> predictions, with the targets that they are tested against.
    """
    first = next(iter(runs.values()))
    tested = first.take([i for i, part in enumerate(first.parts) if part in TESTED])
    scores = study.evaluate.scores
    manifests = {name: {} if scores else read_manifest(study.out / "train" / name / "manifest.json") for name in runs}
    predictions = scores or {name: study.out / "train" / name / "predictions.parquet" for name in runs}
    return {
        "format": FORMAT,
        "studies": _counted(tested.study_ids),
        "patients": _counted(tested.patient_ids),
        "labels": {name: _labels(tested, f) for f, name in enumerate(tested.findings)},
        "split": {part: _counted(first.part(part).study_ids) for part in PARTS if part in first.parts},
        "findings": list(first.findings),
        "projection": _projection(study, first.findings, next(iter(manifests.values()))),
        "options": asdict(options),
        "runs": {name: _run(predictions[name], manifests[name]) for name in runs},
    }


def _projection(study: StudyRecipe, findings: Iterable[str], manifest: Mapping[str, Any]) -> dict[str, Any]:
    """How the labels of tested studies became 1, 0 or not known."""
    recipe = study.evaluate
    own = {site: one.model_dump(mode="json", exclude={"path", "id"}) for site, one in recipe.sites.items()}
    sites = {"sites": own} if own else {}
    if recipe.reference is not None:
        return {"source": "reference"} | recipe.reference.model_dump(mode="json", exclude={"path", "id"}) | sites
    if recipe.scores:
        return {"source": OF_SCORES} | sites
    policies = list(study.train.runs.values()) if study.train else []
    ignored = {name for name in findings if any(one.rule(name).not_mentioned == "ignore" for one in policies)}
    return {
        "source": "labels read from the reports",
        "label_schema": manifest.get("label_schema"),
        "label_schema_hash": manifest.get("schema_hash"),
        "uncertain": "not known",
        "not_mentioned": {name: "not known" if name in ignored else "negative" for name in findings},
    } | sites


def _run(predictions: Path, manifest: Mapping[str, Any]) -> dict[str, Any]:
    """What may differ between runs that are compared, and the hash of the predictions that were evaluated."""
    recipe = {key: value for key, value in manifest.get("recipe", {}).items() if key != "runs"}
    named = ("model", "policy", "views", "size", "equalise", "label_schema", "hashes", "versions")
    facts = {key: manifest[key] for key in named if key in manifest}
    return {"predictions": sha256(predictions) if predictions.is_file() else None, "about": facts | {"train": recipe}}


def _counted(ids: Iterable[str]) -> dict[str, Any]:
    distinct = sorted(set(ids))
    return {"n": len(distinct), "hash": _fingerprint("\n".join(distinct).encode())}


def _labels(tested: Predictions, column: int) -> dict[str, Any]:
    """Counts and fingerprint of the labels of one finding."""
    order = np.argsort(np.array(tested.study_ids, dtype=str), kind="stable")
    targets = tested.targets[order, column]
    codes = np.where(np.isnan(targets), 2, targets).astype(np.uint8)
    n_positive, n = int((targets == 1).sum()), int((~np.isnan(targets)).sum())
    return {"n": n, "n_positive": n_positive, "hash": _fingerprint(codes.tobytes())}


def _fingerprint(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:16]
