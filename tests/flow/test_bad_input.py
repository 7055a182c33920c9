"""Bad input: one clear message that names place and remedy, exit code 2, no traceback, no report text."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from imagetrain.cli.app import app as imagetrain
from radprompter.cli.app import app as radprompter

SECRET = "Mrs Example fell down the stairs"

RECIPE = """\
name: Bad input
out: "{folder}/out"
label:
  reports: {{path: "{folder}/reports.csv", id: report_id, text: {{findings: findings}}}}
  region: elbow
  backend: {{name: rules}}
data:
  labels: "{folder}/labels.csv"
  findings: [fracture]
  studies: {{path: "{folder}/studies.csv", id: study_id, patient: patient_id, site: null}}
  images: {{path: "{folder}/images.csv", id: study_id, file: file, view: null}}
  views: [ap]
  size: 32
train: {{runs: {{inclusive: {{policy: inclusive}}}}, model: resnet10t, epochs: 1, batch_size: 4}}
"""


def png(path: Path, pixels: np.ndarray) -> None:
    import cv2

    path.parent.mkdir(exist_ok=True)
    assert cv2.imwrite(str(path), pixels)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A small study in which nothing is wrong."""
    (tmp_path / "recipe.yaml").write_text(RECIPE.format(folder=tmp_path))
    (tmp_path / "reports.csv").write_text(f"report_id,findings\na,{SECRET}. No fracture.\nb,Olecranon fracture.\n")
    rows = range(24)
    (tmp_path / "labels.csv").write_text("study_id,fracture\n" + "".join(f"s{i},{i % 2}\n" for i in rows))
    (tmp_path / "studies.csv").write_text("study_id,patient_id\n" + "".join(f"s{i},p{i}\n" for i in rows))
    (tmp_path / "images.csv").write_text("study_id,file\n" + "".join(f"s{i},images/s{i}.png\n" for i in rows))
    generator = np.random.default_rng(0)
    for i in rows:
        png(tmp_path / "images" / f"s{i}.png", generator.integers(0, 255, (48, 40), dtype=np.uint8))
    return tmp_path


def refuse(app: object, *arguments: str) -> str:
    result = CliRunner().invoke(app, list(arguments))  # type: ignore[arg-type]
    assert result.exit_code == 2, result.output
    assert result.exception is None or isinstance(result.exception, SystemExit)
    assert "Traceback" not in result.output
    assert SECRET not in result.output
    assert result.output.count("error:") == 1, result.output
    return result.output.partition("error:")[2]


def label(folder: Path, *settings: str) -> str:
    return refuse(radprompter, "label", str(folder / "recipe.yaml"), *(f"--set={setting}" for setting in settings))


def train(folder: Path, *settings: str) -> str:
    return refuse(imagetrain, "train", str(folder / "recipe.yaml"), *(f"--set={setting}" for setting in settings))


def test_nothing_is_wrong_with_the_study_itself(folder: Path) -> None:
    assert CliRunner().invoke(radprompter, ["label", str(folder / "recipe.yaml")]).exit_code == 0
    result = CliRunner().invoke(imagetrain, ["train", str(folder / "recipe.yaml")])
    assert result.exit_code == 0, result.output


def test_a_recipe_with_a_typo(folder: Path) -> None:
    path = folder / "recipe.yaml"
    path.write_text(path.read_text().replace("region:", "regoin:").replace("  region", "  region"))
    result = CliRunner().invoke(radprompter, ["label", str(path)])
    assert result.exit_code == 2
    assert "recipe.yaml:5: label.regoin: unknown key; did you mean 'region'?" in result.output


def test_a_typo_in_a_training_section_stops_a_run_before_its_first_stage(folder: Path) -> None:
    path = folder / "recipe.yaml"
    path.write_text(path.read_text().replace("epochs: 1", "epoch: 1"))
    error = refuse(radprompter, "run", str(path))
    assert "train.epoch: unknown key; did you mean 'epochs'?" in error
    assert not (folder / "out").exists()


def test_an_absent_recipe() -> None:
    assert "nowhere.yaml: no such file" in refuse(radprompter, "run", "nowhere.yaml")


def test_an_unknown_region(folder: Path) -> None:
    error = label(folder, "label.region=elbo")
    assert "unknown region 'elbo'" in error
    assert "did you mean 'elbow'" in error


def test_an_unknown_backend_and_an_unknown_setting_of_one(folder: Path) -> None:
    assert "unknown backend 'rulez'" in label(folder, "label.backend.name=rulez")
    assert "modle" in label(folder, "label.backend={name: openai, modle: x}")


def test_a_public_address_without_leave_to_use_it(folder: Path) -> None:
    error = label(folder, "label.backend={name: openai, model: x, base_url: 'https://llm.example.org/v1'}")
    assert "remote: allow" in error


