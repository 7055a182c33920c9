from __future__ import annotations

import numpy as np
import pytest
import torch

from imagetrain.pixels.dataset import StudyPixels, n_batches, open_pixels, shuffled_batches

CPU = torch.device("cpu")


def numbered(n: int) -> np.ndarray:
    """Images that say in every pixel which row they are, from 1."""
    return np.arange(1, n + 1, dtype=np.uint8)[:, None, None] * np.ones((n, 4, 4), dtype=np.uint8)


def test_a_batch_has_the_views_of_its_studies_in_order() -> None:
    rows = np.array([[5, 0], [1, 2], [4, 3]])[:, :, None]
    studies = open_pixels(("a", "b", "c"), numbered(6), rows, device=CPU)
    images, present = studies.batch([2, 0])
    assert images.dtype == torch.uint8
    assert images.shape == (2, 2, 4, 4)
    assert images[:, :, 0, 0].tolist() == [[5, 4], [6, 1]]
    assert present.dtype == torch.bool
    assert present.all()


@pytest.mark.parametrize("resident", [False, True])
def test_absent_images_are_said_to_be_absent(resident: bool) -> None:
    pixels = numbered(3)
    rows = np.array([[[0, 1], [2, -1]], [[1, -1], [-1, -1]]])
    studies = StudyPixels(("a", "b"), pixels, rows, CPU, torch.from_numpy(pixels) if resident else None)
    images, present = studies.batch([0, 1])
    assert images[:, :, 3, 3].tolist() == [[1, 3], [2, 0]]
    assert present.tolist() == [[True, True], [True, False]]
    images, present = studies.batch([1, 0], np.array([[0, 0], [1, 0]]))
    assert images[:, :, 0, 0].tolist() == [[2, 0], [2, 3]]
    assert present.tolist() == [[True, False], [True, True]]
    assert (pixels == numbered(3)).all()  # what is cached is never written


def test_an_epoch_has_every_study_once_in_batches_of_nearly_one_size() -> None:
    studies = np.arange(100, 133)
    batches = list(shuffled_batches(studies, 32, seed=0, epoch=0))
    assert [len(batch) for batch in batches] == [17, 16]
    assert sorted(np.concatenate(batches)) == sorted(studies)
    assert n_batches(33, 32) == 2
    assert n_batches(32, 32) == 1


def test_the_order_depends_on_seed_and_epoch() -> None:
    studies = np.arange(50)
    first = np.concatenate(list(shuffled_batches(studies, 8, seed=0, epoch=0)))
    again = np.concatenate(list(shuffled_batches(studies, 8, seed=0, epoch=0)))
    later = np.concatenate(list(shuffled_batches(studies, 8, seed=0, epoch=1)))
    other = np.concatenate(list(shuffled_batches(studies, 8, seed=1, epoch=0)))
    assert (first != other).any()
    assert (first == again).all()
    assert (first != later).any()
