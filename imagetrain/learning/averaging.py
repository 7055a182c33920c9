"""Weights averaged over the steps of training."""

from __future__ import annotations

from torch import nn


class Averaged:
    """Exponential moving average of a model's weights and buffers, by timm.

    The decay warms up as 1 - step^(-2/3), with steps from 0, up to the recipe's: a short run is averaged over what it
    has, not held at its random start.
    """

    def __init__(self, model: nn.Module, decay: float) -> None:
        from timm.utils import ModelEmaV3

        self._ema = ModelEmaV3(model, decay=decay, use_warmup=True) if decay else None

    @property
    def model(self) -> nn.Module:
        """The averaged model."""
        assert self._ema is not None, "averaging is off"
        module: nn.Module = self._ema.module
        return module

    def update(self, model: nn.Module, step: int) -> None:
        """Take in the weights after a step."""
        if self._ema is not None:
            self._ema.update(model, step=step)