def test_a_template_with_an_undefined_variable(folder: Path) -> None:
    shutil.copytree(Path(__file__).parents[2] / "templates" / "elbow", folder / "templates" / "elbow")
    (folder / "templates" / "elbow" / "system.en.jinja").write_text("You read {{ regoin.title }}.\n")
    error = label(folder, f"label.templates={folder}/templates", "label.backend={name: scripted, answers: {}}")
    assert "system.en.jinja:1" in error
    assert "regoin" in error


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("report_id,text\na,x\n", "findings"),
        ("id,findings\na,x\n", "report_id"),
        ("", "empty"),
        ("report_id,findings\n", "no rows"),
        (f"report_id,findings\na,{SECRET}\nb,x\na,{SECRET} twice\n", "'a'"),
        (f"report_id,findings\na,{SECRET}\nb,x,{SECRET}\n", "3"),
    ],
    ids=["no text column", "no id column", "empty file", "only a header", "one id, two texts", "ragged row"],
)
def test_a_reports_file_that_cannot_be_used(folder: Path, content: str, message: str) -> None:
    (folder / "reports.csv").write_text(content)
    assert message in label(folder)


def test_a_reports_file_that_is_not_there_or_not_utf8(folder: Path) -> None:
    assert "none.csv: no such file" in label(folder, f"label.reports.path={folder}/none.csv")
    (folder / "reports.csv").write_bytes("report_id,findings\na,Größe\n".encode("latin-1"))
    assert "UTF-8" in label(folder)


def test_a_missing_image(folder: Path) -> None:
    (folder / "images" / "s3.png").unlink()
    error = train(folder)
    assert "s3" in error
    assert "no such image file" in error


@pytest.mark.parametrize(
    ("content", "what"),
    [(b"", "empty"), (b"not an image", "")],
    ids=["empty", "something else"],
)
def test_an_image_that_cannot_be_read(folder: Path, content: bytes, what: str) -> None:
    (folder / "images" / "s3.png").write_bytes(content)
    error = train(folder)
    assert "s3" in error
    assert what in error


def test_an_image_of_another_bit_depth_than_a_radiograph_has(folder: Path) -> None:
    import cv2

    (folder / "images" / "s3.png").unlink()
    cv2.imwrite(str(folder / "images" / "s3.tiff"), np.random.default_rng(1).random((48, 40), dtype=np.float32))
    (folder / "images.csv").write_text((folder / "images.csv").read_text().replace("s3.png", "s3.tiff"))
    error = train(folder)
    assert "s3.tiff" in error
    assert "float32" in error


def test_an_image_of_another_size_than_a_radiograph_has(folder: Path) -> None:
    png(folder / "images" / "s3.png", np.arange(16, dtype=np.uint8).reshape(4, 4))
    error = train(folder)
    assert "s3.png" in error
    assert "4 x 4" in error


@pytest.mark.parametrize(("rows", "bits"), [(90, 16), (48, 32)], ids=["another size", "another bit depth"])
def test_a_dicom_file_whose_pixels_are_not_what_its_header_says(folder: Path, rows: int, bits: int) -> None:
    from pydicom.dataset import FileDataset, FileMetaDataset
    from pydicom.uid import ComputedRadiographyImageStorage, ExplicitVRLittleEndian, generate_uid

    meta = FileMetaDataset()
    meta.TransferSyntaxUID, meta.MediaStorageSOPClassUID = ExplicitVRLittleEndian, ComputedRadiographyImageStorage
    meta.MediaStorageSOPInstanceUID = generate_uid()
    path = folder / "images" / "s3.dcm"
    dataset = FileDataset(str(path), {}, file_meta=meta, preamble=b"\0" * 128)
    dataset.Rows, dataset.Columns, dataset.SamplesPerPixel = rows, 40, 1
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit, dataset.PixelRepresentation = bits, bits, bits - 1, 0
    dataset.PhotometricInterpretation = "MONOCHROME2"
    dataset.PixelData = np.arange(48 * 40, dtype=np.uint16).tobytes()
    dataset.save_as(path)
    (folder / "images.csv").write_text((folder / "images.csv").read_text().replace("s3.png", "s3.dcm"))
    error = train(folder)
    assert "s3.dcm (study s3)" in error
    assert "pixels cannot be decoded" in error


def test_a_finding_with_one_class_only(folder: Path) -> None:
    (folder / "labels.csv").write_text("study_id,fracture\n" + "".join(f"s{i},0\n" for i in range(24)))
    error = train(folder)
    assert "fracture" in error


def test_a_patient_on_two_sides_of_a_split(folder: Path) -> None:
    (folder / "studies.csv").write_text("study_id,patient_id\n" + "".join(f"s{i},p{i // 2}\n" for i in range(24)))
    parts = ("train", "train", "validation", "test")
    rows = "".join(f"s{i},{parts[i % 4]}\n" for i in range(24))
    (folder / "split.csv").write_text("study_id,part\n" + rows)
    error = train(folder, f"data.split.file={folder}/split.csv")
    assert "patient" in error
    assert "p1" in error


def test_labels_and_images_of_different_studies(folder: Path) -> None:
    (folder / "labels.csv").write_text("study_id,fracture\nx1,0\nx2,1\n")
    assert "labels.csv" in train(folder)


def test_an_unknown_model(folder: Path) -> None:
    error = train(folder, "train.model=resnet5O")
    assert "resnet5O" in error
    assert "did you mean" in error
