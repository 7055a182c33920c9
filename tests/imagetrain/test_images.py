from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pydicom
import pytest
from dicom_files import scene, write_dicom

from imagetrain.pixels.reference import square_by_monai
from imagetrain.radiographs.images import read_radiograph
from imagetrain.radiographs.squares import Preprocessing, in_unit_range, to_square
from radprompter.errors import ImageError


def grey(path: Path) -> np.ndarray:
    """What a file shows, in [0, 1]."""
    return in_unit_range(read_radiograph(path).pixels)


def test_eight_twelve_and_sixteen_bits_of_a_scene_agree(tmp_path: Path) -> None:
    image = scene()
    cv2.imwrite(str(tmp_path / "a.png"), np.rint(image * 255).astype(np.uint8))
    cv2.imwrite(str(tmp_path / "b.png"), np.rint(image * 65535).astype(np.uint16))
    cv2.imwrite(str(tmp_path / "c.png"), np.rint(image * 4095).astype(np.uint16))  # 12 bits in a 16-bit file
    cv2.imwrite(str(tmp_path / "d.tif"), np.rint(image * 65535).astype(np.uint16))
    write_dicom(tmp_path / "e.dcm", image)
    for name in ("a.png", "b.png", "c.png", "d.tif", "e.dcm"):
        pixels = grey(tmp_path / name)
        assert np.abs(pixels - image).max() < 0.005, name


def test_jpeg_colour_and_transparency_become_grey(tmp_path: Path) -> None:
    whole = np.rint(scene() * 255).astype(np.uint8)
    cv2.imwrite(str(tmp_path / "a.jpg"), whole, [cv2.IMWRITE_JPEG_QUALITY, 100])
    cv2.imwrite(str(tmp_path / "b.png"), np.dstack([whole] * 3))
    cv2.imwrite(str(tmp_path / "c.png"), np.dstack([whole] * 3 + [np.full_like(whole, 128)]))
    write_dicom(tmp_path / "d.dcm", np.dstack([scene()] * 3), bits=8)
    for name in ("a.jpg", "b.png", "c.png", "d.dcm"):
        assert np.abs(grey(tmp_path / name) - scene()).max() < 0.02, name


@pytest.mark.parametrize(
    "tags",
    [
        {},
        {"RescaleSlope": 2, "RescaleIntercept": -1000, "RescaleType": "US"},
        {"WindowCenter": 2048, "WindowWidth": 4096, "VOILUTFunction": "LINEAR"},
    ],
)
def test_monochrome1_is_inverted_after_the_luts(tmp_path: Path, tags: dict[str, Any]) -> None:
    write_dicom(tmp_path / "two.dcm", scene(), **tags)
    write_dicom(tmp_path / "one.dcm", 1 - scene(), PhotometricInterpretation="MONOCHROME1", **tags)
    two, one = (grey(tmp_path / f"{name}.dcm") for name in ("two", "one"))
    assert np.abs(two - scene()).max() < 0.005
    assert np.abs(one - two).max() < 0.005


def test_a_window_clips_what_is_outside(tmp_path: Path) -> None:
    write_dicom(tmp_path / "a.dcm", scene(), WindowCenter=2048, WindowWidth=1000)
    pixels = grey(tmp_path / "a.dcm")
    stored = scene() * 4095
    assert (pixels[stored < 1540] == 0).all()
    assert (pixels[stored > 2556] == 1).all()


def test_damaged_files_are_refused_with_file_and_study(tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "whole.png"), np.rint(scene() * 255).astype(np.uint8))
    cv2.imwrite(str(tmp_path / "blank.png"), np.full((40, 40), 7, np.uint8))
    write_dicom(tmp_path / "whole.dcm", scene())
    png, dicom = ((tmp_path / f"whole.{kind}").read_bytes() for kind in ("png", "dcm"))
    (tmp_path / "cut.png").write_bytes(png[: len(png) // 2])
    (tmp_path / "empty.png").write_bytes(b"")
    (tmp_path / "text.png").write_bytes(b"this is no image")
    (tmp_path / "text.dcm").write_bytes(b"this is no image")
    (tmp_path / "cut.dcm").write_bytes(dicom[: len(dicom) // 2])
    dataset = pydicom.dcmread(tmp_path / "whole.dcm")
    del dataset.PixelData
    dataset.save_as(tmp_path / "header.dcm")
    expected = {
        "absent.png": "no such image file",
        "empty.png": "is empty",
        "cut.png": "cannot be decoded",
        "text.png": "cannot be decoded",
        "blank.png": "is blank",
        "text.dcm": "DICOM",
        "cut.dcm": "cannot be decoded",
        "header.dcm": "has no pixels",
    }
    for name, reason in expected.items():
        with pytest.raises(ImageError, match=rf"{name} \(study s7\).*{reason}"):
            read_radiograph(tmp_path / name, study="s7")


@pytest.mark.parametrize(("height", "width"), [(90, 60), (60, 90), (64, 64), (500, 37), (20, 30)])
@pytest.mark.parametrize("equalise", [False, True])
def test_squares_equal_those_of_monai(height: int, width: int, equalise: bool) -> None:
    image = scene(height, width)
    ours = to_square(image, Preprocessing(64, equalise)).astype(np.float32)
    theirs = square_by_monai(image, Preprocessing(64, equalise))
    assert ours.shape == theirs.shape == (64, 64)
    assert np.abs(ours - theirs).mean() < 2.5  # grey values of 255: MONAI's area weights whole pixels only
    assert ((ours == 0).all(axis=0) == (theirs == 0).all(axis=0)).all()  # the same padding
    assert ((ours == 0).all(axis=1) == (theirs == 0).all(axis=1)).all()


def test_padding_does_not_change_what_equalisation_does() -> None:
    image = scene(80, 40)
    padded = to_square(image, Preprocessing(80))
    assert abs(padded[:, 20:60].mean() - 127.5) < 3  # an equalised image is half bright, half dark
    assert (padded[:, :20] == 0).all()
    assert (padded[:, 60:] == 0).all()
