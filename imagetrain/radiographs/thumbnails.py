"""Small copies of cached images, for telling whether two are nearly the same."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from imagetrain.radiographs.cache import CachedImage


class Thumbnails:
    """Small copies of the images of a cache, without padding, each made when it is first asked for."""

    def __init__(self, images: Sequence[CachedImage], pixels: NDArray[np.uint8], *, side: int) -> None:
        self._images, self._pixels, self._side = images, pixels, side
        self._values = np.zeros((len(images), side * side), dtype=np.float16)
        self._made = np.zeros(len(images), dtype=bool)

    def __call__(self, places: NDArray[np.int64]) -> NDArray[np.float32]:
        """Those at some places ``(n,)``, ``(n, side * side)``: with mean 0 and length 1, so that products correlate."""
        for place in np.unique(places[~self._made[places]]).tolist():
            self._values[place] = self._small(place)
            self._made[place] = True
        return self._values[places].astype(np.float32)

    def _small(self, place: int) -> NDArray[np.float32]:
        import cv2

        image, size = self._images[place], (self._side, self._side)
        small = cv2.resize(unpadded(self._pixels[image.row], image), size, interpolation=cv2.INTER_AREA)
        values = small.astype(np.float32).ravel()
        values -= values.mean()
        length = np.linalg.norm(values)
        return np.asarray(values / length if length else values, dtype=np.float32)


def unpadded(square: NDArray[np.uint8], image: CachedImage) -> NDArray[np.uint8]:
    """The part of a cached square that is image, as its file's sides and spacing say."""
    size = len(square)
    aspect = image.spacing[0] / image.spacing[1] if image.spacing else 1.0
    tall, wide = image.height * aspect, image.width
    height, width = (max(1, round(side * size / max(tall, wide))) for side in (tall, wide))
    top, left = (size - height) // 2, (size - width) // 2
    return square[top : top + height, left : left + width]
