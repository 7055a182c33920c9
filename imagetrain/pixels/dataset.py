"""Cached pixels to batches: rows of studies in, uint8 tensors on the device out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

Rows = NDArray[np.int64]

GOLDEN = np.uint64(0x9E3779B97F4A7C15)  # the step of SplitMix64
RESIDENT_SHARE = 0.5  # of the free memory of a GPU: the cache lives there if it takes no more


class Views(NamedTuple):
    """The images of some studies, one of each view, on the device."""

    images: torch.Tensor  # uint8 (n, n_views, size, size); zeros where there is none
    present: torch.Tensor  # bool (n, n_views)


class Loaded(NamedTuple):
    """The images of some studies on their way to the device."""

    rows: Rows  # of the cache, (n, n_views); -1 where there is none
    images: torch.Tensor | None  # in pinned memory if they go to a GPU; None where the cache is on the device


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
        return self.place(self.load(studies, pick))

    def load(self, studies: Sequence[int] | Rows, pick: Rows | None = None) -> Loaded:
        """The part of `batch` that reads the cache, for a thread that works ahead."""
        chosen = self.rows[np.asarray(studies)]
        rows = chosen[..., 0] if pick is None else np.take_along_axis(chosen, pick[..., None], axis=2)[..., 0]
        if self.resident is not None:
            return Loaded(rows, None)
        on_gpu = self.device.type == "cuda"  # only from pinned memory are copies made while the GPU computes
        images = torch.empty((*rows.shape, *self.pixels.shape[1:]), dtype=torch.uint8, pin_memory=on_gpu)
        np.take(self.pixels, np.maximum(rows, 0), axis=0, out=images.numpy(), mode="clip")
        return Loaded(rows, images)

    def place(self, loaded: Loaded) -> Views:
        """The part of `batch` that brings images to the device, without waiting for it."""
        present = self.put(loaded.rows >= 0)
        if loaded.images is not None:
            images = loaded.images.to(self.device, non_blocking=True)
        else:
            assert self.resident is not None, "neither the images nor the cache are there"
            images = self.resident[self.put(np.maximum(loaded.rows, 0))]
        if (loaded.rows < 0).any():
            images = images * present[:, :, None, None]
        return Views(images, present)

    def put(self, values: NDArray[Any]) -> torch.Tensor:
        """A small array on the device, without waiting for it."""
        tensor = torch.from_numpy(values)
        if self.device.type == "cuda":
            tensor = tensor.pin_memory()
        return tensor.to(self.device, non_blocking=True)

    def drawn(self, studies: Rows, *, seed: int, epoch: int) -> Rows | None:
        """Which image of a view each study shows in an epoch, int64 ``(n, n_views)``; None if no study has several.

        It depends on seed, epoch and study alone, not on the batch that the study is in.
        """
        if self.rows.shape[2] == 1:
            return None
        key = np.random.SeedSequence([seed, epoch]).generate_state(1, np.uint64)
        cells = np.asarray(studies)[:, None] * self.rows.shape[1] + np.arange(self.rows.shape[1])
        drawn = _scattered(key + GOLDEN * (cells.astype(np.uint64) + np.uint64(1)))
        picks: Rows = (drawn % self._n_images(studies).astype(np.uint64)).astype(np.int64)
        return picks

    def showings(self, studies: Rows) -> tuple[Rows, Rows | None]:
        """Every choice of one image a view: the places ``(m,)`` in `studies` and the picks ``(m, n_views)``.

        A study with two images of one view and three of the other is shown six times, so that each image counts the
        same and their order does not matter. Picks are None if no study has several images.
        """
        if self.rows.shape[2] == 1:
            return np.arange(len(studies)), None
        counts = self._n_images(studies)
        n_showings = counts.prod(axis=1)
        places = np.repeat(np.arange(len(studies)), n_showings)
        turn = np.arange(len(places)) - np.repeat(n_showings.cumsum() - n_showings, n_showings)
        strides = np.concatenate([np.ones((len(counts), 1), np.int64), counts.cumprod(axis=1)[:, :-1]], axis=1)
        return places, turn[:, None] // strides[places] % counts[places]

    def _n_images(self, studies: Rows) -> Rows:
        """Images of each view, ``(n, n_views)``; 1 where there is none, since an absent view is shown as absent."""
        counts: Rows = np.maximum((self.rows[np.asarray(studies)] >= 0).sum(axis=2), 1)
        return counts


def _scattered(numbers: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Numbers as good as random ones, by SplitMix64 (Steele et al. 2014, doi 10.1145/2660193.2660195)."""
    numbers = (numbers ^ (numbers >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    numbers = (numbers ^ (numbers >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return numbers ^ (numbers >> np.uint64(31))


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
