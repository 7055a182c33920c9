"""A whole recipe file as `imagetrain` sees it, with its `evaluate` section."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pydantic import Field

from imagetrain.recipe.data import MOST_SEED, Data
from imagetrain.recipe.train import TrainRecipe
from radprompter.errors import RecipeError
from radprompter.tracking import TrackingRecipe
from radprompter.typed_yaml import Section, open_document, validate


class Reference(Section):
    """Definitive findings to test against, instead of the labels: CSV with 1, 0 or blank a finding."""

    path: Path
    id: str = "study_id"


class EvaluateRecipe(Section):
    """The `evaluate` section."""

    reference: Reference | None = Field(None, description="null: test against the label table")
    min_positives: int = Field(
        10, ge=1, description="findings with fewer positives in a test set are left out of macro means"
    )
    bootstrap: int = Field(1000, ge=0, description="resamples of patients")
    seed: int = Field(0, ge=0, le=MOST_SEED)
    alpha: float = Field(0.05, gt=0, lt=1)


class StudyRecipe(Section):
    """A recipe file as `imagetrain` sees it."""

    name: str
    out: Path
    phantom: dict[str, Any] | None = Field(None, description="read by radprompter")
    label: dict[str, Any] | None = Field(None, description="read by radprompter")
    agree: dict[str, Any] | None = Field(None, description="read by radprompter")
    data: Data | None = None
    train: TrainRecipe | None = None
    evaluate: EvaluateRecipe = EvaluateRecipe()
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
