"""What a file must not exceed to be taken for a radiograph; looked at before pixels are decoded."""

from __future__ import annotations

from radprompter.errors import ImageError

MIN_SIDE, MAX_SIDE = 32, 20_000  # pixels; less is an icon, and the largest detectors have some 5,000
MAX_PIXELS = 100_000_000
MAX_FILE_BYTES = 512 * 2**20
MAX_CONTENT_BYTES = 2 * MAX_FILE_BYTES  # of a file that is compressed as a whole


def refuse_size(height: int, width: int, where: str) -> None:
    """Raise an `ImageError` if an image is smaller or larger than any radiograph."""
    if min(height, width) < MIN_SIDE or max(height, width) > MAX_SIDE or height * width > MAX_PIXELS:
        expected = f"expected sides from {MIN_SIDE} to {MAX_SIDE:,} and at most {MAX_PIXELS:,} pixels"
        raise ImageError(f"{where}: {width} x {height} pixels, {expected}; is it a radiograph?")
