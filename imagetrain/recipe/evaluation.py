"""The `evaluate` section: what classifiers are held against, and how."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from imagetrain.recipe.data import MOST_SEED
from radprompter.typed_yaml import Section


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
