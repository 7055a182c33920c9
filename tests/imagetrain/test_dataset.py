from __future__ import annotations

import numpy as np
import torch

from imagetrain.pixels.dataset import n_batches, open_pixels, shuffled_batches

CPU = torch.device("cpu")


def test_a_batch_has_the_views_of_its_studies_in_order() -> None:
    pixels = np.arange(6, dtype=np.uint8)[:, None, None] * np.ones((6, 4, 4), dtype=np.uint8)
    rows = np.array([[5, 0], [1, 2], [4, 3]])
    studies = open_pixels(("a", "b", "c"), pixels, rows, device=CPU)
    batch = studies.batch([2, 0])
    assert batch.dtype == torch.uint8
    assert batch.shape == (2, 2, 4, 4)
    assert batch[:, :, 0, 0].tolist() == [[4, 3], [5, 0]]


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
    assert (first == again).all()
    assert (first != later).any()
