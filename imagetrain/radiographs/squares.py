"""Grey values to squares of one size: resizing, grey scale, histogram equalisation, padding.

MONAI's ``LoadImage -> ScaleIntensity -> Resize(longest, area) -> HistogramNormalize -> SpatialPad`` is the reference
(`imagetrain.pixels.reference`); here the same is done with OpenCV, which is faster.
"""

from __future__ import annotations

import hashlib
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Grey = NDArray[np.uint8] | NDArray[np.uint16] | NDArray[np.int16] | NDArray[np.float32]
HALVED_WHILE = 4  # times as large as wanted, so that at least twice the size is left to be averaged exactly


class Preprocessing(NamedTuple):
    """How a radiograph becomes a square."""

    size: int  # pixels
    equalise: bool = True


class Square(NamedTuple):
    """A square, and two hashes of the picture in it as it was before equalisation.

    Parameters
    ----------
    pixels:
        uint8 ``(size, size)``.
    pixels_hash:
        Equal for the same pixels in another file or format, at the same size.
    difference_hash:
        64 bits in hexadecimal: is each of 8 x 8 places darker than its right neighbour? Pictures that look the same
        differ in few bits (https://www.hackerfactor.com/blog/index.php?/archives/529-Kind-of-Like-That.html).
    """

    pixels: NDArray[np.uint8]
    pixels_hash: str
    difference_hash: str


def to_square(pixels: Grey, preprocessing: Preprocessing, *, aspect: float = 1.0) -> NDArray[np.uint8]:
    """Resize the longer side to `size`, equalise if wanted, and pad with black to ``(size, size)``.

    The darkest pixel of the image becomes 0 and the brightest 255. Equalisation comes before padding, since the
    padding would count as dark anatomy.

    Parameters
    ----------
    pixels:
        ``(height, width)``, not blank.
    aspect:
        Height of a pixel over its width.
    """
    return _pad(_finish(_shrink(pixels, preprocessing.size, aspect), preprocessing), preprocessing.size)


def make_square(pixels: Grey, preprocessing: Preprocessing, *, aspect: float = 1.0) -> Square:
    """The square of `to_square` with its hashes."""
    grey = _shrink(pixels, preprocessing.size, aspect)
    content = hashlib.sha256(repr(grey.shape).encode() + grey.tobytes())
    square = _pad(_finish(grey, preprocessing), preprocessing.size)
    return Square(square, content.hexdigest(), _difference_hash(grey))


def in_unit_range(pixels: Grey) -> NDArray[np.float32]:
    """Grey values as float32 from 0, the darkest, to 1, the brightest."""
    numbers = pixels.astype(np.float32)
    low, high = numbers.min(), numbers.max()
    return np.asarray((numbers - low) / (high - low))


def halve(pixels: Grey) -> Any:
    """The means of 2 x 2 pixels, in the image's own type; sides must be even."""
    import cv2

    height, width = pixels.shape
    return cv2.resize(pixels, (width // 2, height // 2), interpolation=cv2.INTER_AREA)


def _shrink(pixels: Grey, size: int, aspect: float) -> NDArray[np.uint8]:
    """The whole image in 256 grey levels, its longer side `size`.

    Means of 2 x 2 whole pixels are cheap in the image's own type; the last step averages by area, in float32.
    """
    import cv2

    low, high, *_ = cv2.minMaxLoc(pixels)
    tall, wide = pixels.shape[0] * aspect, pixels.shape[1]
    scale = size / max(tall, wide)
    height, width = max(1, round(tall * scale)), max(1, round(wide * scale))
    small: Any = pixels
    while (
        not (small.shape[0] % 2 or small.shape[1] % 2)
        and small.shape[0] >= HALVED_WHILE * height
        and small.shape[1] >= HALVED_WHILE * width
    ):
        small = halve(small)
    reduces = height <= small.shape[0] and width <= small.shape[1]
    method = cv2.INTER_AREA if reduces else cv2.INTER_LINEAR
    if small.shape != (height, width):
        small = cv2.resize(small.astype(np.float32), (width, height), interpolation=method)
    scaled = (small.astype(np.float32) - np.float32(low)) * np.float32(255 / (high - low))
    return np.asarray(np.rint(scaled.clip(0, 255)), dtype=np.uint8)


def _finish(grey: NDArray[np.uint8], preprocessing: Preprocessing) -> NDArray[np.uint8]:
    import cv2

    return np.asarray(cv2.equalizeHist(grey)) if preprocessing.equalise else grey


def _pad(grey: NDArray[np.uint8], size: int) -> NDArray[np.uint8]:
    height, width = grey.shape
    square = np.zeros((size, size), dtype=np.uint8)
    top, left = (size - height) // 2, (size - width) // 2
    square[top : top + height, left : left + width] = grey
    return square


def _difference_hash(grey: NDArray[np.uint8]) -> str:
    import cv2

    places = cv2.resize(grey, (9, 8), interpolation=cv2.INTER_AREA)
    return np.packbits(places[:, :-1] < places[:, 1:]).tobytes().hex()
