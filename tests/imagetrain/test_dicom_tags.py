from __future__ import annotations

import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
from dicom_files import nested, scene, write_dicom
from pydicom.data import get_testdata_file
from pydicom.dataset import Dataset
from pydicom.pixels import apply_modality_lut, apply_voi_lut
from pydicom.sequence import Sequence
from pydicom.uid import JPEG2000Lossless, RLELossless

from imagetrain.radiographs.dicom import BURNT_IN, NO_WINDOW
from imagetrain.radiographs.images import Radiograph, read_radiograph
from imagetrain.radiographs.squares import in_unit_range
from imagetrain.radiographs.tags import view_of
from radprompter.errors import ImageError


def read(path: Path, values: np.ndarray | None = None, **tags: Any) -> Radiograph:
    write_dicom(path, scene() if values is None else values, **tags)
    return read_radiograph(path)


def refused(path: Path) -> str:
    with pytest.raises(ImageError) as caught:
        read_radiograph(path)
    return str(caught.value)


@pytest.mark.parametrize("syntax", [RLELossless, JPEG2000Lossless])
def test_compressed_files_show_what_uncompressed_ones_show(tmp_path: Path, syntax: str) -> None:
    plain = read(tmp_path / "a.dcm")
    dataset = pydicom.dcmread(tmp_path / "a.dcm")
    dataset.compress(syntax, generate_instance_uid=False)
    dataset.save_as(tmp_path / "b.dcm")
    assert np.array_equal(read_radiograph(tmp_path / "b.dcm").pixels, plain.pixels)


@pytest.mark.parametrize(
    "name",
    [
        "JPGExtended.dcm",  # JPEG extended, 12 bit
        "JPEG2000.dcm",
        "MR_small_jpeg_ls_lossless.dcm",
        "MR_small_bigendian.dcm",
        "MR_small_RLE.dcm",
        "CT_small.dcm",
        "image_dfl.dcm",  # deflated
        "SC_rgb_jpeg_dcmtk.dcm",
        "examples_palette.dcm",
    ],
)
def test_files_of_other_makers_are_read_as_pydicom_reads_them(name: str) -> None:
    path = Path(str(get_testdata_file(name, download=False)))
    shown = in_unit_range(read_radiograph(path).pixels)
    dataset = pydicom.dcmread(path)
    if dataset.SamplesPerPixel > 1 or dataset.PhotometricInterpretation == "PALETTE COLOR":
        assert shown.shape == (dataset.Rows, dataset.Columns)
        return
    expected = apply_voi_lut(apply_modality_lut(dataset.pixel_array, dataset), dataset).astype(np.float64)
    if dataset.PhotometricInterpretation == "MONOCHROME1":
        expected = -expected
    expected = (expected - expected.min()) / (expected.max() - expected.min())
    assert np.abs(shown - expected).max() < 1 / 512


@pytest.mark.parametrize("name", ["ExplVR_LitEndNoMeta.dcm", "ExplVR_BigEndNoMeta.dcm"])
def test_files_without_preamble_are_known_by_their_first_tag(tmp_path: Path, name: str) -> None:
    content = Path(str(get_testdata_file(name, download=False))).read_bytes()
    (tmp_path / "unnamed").write_bytes(content)
    assert "the DICOM file has no pixels" in refused(tmp_path / "unnamed")


def test_a_radiograph_without_preamble_shows_the_same_pixels(tmp_path: Path) -> None:
    whole = read(tmp_path / "a.dcm")
    content = (tmp_path / "a.dcm").read_bytes()
    meta = 144 + struct.unpack("<I", content[140:144])[0]
    for name, part in (("no_preamble", content[132:]), ("no_meta", content[meta:])):
        (tmp_path / name).write_bytes(part)
        assert np.array_equal(read_radiograph(tmp_path / name).pixels, whole.pixels), name


LINEAR = [
    {"WindowCenter": 2048, "WindowWidth": 1000},
    {"WindowCenter": 2048, "WindowWidth": 300},
    {"WindowCenter": 2048, "WindowWidth": 1500, "VOILUTFunction": "LINEAR_EXACT"},
    {"WindowCenter": 2048, "WindowWidth": 1500, "VOILUTFunction": "SIGMOID"},
    {"WindowCenter": ["1000", "3000"], "WindowWidth": ["1800", "100"]},
    {"WindowCenter": 3000, "WindowWidth": 4000, "RescaleSlope": 2, "RescaleIntercept": -1000},
    {"RescaleSlope": -1, "RescaleIntercept": 4095},
]


