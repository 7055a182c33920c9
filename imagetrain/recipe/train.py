"""The `train` section: what a classifier is told, and how it learns."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Literal

from pydantic import Field, field_validator, model_validator

from imagetrain.recipe.batches import Augment, Mix
from imagetrain.recipe.data import MOST_SEED
from imagetrain.recipe.losses import ClassWeights, CrossEntropy, LossRecipe, Noise
from imagetrain.recipe.policies import PolicyRecipe
from radprompter.typed_yaml import Section

RUN = re.compile(r"\w[\w .+=()-]{0,98}[\w+=()-]|\w")
TAKEN = ("split.csv", "leakage.json")  # files beside the folders of runs


class TrainRecipe(Section):
    """The `train` section: one classifier a run; the runs differ only in what they are told."""

    runs: dict[str, PolicyRecipe] = Field(min_length=1, description="name of a run -> what it is told")
    model: str = Field("convnext_base", description="any timm model")
    channels: Literal[1, 3] = Field(1, description="of the network's input; 3 repeats the grey image")
    pretrained: bool | Path = Field(False, description="true: from the hub; a path: from a local safetensors file")
    normalise: bool = Field(
        True, description="give pretrained weights images on the scale they were trained with; false leaves [-1, 1]"
    )
    view_networks: Literal["separate", "shared"] = Field("separate", description="one network a view, or one for all")
    drop_path: float = Field(0.0, ge=0, lt=1, description="stochastic depth, where the network has it")
    dropout: float = Field(0.0, ge=0, lt=1, description="of the features before the last layer")
    gradient_checkpointing: bool = Field(False, description="less memory for a third more time; the same gradients")
    epochs: int = Field(10, ge=1)
    batch_size: int = Field(32, ge=1, description="studies at once, in all processes together")
    accumulate: int = Field(1, ge=1, description="batches a step: the same as one batch so many times as large")
    optimiser: Literal["adamw", "lion", "sgd"] = "adamw"
    momentum: float = Field(0.9, gt=0, lt=1, description="of sgd, which looks ahead by it (Nesterov)")
    learning_rate: float = Field(1e-4, gt=0, le=1e30)
    weight_decay: float = Field(1e-2, ge=0, le=1e30)
    layer_decay: float | None = Field(
        None, gt=0, le=1, description="each layer of a network learns so much slower than the next; null: all the same"
    )
    clip_norm: float | None = Field(None, gt=0, description="largest norm of a step's gradient; null: any")
    warmup_epochs: float = Field(1.0, ge=0)
    ema_decay: float = Field(0.999, ge=0, lt=1, description="0 turns averaging off")
    best_by: Literal["auroc", "auprc", "loss"] = Field(
        "auroc", description="what the best epoch is best by, on validation"
    )
    patience: int | None = Field(None, ge=1, description="stop after so many epochs without a better one; null: never")
    checkpoint_minutes: float = Field(10, gt=0, description="a stopped or killed run loses no more than this")
    augment: Augment = Augment()
    mix: Mix = Mix()
    loss: LossRecipe = CrossEntropy()
    class_weights: ClassWeights = Field(
        "none",
        description="how much more positives count; balanced: negatives over positives of each finding, at most 20; "
        "or a number for some findings. Probabilities rise with it, so calibrate or use thresholds",
    )
    noise: Noise = Noise()
    label_smoothing: float = Field(0.0, ge=0, lt=1, description="share of each target that is 0.5 instead")
    precision: Literal["fp32", "bf16", "fp16"] = Field("fp32", description="fp16 needs a GPU")
    compile: bool = Field(False, description="torch.compile: slow first steps, then faster ones; needs a C++ compiler")
    sync_batch_norm: bool = Field(
        False, description="normalise over the batches of all processes (GPUs) together, not over each one's own"
    )
    device: Literal["auto", "cpu", "cuda"] = Field("auto", description="auto: a GPU where there is one")
    seed: int = Field(0, ge=0, le=MOST_SEED)

    @field_validator("runs")
    @classmethod
    def _name_folders(cls, runs: dict[str, PolicyRecipe]) -> dict[str, PolicyRecipe]:
        refuse_names(runs)
        return runs

    @model_validator(mode="after")
    def _compares_whole_labels(self) -> TrainRecipe:
        if self.mix.on and self.noise.on:
            raise ValueError("noise compares labels by what they cost, and a mixed study has two: use noise or mix")
        return self


def refuse_names(runs: Iterable[str]) -> None:
    """Raise a ValueError if a run's name cannot be that of a folder, or two can be one."""
    names = list(runs)
    for name in names:
        if not RUN.fullmatch(name) or name in TAKEN:
            raise ValueError(
                f"a run's name is that of its folder: at most 100 letters, digits, spaces and ._+=()-, "
                f"of which the first is a letter or digit; found {name[:100]!r}"
            )
    if len({name.casefold() for name in names}) < len(names):
        raise ValueError("names of runs that differ in upper and lower case only are one folder on some systems")
