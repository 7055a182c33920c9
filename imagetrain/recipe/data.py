"""The `data` section: labels, studies and images, and who is trained on."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field, field_validator, model_validator

from radprompter.typed_yaml import Section

MOST_SEED = 2**63 - 1


class Studies(Section):
    """The table that says whose study it is and where it was made."""

    path: Path = Field(description="CSV, Parquet or JSONL file, one row a study")
    id: str = Field("study_id", description="column with the study's id; the report_id of the label table")
    patient: str = Field("patient_id", description="column with the patient's id: no patient is in two parts")
    site: str | None = Field("site", description="column with the site; null for a single site")


class Images(Section):
    """The table that says which files belong to a study."""

    path: Path = Field(description="CSV, Parquet or JSONL file, one row an image")
    id: str = Field("study_id", description="column with the study's id")
    file: str = Field("file", description="column with the file's path, relative to `root`")
    view: str | None = Field("view", description="column with the view's name; null if every study has one image")
    view_from: Literal["table", "dicom"] = Field(
        "table", description="where a file's view is said: in the column `view`, or in the tags of the DICOM file"
    )
    view_names: dict[str, str] = Field(
        default_factory=dict,
        description="word of column or tags -> name in data.views, such as {PA: frontal}; upper or lower case",
    )
    several: Literal["first", "all"] = Field(
        "first",
        description="of several images of one view of a study: the first of the table, or all: training shows one of "
        "them an epoch, and predictions are the mean over them",
    )
    root: Path | None = Field(None, description="folder of the files; the table's own folder if null")


class Fractions(Section):
    """Shares of the internal patients."""

    train: float = Field(0.64, gt=0, lt=1)
    validation: float = Field(0.16, gt=0, lt=1)
    test: float = Field(0.20, gt=0, lt=1)

    @model_validator(mode="after")
    def _whole(self) -> Fractions:
        total = self.train + self.validation + self.test
        if abs(total - 1) > 1e-6:
            raise ValueError(f"train, validation and test must sum to 1, not {total:g}")
        return self


class SplitRecipe(Section):
    """Who is trained on, and who is tested on."""

    internal: tuple[str, ...] | None = Field(
        None, description="sites that are split by patient; all that are not external"
    )
    external: tuple[str, ...] = Field((), description="sites that are only tested on")
    fractions: Fractions = Fractions()
    folds: int | None = Field(
        None,
        ge=2,
        le=100,
        description="cross-validation: a network a fold, which tests it; of the other folds, a share as in `fractions` "
        "is for validation",
    )
    leakage: Literal["refuse", "warn"] = Field(
        "refuse",
        description="what to do if two patients have the same pixels: stop, or warn; nearly equal ones only warn",
    )
    file: Path | None = Field(
        None, description="table with study_id and part (and fold, with folds), instead of a drawn split"
    )
    seed: int = Field(0, ge=0, le=MOST_SEED)


class Data(Section):
    """The `data` section: labels, studies and images, joined by study id."""

    labels: Path = Field(
        description="labels.parquet that `radprompter label` wrote, or a table with one column a finding"
    )
    studies: Studies
    images: Images
    views: tuple[str, ...] = Field(
        ("frontal",), min_length=1, max_length=2, description="one or two views, each with its own network"
    )
    missing_views: Literal["require", "embed", "mask"] = Field(
        "require",
        description="studies that lack a view: left out and listed, or used, with a learned vector in place of the "
        "view's features (embed) or with the other view alone (mask)",
    )
    size: int = Field(
        512, ge=32, le=2048, description="images are resized and padded to a square of this side, in pixels"
    )
    equalise: bool = Field(True, description="histogram equalisation before padding")
    bad_images: Literal["refuse", "exclude"] = Field(
        "refuse", description="stop at absent or unreadable images, or leave their studies out and list them"
    )
    findings: tuple[str, ...] | None = Field(
        None, description="train on these findings only; the columns to read in a table of one's own"
    )
    min_positives: int = Field(1, ge=0, description="leave out findings with fewer positives in training")
    split: SplitRecipe = SplitRecipe()

    @field_validator("views")
    @classmethod
    def _differ(cls, views: tuple[str, ...]) -> tuple[str, ...]:
        if len({view.casefold() for view in views}) < len(views) or not all(view.strip() for view in views):
            raise ValueError(f"expected names that differ, found {', '.join(map(repr, views))}")
        return views
