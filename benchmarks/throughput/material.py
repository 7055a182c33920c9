"""Squares and radiograph files made on the spot: speed does not depend on what they show."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from imagetrain.recipe import Augment

AUGMENT = Augment(horizontal_flip=True, vertical_flip=True, rotation_degrees=25, scale=0.1, translation=0.1, noise=0.02)
"""The published study's geometry and noise; what the other tools are given says the same in their words."""

DISTINCT_FILES = 64  # the others are links to them: no disk holds 20,000 and the page cache has them either way
CLASSES = ("a", "b")  # folders, as ImageFolder wants them


class Setting(NamedTuple):
    """One row's circumstances."""

    folder: Path
    size: int  # of squares, pixels
    n_images: int
    file_side: int  # of the radiograph files, pixels
    batch_size: int
    workers: int  # of the other tools' loaders
    device: str

    @property
    def slice(self) -> int:
        """Steps that are timed together: a GPU is not to be waited for at each."""
        return 1 if self.device == "cpu" else 20

    @property
    def squares(self) -> Path:
        """The cache file, ``(n_images, size, size)`` bytes."""
        return self.folder / f"{self.n_images}x{self.size}.u8"

    @property
    def files(self) -> Path:
        """The folder of radiograph files, one folder a class."""
        return self.folder / f"{self.n_images}_files_{self.file_side}"

    def open_squares(self) -> NDArray[np.uint8]:
        """The memory-mapped squares."""
        return np.memmap(self.squares, dtype=np.uint8, mode="r", shape=(self.n_images, self.size, self.size))

    def paths(self) -> list[Path]:
        """The radiograph files."""
        return sorted(self.files.glob("*/*.png"))


def write_squares(setting: Setting) -> None:
    """Write the cache file, unless it is there."""
    setting.folder.mkdir(parents=True, exist_ok=True)
    n_bytes = setting.n_images * setting.size**2
    if setting.squares.is_file() and setting.squares.stat().st_size == n_bytes:
        return
    generator = np.random.default_rng(0)
    with setting.squares.open("wb") as out:
        for start in range(0, setting.n_images, 500):
            n = min(500, setting.n_images - start)
            out.write(generator.integers(0, 256, (n, setting.size, setting.size), dtype=np.uint8).tobytes())


def write_files(setting: Setting) -> None:
    """Write smooth 8-bit PNG files with some grain, unless they are there."""
    if setting.files.is_dir():
        return
    generator = np.random.default_rng(0)
    for name in CLASSES:
        (setting.files / name).mkdir(parents=True)
    originals: list[Path] = []
    for number in range(setting.n_images):
        path = setting.files / CLASSES[number % 2] / f"{number:06d}.png"
        if number >= DISTINCT_FILES:
            path.hardlink_to(originals[number % DISTINCT_FILES])
            continue
        side = setting.file_side
        smooth = cv2.resize(
            generator.random((16, 16), dtype=np.float32) * 200, (side, side), interpolation=cv2.INTER_CUBIC
        )
        grain = generator.normal(20, 3, (side, side))
        cv2.imwrite(str(path), np.clip(smooth + grain, 0, 255).astype(np.uint8))
        originals.append(path)
