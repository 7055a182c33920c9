from __future__ import annotations

import base64
import io
import struct
import sys
import zlib
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from dicom_files import scene
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from imagetrain.radiographs.images import read_radiograph
from imagetrain.radiographs.inflating import SIGNATURE, store_png
from imagetrain.radiographs.squares import in_unit_range
from radprompter.errors import ImageError

WHOLE = np.rint(scene() * 255).astype(np.uint8)
DEEP = np.rint(scene() * 65535).astype(np.uint16)

# 40 x 48 pixels of value 80 * row + 15 * column, deflated and in base 64: JPEG with 12 bits, and lossless with 16
EXTENDED = """
eNr7f+P/AwYBLzdPNwZGRgYGRiBk+H+bwZmBiREEQCQTCLAwg0hWFhZmFjZWNjYwZufkAGJ2NjYObg5OLhAAsni4uXhAnP8HGbh5GDQYDBgZBRn+H2EQA5o
PNBsJcHLwAsWlBRgY2NEkuDVMXIMe/b/FwAHSYs9w1FDvyuSEbTlXiuSY3nqacaeddVd8QIyQ0oLhr1H5/00AYpKSKg=="""
LOSSLESS = """
eNr7f+P/EQZxBkYgYEACbCzsAv8PM3ALMGgwGDAyCDL8v8XAAVTBxsDw+v2+3wTQ/oCAhU6tXCIahKksolSBqF5HIo3UCFyhQaz9pqzE2u+2gFgvaVwh1ku
tUk1EGhmweDRIR4N0NEhHg3Q0SHFQDP9vAgCA4QWT"""


def stored(image: Image.Image, kind: str, **options: Any) -> bytes:
    content = io.BytesIO()
    image.save(content, kind, **options)
    return content.getvalue()


def grey(path: Path, content: bytes) -> np.ndarray:
    path.write_bytes(content)
    return in_unit_range(read_radiograph(path).pixels)


def refused(path: Path, content: bytes) -> str:
    path.write_bytes(content)
    with pytest.raises(ImageError) as caught:
        read_radiograph(path)
    return str(caught.value)


@pytest.mark.parametrize(("packed", "tolerance"), [(EXTENDED, 1.5), (LOSSLESS, 0)])
def test_jpegs_of_more_than_eight_bits_are_read(tmp_path: Path, packed: str, tolerance: float) -> None:
    (tmp_path / "a.jpg").write_bytes(zlib.decompress(base64.b64decode(packed)))
    rows, columns = np.mgrid[0:40, 0:48]
    pixels = read_radiograph(tmp_path / "a.jpg").pixels
    assert pixels.dtype == np.uint16
    assert np.abs(pixels.astype(int) - (rows * 80 + columns * 15)).max() <= tolerance


@pytest.mark.parametrize("orientation", range(1, 9))
def test_pictures_are_turned_upright_as_exif_says(tmp_path: Path, orientation: int) -> None:
    laid = {  # how a camera stores an upright scene under each orientation (EXIF 2.3, 4.6.4)
        1: WHOLE,
        2: WHOLE[:, ::-1],
        3: WHOLE[::-1, ::-1],
        4: WHOLE[::-1],
        5: WHOLE.T,
        6: WHOLE.T[::-1],
        7: WHOLE.T[::-1, ::-1],
        8: WHOLE.T[:, ::-1],
    }[orientation]
    exif = Image.Exif()
    exif[0x0112] = orientation
    for kind, options in (("JPEG", {"quality": 100}), ("PNG", {}), ("TIFF", {})):
        content = stored(Image.fromarray(np.ascontiguousarray(laid)), kind, exif=exif, **options)
        assert np.abs(grey(tmp_path / f"a.{kind}", content) - scene()).max() < 0.02, kind


def test_palettes_greys_with_transparency_and_inverted_tiffs_show_the_same_scene(tmp_path: Path) -> None:
    whole = Image.fromarray(WHOLE)
    palette = whole.convert("P")
    palette.putpalette([level for level in range(256) for _ in range(3)])
    inverted = bytearray(stored(Image.fromarray(~DEEP), "TIFF"))
    entry = inverted.index(struct.pack("<HHI", 262, 3, 1))  # PhotometricInterpretation, one SHORT
    inverted[entry + 8 : entry + 10] = struct.pack("<H", 0)  # white is zero
    contents = {
        "palette.png": stored(palette, "PNG"),
        "alpha.png": stored(Image.merge("LA", [whole, Image.new("L", whole.size, 9)]), "PNG"),
        "deep.png": stored(Image.fromarray(DEEP), "PNG"),
        "white_is_zero.tif": stored(whole, "TIFF", tiffinfo={262: 0}),
        "white_is_zero_16.tif": bytes(inverted),
        "lzw.tif": stored(Image.fromarray(DEEP), "TIFF", compression="tiff_lzw"),
        "deflate.tif": stored(Image.fromarray(DEEP), "TIFF", compression="tiff_adobe_deflate"),
        "rgb.jpg": stored(whole.convert("RGB"), "JPEG", quality=100),
        "progressive.jpg": stored(whole, "JPEG", quality=100, progressive=True),
    }
    for name, content in contents.items():
        assert np.abs(grey(tmp_path / name, content) - scene()).max() < 0.02, name


