"""The `evaluate` section: what classifiers are held against, and how."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Literal

from pydantic import Field, field_validator

from imagetrain.recipe.data import MOST_SEED
from imagetrain.recipe.scores import ScoreColumns
from imagetrain.recipe.train import refuse_names
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


class TargetSensitivity(Section):
    """Thresholds of a wanted sensitivity."""

    sensitivity: float = Field(gt=0, le=1, description="share of the positives that is called so, on validation")


class Metadata(Section):
    """The table that says what groups studies belong to."""

    path: Path = Field(description="CSV, Parquet or JSONL file")
    id: str = Field("study_id", description="column with the study's id")


class SubgroupRecipe(Section):
    """What subgroups are by."""

    column: str = Field(description="column of the table of metadata")
    bands: tuple[float, ...] | None = Field(
        None,
        min_length=1,
        description="edges between bands of a number or of an age (045Y), such as [40, 60, 80]; null: a group a value",
    )

    @field_validator("bands")
    @classmethod
    def _ascend(cls, bands: tuple[float, ...] | None) -> tuple[float, ...] | None:
        if bands is not None and any(low >= high for low, high in itertools.pairwise(bands)):
            raise ValueError("expected edges in ascending order")
        return bands


class EvaluateRecipe(Section):
    """The `evaluate` section."""

    scores: dict[str, Path] = Field(
        default_factory=dict,
        description="run -> table of scores (CSV, Parquet or JSONL), evaluated in place of the runs of `train`",
    )
    columns: ScoreColumns = ScoreColumns()
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
    threshold: Literal["youden"] | TargetSensitivity = Field(
        "youden",
        description="how thresholds are chosen on validation: largest sensitivity + specificity, or a wanted "
        "sensitivity such as {sensitivity: 0.95}",
    )
    recalibrate: Literal["none", "temperature", "logistic", "isotonic"] = Field(
        "temperature", description="how probabilities are recalibrated on validation, beside those as trained"
    )
    permutations: int = Field(1000, ge=0, description="of labels, to test each AUROC against chance; 0: no test")
    subgroups: dict[str, SubgroupRecipe] = Field(
        default_factory=dict,
        description="name -> what studies are grouped by; the site is a group of itself where a set has several",
    )
    metadata: Metadata | None = Field(None, description="where the columns of subgroups are; null: data.studies")
    bootstrap: int = Field(1000, ge=0, description="resamples of patients")
    seed: int = Field(0, ge=0, le=MOST_SEED)
    alpha: float = Field(0.05, gt=0, lt=1)

    @field_validator("scores")
    @classmethod
    def _name_files(cls, scores: dict[str, Path]) -> dict[str, Path]:
        refuse_names(scores)
        return scores
