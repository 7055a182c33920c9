"""Cached pixels to batches: rows of studies in, uint8 tensors on the device out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

Rows = NDArray[np.int64]

RESIDENT_SHARE = 0.5  # of the free memory of a GPU: the cache lives there if it takes no more


@dataclass(frozen=True, slots=True, eq=False)
class StudyPixels:
    """The pixels of studies, each with the same number of views.

    Parameters
    ----------
    pixels:
        uint8 ``(n_rows, size, size)``, usually memory-mapped.
    rows:
        int64 ``(n_studies, n_views)``: rows of `pixels`.
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

    def batch(self, studies: Sequence[int] | Rows) -> torch.Tensor:
        """Images of some studies, uint8 ``(n, n_views, size, size)`` on the device."""
        rows = self.rows[np.asarray(studies)]
        if self.resident is not None:
            return self.resident[torch.from_numpy(rows).to(self.device)]
        return torch.from_numpy(self.pixels[rows]).to(self.device)


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
