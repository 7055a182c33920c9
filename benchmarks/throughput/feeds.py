"""Ways to feed a training step: each gives batches for ever, float32 ``(batch, 1, size, size)`` on the device.

The other tools are used as their own examples use them, with their fastest settings that keep the result: MONAI without
meta tensors, workers that stay alive, pinned memory for a GPU.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
import torch

from throughput.material import AUGMENT, Setting
from throughput.steps import our_feed

Feed = Callable[[Setting], Iterator[torch.Tensor]]


def monai_files(setting: Setting) -> Iterator[torch.Tensor]:
    """MONAI `Dataset` and `DataLoader`, from files, each read and squared each time."""
    from monai.transforms import EnsureChannelFirst, HistogramNormalize, LoadImage, Resize, ScaleIntensity, SpatialPad

    size = setting.size
    steps = [
        LoadImage(image_only=True, reverse_indexing=False),
        EnsureChannelFirst(channel_dim="no_channel"),
        ScaleIntensity(0.0, 1.0),
        Resize(size, size_mode="longest", mode="area"),
        HistogramNormalize(num_bins=256, min=-1, max=1),
        SpatialPad((size, size), constant_values=-1),
    ]
    yield from _by_monai([str(path) for path in setting.paths()], steps, setting)


def monai_squares(setting: Setting) -> Iterator[torch.Tensor]:
    """MONAI `Dataset` and `DataLoader`, from the squares of our cache: what `CacheDataset` has in memory."""
    from monai.transforms import ScaleIntensityRange

    squares = setting.open_squares()

    def pick(row: int) -> torch.Tensor:
        return torch.from_numpy(squares[row][None].astype(np.float32))

    steps = [pick, ScaleIntensityRange(0, 255, -1, 1)]
    yield from _by_monai(list(range(setting.n_images)), steps, setting)


def _by_monai(data: list[Any], steps: list[Any], setting: Setting) -> Iterator[torch.Tensor]:
    from monai.data import DataLoader, Dataset, set_track_meta
    from monai.transforms import Compose, RandAffine, RandFlip, RandGaussianNoise

    set_track_meta(False)
    shift = AUGMENT.translation * setting.size
    changes = [
        RandFlip(prob=0.5, spatial_axis=1),
        RandFlip(prob=0.5, spatial_axis=0),
        RandAffine(
            prob=1.0,
            rotate_range=math.radians(AUGMENT.rotation_degrees),
            scale_range=(AUGMENT.scale, AUGMENT.scale),
            translate_range=(shift, shift),
            mode="bilinear",
            padding_mode="zeros",
        ),
        RandGaussianNoise(prob=1.0, std=AUGMENT.noise),
    ]
    loader = DataLoader(Dataset(data, Compose([*steps, *changes])), **_options(setting))
    yield from _for_ever(loader, setting, lambda batch: batch)


class Squares(torch.utils.data.Dataset[torch.Tensor]):
    """The squares of our cache, one by one, through torchvision's transforms."""

    def __init__(self, setting: Setting, transform: Callable[[torch.Tensor], torch.Tensor]) -> None:
        self.squares, self.transform = setting.open_squares(), transform

    def __len__(self) -> int:
        return len(self.squares)

    def __getitem__(self, row: int) -> torch.Tensor:
        return self.transform(torch.from_numpy(self.squares[row][None].copy()))


def torchvision_squares(setting: Setting) -> Iterator[torch.Tensor]:
    """torchvision v2 transforms and torch's `DataLoader`, from the squares of our cache."""
    loader: Any = torch.utils.data.DataLoader(Squares(setting, _by_torchvision()), **_options(setting))
    yield from _for_ever(loader, setting, lambda batch: batch)


def torchvision_files(setting: Setting) -> Iterator[torch.Tensor]:
    """torchvision's `ImageFolder` and v2 transforms, from files."""
    from torchvision.datasets import ImageFolder
    from torchvision.transforms import v2

    steps = v2.Compose([v2.Grayscale(), v2.PILToTensor(), v2.Resize(setting.size, antialias=True), _by_torchvision()])
    loader: Any = torch.utils.data.DataLoader(ImageFolder(str(setting.files), steps), **_options(setting))
    yield from _for_ever(loader, setting, lambda batch: batch[0])


def _by_torchvision() -> Any:
    from torchvision.transforms import InterpolationMode, v2

    near, far = 1 - AUGMENT.scale, 1 + AUGMENT.scale
    return v2.Compose(
        [
            v2.RandomHorizontalFlip(),
            v2.RandomVerticalFlip(),
            v2.RandomAffine(
                AUGMENT.rotation_degrees,
                translate=(AUGMENT.translation, AUGMENT.translation),
                scale=(near, far),
                interpolation=InterpolationMode.BILINEAR,
            ),
            v2.ToDtype(torch.float32, scale=True),
            v2.Normalize([0.5], [0.5]),
            v2.GaussianNoise(sigma=AUGMENT.noise, clip=False),
        ]
    )


def timm_files(setting: Setting) -> Iterator[torch.Tensor]:
    """timm's `create_dataset` and `create_loader` as its training script calls them, from files; its own transforms."""
    from timm.data import create_dataset, create_loader

    dataset = create_dataset("", str(setting.files), is_training=True, input_img_mode="L")
    loader = create_loader(
        dataset,
        (1, setting.size, setting.size),
        setting.batch_size,
        is_training=True,
        mean=(0.5,),
        std=(0.5,),
        interpolation="random",
        num_workers=setting.workers,
        pin_memory=setting.device != "cpu",
        device=torch.device(setting.device),
        use_prefetcher=setting.device != "cpu",
        persistent_workers=setting.workers > 0,
    )
    yield from _for_ever(loader, setting, lambda batch: batch[0])


def _options(setting: Setting) -> dict[str, Any]:
    return {
        "batch_size": setting.batch_size,
        "shuffle": True,
        "drop_last": True,
        "num_workers": setting.workers,
        "persistent_workers": setting.workers > 0,
        "pin_memory": setting.device != "cpu",
    }


def _for_ever(loader: Any, setting: Setting, images: Callable[[Any], torch.Tensor]) -> Iterator[torch.Tensor]:
    while True:
        for batch in loader:
            yield torch.as_tensor(images(batch)).to(setting.device, non_blocking=True)


FEEDS: Mapping[str, Feed] = {
    "ours, from the cache": our_feed,
    "MONAI, from our cache": monai_squares,
    "torchvision v2, from our cache": torchvision_squares,
    "MONAI, from PNG": monai_files,
    "torchvision v2, from PNG": torchvision_files,
    "timm, from PNG": timm_files,
}
"""Name of a row -> its feed."""
