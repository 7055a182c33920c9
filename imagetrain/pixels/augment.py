"""Random changes to a whole batch at once, on its device: one affine map an image, then grey values and noise.

Rotation, scale, translation and mirroring are one matrix, so that an image is resampled once. Units are the recipe's:
degrees, isotropic scale (1.1 enlarges), shares of the side. Nothing waits for the device.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import torch
import torch.nn.functional as F

from imagetrain.pixels.draws import Draws, draw
from imagetrain.pixels.reference import move_by_monai
from imagetrain.recipe import Augment
from radprompter.errors import SchemaError
from radprompter.labels import LabelSchema

SIDE = re.compile(r"\b(left|right|links|linke[rs]?|rechts|rechte[rs]?)\b", re.IGNORECASE)
NEAR = 2**18  # pixels that a CPU has near at hand: it moves a batch in parts whose grids stay in its cache


def refuse_flips(settings: Augment, schema: LabelSchema) -> None:
    """Raise a `SchemaError` if images would be mirrored although a finding says left or right.

    It says so by its flag; or by its name or title, since the columns of a table of one's own have no flags.
    """
    sided = [
        finding.name
        for finding in schema.findings
        if finding.laterality or SIDE.search(f"{finding.name} {finding.title}".replace("_", " "))
    ]
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
    # `grid_sample` wants output -> input, in (x, y) from -1 to 1: the inverse of mirror, rotate, scale, shift.
    by_column = torch.stack([across * cos, down * sin], 1)  # (n, 2): how the place in the input follows x
    by_row = torch.stack([-across * sin, down * cos], 1)  # ... and y
    right, below = (2 * draws.shift)[:, :, None].unbind(1)
    size = images.shape[-1]
    place = ((2 * torch.arange(size, device=images.device) + 1) / size - 1)[:, None]  # centres of pixels
    columns = (place - right[:, None]) * by_column[:, None]  # (n, size, 2)
    rows = (place - below[:, None]) * by_row[:, None]
    grid = columns[:, None] + rows[:, :, None]
    return F.grid_sample(images, grid, mode="bilinear", padding_mode="zeros", align_corners=False)


def to_input(images: torch.Tensor) -> torch.Tensor:
    """uint8 images as the networks take them: float32 in [-1, 1]."""
    return images.float() / 127.5 - 1


def augment(
    images: torch.Tensor, settings: Augment, generator: torch.Generator, draws: Draws | None = None
) -> torch.Tensor:
    """Networks' input from cached pixels, each image with its own random changes.

    Parameters
    ----------
    images:
        uint8 ``(n_studies, n_views, size, size)``; the views of a study are mirrored together.
    generator:
        On the device of the images; the same state gives the same result.
    draws:
        How to move each image and change its grey values; drawn from the generator if None.

    Returns
    -------
    float32 of the same shape; the image is in [-1, 1], noise, contrast and brightness may go beyond.
    """
    n_studies, n_views, height, width = images.shape
    flat = images.reshape(n_studies * n_views, 1, height, width)
    draws = draw(n_studies, settings, generator, n_views=n_views) if draws is None else draws
    result = torch.empty(flat.shape, device=flat.device)
    if settings.noise > 0:
        result.normal_(-1, settings.noise, generator=generator)
    else:
        result.fill_(-1)
    engine = move_by_monai if settings.engine == "monai" else move
    for part in _parts(flat):
        moved = engine(flat[part].float() / 127.5, draws.of(part))
        result[part] += _regrey(moved, settings, draws.of(part))
    return result.reshape(images.shape)


def _regrey(images: torch.Tensor, settings: Augment, draws: Draws) -> torch.Tensor:
    """Images in [0, 2] with other grey values, where the recipe wants them."""
    gamma, contrast, brightness = (values[:, None, None, None] for values in (*draws,)[-3:])
    if settings.gamma > 0:
        images = 2 * (images / 2) ** gamma
    if settings.contrast > 0 or settings.brightness > 0:
        images = (images - 1) * contrast + (1 + brightness)
    return images


def _parts(images: torch.Tensor) -> Iterator[slice]:
    """The images that are moved at once: all of them on a GPU."""
    n = len(images) if images.device.type != "cpu" else max(1, NEAR // images[0].numel())
    return (slice(start, start + n) for start in range(0, len(images), n))
