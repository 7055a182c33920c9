"""DICOM files to grey values as a viewer shows them, with what the tags say of spacing, view and burnt-in text.

Values go through the modality LUT, then the VOI LUT or window, and MONOCHROME1 is inverted after both (PS3.3
C.7.6.3.1.2, C.11). Where these are linear, as nearly always, clipping does the same without a copy in float64:
whatever is linear is undone when the image is scaled to its own range.
"""

from __future__ import annotations

import io
import zlib
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from imagetrain.radiographs.limits import MAX_CONTENT_BYTES, refuse_size
from imagetrain.radiographs.tags import read_spacing, says_burnt_in, view_of
from radprompter.errors import ImageError

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

MAGIC = slice(128, 132)
GROUPS = (b"\2\0", b"\x08\0", b"\0\x08")  # of the first tag of a file without preamble
SUFFIXES = (".dcm", ".dicom")
DEFLATED = "1.2.840.10008.1.2.1.99"
PIXELS = ("PixelData", "FloatPixelData", "DoubleFloatPixelData")
LUMINANCE = np.array([0.299, 0.587, 0.114])  # ITU-R BT.601
FINEST = 1024  # grey values in a window; in a narrower one, limits rounded to whole values would show
NO_WINDOW = "the window is unusable or outside the values; the full range is shown"
BURNT_IN = "tagged BurnedInAnnotation: YES"


class DicomImage(NamedTuple):
    """What a DICOM file shows and says."""

    values: NDArray[Any]  # (height, width), integer or float32; bright is bright
    spacing: tuple[float, float] | None  # mm from row to row, and from column to column
    view: str | None
    warnings: tuple[str, ...]


def is_dicom(content: bytes, suffix: str) -> bool:
    """Whether a file is DICOM by its content, or else by its name's end."""
    return content[MAGIC] == b"DICM" or suffix.lower() in SUFFIXES or content[:2] in GROUPS


def read_dicom(content: bytes, where: str) -> DicomImage:
    """The image of a DICOM file, also of one without preamble.

    Raises
    ------
    ImageError
        If the file is damaged, has no pixels or several frames, or has a size that no radiograph has.
    """
    dataset = _parse(content, where)
    try:
        found = [name for name in PIXELS if name in dataset]
        n_frames = int(dataset.get("NumberOfFrames") or 1)
        height, width = int(dataset.get("Rows") or 0), int(dataset.get("Columns") or 0)
    except Exception:
        raise ImageError(f"{where}: the DICOM tags that describe the pixels cannot be read") from None
    if not found:
        raise ImageError(f"{where}: the DICOM file has no pixels")
    if n_frames != 1:
        raise ImageError(f"{where}: expected one frame, found {n_frames}")
    refuse_size(height, width, where)
    try:
        values, warnings = _shown(dataset)
    except MemoryError:
        raise
    except Exception as error:  # pydicom and its decoders raise nearly anything on damaged pixels
        raise ImageError(f"{where}: the DICOM pixels cannot be decoded ({type(error).__name__})") from None
    if says_burnt_in(dataset):
        warnings.append(BURNT_IN)
    return DicomImage(values, read_spacing(dataset), view_of(dataset), tuple(warnings))


def _parse(content: bytes, where: str) -> Dataset:
    import pydicom
    from pydicom.dataset import FileMetaDataset
    from pydicom.uid import ExplicitVRBigEndian, ExplicitVRLittleEndian, ImplicitVRLittleEndian

    whole = content[MAGIC] == b"DICM"
    if whole and DEFLATED.encode() in content[:4096]:
        _refuse_bomb(content, where)
    try:
        dataset = pydicom.dcmread(io.BytesIO(content), force=not whole)
        if "TransferSyntaxUID" not in getattr(dataset, "file_meta", ()):
            dataset.file_meta = FileMetaDataset()
            implicit, little = dataset.original_encoding
            explicit = ExplicitVRLittleEndian if little else ExplicitVRBigEndian
            dataset.file_meta.TransferSyntaxUID = ImplicitVRLittleEndian if implicit else explicit
    except RecursionError:
        raise ImageError(f"{where}: the DICOM sequences are nested too deep") from None
    except MemoryError:
        raise
    except Exception:
        raise ImageError(f"{where}: not a readable DICOM file") from None
    return dataset


