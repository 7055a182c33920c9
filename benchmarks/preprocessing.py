"""Images per second from file to square, ours beside MONAI's chain, on radiograph-like PNG and JPEG files; one core.

python benchmarks/preprocessing.py
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from imagetrain.pixels.images import read_radiograph
from imagetrain.pixels.reference import square_by_monai
from imagetrain.pixels.squares import Preprocessing, to_square

N_FILES = 12
SHAPE = (2500, 2048)


def main() -> None:
    import torch

    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    target = Preprocessing(512, equalise=True)
    generator = np.random.default_rng(0)
    with tempfile.TemporaryDirectory() as folder:
        for suffix in ("png", "jpg"):
            paths = [Path(folder) / f"{index}.{suffix}" for index in range(N_FILES)]
            for path in paths:
                smooth = cv2.GaussianBlur(generator.random(SHAPE, dtype=np.float32), (0, 0), 9)
                grey = (smooth - smooth.min()) / (smooth.max() - smooth.min())
                cv2.imwrite(str(path), (grey * 255).astype(np.uint8))
            ours = _rate(paths, lambda path: to_square(read_radiograph(path).pixels, target))
            monai = _rate(paths, lambda path: square_by_monai(_load_by_monai(path), target))
            print(f"{suffix}: ours {ours:5.1f} images/s, MONAI {monai:5.1f} images/s, {ours / monai:.1f} times")


def _load_by_monai(path: Path) -> Any:
    from monai.transforms import LoadImage

    return np.asarray(LoadImage(image_only=True, reverse_indexing=False)(path), dtype=np.float32)


def _rate(paths: list[Path], work: Callable[[Path], Any]) -> float:
    work(paths[0])
    started = time.perf_counter()
    for path in paths:
        work(path)
    return len(paths) / (time.perf_counter() - started)


if __name__ == "__main__":
    main()
