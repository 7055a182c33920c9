"""One file to one row of the cache: what a child process does."""

from __future__ import annotations

import functools
import warnings
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from imagetrain.radiographs.burnt_in import shows_text
from imagetrain.radiographs.images import read_radiograph
from imagetrain.radiographs.squares import Preprocessing, make_square
from radprompter.errors import ImageError
from radprompter.files import sha256

TEXT = "the pixels seem to show text: letters in a row near the border"

cv2.setNumThreads(1)
warnings.filterwarnings("ignore", module=r"pydicom\.")  # odd values in tags that are not used here


def read_into_row(
    file: str, study_id: str, pixels: str, n_rows: int, row: int, size: int, equalise: bool, known: str | None
) -> dict[str, Any]:
    """Write a file's square into a row of the memory-mapped cache, and say what the file is.

    Parameters
    ----------
    known:
        Hash of the content that the cache has of this file; nothing is written where it is the same.

    Returns
    -------
    The fields of `CachedImage` that depend on the file; of a content that is known only size and time; or a `reason`
    why the file cannot be used.
    """
    path = Path(file)
    try:
        facts = path.stat()
        found: dict[str, Any] = {"n_bytes": facts.st_size, "mtime_ns": facts.st_mtime_ns}
        if known is not None and sha256(path) == known:
            return found
        radiograph = read_radiograph(path, study=study_id)
        square = make_square(radiograph.pixels, Preprocessing(size, equalise), aspect=radiograph.aspect)
    except ImageError as error:
        return {"reason": str(error)}
    except OSError as error:
        absent = isinstance(error, FileNotFoundError)
        reason = "no such image file" if absent else error.strerror or type(error).__name__
        return {"reason": f"{path} (study {study_id}): {reason}"}
    burnt_in = (TEXT,) if shows_text(radiograph.pixels) else ()
    _rows(pixels, n_rows, size)[row] = square.pixels
    height, width = radiograph.pixels.shape
    return found | {
        "sha256": radiograph.sha256,
        "height": height,
        "width": width,
        "spacing": radiograph.spacing,
        "tagged_view": radiograph.view,
        "pixels_hash": square.pixels_hash,
        "difference_hash": square.difference_hash,
        "warnings": radiograph.warnings + burnt_in,
    }


@functools.cache
def _rows(path: str, n_rows: int, size: int) -> NDArray[np.uint8]:
    return np.memmap(path, dtype=np.uint8, mode="r+", shape=(n_rows, size, size))
