"""What MLflow has of a study, read by its own client."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any


def open_mlflow(database: Path) -> Any:
    """A client for a database."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from mlflow.tracking import MlflowClient

        return MlflowClient(f"sqlite:///{database}")


def logged_runs(database: Path, experiment: str) -> list[Any]:
    """All runs of an experiment."""
    client = open_mlflow(database)
    return list(client.search_runs([client.get_experiment_by_name(experiment).experiment_id]))
