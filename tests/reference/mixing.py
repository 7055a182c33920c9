"""MixUp and CutMix study by study, cell by cell and pixel by pixel, from what was drawn."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray


def box(own: float, centre: tuple[float, float], size: int) -> list[range]:
    side = math.sqrt(1 - own) * size
    edges = [(round(at * size - side / 2), round(at * size + side / 2)) for at in centre]
    return [range(max(0, start), min(size, stop)) for start, stop in edges]


def mix_image(
    image: NDArray[np.float64], other: NDArray[np.float64], own: float, is_cut: bool, centre: tuple[float, float]
) -> tuple[NDArray[np.float64], float]:
    """The mixed views of a study, and the share of the study's own pixels in them."""
    size = image.shape[-1]
    if not is_cut:
        return own * image + (1 - own) * other, own
    mixed, n_own = image.copy(), size * size
    for row in box(own, centre, size)[0]:
        for column in box(own, centre, size)[1]:
            mixed[:, row, column] = other[:, row, column]
            n_own -= 1
    return mixed, n_own / size**2


def mix_cell(share: float, label: tuple[float, float], other: tuple[float, float]) -> tuple[float, float]:
    """Target and weight of a mixed cell, of its two targets and weights."""
    weight = share * label[1] + (1 - share) * other[1]
    return (share * label[1] * label[0] + (1 - share) * other[1] * other[0]) / weight if weight else 0.0, weight