@pytest.mark.parametrize("tags", LINEAR)
@pytest.mark.parametrize("kind", ["MONOCHROME1", "MONOCHROME2"])
def test_windows_and_slopes_show_what_pydicom_shows(tmp_path: Path, tags: dict[str, Any], kind: str) -> None:
    pixels = in_unit_range(read(tmp_path / "a.dcm", **tags, PhotometricInterpretation=kind).pixels)
    dataset = pydicom.dcmread(tmp_path / "a.dcm")
    expected = apply_voi_lut(apply_modality_lut(dataset.pixel_array, dataset), dataset).astype(np.float64)
    expected = expected if kind == "MONOCHROME2" else -expected
    expected = (expected - expected.min()) / (expected.max() - expected.min())
    assert np.abs(pixels - expected).max() < 1 / 1000  # limits are rounded to whole stored values


def test_a_slope_below_zero_turns_dark_to_bright_before_the_window(tmp_path: Path) -> None:
    tags = {"WindowCenter": -2000, "WindowWidth": 3000, "RescaleSlope": -1, "RescaleIntercept": 0}
    pixels = in_unit_range(read(tmp_path / "a.dcm", **tags).pixels)
    expected = (-np.rint(scene() * 4095) - (-2000 - 0.5)) / 2999 + 0.5  # PS3.3 C.11.2.1.2.1
    assert np.abs(pixels - expected.clip(0, 1)).max() < 0.001


def test_a_lookup_table_is_applied(tmp_path: Path) -> None:
    table = Dataset()
    table.LUTDescriptor, table.LUTData = [4096, 0, 16], [min(4095, 2 * value) for value in range(4096)]
    for item, kind in zip(table, ("US", "US"), strict=True):
        item.VR = kind
    pixels = in_unit_range(read(tmp_path / "a.dcm", VOILUTSequence=Sequence([table])).pixels)
    assert np.abs(pixels - np.minimum(1, 2 * scene())).max() < 0.002


@pytest.mark.parametrize(
    ("centre", "width"), [(2048, 0), (2048, -5), (2048, 1), (90_000, 100), (-90_000, 100), ("nan", 100), (2048, "nan")]
)
def test_absurd_windows_fall_back_to_the_full_range_and_say_so(tmp_path: Path, centre: Any, width: Any) -> None:
    write_dicom(tmp_path / "a.dcm", scene(), WindowCenter=2048, WindowWidth=100)
    dataset = pydicom.dcmread(tmp_path / "a.dcm")
    dataset["WindowCenter"]._value, dataset["WindowWidth"]._value = centre, width
    dataset.save_as(tmp_path / "a.dcm")
    found = read_radiograph(tmp_path / "a.dcm")
    assert found.warnings == (NO_WINDOW,)
    assert np.abs(in_unit_range(found.pixels) - scene()).max() < 0.005


def test_bits_above_those_stored_are_no_grey_values(tmp_path: Path) -> None:
    write_dicom(tmp_path / "a.dcm", scene())
    dataset = pydicom.dcmread(tmp_path / "a.dcm")
    stored = np.frombuffer(dataset.PixelData, np.uint16).copy()
    stored[::7] |= 0x8000  # an overlay
    dataset.PixelData = stored.tobytes()
    dataset.save_as(tmp_path / "a.dcm")
    assert np.abs(in_unit_range(read_radiograph(tmp_path / "a.dcm").pixels) - scene()).max() < 0.005


def test_floating_point_pixels_are_read_and_refused_where_they_are_not_numbers(tmp_path: Path) -> None:
    values = scene().copy()
    write_dicom(tmp_path / "a.dcm", values)
    dataset = pydicom.dcmread(tmp_path / "a.dcm")
    del dataset.PixelData, dataset.BitsStored, dataset.HighBit, dataset.PixelRepresentation
    dataset.BitsAllocated, dataset.FloatPixelData = 32, values.tobytes()
    dataset.save_as(tmp_path / "a.dcm")
    assert np.abs(read_radiograph(tmp_path / "a.dcm").pixels - values).max() == 0
    values[3, 4] = np.nan
    dataset.FloatPixelData = values.tobytes()
    dataset.save_as(tmp_path / "a.dcm")
    assert "values that are not numbers" in refused(tmp_path / "a.dcm")