def _refuse_bomb(content: bytes, where: str) -> None:
    """Inflate what is deflated, piece by piece and to nowhere, and stop where no radiograph would go on."""
    start = 144 + int.from_bytes(content[140:144], "little")  # after the meta group, whose length stands there
    stream, size, piece = zlib.decompressobj(-zlib.MAX_WBITS), 0, content[start:]
    try:
        while piece and not stream.eof:
            size += len(stream.decompress(piece, 2**20))
            piece = stream.unconsumed_tail
            if size > MAX_CONTENT_BYTES:
                raise ImageError(f"{where}: {len(content):,} deflated bytes come to more than {MAX_CONTENT_BYTES:,}")
    except zlib.error:
        raise ImageError(f"{where}: not a readable DICOM file") from None


def _shown(dataset: Dataset) -> tuple[NDArray[Any], list[str]]:
    """Values as a viewer shows them: bright is bright, whatever the file's photometric interpretation."""
    from pydicom.pixels import apply_color_lut, pixel_array

    kind = str(dataset.get("PhotometricInterpretation", "MONOCHROME2"))
    values = pixel_array(dataset)
    if kind == "PALETTE COLOR":
        values = apply_color_lut(values, dataset)
    if values.ndim == 3:
        return (values[..., :3] @ LUMINANCE).astype(np.float32), []
    stored = int(dataset.get("BitsStored") or 0)
    if values.dtype.kind == "u" and 0 < stored < 8 * values.itemsize:
        values = values & values.dtype.type(2**stored - 1)  # overlays may stand in the bits above
    if "VOILUTSequence" in dataset or "ModalityLUTSequence" in dataset or dataset.get("VOILUTFunction") == "SIGMOID":
        values, warnings, falls = _by_tables(values, dataset)
    else:
        values, warnings, falls = _by_window(values, dataset)
    if falls != (kind == "MONOCHROME1"):
        values = -values if values.dtype.kind == "f" else ~values  # the range has no meaning, and this cannot overflow
    return values, warnings


def _by_tables(values: NDArray[Any], dataset: Dataset) -> tuple[NDArray[np.float32], list[str], bool]:
    from pydicom.pixels import apply_modality_lut, apply_voi_lut

    linear = apply_modality_lut(values, dataset)
    try:
        shown, warnings = apply_voi_lut(linear, dataset), []
    except (ValueError, TypeError, IndexError):
        shown, warnings = linear, [NO_WINDOW]
    if shown.max() <= shown.min():
        shown, warnings = linear, [NO_WINDOW]
    return np.asarray(shown, dtype=np.float32), warnings, False


def _by_window(values: NDArray[Any], dataset: Dataset) -> tuple[NDArray[Any], list[str], bool]:
    """Stored values clipped to the window, warnings, and whether they fall where the image grows brighter."""
    slope, intercept = (_number(dataset, name) for name in ("RescaleSlope", "RescaleIntercept"))
    slope, intercept = (1.0 if slope in (None, 0) else slope), intercept or 0.0
    assert slope is not None
    least, most = float(values.min()), float(values.max())
    if values.dtype.itemsize > 2 or not (np.isfinite(least) and np.isfinite(most)):
        values = values.astype(np.float32)
    if "WindowWidth" not in dataset and "WindowCenter" not in dataset:
        return values, [], slope < 0
    centre, width = _number(dataset, "WindowCenter"), _number(dataset, "WindowWidth")
    exact = dataset.get("VOILUTFunction") == "LINEAR_EXACT"
    if centre is None or width is None or width <= (0 if exact else 1):
        return values, [NO_WINDOW], slope < 0
    half = width / 2 if exact else (width - 1) / 2  # PS3.3 C.11.2.1.2.1 and C.11.2.1.3.2
    middle = centre if exact else centre - 0.5
    low, high = sorted((limit - intercept) / slope for limit in (middle - half, middle + half))
    if high <= least or low >= most:
        return values, [NO_WINDOW], slope < 0
    if values.dtype.kind != "f" and high - low < FINEST:
        values = values.astype(np.float32)
    if values.dtype.kind != "f":
        low, high = round(max(low, least)), round(min(high, most))
    return values.clip(values.dtype.type(low), values.dtype.type(high)), [], slope < 0


def _number(dataset: Dataset, name: str) -> float | None:
    """A tag's number, the first of several; None if it has none."""
    try:
        value = dataset.get(name)
        first = value[0] if value is not None and not isinstance(value, str) and hasattr(value, "__len__") else value
        number = float(first)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return number if np.isfinite(number) else None
