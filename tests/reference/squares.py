"""Images resized by area exactly: every pixel counts with the share of it that falls into the new one. Slow."""

from __future__ import annotations

import numpy as np


def shares(n: int, m: int) -> np.ndarray:
    """Weights ``(m, n)`` of n pixels in each of m that cover the same length; rows sum to 1."""
    edges = np.arange(m + 1) * n / m
    lower, upper = edges[:-1, None], edges[1:, None]
    pixels = np.arange(n)[None]
    return (np.minimum(upper, pixels + 1) - np.maximum(lower, pixels)).clip(0, None) * m / n


def exact_grey(pixels: np.ndarray, size: int) -> np.ndarray:
    """Grey levels from 0 to 255, not rounded, of an image whose longer side becomes `size`; for images that shrink."""
    scale = size / max(pixels.shape)
    height, width = (max(1, round(side * scale)) for side in pixels.shape)
    numbers = pixels.astype(np.float64)
    resized = shares(pixels.shape[0], height) @ numbers @ shares(pixels.shape[1], width).T
    return 255 * (resized - numbers.min()) / (numbers.max() - numbers.min())
