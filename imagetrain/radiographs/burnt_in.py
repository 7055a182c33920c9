"""Text that was written into the pixels, such as a name or a date: a warning, never a verdict.

What is drawn by software has the brightest grey value throughout and stands in lines of letters. Side markers of lead
are single letters, and bones and metal make no rows of small shapes. Writing on paper or in dark letters is not found.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from imagetrain.radiographs.squares import Grey

WORKING_SIDE = 1600  # pixels; letters stay legible, and looking takes a few milliseconds
BRIGHT = 0.75  # of the range of the image
CONTRAST = 0.35  # of the range, above the brightest that is left when strokes are taken away
STROKE = 0.012  # width at most, as a share of the longer side
BORDER = 0.2  # of each side: text is put where it hides little
LETTER = (0.006, 0.05)  # heights, as shares of the longer side, and no less than `LEAST` pixels
LEAST = 5
FILLED = (0.15, 0.92)  # share of a letter's box that its strokes fill
WORD = 5  # letters in a row at least
MOST = 10_000  # bright shapes; more are noise


def shows_text(pixels: Grey) -> bool:
    """Whether the border of an image ``(height, width)`` has a row of letters."""
    import cv2

    low, high, *_ = cv2.minMaxLoc(pixels)
    while max(pixels.shape) > WORKING_SIDE:
        pixels = _brightest_of_four(pixels)
    grey = cv2.convertScaleAbs(pixels, alpha=255 / (high - low), beta=-255 * low / (high - low))
    height, width = grey.shape
    side = max(height, width)
    width_of_stroke = max(5, round(STROKE * side)) | 1
    strokes = cv2.morphologyEx(grey, cv2.MORPH_TOPHAT, np.ones((width_of_stroke, width_of_stroke), np.uint8))
    bright = ((grey >= BRIGHT * 255) & (strokes >= CONTRAST * 255)).astype(np.uint8)
    rows, columns = int(height * BORDER), int(width * BORDER)
    bright[rows : height - rows, columns : width - columns] = 0
    outlines, _ = cv2.findContours(bright, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    if not WORD <= len(outlines) <= MOST:
        return False
    boxes = np.array([cv2.boundingRect(outline) for outline in outlines])
    return _has_row(_letters(boxes, bright, side))


def _brightest_of_four(pixels: Grey) -> Any:
    """Half the size, the brightest of 2 x 2 pixels, so that thin letters stay bright."""
    import cv2

    spread = cv2.dilate(pixels, np.ones((2, 2), np.uint8), anchor=(0, 0))
    return np.ascontiguousarray(spread[::2, ::2])


def _letters(boxes: NDArray[np.int32], bright: NDArray[np.uint8], side: int) -> NDArray[np.int32]:
    """Boxes (left, top, width, height) that a letter may have."""
    _, _, width, height = boxes.T
    tall = (height >= max(LEAST, LETTER[0] * side)) & (height <= LETTER[1] * side)
    upright = boxes[tall & (width <= 1.5 * height)]
    filled = [bright[y : y + h, x : x + w].mean() for x, y, w, h in upright]
    return np.asarray(upright[[FILLED[0] <= share <= FILLED[1] for share in filled]])


def _has_row(letters: NDArray[np.int32]) -> bool:
    """Whether enough letters of like height stand side by side on a line."""
    left, top, width, height = letters.T.astype(np.float64)
    for index in range(len(letters)):
        like = np.abs(height - height[index]) <= 0.25 * height[index]
        level = np.abs(top + height - top[index] - height[index]) <= 0.25 * height[index]
        chosen = np.flatnonzero(like & level)
        chosen = chosen[np.argsort(left[chosen])]
        gaps = left[chosen][1:] - (left + width)[chosen][:-1]
        run = 1
        for gap in gaps:
            run = run + 1 if gap <= height[index] else 1
            if run >= WORD:
                return True
    return False
