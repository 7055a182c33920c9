"""Radiograph-like scenes, and DICOM files of them."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.uid import DigitalXRayImageStorageForPresentation, ExplicitVRLittleEndian, generate_uid


def scene(height: int = 90, width: int = 60) -> np.ndarray:
    """A smooth image in [0, 1] whose left and right, top and bottom differ."""
    rows, columns = np.mgrid[0 : 1 : height * 1j, 0 : 1 : width * 1j]
    values = 0.5 * rows + 0.2 * columns + 0.4 * np.exp(-((rows - 0.3) ** 2 + (columns - 0.7) ** 2) / 0.02)
    return ((values - values.min()) / (values.max() - values.min())).astype(np.float32)


def write_dicom(path: Path, values: np.ndarray, *, bits: int = 12, **tags: Any) -> None:
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = DigitalXRayImageStorageForPresentation
    meta.MediaStorageSOPInstanceUID = generate_uid(entropy_srcs=["test"])
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset = FileDataset(None, {}, file_meta=meta, preamble=b"\0" * 128)
    dataset.SOPClassUID, dataset.SOPInstanceUID = meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID
    dataset.Rows, dataset.Columns = values.shape[:2]
    dataset.SamplesPerPixel = 1 if values.ndim == 2 else 3
    dataset.PhotometricInterpretation = "MONOCHROME2" if values.ndim == 2 else "RGB"
    dataset.BitsAllocated = 8 if bits == 8 else 16
    dataset.BitsStored, dataset.HighBit, dataset.PixelRepresentation = bits, bits - 1, 0
    if values.ndim == 3:
        dataset.PlanarConfiguration = 0
    dataset.PixelData = np.rint(values * (2**bits - 1)).astype(np.uint8 if bits == 8 else np.uint16).tobytes()
    for name, value in tags.items():
        setattr(dataset, name, value)
    pydicom.dcmwrite(path, dataset, enforce_file_format=True)


def nested(depth: int) -> bytes:
    """Sequences in sequences, of undefined length (PS3.5 7.5), implicit little endian without meta information."""
    tag, item = struct.pack("<HHI", 0x0008, 0x1115, 0xFFFFFFFF), struct.pack("<HHI", 0xFFFE, 0xE000, 0xFFFFFFFF)
    ends = struct.pack("<HHI", 0xFFFE, 0xE00D, 0) + struct.pack("<HHI", 0xFFFE, 0xE0DD, 0)
    return (tag + item) * depth + ends * depth
