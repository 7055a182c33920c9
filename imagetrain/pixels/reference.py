"""The same pixels by MONAI: the reference that `squares` and `augment` are held against, and an engine of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from imagetrain.radiographs.squares import Preprocessing

if TYPE_CHECKING:
    import torch

    from imagetrain.pixels.draws import Draws


def square_by_monai(pixels: NDArray[np.float32], preprocessing: Preprocessing) -> NDArray[np.float32]:
    """What `squares.to_square` does, by MONAI's transforms; float32 ``(size, size)`` in [0, 255]."""
    from monai.transforms import Compose, HistogramNormalize, Resize, ScaleIntensity, ScaleIntensityRange, SpatialPad

    size = preprocessing.size
    mode = "area" if max(pixels.shape) > size else "bilinear"
    steps = [
        ScaleIntensity(0.0, 1.0),
        Resize(size, size_mode="longest", mode=mode),
        ScaleIntensityRange(0, 1, 0, 255)
        if not preprocessing.equalise
        else HistogramNormalize(num_bins=256, min=0, max=255),
        SpatialPad((size, size), method="symmetric", mode="constant", value=0),
    ]
    square: NDArray[np.float32] = np.asarray(Compose(steps)(pixels[None]), dtype=np.float32)
    return square.reshape(size, size)


def move_by_monai(images: torch.Tensor, draws: Draws) -> torch.Tensor:
    """What `augment.move` does, by MONAI's `Flip` and `Affine`, image by image.

    MONAI's random transforms are not used: `RandAffine` scales the axes apart. `Affine` maps output to input as
    rotation x translation x scaling, so angles and translations change sign and a scale below 1 enlarges; it takes
    pixels in (row, column) order.
    """
    import torch
    from monai.transforms import Affine, Compose, Flip

    size = images.shape[-1]
    moved = []
    for image, mirror, angle, scale, shift in zip(images, *draws[:4], strict=True):
        across, down = mirror.tolist()
        zoom = 1 / float(scale)
        right, below = (shift * size * zoom).tolist()
        affine = Affine(
            rotate_params=-float(angle),
            scale_params=(zoom, zoom),
            translate_params=(-below, -right),
            mode="bilinear",
            padding_mode="zeros",
            image_only=True,
        )
        flips = [Flip(axis) for axis, wanted in ((1, across), (0, down)) if wanted]
        moved.append(torch.as_tensor(np.asarray(Compose([*flips, affine])(image.cpu()))))
    return torch.stack(moved).to(images)
