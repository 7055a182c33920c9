"""Recipes: what `imagetrain` is asked to do, as frozen values read from the same YAML file that `radprompter` reads."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, model_validator

from radprompter.errors import RecipeError
from radprompter.tracking import TrackingRecipe
from radprompter.typed_yaml import Section, open_document, validate

PolicyName = Literal["inclusive", "exclusive", "ignore"]


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
    file: Path | None = Field(None, description="table with study_id and part, instead of a drawn split")
    seed: int = 0


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


class PolicyRecipe(Section):
    """What becomes of the labels that are neither positive nor negative."""

    policy: PolicyName = Field("inclusive", description="uncertain counts as positive, as negative, or not at all")
    not_mentioned: Literal["negative", "ignore"] = "negative"
    per_finding: dict[str, PolicyName] = Field(default_factory=dict, description="another policy for some findings")


class Augment(Section):
    """Random changes to a training image; each image draws its own."""

    horizontal_flip: bool = False
    vertical_flip: bool = False
    rotation_degrees: float = Field(15, ge=0, le=180)
    scale: float = Field(0.10, ge=0, lt=1, description="0.10: from 90 % to 110 %")
    translation: float = Field(0.05, ge=0, lt=1, description="share of the image's side")
    noise: float = Field(0.02, ge=0, description="standard deviation, on a scale where the image is in [-1, 1]")
    engine: Literal["fused", "monai"] = Field(
        "fused", description="one batched operation on the device, or MONAI's transforms image by image: same geometry"
    )


class TrainRecipe(Section):
    """The `train` section: one classifier a run; the runs differ only in their policy."""

    runs: dict[str, PolicyRecipe] = Field(min_length=1, description="name of a run -> its policy")
    model: str = Field("convnext_base", description="any timm model")
    pretrained: bool | Path = Field(False, description="true: from the hub; a path: from a local safetensors file")
    epochs: int = Field(10, ge=1)
    batch_size: int = Field(32, ge=1)
    optimiser: Literal["adamw", "lion"] = "adamw"
    learning_rate: float = Field(1e-4, gt=0)
    weight_decay: float = Field(1e-2, ge=0)
    warmup_epochs: float = Field(1.0, ge=0)
    ema_decay: float = Field(0.999, ge=0, lt=1, description="0 turns averaging off")
    augment: Augment = Augment()
    precision: Literal["fp32", "bf16"] = "fp32"
    device: Literal["auto", "cpu", "cuda"] = Field("auto", description="auto: a GPU where there is one")
    seed: int = 0


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
    seed: int = 0
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
