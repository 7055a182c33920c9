"""Where the predictions of an evaluation come from: the trained runs of a recipe, or tables of scores."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from imagetrain.recipe import StudyRecipe
from imagetrain.records import Predictions
from imagetrain.store import read_predictions, read_scores
from radprompter.errors import InputError


class ReadRuns(NamedTuple):
    """Predictions by run, and what somebody should know of where they come from."""

    runs: dict[str, Predictions]
    notes: tuple[str, ...]


def files_of_runs(study: StudyRecipe) -> dict[str, Path]:
    """Run -> the file of its predictions: a table of scores, or what was trained.

    Raises
    ------
    InputError
        If a run has no file.
    """
    if study.evaluate.scores:
        return dict(study.evaluate.scores)
    files = {name: study.out / "train" / name / "predictions.parquet" for name in study.need_train().runs}
    for name, path in files.items():
        if not path.is_file():
            raise InputError(f"run {name!r} has no predictions ({path}); train it first: imagetrain train RECIPE")
    return files


def read_runs(study: StudyRecipe, files: Mapping[str, Path]) -> ReadRuns:
    """The predictions of every run; raises as `read_predictions` and `read_scores`."""
    recipe = study.evaluate
    if not recipe.scores:
        return ReadRuns({name: read_predictions(path) for name, path in files.items()}, ())
    tables = {
        name: read_scores(path, recipe.columns, labelled=recipe.reference is None) for name, path in files.items()
    }
    notes = dict.fromkeys(note for table in tables.values() for note in table.notes)
    return ReadRuns({name: table.predictions for name, table in tables.items()}, tuple(notes))
