"""The references that a recipe holds its classifiers against, side by side: the columns of a matrix."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from imagetrain.gathering.references import look_up, read_reference, tested
from imagetrain.recipe import EvaluateRecipe, Reference, StudyRecipe
from imagetrain.records import Predictions, ReferenceLabels
from radprompter.errors import TableError

LABELS, PRIMARY = "labels", "reference"


def reference_columns(study: StudyRecipe, runs: Mapping[str, Predictions]) -> dict[str, ReferenceLabels]:
    """Name -> what it says of the tested studies; the others are compared with the first. Empty without references.

    First comes `evaluate.reference`, under the name that it has among `evaluate.references`, else that of its file;
    without one, and without references of single sites, what the runs are tested against. A reference may know some of
    the tested studies only.

    Parameters
    ----------
    runs:
        Predictions with the targets that they are tested against; where those differ between runs, they are not known.

    Raises
    ------
    InputError
        If a reference cannot be read, knows no tested study, or has a cell that is no label.
    """
    recipe = study.evaluate
    if not recipe.references:
        return {}
    # with folds a study also stands among those of validation, held against the labels
    asked = {name: run.take(tested(run)) for name, run in runs.items()}
    first = next(iter(asked.values()))
    columns: dict[str, ReferenceLabels] = {}
    if recipe.reference is not None:
        name = _name(recipe, recipe.reference)
        columns[name] = _column(name, recipe.reference, first)
    elif not recipe.sites:
        name = PRIMARY if LABELS in recipe.references else LABELS
        about = "what the runs are tested against"
        columns[name] = ReferenceLabels(first.study_ids, _agreed(asked), _title(name), about)
    for name, reference in recipe.references.items():
        if name not in columns:
            columns[name] = _column(name, reference, first)
    return columns


def _name(recipe: EvaluateRecipe, reference: Reference) -> str:
    listed = [name for name, one in recipe.references.items() if one == reference]
    stem = reference.path.stem
    return listed[0] if listed else PRIMARY if stem in recipe.references else stem


def _column(name: str, reference: Reference, asked: Predictions) -> ReferenceLabels:
    table = read_reference(reference)
    known = [row for row, study in enumerate(asked.study_ids) if study in table.rows]
    if not known:
        raise TableError(f"{reference.path}: knows none of the {len(asked.study_ids)} tested studies")
    uncertain = "not known" if reference.uncertain == "ignore" else reference.uncertain
    about = f"{reference.path.parent.name}/{reference.path.name}; uncertain counts as {uncertain}"
    if len(known) < len(asked.study_ids):
        about += f"; knows {len(known):,} of {len(asked.study_ids):,} tested studies"
    return ReferenceLabels(asked.study_ids, look_up(table, asked, known).targets, _title(name), about)


def _agreed(runs: Mapping[str, Predictions]) -> NDArray[np.float32]:
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
