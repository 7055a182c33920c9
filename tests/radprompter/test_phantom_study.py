"""The phantom's files: tables that join, images that open, the same bytes each time."""

from __future__ import annotations

import csv
import hashlib
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pydicom
import pytest
from PIL import Image

from radprompter.errors import InputError
from radprompter.files import sha256
from radprompter.phantom import REGIONS, write_phantom
from radprompter.phantom.canvas import Canvas, Pose, cut, moved, smooth, tube

VIEWS = {"chest": ["frontal"], "clavicle": ["ap"], "elbow": ["ap", "lateral"], "thumb": ["ap", "lateral"]}
TABLES = ("reports", "truth", "findings", "images")


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("phantom") / "study"
    write_phantom(folder, regions=tuple(REGIONS), patients=24, seed=3, size=64)
    return folder


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def fingerprint(folder: Path) -> str:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return hashlib.sha256(
        "".join(f"{path.relative_to(folder)} {sha256(path)}\n" for path in files).encode()
    ).hexdigest()


def test_the_same_seed_writes_the_same_bytes_in_another_process(tmp_path: Path) -> None:
    write_phantom(tmp_path / "here", regions=("elbow", "chest"), patients=4, seed=5, size=48)
    script = (
        "import sys; from pathlib import Path; from radprompter.phantom import write_phantom; "
        "write_phantom(Path(sys.argv[1]), regions=('elbow', 'chest'), patients=4, seed=5, size=48)"
    )
    subprocess.run([sys.executable, "-c", script, str(tmp_path / "there")], check=True)
    assert fingerprint(tmp_path / "here") == fingerprint(tmp_path / "there")


def test_writing_over_an_earlier_phantom_leaves_nothing_of_it(tmp_path: Path) -> None:
    write_phantom(tmp_path / "fresh", patients=2, seed=1, size=48)
    write_phantom(tmp_path / "reused", patients=5, seed=2, size=48)
    write_phantom(tmp_path / "reused", patients=2, seed=1, size=48)
    assert fingerprint(tmp_path / "fresh") == fingerprint(tmp_path / "reused")


def test_another_seed_writes_another_study(tmp_path: Path) -> None:
    for seed in (1, 2):
        write_phantom(tmp_path / str(seed), patients=2, seed=seed, size=48)
    assert fingerprint(tmp_path / "1") != fingerprint(tmp_path / "2")


@pytest.mark.parametrize("region", sorted(VIEWS))
def test_every_table_joins_by_study(study: Path, region: str) -> None:
    reports, truth, findings, images = (rows(study / region / f"{name}.csv") for name in TABLES)
    ids = [row["study_id"] for row in reports]
    assert len(set(ids)) == len(ids)
    assert [row["study_id"] for row in truth] == [row["study_id"] for row in findings] == ids
    assert list(truth[0]) == list(findings[0])
    expected = [(study_id, view) for study_id in ids for view in VIEWS[region]]
    assert [(row["study_id"], row["view"]) for row in images] == expected
    assert {row["site"] for row in reports} == {"alpha", "beta"}
    assert {row["language"] for row in reports} == {"en", "de"}
    assert {value for row in findings for name, value in row.items() if name != "study_id"} == {"0", "1"}


@pytest.mark.parametrize("region", sorted(VIEWS))
def test_images_are_the_files_of_the_folder(study: Path, region: str) -> None:
    listed = {row["file"] for row in rows(study / region / "images.csv")}
    assert listed == {f"images/{path.name}" for path in (study / region / "images").iterdir()}


@pytest.mark.parametrize("region", sorted(VIEWS))
def test_no_patient_is_at_two_sites_and_some_come_again(study: Path, region: str) -> None:
    reports = rows(study / region / "reports.csv")
    sites: dict[str, set[str]] = {}
    for row in reports:
        sites.setdefault(row["patient_id"], set()).add(row["site"])
    assert all(len(where) == 1 for where in sites.values())
    assert len(reports) > len(sites)


def test_each_site_has_machines_of_its_own_that_its_studies_are_spread_over(study: Path) -> None:
    machines: dict[str, set[str]] = {}
    for region in VIEWS:
        for row in rows(study / region / "reports.csv"):
            machines.setdefault(row["site"], set()).add(row["scanner"])
    assert machines == {"alpha": {"Synthetic A1", "Synthetic A2"}, "beta": {"Synthetic B1", "Synthetic B2"}}


def test_dicom_files_say_what_they_are(study: Path) -> None:
    kinds = set()
    sites = {row["study_id"]: row["site"] for region in VIEWS for row in rows(study / region / "reports.csv")}
    uids = []
    for path in sorted(study.rglob("*.dcm")):
        image = pydicom.dcmread(path)
        study_id = path.stem.rpartition("_")[0]
        kinds.add((sites[study_id], image.PhotometricInterpretation))
        uids.append(image.SOPInstanceUID)
        assert image.AccessionNumber == study_id and study_id.startswith(image.PatientID)
        assert image.ImageComments == "SYNTHETIC" and image.Manufacturer == "Synthetic"
        assert image.file_meta.TransferSyntaxUID == pydicom.uid.ExplicitVRLittleEndian
        assert (image.BitsAllocated, image.BitsStored, image.HighBit) == (16, 12, 11)
        assert image.BodyPartExamined in ("CHEST", "CLAVICLE", "ELBOW", "FINGER")
        assert image.StudyInstanceUID.is_valid and image.PixelSpacing[0] > 0
        pixels = image.pixel_array
        assert pixels.shape == (image.Rows, image.Columns) and pixels.max() <= 4095
        assert image.WindowCenter - image.WindowWidth / 2 <= pixels.min()
    assert len(set(uids)) == len(uids)
    assert kinds == {("alpha", "MONOCHROME2"), ("beta", "MONOCHROME1"), ("beta", "MONOCHROME2")}


