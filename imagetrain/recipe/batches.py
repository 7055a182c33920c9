"""What is done to a training batch: the keys `augment` and `mix` of the `train` section."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, field_validator

from radprompter.typed_yaml import Section

LEAST_ALPHA = 0.05  # of a Beta distribution; below, floating point numbers cannot tell its draws from 0 and 1


class Augment(Section):
    """Random changes to a training image; each image draws its own, and the views of a study are mirrored together."""

    horizontal_flip: bool = False
    vertical_flip: bool = Field(False, description="for series in which films lie upside down; chest films do not")
    rotation_degrees: float = Field(15, ge=0, le=180)
    scale: float = Field(0.10, ge=0, lt=1, description="0.10: from 90 % to 110 %")
    translation: float = Field(0.05, ge=0, lt=1, description="share of the image's side")
    noise: float = Field(0.02, ge=0, description="standard deviation, on a scale where the image is in [-1, 1]")
    gamma: float = Field(0.0, ge=0, description="0.2: grey values in [0, 1] to a power from 1 / 1.2 to 1.2")
    contrast: float = Field(0.0, ge=0, lt=1, description="0.2: from 80 % to 120 %, about middle grey")
    brightness: float = Field(0.0, ge=0, description="largest shift, on a scale where the image is in [-1, 1]")
    engine: Literal["fused", "monai"] = Field(
        "fused", description="one batched operation on the device, or MONAI's transforms image by image: same geometry"
    )


class Mix(Section):
    """Images and targets of two studies in one; 0 turns a way off, and both are off unless asked for."""

    mixup: float = Field(
        0.0, ge=0, description="alpha of the Beta distribution that a study's share of a blend is drawn from; often 0.2"
    )
    cutmix: float = Field(
        0.0, ge=0, description="alpha of the same for the area that is not cut out; 1.0 draws all areas alike"
    )
    probability: float = Field(0.5, ge=0, le=1, description="that a study is mixed at all; each study draws its own")

    @field_validator("mixup", "cutmix")
    @classmethod
    def _drawable(cls, alpha: float) -> float:
        if 0 < alpha < LEAST_ALPHA:
            raise ValueError(f"expected 0 (off) or at least {LEAST_ALPHA}, found {alpha:g}")
        return alpha

    @property
    def on(self) -> bool:
        """Whether anything is mixed."""
        return self.probability > 0 and (self.mixup > 0 or self.cutmix > 0)
