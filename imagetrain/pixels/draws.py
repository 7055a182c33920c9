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
    gamma: torch.Tensor  # (n,) power of the grey values in [0, 1]; below 1 brightens
    contrast: torch.Tensor  # (n,) factor about middle grey
    brightness: torch.Tensor  # (n,) added, on a scale where the image is in [-1, 1]

    def of(self, images: slice) -> Draws:
        """What was drawn for some of the images."""
        return Draws(*(values[images] for values in self))


def draw(n_studies: int, settings: Augment, generator: torch.Generator, *, n_views: int = 1) -> Draws:
    """Draw the changes of ``n_studies * n_views`` images, on the generator's device, study by study.

    Each image has its own, but the views of a study are mirrored together: a left elbow seen from the front beside the
    same elbow from the side as a right one would be nobody's. The device is not waited for.
    """
    n, device = n_studies * n_views, generator.device

    def uniform(*shape: int) -> torch.Tensor:
        return torch.rand(*shape, generator=generator, device=device) * 2 - 1

    allowed = (settings.horizontal_flip, settings.vertical_flip)
    chances = uniform(n_studies, 2).unbind(1)
    mirror = torch.stack([chance > (0 if allow else 1) for chance, allow in zip(chances, allowed, strict=True)], 1)
    return Draws(
        mirror=mirror[:, None].expand(-1, n_views, -1).reshape(n, 2),
        angle=uniform(n) * math.radians(settings.rotation_degrees),
        scale=1 + uniform(n) * settings.scale,
        shift=uniform(n, 2) * settings.translation,
        gamma=torch.exp(uniform(n) * math.log1p(settings.gamma)),
        contrast=1 + uniform(n) * settings.contrast,
        brightness=uniform(n) * settings.brightness,
    )
