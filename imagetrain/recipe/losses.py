"""What a wrong answer costs in training: the keys `loss` and `class_weights` of the `train` section."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from radprompter.typed_yaml import Section

ClassWeights = Literal["none", "balanced"] | dict[str, Annotated[float, Field(gt=0)]]


class CrossEntropy(Section):
    """Binary cross-entropy of every finding."""

    name: Literal["bce"] = "bce"


class Focal(Section):
    """Focal loss: what is already learned counts less (Lin et al. 2017)."""

    name: Literal["focal"]
    gamma: float = Field(2.0, ge=0, description="0 is cross-entropy; the higher, the less a learned label counts")
    alpha: float | None = Field(
        None, gt=0, lt=1, description="weight of positives, 1 - alpha is that of negatives; null: both 1"
    )


class Asymmetric(Section):
    """Asymmetric loss: easy negatives count less than easy positives, the easiest not at all (Ridnik et al. 2021)."""

    name: Literal["asymmetric"]
    gamma_positive: float = Field(0.0, ge=0, description="as `gamma` of the focal loss, for positives")
    gamma_negative: float = Field(4.0, ge=0, description="as `gamma` of the focal loss, for negatives")
    clip: float = Field(0.05, ge=0, lt=1, description="negatives below this probability cost nothing")


LossRecipe = Annotated[CrossEntropy | Focal | Asymmetric, Field(discriminator="name")]
