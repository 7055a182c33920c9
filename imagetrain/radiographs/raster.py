"""PNG, JPEG and TIFF files to grey values in the file's own depth; the header is judged before pixels are decoded."""

from __future__ import annotations

import io
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from imagetrain.radiographs.inflating import SIGNATURE, chunks, store_png
from imagetrain.radiographs.limits import refuse_size
from radprompter.errors import ImageError

FORMATS = ("PNG", "JPEG", "TIFF")
DEPTHS = ("uint8", "uint16")  # other depths have no agreed meaning of black and white
JPEG_MAGIC = b"\xff\xd8\xff"
NO_FRAME = {0xC4, 0xC8, 0xCC}  # of the markers from C0 to CF, those that are no start of a frame (ITU-T T.81, B.1)
ORIENTATION, PHOTOMETRIC = 0x0112, 262  # tags of EXIF and TIFF
# EXIF orientation -> (quarter turns counterclockwise, then mirrored left to right)
UPRIGHT = {2: (0, True), 3: (2, False), 4: (2, True), 5: (3, True), 6: (3, False), 7: (1, True), 8: (1, False)}


def read_raster(content: bytes, where: str) -> NDArray[Any]:
    """Grey values uint8 or uint16 ``(height, width)``, upright as EXIF says; colours as luminance, no transparency.

    Raises
    ------
    ImageError
        If the content is damaged, is of another format or depth, holds more than one image, or has a size that no
        radiograph has.
    """
    if content.startswith(JPEG_MAGIC):
        bits, height, width = _jpeg_frame(content, where)
        refuse_size(height, width, where)
        if bits > 8:
            return _deep_jpeg(content, where)
    header = _read_header(content, where)
    values = _decode(content, where)
    if header.white_is_zero and values.dtype != np.uint8:  # libtiff inverts 8 bit itself
        values = ~values
    turns, mirrored = UPRIGHT.get(header.orientation, (0, False))
    values = np.rot90(values, turns)
    return np.ascontiguousarray(values[:, ::-1] if mirrored else values)


class _Header(NamedTuple):
    orientation: int
    white_is_zero: bool


def _read_header(content: bytes, where: str) -> _Header:
    """Size, kind and number of images by Pillow, which decodes nothing for it."""
    from PIL import Image
    from PIL.TiffImagePlugin import TiffImageFile

    Image.MAX_IMAGE_PIXELS = None  # ours is `refuse_size`, which says what was expected
    try:
        with Image.open(io.BytesIO(content), formats=(*FORMATS, "MPO")) as image:
            refuse_size(image.height, image.width, where)
            if image.mode in ("CMYK", "LAB", "1"):
                raise ImageError(f"{where}: pixels are {image.mode}, expected grey or RGB; convert the image")
            n_images = getattr(image, "n_frames", 1)
            if n_images != 1:
                raise ImageError(f"{where}: expected one image, found {n_images}: animated, or of several pages")
            if isinstance(image, TiffImageFile):  # OpenCV turns a TIFF itself
                return _Header(1, image.tag_v2.get(PHOTOMETRIC) == 0)
            if image.format == "PNG" and not any(kind == b"eXIf" for kind, *_ in chunks(content)):
                return _Header(1, False)  # Pillow would decode all pixels in search of it
            return _Header(int(image.getexif().get(ORIENTATION, 1)), False)
    except ImageError:
        raise
    except Exception:  # Pillow raises nearly anything on damaged headers
        raise ImageError(_undecodable(where)) from None


def _decode(content: bytes, where: str) -> NDArray[Any]:
    import cv2

    if content.startswith(SIGNATURE):
        content = store_png(content) or content
    flags = cv2.IMREAD_GRAYSCALE | cv2.IMREAD_ANYDEPTH | cv2.IMREAD_IGNORE_ORIENTATION
    try:
        values = cv2.imdecode(np.frombuffer(content, np.uint8), flags)
    except cv2.error:
        values = None
    if values is None:
        raise ImageError(_undecodable(where))
    if values.dtype.name not in DEPTHS:
        raise ImageError(f"{where}: pixels of type {values.dtype.name}, expected 8 or 16 bit; convert the image")
    return np.asarray(values)


def _undecodable(where: str) -> str:
    return f"{where}: the image cannot be decoded: damaged, cut short, or not PNG, JPEG, TIFF or DICOM"


def _jpeg_frame(content: bytes, where: str) -> tuple[int, int, int]:
    """Bits, height and width of a JPEG; baseline, extended, progressive and lossless frames are alike there."""
    at = 2
    while at + 9 < len(content):
        if content[at] != 0xFF:
            break
        marker = content[at + 1]
        if marker == 0xFF:  # a fill byte
            at += 1
        elif 0xC0 <= marker <= 0xCF and marker not in NO_FRAME:
            height, width = (int.from_bytes(content[at + i : at + i + 2], "big") for i in (5, 7))
            return content[at + 4], height, width
        else:
            at += 2 + int.from_bytes(content[at + 2 : at + 4], "big")
    raise ImageError(_undecodable(where))


def _deep_jpeg(content: bytes, where: str) -> NDArray[Any]:
    """12 bit extended or 16 bit lossless JPEG, which OpenCV does not read."""
    try:
        import libjpeg
    except ImportError:
        raise ImageError(f"{where}: a JPEG of more than 8 bits needs the package pylibjpeg-libjpeg") from None
    try:
        values = np.asarray(libjpeg.decode(content))
    except Exception:
        raise ImageError(_undecodable(where)) from None
    if values.ndim != 2 or values.dtype.name not in DEPTHS:
        raise ImageError(f"{where}: a JPEG of more than 8 bits, but not grey; convert the image")
    return values
