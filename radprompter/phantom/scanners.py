"""Two sites' detectors: how tissue becomes grey values, and grey values a file."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from radprompter.phantom.anatomy import Anatomy
from radprompter.phantom.canvas import Canvas, Pixels, Point, Pose
from radprompter.phantom.cases import Case

Draw = Callable[[Canvas, Case, str, np.random.Generator], None]


@dataclass(frozen=True, slots=True)
class Film:
    """How a region lies on the detector: width of the field in millimetres, upright or on its side.

    `squareness` 1 makes the image square, 0 leaves the scanner's aspect; `tilt` is the standard deviation of the
    region's rotation in degrees, `centre` what lies in the middle, in millimetres of the region.
    """

    field: float
    landscape: bool = False
    squareness: float = 0.0
    tilt: float = 5.0
    centre: Point = (0.0, 0.0)


@dataclass(frozen=True, slots=True)
class Scanner:
    """How a site's images look.

    `aspect` is height over width, `haze` the share of scattered radiation, `noise` the standard deviation on a scale
    where the image spans [0, 1], `gamma` the contrast curve. `formats` gives a share of the files to each format.
    """

    name: str
    aspect: float
    zoom: float
    haze: float
    noise: float
    gamma: float
    softness: int
    formats: tuple[tuple[str, float], ...]


SCANNERS = {
    "alpha": Scanner("Synthetic A", 1.25, 1.0, 0.05, 0.018, 1.0, 0, (("png8", 0.5), ("png16", 0.2), ("mono2", 0.3))),
    "beta": Scanner("Synthetic B", 1.4, 1.12, 0.11, 0.025, 0.84, 1, (("mono1", 0.6), ("mono2", 0.25), ("png8", 0.15))),
}


@dataclass(frozen=True, slots=True)
class Radiograph:
    """A finished image: grey values in [0, 1], float32 ``(height, width)``, and its pixel size in millimetres."""

    pixels: Pixels
    spacing: float


def expose(case: Case, view: str, draw: Draw, *, film: Film, size: int) -> Radiograph:
    """X-ray a case on its site's scanner; the shorter side of the image has `size` pixels."""
    scanner = SCANNERS[case.site]
    rng = case.rng(f"image {view}")
    longer = round(size * (1 + (scanner.aspect - 1) * (1 - film.squareness)))
    width, height = (longer, size) if film.landscape else (size, longer)
    field = film.field * scanner.zoom
    pose = Pose(
        rotation=float(rng.normal(0, film.tilt)),
        scale=float(rng.uniform(0.92, 1.06)),
        shift=(float(rng.normal(0, 0.03 * film.field)), float(rng.normal(0, 0.03 * film.field))),
        mirrored=case.side == "left",
        centre=film.centre,
    )
    canvas = Canvas(width, height, field=field, pose=pose, rng=rng)
    draw(canvas, case, view, rng)
    if case.side:
        canvas.marker(case.side[0].upper(), (0.06, 0.05) if rng.random() < 0.5 else (0.86, 0.05))
    return Radiograph(_develop(canvas.sheet, scanner, rng), round(field / width, 4))


def _develop(sheet: Pixels, scanner: Scanner, rng: np.random.Generator) -> Pixels:
    """Attenuation -> grey values: absorption, scatter, blur, noise and the contrast curve."""
    height, width = sheet.shape
    y, x = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j].astype(np.float32)
    tilt = rng.normal(0, 0.03, 2)
    absorbed = 1.0 - np.exp(-np.float32(rng.uniform(0.95, 1.15)) * sheet)
    light = absorbed * (1 - scanner.haze) + scanner.haze * np.exp(-(x**2 + y**2)) + tilt[0] * x + tilt[1] * y
    for _ in range(scanner.softness):
        light = _blurred(light)
    light = light + rng.normal(0, scanner.noise, light.shape).astype(np.float32)
    light = np.clip(0.03 + 0.94 * light, 0, 1) ** np.float32(scanner.gamma * rng.uniform(0.93, 1.07))
    return np.asarray(light, np.float32)


def _blurred(pixels: Pixels) -> Pixels:
    for axis in (0, 1):
        pixels = 0.5 * pixels + 0.25 * (np.roll(pixels, 1, axis) + np.roll(pixels, -1, axis))
    return pixels


