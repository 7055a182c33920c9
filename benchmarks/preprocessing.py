"""Images per second and core from file to square, ours beside MONAI's chain as its users write it, by kind of file.

python benchmarks/preprocessing.py [--files 4] [--rounds 3] [--size 512] [--shapes 2500x2048 1024x1024]

MONAI's chain is LoadImage, ScaleIntensity, Resize of the longer side, HistogramNormalize, SpatialPad and ScaleIntensity
to [-1, 1]; `area` and `anti-aliased` are two ways to resize in it. Ours is what a child of `imagetrain cache` does of a
file: read it, hash it, look for burnt-in text, make the square and its hashes. The contenders take turns; the time is
processor time of one thread, so that other work on the machine counts little; medians are printed.
"""

from __future__ import annotations

import argparse
import io
import os
import statistics
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import cv2
import numpy as np
import pydicom
from PIL import Image
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.uid import (
    DigitalXRayImageStorageForPresentation,
    ExplicitVRLittleEndian,
    JPEG2000Lossless,
    RLELossless,
    generate_uid,
)

from imagetrain.radiographs.cache import PIXELS
from imagetrain.radiographs.reading import read_into_row

KINDS = ("PNG 8", "PNG 8 (OpenCV)", "PNG 16", "JPEG", "DICOM raw", "DICOM RLE", "DICOM J2K")
CHAINS = ("area", "anti-aliased")


def scene(height: int, width: int, seed: int) -> np.ndarray:
    """A radiograph-like image in [0, 1]: smooth anatomy, a field that was not exposed, and the noise of a detector."""
    rng = np.random.default_rng(seed)
    smooth = sum(
        weight * cv2.GaussianBlur(rng.random((height, width), dtype=np.float32), (0, 0), sigma) * sigma
        for weight, sigma in ((1.0, 40.0), (0.3, 8.0))
    )
    grey = (smooth - smooth.min()) / (smooth.max() - smooth.min())
    grey = grey + rng.normal(0, 0.004, grey.shape).astype(np.float32)
    grey[: height // 20] = 0
    return np.clip(grey, 0, 1)


def content(kind: str, grey: np.ndarray) -> bytes:
    """The image as a file of a kind."""
    eight, twelve = np.rint(grey * 255).astype(np.uint8), np.rint(grey * 4095).astype(np.uint16)
    if kind == "PNG 8 (OpenCV)":
        return cv2.imencode(".png", eight)[1].tobytes()
    if kind.startswith("DICOM"):
        return dicom(kind, twelve)
    file = io.BytesIO()
    options = {"format": "JPEG", "quality": 95} if kind == "JPEG" else {"format": "PNG"}
    Image.fromarray(twelve if kind == "PNG 16" else eight).save(file, **options)
    return file.getvalue()


def dicom(kind: str, values: np.ndarray) -> bytes:
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = DigitalXRayImageStorageForPresentation
    meta.MediaStorageSOPInstanceUID = generate_uid()
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset = FileDataset(None, {}, file_meta=meta, preamble=b"\0" * 128)
    dataset.SOPClassUID, dataset.SOPInstanceUID = meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID
    dataset.Rows, dataset.Columns = values.shape
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, "MONOCHROME2"
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit, dataset.PixelRepresentation = 16, 12, 11, 0
    dataset.WindowCenter, dataset.WindowWidth = 2048, 4000
    dataset.PixelData = values.tobytes()
    if kind != "DICOM raw":
        dataset.compress(RLELossless if kind == "DICOM RLE" else JPEG2000Lossless)
    file = io.BytesIO()
    pydicom.dcmwrite(file, dataset, enforce_file_format=True)
    return file.getvalue()


def monai_chain(size: int, chain: str) -> Callable[[Path], Any]:
    from monai.transforms import Compose, HistogramNormalize, LoadImage, Resize, ScaleIntensity, SpatialPad

    resize = {"area": {"mode": "area"}, "anti-aliased": {"mode": "bilinear", "anti_aliasing": True}}[chain]
    return Compose(
        [
            LoadImage(image_only=True, ensure_channel_first=True),
            ScaleIntensity(),
            Resize(size, size_mode="longest", **resize),
            HistogramNormalize(num_bins=256),
            SpatialPad((size, size)),
            ScaleIntensity(-1, 1),
        ]
    )


def measure(kind: str, shape: tuple[int, int], *, n_files: int, rounds: int, size: int) -> dict[str, float]:
    """Contender -> median seconds of processor time a file."""
    with tempfile.TemporaryDirectory() as folder:
        suffix = {"P": ".png", "J": ".jpg", "D": ".dcm"}[kind[0]]
        paths = [Path(folder) / f"{number}{suffix}" for number in range(n_files)]
        for number, path in enumerate(paths):
            path.write_bytes(content(kind, scene(*shape, number)))
        rows = Path(folder) / PIXELS
        rows.write_bytes(bytes(size * size))

        def ours(path: Path) -> None:
            found = read_into_row(str(path), "s", str(rows), 1, 0, size, True, None)
            assert "pixels_hash" in found, found

        work = {"ours": ours} | {chain: monai_chain(size, chain) for chain in CHAINS}
        seconds: dict[str, list[float]] = {name: [] for name in work}
        for number in range(rounds + 1):  # the first warms up
            for path in paths:
                for name, do in work.items():
                    started = time.thread_time()
                    do(path)
                    if number:
                        seconds[name].append(time.thread_time() - started)
    return {name: statistics.median(values) for name, values in seconds.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--files", type=int, default=4)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--size", type=int, default=512)
    parser.add_argument("--shapes", nargs="+", default=["2500x2048", "1024x1024"])
    parser.add_argument("--kinds", nargs="+", default=list(KINDS), choices=KINDS)
    options = parser.parse_args()
    import torch

    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    print("| file | pixels | ours, images/s | MONAI area | times | MONAI anti-aliased | times |")
    print("|---|---|---|---|---|---|---|")
    for text in options.shapes:
        height, width = (int(side) for side in text.split("x"))
        for kind in options.kinds:
            found = measure(kind, (height, width), n_files=options.files, rounds=options.rounds, size=options.size)
            cells = [kind, text, f"{1 / found['ours']:.1f}"]
            for chain in CHAINS:
                cells += [f"{1 / found[chain]:.1f}", f"{found[chain] / found['ours']:.1f}"]
            print("| " + " | ".join(cells) + " |", flush=True)


if __name__ == "__main__":
    main()
