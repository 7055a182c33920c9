"""What a wrong answer costs in training: the keys `loss`, `class_weights` and `noise` of the `train` section."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

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


class Noise(Section):
    """Labels that are taken for wrong are not learned: of each batch, those that cost most in their finding and class.

    The shares should be near those that are really wrong. Of a labeler that `radprompter agree` was run on, these are
    1 - PPV of positives and 1 - NPV of negatives.
    """

    drop_positives: float = Field(0.0, ge=0, lt=1, description="share of the positive labels that is left out")
    drop_negatives: float = Field(0.0, ge=0, lt=1, description="share of the negative labels that is left out")
    warmup_epochs: float = Field(
        10.0,
        ge=0,
        description="over which the shares rise from 0; a network that chooses before it has learned chooses badly",
    )
    co_teaching: bool = Field(
        False, description="two networks choose for each other: twice the time and memory; the first one is the result"
    )

    @model_validator(mode="after")
    def _chooses_something(self) -> Noise:
        if self.co_teaching and not self.on:
            raise ValueError("co_teaching needs drop_positives or drop_negatives: what the networks leave out")
        return self

    @property
    def on(self) -> bool:
        """Whether anything is left out."""
        return self.drop_positives > 0 or self.drop_negatives > 0


LossRecipe = Annotated[CrossEntropy | Focal | Asymmetric, Field(discriminator="name")]