@pytest.mark.parametrize(
    ("tags", "expected"),
    [
        ({}, None),
        ({"PixelSpacing": [0.2, 0.1]}, (0.2, 0.1)),
        ({"ImagerPixelSpacing": [0.15, 0.15]}, (0.15, 0.15)),
        ({"PixelSpacing": [0.2, 0.2], "ImagerPixelSpacing": [0.15, 0.15]}, (0.2, 0.2)),
        ({"PixelSpacing": [0, 0], "ImagerPixelSpacing": [0.15, 0.15]}, (0.15, 0.15)),
        ({"PixelAspectRatio": [2, 1]}, (2.0, 1.0)),
        ({"PixelSpacing": [0.1, 900]}, None),
    ],
)
def test_spacing_is_that_in_the_patient_or_on_the_detector(tmp_path: Path, tags: dict[str, Any], expected: Any) -> None:
    assert read(tmp_path / "a.dcm", **tags).spacing == expected


def test_burnt_in_text_that_is_tagged_is_a_warning(tmp_path: Path) -> None:
    assert read(tmp_path / "a.dcm", BurnedInAnnotation="YES").warnings == (BURNT_IN,)
    assert read(tmp_path / "b.dcm", BurnedInAnnotation="NO").warnings == ()


@pytest.mark.parametrize(
    ("tags", "expected"),
    [
        ({"ViewPosition": "PA"}, "pa"),
        ({"ViewPosition": "AP", "SeriesDescription": "lateral"}, "ap"),
        ({"ViewPosition": "LL"}, "lateral"),
        ({"ViewPosition": "RLO"}, "oblique"),
        ({"ViewPosition": "XTL"}, "xtl"),
        ({"ViewPosition": ""}, None),
        ({"SeriesDescription": "Thorax p.a."}, "pa"),
        ({"SeriesDescription": "Ellenbogen seitlich links"}, "lateral"),
        ({"SeriesDescription": "Chest PA and lateral"}, None),
        ({"SeriesDescription": "Clavicula a.p."}, "ap"),
        ({"SeriesDescription": "PAPILLA"}, None),
        ({"SeriesDescription": "W034 TX schräg"}, "oblique"),
        ({"ViewPosition": "MARY SMITH"}, None),
    ],
)
def test_the_view_is_read_from_the_tags(tags: dict[str, str], expected: str | None) -> None:
    dataset = Dataset()
    for name, value in tags.items():
        setattr(dataset, name, value)
    assert view_of(dataset) == expected


def test_the_view_is_read_from_a_code(tmp_path: Path) -> None:
    code, dataset = Dataset(), Dataset()
    code.CodeMeaning = "postero-anterior"
    dataset.ViewCodeSequence, dataset.SeriesDescription = [code], "lateral"
    assert view_of(dataset) == "pa"


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_hostile_and_damaged_files_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("imagetrain.radiographs.dicom.MAX_CONTENT_BYTES", 5_000_000)
    write_dicom(tmp_path / "whole.dcm", scene())
    content = (tmp_path / "whole.dcm").read_bytes()
    meta = 144 + struct.unpack("<I", content[140:144])[0]
    compressor = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    plain, deflated = b"1.2.840.10008.1.2.1\0", b"1.2.840.10008.1.2.1.99"
    head = content[:meta].replace(struct.pack("<H", len(plain)) + plain, struct.pack("<H", len(deflated)) + deflated)
    head = head[:140] + struct.pack("<I", len(head) - 144) + head[144:]
    rows = content.index(struct.pack("<HH", 0x0028, 0x0010))
    dataset = pydicom.dcmread(tmp_path / "whole.dcm")
    dataset.compress(RLELossless, generate_instance_uid=False)
    dataset.PixelData = dataset.PixelData[:8] + struct.pack("<HHI", 0xFFFE, 0xE0DD, 0)  # the offset table, no frame
    dataset.save_as(tmp_path / "frames.dcm")
    uid = content.index(struct.pack("<HH", 0x0008, 0x0018))
    cases = {
        "nested.dcm": (nested(1000), "nested too deep"),
        "bomb.dcm": (head + compressor.compress(bytes(6_000_000)) + compressor.flush(), "deflated bytes come to"),
        "unending.dcm": (head + b"\xff" * 100, "not a readable DICOM"),
        "rows.dcm": (content[:rows] + b"\x28\0\x10\0US\2\0\0\0" + content[rows + 10 :], "90 pixels|0 pixels"),
        "length.dcm": (content[: uid + 6] + struct.pack("<H", 60_000) + content[uid + 8 :], "has no pixels"),
        "frames.dcm": ((tmp_path / "frames.dcm").read_bytes(), "cannot be decoded"),
        "cut.dcm": (content[: meta + 40], "DICOM"),
        "meta.dcm": (content[:140], "DICOM"),
        "zeros.dcm": (bytes(500), "DICOM"),
    }
    for name, (damaged, reason) in cases.items():
        (tmp_path / name).write_bytes(damaged)
        message = refused(tmp_path / name)
        assert any(part in message for part in reason.split("|")), (name, message)
