"""Predicting a folder of new radiographs with nothing but a model's file."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pydicom
import pytest
from dicom_files import nested
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.uid import DeflatedExplicitVRLittleEndian, ExplicitVRLittleEndian
from shapes import shapes_recipe, train_one_run
from typer.testing import CliRunner

from imagetrain.cli.app import app
from imagetrain.prediction import predict_folder, run_predict
from imagetrain.radiographs.folders import find_images
from imagetrain.store import read_predictions
from radprompter.errors import ImageError

PATIENT = ("Doe^Jane", "MRN-4711", "19540302")


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return train_one_run(tmp_path_factory.mktemp("study"))


@pytest.fixture
def model(trained: Path) -> Path:
    return trained / "out/train/inclusive/model.safetensors"


def write_dicom(path: Path, pixels: np.ndarray, study: str, view: str, **tags: str) -> None:
    """An image of a patient whose name, number and birthday must go nowhere."""
    path.parent.mkdir(parents=True, exist_ok=True)
    meta = FileMetaDataset()
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = "1.2.840.10008.5.1.4.1.1.1.1", f"1.2.{len(view)}.3"
    dicom = FileDataset(str(path), {}, file_meta=meta, preamble=b"\0" * 128)
    dicom.PatientName, dicom.PatientID, dicom.PatientBirthDate = PATIENT
    dicom.StudyInstanceUID, dicom.ViewPosition = study, view
    dicom.Rows, dicom.Columns = pixels.shape
    dicom.BitsAllocated = dicom.BitsStored = 8
    dicom.HighBit, dicom.PixelRepresentation, dicom.SamplesPerPixel = 7, 0, 1
    dicom.PhotometricInterpretation = "MONOCHROME2"
    dicom.PixelData = pixels.tobytes()
    for name, value in tags.items():
        setattr(dicom, name, value)
    dicom.save_as(path, enforce_file_format=True)


def hospital(trained: Path, folder: Path) -> dict[str, str]:
    """The studies s000 to s005 as a hospital would send them: DICOM in folders; returns UID -> study."""
    uids = {}
    for number in range(6):
        uid = f"1.2.276.0.{number}"
        uids[uid] = f"s{number:03d}"
        for view, word in (("ap", "AP"), ("lateral", "LL")):
            pixels = cv2.imread(str(trained / f"images/s{number:03d}_{view}.png"), cv2.IMREAD_GRAYSCALE)
            write_dicom(folder / f"{number % 2}" / f"IM{number}{view[0]}", pixels, uid, word)
    return uids


def test_a_folder_of_dicom_has_the_logits_of_the_same_images_in_training(
    trained: Path, model: Path, tmp_path: Path
) -> None:
    uids = hospital(trained, tmp_path / "in")
    alone = shutil.copy(model, tmp_path / "model.safetensors")  # nothing of the training is beside it
    summary = predict_folder(alone, tmp_path / "in", tmp_path / "out", device="cpu")
    ours = read_predictions(tmp_path / "out" / "predictions.parquet")
    theirs = read_predictions(trained / "out/train/inclusive/predictions.parquet")
    by_study = dict(zip(theirs.study_ids, theirs.logits, strict=True))
    assert (summary["n_studies"], summary["n_failed"]) == (6, 0)
    assert set(ours.study_ids) == set(uids)
    assert np.allclose(ours.logits, [by_study[uids[study]] for study in ours.study_ids], atol=1e-4)
    table = pd.read_csv(tmp_path / "out" / "predictions.csv")
    assert np.allclose(table[ours.findings[0]], 1 / (1 + np.exp(-ours.logits[:, 0])), atol=1e-6)


def test_nothing_of_the_patient_is_written_or_printed(trained: Path, model: Path, tmp_path: Path) -> None:
    uids = hospital(trained, tmp_path / "in")
    write_dicom(tmp_path / "in" / "bad", np.zeros((64, 64), np.uint8), "1.2.3", "AP")  # blank
    arguments = ["predict", str(model), str(tmp_path / "in"), "--out", str(tmp_path / "out"), "--hash-ids"]
    done = CliRunner().invoke(app, [*arguments, "--json"])
    assert done.exit_code == 1, done.output  # one image failed
    again = CliRunner().invoke(app, arguments)
    written = [path.read_bytes() for path in (tmp_path / "out").rglob("*") if path.is_file()]
    texts = [*written, done.output.encode(), again.output.encode()]
    for secret in (*PATIENT, "Jane", *uids):
        assert not any(secret.encode() in text for text in texts), secret
    first, second = (set(pd.read_csv(tmp_path / "out" / "predictions.csv")["study_id"]) for _ in range(2))
    assert first == second
    assert len(first) == 6
    assert (tmp_path / "out" / "study_ids.salt").stat().st_mode & 0o077 == 0


def test_what_is_left_out_is_listed_with_the_reason(
    trained: Path, model: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = tmp_path / "in"
    hospital(trained, folder)
    (folder / "notes.txt").write_text("no image")
    pixels = np.arange(64 * 64, dtype=np.uint8).reshape(64, 64)
    write_dicom(folder / "oblique.dcm", pixels, "1.2.276.0.0", "LLO")
    write_dicom(folder / "unknown.dcm", pixels, "1.2.276.0.0", "")
    write_dicom(folder / "alone.dcm", pixels, "1.2.9", "AP")
    write_dicom(folder / "odd.dcm", pixels, "1.2.99", "AP")
    odd = (folder / "odd.dcm").read_bytes().replace(b"1.2.99", b"=1+1+1")
    (folder / "odd.dcm").write_bytes(odd)
    damaged = folder / "damaged.dcm"
    write_dicom(damaged, pixels, "1.2.10", "AP")
    damaged.write_bytes(damaged.read_bytes()[:-2000])
    report = pydicom.dcmread(folder / "alone.dcm")
    del report.PixelData, report.Rows
    report.save_as(folder / "report.dcm")
    deflated = pydicom.dcmread(folder / "alone.dcm")
    deflated.file_meta.TransferSyntaxUID = DeflatedExplicitVRLittleEndian
    deflated.save_as(folder / "deflated.dcm")
    summary = predict_folder(model, folder, tmp_path / "out", device="cpu")
    assert "=1+1+1" not in caplog.text
    assert summary["left_out"] == {
        "deflated.dcm": "deflated DICOM is not read from folders; store it uncompressed",
        "notes.txt": "neither DICOM nor PNG, JPEG or TIFF",
        "oblique.dcm": "view oblique is not asked for",
        "odd.dcm": "its StudyInstanceUID is no UID",
        "report.dcm": "no image: a report, a presentation state or the like",
        "unknown.dcm": "its tags do not say which view it is",
    }
    assert summary["incomplete"]["1.2.9"] == "no lateral image"
    assert summary["n_studies"] == 6
    table = pd.read_csv(tmp_path / "out" / "left_out.csv", dtype=str)
    assert set(summary["left_out"]) <= set(table["file"].dropna())
    assert table["study_id"].isin(["1.2.9", "1.2.10"]).any()


def test_pictures_are_studies_by_their_names(trained: Path, model: Path, tmp_path: Path) -> None:
    for name in ("s000_ap", "s000_lateral", "s001_ap", "s001_lateral"):
        (tmp_path / "in" / "ward").mkdir(parents=True, exist_ok=True)
        shutil.copy(trained / "images" / f"{name}.png", tmp_path / "in" / "ward" / f"{name}.png")
    predict_folder(model, tmp_path / "in", tmp_path / "out", device="cpu")
    assert read_predictions(tmp_path / "out" / "predictions.parquet").study_ids == ("ward/s000", "ward/s001")


def test_several_images_of_a_view_count_the_same(trained: Path, model: Path, tmp_path: Path) -> None:
    shape = (64, 48)
    rng = np.random.default_rng(0)
    one, other, side = (rng.integers(0, 255, shape).astype(np.uint8) for _ in range(3))
    for name, images in {"a": [one], "b": [other], "both": [one, other]}.items():
        for number, pixels in enumerate(images):
            write_dicom(tmp_path / "in" / f"{name}{number}.dcm", pixels, f"1.{len(name)}.{ord(name[0])}", "AP")
        write_dicom(tmp_path / "in" / f"{name}_side.dcm", side, f"1.{len(name)}.{ord(name[0])}", "LL")
    predict_folder(model, tmp_path / "in", tmp_path / "out", device="cpu")
    found = read_predictions(tmp_path / "out" / "predictions.parquet")
    logits = dict(zip(found.study_ids, found.logits, strict=True))
    assert np.allclose(logits["1.4.98"], (logits["1.1.97"] + logits["1.1.98"]) / 2, atol=1e-5)


def test_words_of_tags_are_given_a_view(tmp_path: Path) -> None:
    pixels = np.arange(64 * 64, dtype=np.uint8).reshape(64, 64)
    for view in ("AP", "PA", "LL", ""):
        write_dicom(tmp_path / f"{view or 'none'}.dcm", pixels, f"1.{len(view)}", view)

    def names(*views: str, **words: str) -> list[tuple[str, str]]:
        found = find_images(tmp_path, views, view_names=words)
        return [(image.path.stem, image.view) for image in found.images]

    assert names("frontal") == [("AP", "frontal"), ("PA", "frontal"), ("none", "frontal")]
    assert names("ap") == [("AP", "ap"), ("none", "ap")]
    assert names("ap", "lateral") == [("AP", "ap"), ("LL", "lateral")]
    assert names("ap", "lateral", PA="ap") == [("AP", "ap"), ("LL", "lateral"), ("PA", "ap")]


def test_folders_without_usable_images_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match="no such folder"):
        find_images(tmp_path / "absent", ("ap",))
    with pytest.raises(ImageError, match="no image of view ap; it has no files"):
        find_images(tmp_path, ("ap",))
    (tmp_path / "a.txt").write_text("x")
    with pytest.raises(ImageError, match="no image of view ap; the first of 1 files: neither DICOM nor PNG"):
        find_images(tmp_path, ("ap",))


def test_a_recipe_predicts_a_folder_too(trained: Path, tmp_path: Path) -> None:
    hospital(trained, tmp_path / "in")
    recipe = shapes_recipe(trained, train={"runs": {"inclusive": {}}})
    assert run_predict(recipe, images=tmp_path / "in")["n_studies"] == 6


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "which images? imagetrain predict"),
        (["{in}", "--set", "train.seed=1"], "--set changes a recipe"),
        (["{in}", "--view", "pa"], "--view pa: expected WORD=VIEW"),
    ],
)
def test_wrong_requests_say_what_is_wrong(model: Path, tmp_path: Path, arguments: list[str], message: str) -> None:
    filled = [argument.replace("{in}", str(tmp_path)) for argument in arguments]
    done = CliRunner().invoke(app, ["predict", str(model), *filled])
    assert done.exit_code == 2
    assert message in " ".join(done.output.split())


def test_the_summary_is_one_line_of_json(trained: Path, model: Path, tmp_path: Path) -> None:
    hospital(trained, tmp_path / "in")
    done = CliRunner().invoke(
        app, ["predict", str(model), str(tmp_path / "in"), "--out", str(tmp_path / "o"), "--json"]
    )
    assert json.loads(done.output.splitlines()[-1])["n_studies"] == 6


def test_a_file_that_nests_too_deep_is_left_out_of_a_folder(tmp_path: Path) -> None:
    write_dicom(tmp_path / "a.dcm", np.arange(64 * 64, dtype=np.uint8).reshape(64, 64), "1.2", "AP")
    (tmp_path / "b.dcm").write_bytes(nested(1000))
    found = find_images(tmp_path, ("ap",))
    assert [image.path.name for image in found.images] == ["a.dcm"]
    assert [(image.file, image.reason) for image in found.left_out] == [("b.dcm", "the DICOM tags cannot be read")]
