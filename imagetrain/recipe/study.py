"""A whole recipe file as `imagetrain` sees it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import Field

from imagetrain.recipe.data import Data
from imagetrain.recipe.evaluation import EvaluateRecipe
from imagetrain.recipe.report import ReportRecipe
from imagetrain.recipe.train import TrainRecipe
from radprompter.errors import RecipeError
from radprompter.tracking import TrackingRecipe
from radprompter.typed_yaml import Document, Section, open_document, override, validate


class StudyRecipe(Section):
    """A recipe file as `imagetrain` sees it."""

    name: str
    out: Path
    phantom: dict[str, Any] | None = Field(None, description="read by radprompter")
    label: dict[str, Any] | None = Field(None, description="read by radprompter")
    weaken: dict[str, Any] | None = Field(None, description="read by radprompter")
    agree: dict[str, Any] | None = Field(None, description="read by radprompter")
    data: Data | None = None
    train: TrainRecipe | None = None
    evaluate: EvaluateRecipe = EvaluateRecipe()
    report: ReportRecipe = ReportRecipe()
    studies: dict[str, Path] | None = Field(None, description="recipes that radprompter runs one after another")
    tracking: TrackingRecipe = TrackingRecipe()

    def need_data(self) -> Data:
        """The section `data`; a `RecipeError` if it is absent."""
        if self.data is None:
            raise RecipeError(f"recipe {self.name!r} has no section 'data', which says what to train on")
        return self.data

    def need_train(self) -> TrainRecipe:
        """The section `train`; a `RecipeError` if it is absent."""
        if self.train is None:
            raise RecipeError(f"recipe {self.name!r} has no section 'train', which says what to train")
        return self.train


def load_recipe(path: Path, *, settings: Sequence[str] = (), out: Path | None = None) -> StudyRecipe:
    """The recipe in a file, typed.

    Raises
    ------
    RecipeError
        With every problem of the file at once.
    """
    return validate(StudyRecipe, open_document(path, settings=settings, out=out))


def recipe_of_scores(
    scores: Mapping[str, Path], *, settings: Sequence[str] = (), out: Path | None = None
) -> StudyRecipe:
    """The recipe that evaluates tables of scores, by the name of their run, and does no more.

    Raises
    ------
    RecipeError
        If a name or a setting cannot be used.
    """
    data = {
        "name": ", ".join(scores),
        "out": str(out or Path("runs") / "_".join(scores)),
        "evaluate": {"scores": {run: str(path) for run, path in scores.items()}},
    }
    return validate(StudyRecipe, override(Document("tables of scores", data, {}), settings))


def recipe_of_folder(folder: Path) -> StudyRecipe:
    """The recipe that says no more than where an evaluation was written."""
    return StudyRecipe(name=folder.name, out=folder)
