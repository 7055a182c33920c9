"""The `evaluate` section: what classifiers are held against, and how."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field

from imagetrain.recipe.data import MOST_SEED
from radprompter.typed_yaml import Section


class Reference(Section):
    """What classifiers are held against instead of the labels: definitive findings, or another label table."""

    path: Path = Field(
        description="CSV or Parquet with a row a study and a column a finding: 1, 0 or blank, or states such as "
        "uncertain (-1); or a labels.parquet"
    )
    id: str = Field("study_id", description="column with the study's id; a labels.parquet has its own")
    findings: dict[str, str | tuple[str, ...]] = Field(
        default_factory=dict,
        description="finding -> its column there, where that has another name, or several columns: positive if any is, "
        "negative if all are; [] for a finding without a counterpart",
    )
    uncertain: Literal["positive", "negative", "ignore"] = Field(
        "ignore", description="what an uncertain label counts as; ignore: not known"
    )
    not_mentioned: Literal["negative", "ignore"] | None = Field(
        None,
        description="what counts for a finding that is not mentioned, and for a blank cell; null: negative where a "
        "table says so in words, while a blank cell is not known",
    )


class EvaluateRecipe(Section):
    """The `evaluate` section."""

    reference: Reference | None = Field(None, description="null: test against the label table")
    sites: dict[str, Reference] = Field(
        default_factory=dict, description="site -> its own reference, which may be of another schema"
    )
    references: dict[str, Reference] = Field(
        default_factory=dict,
        description="more tables to test every run against, by name, such as those of other labelers: a matrix of runs "
        "and references, with `reference` as its first column",
    )
    min_positives: int = Field(
        10, ge=1, description="findings with fewer positives in a test set are left out of macro means"
    )
    bootstrap: int = Field(1000, ge=0, description="resamples of patients")
    seed: int = Field(0, ge=0, le=MOST_SEED)
    alpha: float = Field(0.05, gt=0, lt=1)
