"""Radiograph files to squares of one size: reading, grey scale, histogram equalisation, resizing, padding.

MONAI's ``LoadImage -> ScaleIntensity -> Resize(longest, area) -> HistogramNormalize -> SpatialPad`` is the reference
(`imagetrain.pixels.reference`); here the same is done with OpenCV, which is faster.
"""

from __future__ import annotations

import hashlib
import io
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from radprompter.errors import ImageError

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

MIN_SIDE, MAX_SIDE = 32, 20_000  # pixels; less is an icon, and the largest detectors have some 5,000
DEPTHS = ("uint8", "uint16")  # of PNG, JPEG and TIFF; other depths have no agreed meaning of black and white
DICOM_MAGIC = slice(128, 132)


class Preprocessing(NamedTuple):
    """How a radiograph becomes a square."""

    size: int  # pixels
    equalise: bool = True


class Radiograph(NamedTuple):
    """A radiograph as it was read: grey values in [0, 1], dark where the film is dark, and its file's hash."""

    pixels: NDArray[np.float32]  # (height, width)
    sha256: str


def read_radiograph(path: Path, *, study: str = "") -> Radiograph:
    """Read a DICOM, PNG, JPEG or TIFF file of any size and bit depth as grey values in [0, 1].

    The darkest pixel becomes 0 and the brightest 1, so that 8, 12 and 16 bit files of the same scene agree. Colours
    become luminance; transparency is dropped. DICOM values go through the modality LUT, then the VOI LUT or window,
    and MONOCHROME1 is inverted after both (PS3.3 C.7.6.3.1.2, C.11).

    Raises
    ------
    ImageError
        If the file is absent, empty, damaged or blank, or of a size or bit depth that no radiograph has; the message
        names file and study.
    """
    where = f"{path}" + (f" (study {study})" if study else "")
    if not path.is_file():
        raise ImageError(f"{where}: no such image file")
    content = path.read_bytes()
    if not content:
        raise ImageError(f"{where}: the image file is empty")
    is_dicom = content[DICOM_MAGIC] == b"DICM" or path.suffix.lower() in (".dcm", ".dicom")
    values = _dicom_values(content, where) if is_dicom else _raster_values(content, where)
    return Radiograph(_unit_range(values, where), hashlib.sha256(content).hexdigest())


def to_square(pixels: NDArray[np.float32], preprocessing: Preprocessing) -> NDArray[np.uint8]:
    """Resize the longer side to `size`, equalise if wanted, and pad with black to ``(size, size)``.

    Equalisation comes before padding, since the padding would count as dark anatomy.
    """
    import cv2

    size = preprocessing.size
    scale = size / max(pixels.shape)
    height, width = (max(1, round(side * scale)) for side in pixels.shape)
    method = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    resized = cv2.resize(pixels, (width, height), interpolation=method)
    grey = np.rint(np.clip(resized, 0, 1) * 255).astype(np.uint8)
    if preprocessing.equalise:
        grey = cv2.equalizeHist(grey)
    square = np.zeros((size, size), dtype=np.uint8)
    top, left = (size - height) // 2, (size - width) // 2
    square[top : top + height, left : left + width] = grey
    return square


def _unit_range(values: NDArray[Any], where: str) -> NDArray[np.float32]:
    if values.ndim != 2 or min(values.shape, default=0) < 2:
        raise ImageError(f"{where}: expected one grey image, found an array of shape {values.shape}")
    height, width = values.shape
    if min(height, width) < MIN_SIDE or max(height, width) > MAX_SIDE:
        expected = f"expected sides from {MIN_SIDE} to {MAX_SIDE:,}"
        raise ImageError(f"{where}: {width} x {height} pixels, {expected}; is it a radiograph?")
    numbers = values.astype(np.float32)
    if not np.isfinite(numbers).all():
        raise ImageError(f"{where}: the image has values that are not numbers")
    low, high = float(numbers.min()), float(numbers.max())
    if high <= low:
        raise ImageError(f"{where}: the image is blank: every pixel has the same value")
    return (numbers - np.float32(low)) / np.float32(high - low)


def _raster_values(content: bytes, where: str) -> NDArray[Any]:
    import cv2

    try:
        values = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_GRAYSCALE | cv2.IMREAD_ANYDEPTH)
    except cv2.error:
        values = None
    if values is None:
        raise ImageError(f"{where}: the image cannot be decoded: damaged, cut short, or not PNG, JPEG, TIFF or DICOM")
    if values.dtype.name not in DEPTHS:
        raise ImageError(f"{where}: pixels of type {values.dtype.name}, expected 8 or 16 bit; convert the image")
    return np.asarray(values)


def _dicom_values(content: bytes, where: str) -> NDArray[Any]:
    import pydicom
    from pydicom.errors import InvalidDicomError

    try:
        dataset = pydicom.dcmread(io.BytesIO(content), force=content[DICOM_MAGIC] != b"DICM")
    except (InvalidDicomError, EOFError, ValueError, KeyError, OSError):
        raise ImageError(f"{where}: not a readable DICOM file") from None
    if "PixelData" not in dataset:
        raise ImageError(f"{where}: the DICOM file has no pixels")
    if int(dataset.get("NumberOfFrames") or 1) != 1:
        raise ImageError(f"{where}: expected one frame, found {dataset.NumberOfFrames}")
    try:
        return _shown_values(dataset)
    except Exception as error:  # pydicom and its decoders raise nearly anything on damaged pixels
        raise ImageError(f"{where}: the DICOM pixels cannot be decoded ({type(error).__name__})") from None


def _shown_values(dataset: Dataset) -> NDArray[Any]:
    """Values as a viewer shows them: bright is bright, whatever the file's photometric interpretation."""
    from pydicom.pixels import apply_color_lut, apply_modality_lut, apply_voi_lut, pixel_array

    kind = str(dataset.get("PhotometricInterpretation", "MONOCHROME2"))
    values = pixel_array(dataset)
    if kind == "PALETTE COLOR":
        values = apply_color_lut(values, dataset)
    if values.ndim == 3:
        return np.asarray(values[..., :3] @ np.array([0.299, 0.587, 0.114]))  # luminance, ITU-R BT.601
    shown = np.asarray(apply_voi_lut(apply_modality_lut(values, dataset), dataset), dtype=np.float64)
    return shown.max() - shown if kind == "MONOCHROME1" else shown
