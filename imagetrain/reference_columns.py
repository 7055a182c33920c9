"""The references that a recipe holds its classifiers against, side by side: the columns of a matrix."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from imagetrain.recipe import Reference, StudyRecipe
from imagetrain.records import Predictions, ReferenceLabels
from imagetrain.references import load_reference, tested

LABELS, PRIMARY = "labels", "reference"


def reference_columns(study: StudyRecipe, runs: Mapping[str, Predictions]) -> dict[str, ReferenceLabels]:
    """Name -> what it says of the tested studies: first what all else is held against, then `evaluate.references`.

    The first has the name that `evaluate.references` gives to the same table, else that of its file. Empty if the
    recipe names no references.

    Parameters
    ----------
    runs:
        Predictions with the targets that they are tested against; where those differ between runs, they are not known.

    Raises
    ------
    InputError
        If a reference cannot be read, lacks a tested study, or has a cell that is no label.
    """
    recipe = study.evaluate
    if not recipe.references:
        return {}
    # with folds a study also stands among those of validation, held against the labels
    asked = {name: run.take(tested(run)) for name, run in runs.items()}
    first = next(iter(asked.values()))
    name = next((name for name, one in recipe.references.items() if one == recipe.reference), "")
    if not name:
        name = LABELS if recipe.reference is None else recipe.reference.path.stem
        name = PRIMARY if name in recipe.references else name
    about = "labels read from the reports" if recipe.reference is None else _about(recipe.reference)
    columns = {name: ReferenceLabels(first.study_ids, _agreed(asked), _title(name), about)}
    for other, reference in recipe.references.items():
        if other != name:
            targets = load_reference(reference, first).targets
            columns[other] = ReferenceLabels(first.study_ids, targets, _title(other), _about(reference))
    return columns


def _agreed(runs: Mapping[str, Predictions]) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    """The targets that all runs share, in the order of the first; NaN where they differ."""
    first, *others = runs.values()
    agreed = first.targets.copy()
    for run in others:
        place = {study: row for row, study in enumerate(run.study_ids)}
        rows = [place[study] for study in first.study_ids]
        agreed[agreed != run.targets[rows]] = np.nan
    return agreed


def _title(name: str) -> str:
    return name.replace("_", " ")


def _about(reference: Reference) -> str:
    """Where a reference stands, and what its uncertain labels count as."""
    uncertain = "not known" if reference.uncertain == "ignore" else reference.uncertain
    return f"{reference.path.name}; uncertain counts as {uncertain}"
