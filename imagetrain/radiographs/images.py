"""Radiograph files to grey values: DICOM, PNG, JPEG and TIFF of any size and bit depth."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from imagetrain.radiographs.dicom import DicomImage, is_dicom, read_dicom
from imagetrain.radiographs.limits import MAX_FILE_BYTES, refuse_size
from imagetrain.radiographs.raster import read_raster
from imagetrain.radiographs.squares import Grey
from radprompter.errors import ImageError

ANISOTROPIC = 0.01  # pixels whose height and width differ by no more are taken for square


class Radiograph(NamedTuple):
    """A radiograph as it was read.

    Parameters
    ----------
    pixels:
        ``(height, width)``, uint8, uint16, int16 or float32; dark where the film is dark. Their range has no meaning.
    sha256:
        Of the file.
    spacing:
        Millimetres from row to row and from column to column, if the file says so.
    view:
        As the tags of a DICOM file name it.
    warnings:
        What should be looked at, although the image can be used.
    """

    pixels: Grey
    sha256: str
    spacing: tuple[float, float] | None = None
    view: str | None = None
    warnings: tuple[str, ...] = ()

    @property
    def aspect(self) -> float:
        """Height of a pixel over its width."""
        ratio = self.spacing[0] / self.spacing[1] if self.spacing else 1.0
        return ratio if abs(ratio - 1) > ANISOTROPIC else 1.0


def read_radiograph(path: Path, *, study: str = "") -> Radiograph:
    """Read a DICOM, PNG, JPEG or TIFF file as grey values.

    Colours become luminance, transparency is dropped, and a picture that lies on its side by its EXIF tag is turned.

    Raises
    ------
    ImageError
        If the file is absent, empty, damaged or blank, or of a size, kind or bit depth that no radiograph has; the
        message names file and study.
    """
    where = f"{path}" + (f" (study {study})" if study else "")
    if not path.is_file():
        raise ImageError(f"{where}: no such image file")
    if path.stat().st_size > MAX_FILE_BYTES:
        raise ImageError(f"{where}: the image file is larger than {MAX_FILE_BYTES:,} bytes; is it a radiograph?")
    content = path.read_bytes()
    if not content:
        raise ImageError(f"{where}: the image file is empty")
    if is_dicom(content, path.suffix):
        image = read_dicom(content, where)
    else:
        image = DicomImage(read_raster(content, where), None, None, ())
    sha256 = hashlib.sha256(content).hexdigest()
    return Radiograph(_checked(image.values, where), sha256, image.spacing, image.view, image.warnings)


def _checked(values: NDArray[Any], where: str) -> Grey:
    import cv2

    if values.ndim != 2 or min(values.shape, default=0) < 2:
        raise ImageError(f"{where}: expected one grey image, found an array of shape {values.shape}")
    height, width = values.shape
    refuse_size(height, width, where)
    if values.dtype.name not in ("uint8", "uint16", "int16"):
        values = values.astype(np.float32)
        if not np.isfinite(values).all():
            raise ImageError(f"{where}: the image has values that are not numbers")
    values = np.ascontiguousarray(values)
    low, high, *_ = cv2.minMaxLoc(values)
    if high <= low:
        raise ImageError(f"{where}: the image is blank: every pixel has the same value")
    return values
