"""Cached pixels to batches: rows of studies in, uint8 tensors on the device out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

Rows = NDArray[np.int64]

RESIDENT_SHARE = 0.5  # of the free memory of a GPU: the cache lives there if it takes no more


class Views(NamedTuple):
    """The images of some studies, one of each view, on the device."""

    images: torch.Tensor  # uint8 (n, n_views, size, size); zeros where there is none
    present: torch.Tensor  # bool (n, n_views)


@dataclass(frozen=True, slots=True, eq=False)
class StudyPixels:
    """The pixels of studies: of each view no, one or several images.

    Parameters
    ----------
    pixels:
        uint8 ``(n_rows, size, size)``, usually memory-mapped.
    rows:
        int64 ``(n_studies, n_views, n_images)``: rows of `pixels`, -1 where a study has no such image. The images of a
        view come first; ``n_images`` is the most that any study has of a view.
    device:
        Where batches are wanted.
    resident:
        The same pixels on the device, if they fit.
    """

    study_ids: tuple[str, ...]
    pixels: NDArray[np.uint8]
    rows: Rows
    device: torch.device
    resident: torch.Tensor | None = None

    def __len__(self) -> int:
        return len(self.study_ids)

    def batch(self, studies: Sequence[int] | Rows, pick: Rows | None = None) -> Views:
        """One image a view of some studies.

        Parameters
        ----------
        studies:
            ``(n,)``: places of studies.
        pick:
            int64 ``(n, n_views)``: which of the images of a view; the first if None.
        """
        chosen = self.rows[np.asarray(studies)]
        rows = chosen[..., 0] if pick is None else np.take_along_axis(chosen, pick[..., None], axis=2)[..., 0]
        present = torch.from_numpy(rows >= 0).to(self.device)
        if self.resident is not None:
            images = self.resident[torch.from_numpy(np.maximum(rows, 0)).to(self.device)]
        else:
            images = torch.from_numpy(self.pixels[np.maximum(rows, 0)]).to(self.device)
        if (rows < 0).any():
            images *= present[:, :, None, None]
        return Views(images, present)


def open_pixels(
    study_ids: Sequence[str], pixels: NDArray[np.uint8], rows: Rows, *, device: torch.device
) -> StudyPixels:
    """Pixels of studies for a device; the whole cache moves there if a GPU has room for it."""
    resident = None
    if device.type == "cuda" and pixels.nbytes <= RESIDENT_SHARE * torch.cuda.mem_get_info(device)[0]:
        resident = torch.from_numpy(np.ascontiguousarray(pixels)).to(device)
    return StudyPixels(tuple(study_ids), pixels, rows, device, resident)


def shuffled_batches(studies: Rows, batch_size: int, *, seed: int, epoch: int) -> Iterator[Rows]:
    """All studies once, in the order of the seed and epoch, in batches whose sizes differ by at most one.

    Equal batches leave no tiny last one, on which batch normalisation would fail.
    """
    order = np.random.default_rng([seed, epoch]).permutation(studies)
    yield from np.array_split(order, n_batches(len(studies), batch_size))


def n_batches(n_studies: int, batch_size: int) -> int:
    """Number of batches of an epoch."""
    return -(-n_studies // batch_size)