def machine_of(case: Case) -> str:
    """Which of its site's two machines made a study; they are alike, so that images do not depend on it."""
    number = 1 + int(case.rng("machine").random() < 0.4)
    return f"{SCANNERS[case.site].name}{number}"


def write_image(image: Radiograph, case: Case, anatomy: Anatomy, view: str, folder: Path) -> str:
    """Write an image in one of its site's formats; returns the file's name."""
    rng = case.rng(f"file {view}")
    formats = SCANNERS[case.site].formats
    kind = formats[int(rng.choice(len(formats), p=[share for _, share in formats]))][0]
    name = f"{case.study_id}_{view}.{'png' if kind.startswith('png') else 'dcm'}"
    if kind == "png8":
        content = _png(np.round(255 * image.pixels).astype(np.uint8))
    elif kind == "png16":
        content = _png(np.round(65535 * image.pixels).astype(np.uint16))
    else:
        content = _dicom(image, case, anatomy, view, inverted=kind == "mono1")
    (folder / name).write_bytes(content)
    return name


def _png(pixels: NDArray[np.uint8] | NDArray[np.uint16]) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG", compress_level=3)
    return buffer.getvalue()


def _uid(*parts: object) -> str:
    """A DICOM UID below the root for UUID-derived ones, the same for the same parts."""
    text = "/".join(map(str, parts))
    return f"2.25.{int.from_bytes(hashlib.sha256(text.encode()).digest()[:15])}"


def _dicom(image: Radiograph, case: Case, anatomy: Anatomy, view: str, *, inverted: bool) -> bytes:
    """12 bits stored in 16, grey values from 200 to 3800, explicit VR little endian."""
    from pydicom.dataset import FileDataset, FileMetaDataset
    from pydicom.uid import DigitalXRayImageStorageForPresentation, ExplicitVRLittleEndian

    low, high = 200, 3800
    stored = np.round(low + (high - low) * image.pixels)
    if inverted:
        stored = 4095 - stored
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = DigitalXRayImageStorageForPresentation
    meta.MediaStorageSOPInstanceUID = _uid(*case.seed, case.number, view)
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    meta.ImplementationClassUID = _uid("radprompter phantom")
    buffer = io.BytesIO()
    dicom = FileDataset(buffer, {}, file_meta=meta, preamble=b"\0" * 128)
    dicom.SOPClassUID = meta.MediaStorageSOPClassUID
    dicom.SOPInstanceUID = meta.MediaStorageSOPInstanceUID
    dicom.StudyInstanceUID = _uid(*case.seed, case.number)
    dicom.SeriesInstanceUID = _uid(*case.seed, case.number, view, "series")
    dicom.PatientID, dicom.PatientName = case.patient_id, "SYNTHETIC^PHANTOM"
    dicom.PatientSex, dicom.PatientAge, dicom.PatientBirthDate = case.sex, f"{case.age:03d}Y", ""
    dicom.AccessionNumber, dicom.StudyID, dicom.StudyDate, dicom.StudyTime = case.study_id, str(case.number), "", ""
    dicom.Modality, dicom.Manufacturer = "DX", "Synthetic"
    dicom.ManufacturerModelName = SCANNERS[case.site].name
    dicom.BodyPartExamined, dicom.ViewPosition = anatomy.body_part, anatomy.views[view]
    dicom.ImageLaterality = {"left": "L", "right": "R"}.get(case.side, "U")
    dicom.ImageComments, dicom.BurnedInAnnotation = "SYNTHETIC", "NO"
    dicom.SeriesNumber, dicom.InstanceNumber = 1, list(anatomy.views).index(view) + 1
    dicom.PixelSpacing = dicom.ImagerPixelSpacing = [image.spacing, image.spacing]
    dicom.SamplesPerPixel, dicom.PixelRepresentation = 1, 0
    dicom.PhotometricInterpretation = "MONOCHROME1" if inverted else "MONOCHROME2"
    dicom.PresentationLUTShape = "INVERSE" if inverted else "IDENTITY"
    dicom.Rows, dicom.Columns = image.pixels.shape
    dicom.BitsAllocated, dicom.BitsStored, dicom.HighBit = 16, 12, 11
    dicom.WindowCenter = 4095 - (low + high) / 2 if inverted else (low + high) / 2
    dicom.WindowWidth = high - low
    dicom.PixelData = stored.astype("<u2").tobytes()
    dicom.save_as(buffer, enforce_file_format=True)
    return buffer.getvalue()
