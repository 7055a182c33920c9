"""Random changes to a whole batch at once, on its device: one affine map an image, then noise.

Rotation, scale, translation and mirroring are one matrix, so that an image is resampled once. Units are the recipe's:
degrees, isotropic scale (1.1 enlarges), shares of the side.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F

from imagetrain.pixels.draws import Draws, draw
from imagetrain.pixels.reference import move_by_monai
from imagetrain.recipe import Augment
from radprompter.errors import SchemaError
from radprompter.labels import LabelSchema


def refuse_flips(settings: Augment, schema: LabelSchema) -> None:
    """Raise a `SchemaError` if images would be mirrored although a finding says left or right."""
    sided = [finding.name for finding in schema.findings if finding.laterality]
    if sided and (settings.horizontal_flip or settings.vertical_flip):
        raise SchemaError(
            f"train.augment mirrors images, but schema {schema.name!r} has findings that say left or right "
            f"({', '.join(sided[:5])}); set horizontal_flip and vertical_flip to false"
        )


def move(images: torch.Tensor, draws: Draws) -> torch.Tensor:
    """Mirror, rotate, scale and shift each image about its centre, bilinearly; black comes in from outside.

    `images` is float ``(n, 1, size, size)`` with black 0; the result has the same shape.
    """
    across, down = (1 - 2 * draws.mirror.to(images.dtype)).unbind(1)
    cos, sin = torch.cos(draws.angle) / draws.scale, torch.sin(draws.angle) / draws.scale
    # `affine_grid` wants output -> input, in (x, y) from -1 to 1: the inverse of mirror, rotate, scale, shift.
    matrix = torch.stack([torch.stack([cos, -sin], 1), torch.stack([sin, cos], 1)], 1)
    matrix = torch.stack([across, down], 1)[:, :, None] * matrix
    offset = -(matrix @ (2 * draws.shift)[:, :, None])
    grid = F.affine_grid(torch.cat([matrix, offset], 2), list(images.shape), align_corners=False)
    return F.grid_sample(images, grid, mode="bilinear", padding_mode="zeros", align_corners=False)


def to_input(images: torch.Tensor) -> torch.Tensor:
    """uint8 images as the networks take them: float32 in [-1, 1]."""
    return images.float() / 127.5 - 1


def augment(images: torch.Tensor, settings: Augment, generator: torch.Generator) -> torch.Tensor:
    """Networks' input from cached pixels, each image with its own random changes.

    Parameters
    ----------
    images:
        uint8 ``(n_studies, n_views, size, size)``.
    generator:
        On the device of the images; the same state gives the same result.

    Returns
    -------
    float32 of the same shape; the image is in [-1, 1], noise may go beyond.
    """
    n_studies, n_views, height, width = images.shape
    flat = images.reshape(n_studies * n_views, 1, height, width).float() / 255
    draws = draw(len(flat), settings, generator)
    flat = move_by_monai(flat, draws) if settings.engine == "monai" else move(flat, draws)
    result = flat * 2 - 1
    if settings.noise > 0:
        result += settings.noise * torch.randn(result.shape, generator=generator, device=result.device)
    return result.reshape(images.shape)
