"""What is drawn at random for the images of a batch, each its own; whoever moves them reads it."""

from __future__ import annotations

import math
from typing import NamedTuple

import torch

from imagetrain.recipe import Augment


class Draws(NamedTuple):
    """What was drawn for each of n images."""

    mirror: torch.Tensor  # bool (n, 2): across (left becomes right), down
    angle: torch.Tensor  # (n,) radians, counterclockwise
    scale: torch.Tensor  # (n,) above 1 enlarges
    shift: torch.Tensor  # (n, 2) to the right and down, in shares of the side


def draw(n: int, settings: Augment, generator: torch.Generator) -> Draws:
    """Draw the changes of `n` images, each its own, on the generator's device."""

    def uniform(*shape: int) -> torch.Tensor:
        return torch.rand(*shape, generator=generator, device=generator.device) * 2 - 1

    allowed = torch.tensor([settings.horizontal_flip, settings.vertical_flip], device=generator.device)
    return Draws(
        mirror=(uniform(n, 2) > 0) & allowed,
        angle=uniform(n) * math.radians(settings.rotation_degrees),
        scale=1 + uniform(n) * settings.scale,
        shift=uniform(n, 2) * settings.translation,
    )
