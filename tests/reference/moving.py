"""Where each pixel of a moved image comes from, step by step, and what is there."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray


def source(
    row: float,
    column: float,
    size: int,
    mirror: tuple[bool, bool],
    angle: float,
    scale: float,
    shift: tuple[float, float],
) -> tuple[float, float]:
    """Row and column in the input, of a place in an output that was mirrored, rotated, enlarged and shifted."""
    centre = (size - 1) / 2
    right, up = column - centre, centre - row
    right, up = right - shift[0] * size, up + shift[1] * size
    right, up = right / scale, up / scale
    right, up = math.cos(angle) * right + math.sin(angle) * up, math.cos(angle) * up - math.sin(angle) * right
    if mirror[0]:
        right = -right
    if mirror[1]:
        up = -up
    return centre - up, centre + right


def bilinear(image: NDArray[np.float64], row: float, column: float) -> float:
    """The value between four pixels; outside the image is black."""
    top, left = math.floor(row), math.floor(column)
    total = 0.0
    for r in (top, top + 1):
        for c in (left, left + 1):
            if 0 <= r < len(image) and 0 <= c < len(image):
                total += float(image[r, c]) * (1 - abs(row - r)) * (1 - abs(column - c))
    return total


def move(
    image: NDArray[np.float64], mirror: tuple[bool, bool], angle: float, scale: float, shift: tuple[float, float]
) -> NDArray[np.float64]:
    size = len(image)
    places = [[source(r, c, size, mirror, angle, scale, shift) for c in range(size)] for r in range(size)]
    return np.array([[bilinear(image, *place) for place in line] for line in places])
