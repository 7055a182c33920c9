"""One fold by `imagetrain train`."""

from __future__ import annotations

from pathlib import Path

from imagetrain.recipe import StudyRecipe
from imagetrain.records import Predictions
from imagetrain.run import run_train
from imagetrain.store import read_predictions
from nih.folds import Subset, Training


def train_here(subset: Subset, split: Path, training: Training, folder: Path, *, equalise: bool) -> Predictions:
    """Predictions of every image by the recipe of the NIH subset, of the network that was best on validation."""
    table = subset.folder / "metadata.csv"
    recipe = StudyRecipe.model_validate(
        {
            "name": "NIH subset",
            "out": folder,
            "data": {
                "labels": table,
                "findings": subset.findings,
                "studies": {"path": table, "site": None},
                "images": {"path": table, "file": "image", "view": None},
                "size": training.size,
                "equalise": equalise,
                "split": {"file": split},
            },
            "train": {
                "runs": {"one": {}},
                "model": training.network,
                "epochs": training.epochs,
                "batch_size": training.batch_size,
                "learning_rate": training.rate,
                "augment": {"rotation_degrees": 10, "scale": 0.1, "translation": 0.05},
                "seed": training.seed,
                "device": "cpu",
            },
        }
    )
    run_train(recipe)
    return read_predictions(folder / "train" / "one" / "predictions.parquet")
