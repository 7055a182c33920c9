"""Squares against an exact, slow area average, and what their hashes are equal for."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from dicom_files import scene, write_dicom
from hypothesis import given, settings
from hypothesis import strategies as st
from reference.squares import exact_grey

from imagetrain.pixels.reference import square_by_monai
from imagetrain.radiographs.images import read_radiograph
from imagetrain.radiographs.squares import Preprocessing, Square, in_unit_range, make_square, to_square

PLAIN = Preprocessing(64, equalise=False)


def inside(square: np.ndarray, like: np.ndarray) -> np.ndarray:
    """The square without its padding."""
    height, width = like.shape
    top, left = (len(square) - height) // 2, (len(square) - width) // 2
    return square[top : top + height, left : left + width]


def differences(pixels: np.ndarray, size: int) -> np.ndarray:
    """Grey levels between a square and the exact one."""
    exact = exact_grey(pixels, size)
    square = to_square(pixels, Preprocessing(size, equalise=False))
    return np.abs(inside(square, exact).astype(np.float64) - exact)


@settings(max_examples=60, deadline=None)
@given(
    st.integers(64, 700),
    st.integers(64, 700),
    st.sampled_from(["uint8", "uint16", "int16", "float32"]),
    st.integers(0, 99),
)
def test_squares_are_exact_within_few_grey_levels(height: int, width: int, kind: str, seed: int) -> None:
    rng = np.random.default_rng(seed)
    grey = 0.95 * scene(height, width) + 0.05 * rng.random((height, width))
    top = {"uint8": 255, "uint16": 4095, "int16": 2000, "float32": 1}[kind]
    pixels = (grey * top - (1000 if kind == "int16" else 0)).astype(kind)
    found = differences(pixels, 64)
    assert found.max() <= 5  # means of 2 x 2 whole pixels at the edges of areas, and rounding
    assert found.mean() <= 1  # rounding alone is a quarter of a level


@pytest.mark.parametrize("shape", [(2500, 2048), (2501, 2047), (3056, 2544)])
@pytest.mark.parametrize("depth", [8, 12])
def test_large_images_are_exact_within_few_grey_levels(shape: tuple[int, int], depth: int) -> None:
    rng = np.random.default_rng(0)
    grey = np.clip(scene(*shape) + rng.normal(0, 0.02, shape), 0, 1) * (2**depth - 1)
    found = differences(grey.astype(np.uint8 if depth == 8 else np.uint16), 512)
    assert found.max() <= 3
    assert found.mean() <= 0.45


def test_real_radiographs_are_exact_within_few_grey_levels(shared: Path) -> None:
    files = sorted((shared / "data/images").glob("*/img/*.jpg"))[::20]
    found = [differences(cv2.imread(str(file), cv2.IMREAD_GRAYSCALE), 128) for file in files]
    assert max(each.max() for each in found) <= 5
    assert np.mean([each.mean() for each in found]) <= 0.3


def test_of_real_radiographs_squares_are_those_of_monai_on_average(shared: Path) -> None:
    """Single pixels at edges differ: MONAI averages whole pixels only, and is as far from the exact average."""
    files = sorted((shared / "data/images").glob("*/img/*.jpg"))[::40]
    images = [cv2.imread(str(file), cv2.IMREAD_GRAYSCALE) for file in files]
    for equalise, tolerance in ((False, 0.5), (True, 1.0)):
        wanted = Preprocessing(128, equalise)
        theirs = [square_by_monai(in_unit_range(image), wanted) for image in images]
        ours = [to_square(image, wanted).astype(np.float32) for image in images]
        assert np.mean([np.abs(a - b).mean() for a, b in zip(ours, theirs, strict=True)]) <= tolerance


def test_pixels_that_are_not_square_are_shown_as_they_are(tmp_path: Path) -> None:
    whole = np.rint(scene(256, 256) * 4095).astype(np.uint16)
    flat = whole.reshape(128, 2, 256).mean(1)  # rows twice as far apart as columns
    write_dicom(tmp_path / "whole.dcm", whole / 4095, PixelSpacing=[0.1, 0.1])
    write_dicom(tmp_path / "flat.dcm", flat / 4095, PixelSpacing=[0.2, 0.1])
    one, two = (read_radiograph(tmp_path / f"{name}.dcm") for name in ("whole", "flat"))
    assert (one.aspect, two.aspect) == (1, 2)
    squares = [to_square(image.pixels, PLAIN, aspect=image.aspect).astype(int) for image in (one, two)]
    assert np.abs(squares[0] - squares[1]).max() <= 2


def hashed(pixels: np.ndarray, size: int = 64, *, equalise: bool = True) -> Square:
    return make_square(pixels, Preprocessing(size, equalise))


def bits(one: Square, two: Square) -> int:
    """How many bits of the difference hashes differ."""
    return (int(one.difference_hash, 16) ^ int(two.difference_hash, 16)).bit_count()


def test_the_same_pixels_have_the_same_hashes_in_any_file(tmp_path: Path) -> None:
    image = np.rint(scene(200, 150) * 255).astype(np.uint8)
    cv2.imwrite(str(tmp_path / "a.png"), image)
    cv2.imwrite(str(tmp_path / "a.tif"), image)
    write_dicom(tmp_path / "a.dcm", scene(200, 150), bits=8)
    found = [hashed(read_radiograph(tmp_path / f"a.{kind}").pixels) for kind in ("png", "tif", "dcm")]
    assert len({square.pixels_hash for square in found}) == 1
    assert len({square.difference_hash for square in found}) == 1
    other = image.copy()
    other[100:110, 50:60] = 0
    assert hashed(other).pixels_hash != found[0].pixels_hash


def test_hashes_do_not_depend_on_equalisation() -> None:
    image = np.rint(scene(200, 150) * 255).astype(np.uint8)
    one, two = hashed(image), hashed(image, equalise=False)
    assert one[1:] == two[1:]
    assert not np.array_equal(one.pixels, two.pixels)


def test_pictures_that_look_alike_differ_in_few_bits(shared: Path) -> None:
    files = sorted((shared / "data/images/nih_cxr14_subset/img").glob("*.jpg"))[:60]
    images = [cv2.imread(str(file), cv2.IMREAD_GRAYSCALE) for file in files]
    originals = [hashed(image, 128) for image in images]
    for image, original in zip(images, originals, strict=True):
        smaller = cv2.resize(image, (300, 300), interpolation=cv2.INTER_AREA)
        packed = cv2.imdecode(cv2.imencode(".jpg", smaller, [cv2.IMWRITE_JPEG_QUALITY, 70])[1], cv2.IMREAD_GRAYSCALE)
        assert bits(hashed(packed, 128), original) <= 6
    apart = [bits(one, two) for index, one in enumerate(originals) for two in originals[:index]]
    assert np.median(apart) >= 12
