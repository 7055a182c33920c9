"""What MLflow is told of classifiers and their evaluation, where a recipe asks for it: numbers, and no study's."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import orjson

from imagetrain.recipe import StudyRecipe
from radprompter.files import read_json
from radprompter.tracking import Outcome, track

EPOCHS, MANIFEST = "epochs.jsonl", "manifest.json"


def track_training(study: StudyRecipe, run: str) -> None:
    """Log a trained run, unless it was: settings, counts, each epoch; studies that were left out are only counted."""
    mlflow, folder = study.tracking.mlflow, study.out / "train" / run
    if mlflow is None:
        return
    manifest = read_json(folder / MANIFEST)
    for named in ("excluded", "unused_images"):
        manifest[named] = len(manifest[named])
    settings = {name: manifest[name] for name in ("policy", "hashes", "label_schema", "device", "versions")}
    recipe = study.need_train().model_dump(mode="json", exclude={"runs"})
    data = study.need_data().model_dump(mode="json")
    came_out = ("n_studies", "n_parameters", "excluded", "best_epoch", "validation_auroc", "seconds")
    outcome = Outcome(
        stage="train",
        name=f"{study.name}: {run}",
        folder=folder,
        source=folder / MANIFEST,
        parameters={"run": run, "train": recipe, "data": data, **settings},
        metrics={name: manifest[name] for name in came_out},
        epochs=_epochs(folder / EPOCHS),
        documents={MANIFEST: manifest},
    )
    track(mlflow, study.out, outcome)


def _epochs(path: Path) -> list[dict[str, Any]]:
    """Epochs of a run; of one with folds there are none, as each fold has its own."""
    return [orjson.loads(line) for line in path.read_bytes().splitlines()] if path.is_file() else []


def track_evaluation(study: StudyRecipe, source: Path) -> None:
    """Add an evaluation to each of its runs, unless it was: every measure by test set, and macro means."""
    mlflow = study.tracking.mlflow
    if mlflow is None:
        return
    metrics = read_json(source)
    for run in metrics["runs"]:
        outcome = Outcome(
            stage="evaluate",
            name=f"{study.name}: {run}",
            folder=_folder(study, run),
            source=source,
            metrics=_of_run(metrics, run),
            documents={source.name: metrics},
        )
        track(mlflow, study.out, outcome)


def track_page(study: StudyRecipe, page: Path) -> None:
    """Add the page of an evaluation to each of its runs, unless it was."""
    mlflow = study.tracking.mlflow
    if mlflow is None:
        return
    for run in study.evaluate.scores or study.need_train().runs:
        name, folder = f"{study.name}: {run}", _folder(study, run)
        track(mlflow, study.out, Outcome(stage="report", name=name, folder=folder, source=page, files=[page]))


def _folder(study: StudyRecipe, run: str) -> Path:
    """Where it is kept what MLflow knows of a run: with the run, or with the evaluation of scores from elsewhere."""
    return study.out / "evaluate" / "tracked" / run if study.evaluate.scores else study.out / "train" / run


def _of_run(metrics: Mapping[str, Any], run: str) -> dict[str, Any]:
    """Values of a run by test set, finding and measure, and means over findings as the finding ``macro``."""
    values: dict[str, Any] = {}
    for row in [*metrics["macro"], *metrics["results"]]:
        if row["run"] == run:
            measured = {
                name: number["value"]
                for name, number in row.items()
                if isinstance(number, Mapping) and "value" in number
            }
            values.setdefault(row["set"], {})[row.get("finding", "macro")] = measured
    return values
