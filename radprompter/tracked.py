"""What MLflow is told of a label table, where a recipe asks for it: its manifest and no cell."""

from __future__ import annotations

from radprompter.files import read_json
from radprompter.recipe import StudyRecipe
from radprompter.store import MANIFEST
from radprompter.tracking import Outcome, track

SETTINGS = ("backend", "model", "parameters", "template", "seed", "input", "schema", "versions")
"""Parts of a manifest that say what a table was made from; the numbers of the others say what came of it."""


def track_labels(study: StudyRecipe) -> None:
    """Log the finished label table of a recipe, unless it was."""
    mlflow, folder = study.tracking.mlflow, study.out / "label"
    if mlflow is None:
        return
    manifest = read_json(folder / MANIFEST)
    settings = {name: manifest.pop(name) for name in SETTINGS if name in manifest}
    outcome = Outcome(
        stage="label",
        name=f"{study.name}: label",
        folder=folder,
        source=folder / MANIFEST,
        parameters=settings,
        metrics=manifest,
        documents={MANIFEST: {**settings, **manifest}},
    )
    track(mlflow, study.out, outcome)