def png_of(width: int, height: int) -> bytes:
    """A PNG that claims a size; its pixels are not there."""
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    parts = [SIGNATURE]
    for kind, body in ((b"IHDR", header), (b"IDAT", zlib.compress(b"\0" * 100)), (b"IEND", b"")):
        parts.append(struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body)))
    return b"".join(parts)


def test_what_no_radiograph_is_is_refused_by_its_header(tmp_path: Path) -> None:
    whole, other = Image.fromarray(WHOLE), Image.fromarray(~WHOLE)
    pages = {"save_all": True, "append_images": [other]}
    jpeg = bytearray(stored(whole, "JPEG"))
    frame = jpeg.index(b"\xff\xc0")
    jpeg[frame + 5 : frame + 9] = struct.pack(">HH", 65_000, 65_000)
    cases = {
        "huge.png": (png_of(65_000, 65_000), "65000 x 65000 pixels"),
        "area.png": (png_of(16_000, 16_000), "at most 100,000,000 pixels"),
        "huge.jpg": (bytes(jpeg), "65000 x 65000 pixels"),
        "icon.png": (stored(whole.resize((16, 16)), "PNG"), "16 x 16 pixels"),
        "animated.png": (stored(whole, "PNG", **pages), "animated"),
        "pages.tif": (stored(whole, "TIFF", **pages), "several pages"),
        "animated.gif": (stored(whole, "GIF", **pages), "not PNG, JPEG, TIFF or DICOM"),
        "cmyk.jpg": (stored(whole.convert("RGB").convert("CMYK"), "JPEG"), "CMYK"),
        "cmyk.tif": (stored(whole.convert("RGB").convert("CMYK"), "TIFF"), "CMYK"),
        "fax.tif": (stored(whole.convert("1"), "TIFF"), "pixels are 1"),
        "float.tif": (stored(Image.fromarray(scene()), "TIFF"), "float32"),
        "other.bmp": (stored(whole, "BMP"), "not PNG, JPEG, TIFF or DICOM"),
        "other.webp": (stored(whole.convert("RGB"), "WEBP"), "not PNG, JPEG, TIFF or DICOM"),
        "cut.jpg": (stored(whole, "JPEG")[:80], "cannot be decoded"),
        "cut.tif": (stored(whole, "TIFF")[:60], "cannot be decoded"),
    }
    for name, (content, reason) in cases.items():
        assert reason in refused(tmp_path / name, content), name


@settings(max_examples=60, deadline=None)
@given(
    st.integers(1, 40),
    st.integers(1, 40),
    st.sampled_from(["L", "I;16", "RGB", "RGBA", "LA", "P"]),
    st.integers(0, 2**31),
    st.integers(0, 9),
)
def test_an_inflated_png_shows_the_same_pixels(height: int, width: int, mode: str, seed: int, level: int) -> None:
    rng = np.random.default_rng(seed)
    if mode == "I;16":
        image = Image.fromarray(rng.integers(0, 65536, (height, width), dtype=np.uint16))
    else:
        channels = {"L": 1, "P": 1, "LA": 2, "RGB": 3, "RGBA": 4}[mode]
        image = Image.frombytes(mode, (width, height), rng.bytes(height * width * channels))
        if mode == "P":
            image.putpalette(rng.bytes(768))
    content = stored(image, "PNG", compress_level=level)
    rewritten = store_png(content)
    assert rewritten is not None
    flags = cv2.IMREAD_GRAYSCALE | cv2.IMREAD_ANYDEPTH
    before, after = (cv2.imdecode(np.frombuffer(data, np.uint8), flags) for data in (content, rewritten))
    assert before.dtype == after.dtype
    assert np.array_equal(before, after)


@pytest.mark.parametrize("at", [0.2, 0.5, 0.9])
def test_a_damaged_png_is_left_to_its_decoder(at: float) -> None:
    content = bytearray(stored(Image.fromarray(WHOLE), "PNG"))
    content[int(at * len(content))] ^= 0x10
    assert store_png(bytes(content)) is None
    assert store_png(bytes(content[: len(content) // 2])) is None


def test_a_png_whose_pixels_are_a_bomb_is_not_inflated() -> None:
    header = struct.pack(">IIBBBBB", 40, 40, 8, 0, 0, 0, 0)
    parts = [SIGNATURE]
    for kind, body in ((b"IHDR", header), (b"IDAT", zlib.compress(bytes(50_000_000), 9)), (b"IEND", b"")):
        parts.append(struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body)))
    assert store_png(b"".join(parts)) is None


def test_without_isa_l_a_png_is_read_by_its_decoder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "isal", None)
    content = stored(Image.fromarray(WHOLE), "PNG")
    assert store_png(content) is None
    assert np.abs(grey(tmp_path / "a.png", content) - scene()).max() < 0.02