def test_png_files_have_8_or_16_bits_and_no_date(study: Path) -> None:
    modes = set()
    for path in sorted(study.rglob("*.png")):
        with Image.open(path) as image:
            modes.add(image.mode)
            assert not image.info
    assert modes == {"L", "I;16"}


def test_monochrome1_is_bright_where_others_are_dark(study: Path) -> None:
    corners: dict[str, list[float]] = {}
    for path in sorted((study / "elbow" / "images").glob("*_ap.dcm")):
        image = pydicom.dcmread(path)
        corners.setdefault(image.PhotometricInterpretation, []).append(float(np.median(image.pixel_array[-12:, -4:])))
    assert min(corners["MONOCHROME1"]) > 2048 > max(corners["MONOCHROME2"])


def test_images_are_upright_or_lying_but_never_square(study: Path) -> None:
    for region in VIEWS:
        for path in sorted((study / region / "images").glob("*.png")):
            with Image.open(path) as image:
                assert min(image.size) == 64
                assert (image.width > image.height) == (region == "clavicle")


def test_the_study_says_that_it_is_synthetic_and_counts_what_it_holds(study: Path) -> None:
    assert (study / "README.md").read_text(encoding="utf-8").startswith("# Synthetic study\n")
    counts = json.loads((study / "study.json").read_text(encoding="utf-8"))
    assert counts["synthetic"] is True and counts["seed"] == 3
    elbow = counts["regions"]["elbow"]
    assert elbow["studies"]["alpha"] + elbow["studies"]["beta"] == len(rows(study / "elbow" / "reports.csv"))
    assert sum(elbow["truth"].values()) == 29 * len(rows(study / "elbow" / "truth.csv"))
    present = sum(int(row["effusion"]) for row in rows(study / "elbow" / "findings.csv"))
    assert sum(elbow["present"]["effusion"].values()) == present


def test_the_external_site_is_smaller_but_not_too_small(tmp_path: Path) -> None:
    counts = write_phantom(tmp_path, regions=("clavicle",), patients=120, size=32)["regions"]["clavicle"]
    assert counts["patients"] == {"alpha": 120, "beta": 90}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"regions": ("elbo",)}, "expected regions among chest, clavicle, elbow, thumb; found 'elbo'"),
        ({"regions": ()}, "found none"),
        ({"patients": 0}, "expected patients >= 1"),
        ({"size": 8}, "size >= 32"),
    ],
)
def test_wrong_requests_are_refused(tmp_path: Path, arguments: dict[str, object], message: str) -> None:
    with pytest.raises(InputError, match=message):
        write_phantom(tmp_path / "new", **arguments)  # type: ignore[arg-type]
    assert not (tmp_path / "new").exists()


def test_a_folder_with_something_else_in_it_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(InputError, match="expected an empty folder or an earlier phantom"):
        write_phantom(tmp_path, patients=1, size=48)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


def test_a_cut_outline_has_both_its_parts() -> None:
    square = [(0.0, 0.0), (2.0, 0.0), (2.0, 2.0), (0.0, 2.0)]
    below, above = cut(square, (-1.0, 0.5), (3.0, 0.5))
    assert sorted(below) == [(0.0, 0.5), (0.0, 2.0), (2.0, 0.5), (2.0, 2.0)]
    assert sorted(above) == [(0.0, 0.0), (0.0, 0.5), (2.0, 0.0), (2.0, 0.5)]


def test_points_are_turned_shifted_and_mirrored() -> None:
    assert np.allclose(moved([(1.0, 0.0)], turn=90, by=(0.0, 1.0)), [(0.0, 2.0)])
    assert np.allclose(Pose(mirrored=True, scale=2.0, shift=(1.0, 0.0)).apply([(1.0, 3.0)]), [(-1.0, 6.0)])
    assert tube([(0.0, 0.0), (4.0, 0.0)], [2.0, 2.0]) == [(0.0, 1.0), (4.0, 1.0), (4.0, -1.0), (0.0, -1.0)]
    assert len(smooth([(0.0, 0.0), (1.0, 0.0), (1.0, 1.0)], steps=1)) == 6


def test_metal_is_brighter_than_bone_and_a_fracture_line_is_darker() -> None:
    canvas = Canvas(80, 100, field=80.0, pose=Pose(), rng=np.random.default_rng(0))
    canvas.soft([(-30, -40), (30, -40), (30, 40), (-30, 40)])
    canvas.bone([(-12, -40), (12, -40), (12, 40), (-12, 40)])
    whole = canvas.sheet.copy()
    canvas.gap([(-12, 0), (12, 0)], 3.0)
    canvas.metal([(-6, 20), (6, 20)], 3.0)
    assert whole[50, 5] < whole[50, 15] < whole[40, 40]  # air, soft tissue, bone
    assert canvas.sheet[50, 40] < 0.8 * whole[50, 40]
    assert canvas.sheet[70, 40] > 1.3 * whole[70, 40]
