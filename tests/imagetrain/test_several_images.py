"""Studies with several images of a view, or with none: what is shown in training, and what predictions are made of."""

from __future__ import annotations

import itertools

import numpy as np
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from imagetrain.learning.inference import predict_logits
from imagetrain.learning.models import build_model
from imagetrain.pixels.dataset import StudyPixels

CPU = torch.device("cpu")
COUNTS = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)).filter(any), min_size=1, max_size=6)


class Brightness(nn.Module):
    """Logits that say which images were shown: the grey value of each view, and their product."""

    def forward(self, images: torch.Tensor, present: torch.Tensor | None = None) -> torch.Tensor:
        assert present is not None
        grey = torch.where(present, (images[:, :, 0, 0] + 1) * 127.5, torch.tensor(-1.0))
        return torch.stack([grey[:, 0], grey[:, 1], grey.prod(dim=1)], dim=1)


def studies_with(counts: list[tuple[int, int]]) -> StudyPixels:
    """Two views; image number r is grey r everywhere."""
    n_images = max(itertools.chain(*counts))
    rows, n_rows = np.full((len(counts), 2, n_images), -1), 0
    for study, view in np.ndindex(len(counts), 2):
        rows[study, view, : counts[study][view]] = np.arange(n_rows, n_rows + counts[study][view])
        n_rows += counts[study][view]
    pixels = np.arange(n_rows, dtype=np.uint8)[:, None, None] * np.ones((1, 2, 2), dtype=np.uint8)
    return StudyPixels(tuple(f"s{i}" for i in range(len(counts))), pixels, rows, CPU)


def literal_logits(pixels: StudyPixels, study: int) -> np.ndarray:
    """The mean over every pair of an image of one view and an image of the other."""
    greys = [[int(row) for row in view if row >= 0] or [-1] for view in pixels.rows[study]]
    return np.mean([(a, b, a * b) for a, b in itertools.product(*greys)], axis=0)


@settings(deadline=None, max_examples=60)
@given(COUNTS, st.integers(1, 5))
def test_predictions_are_the_mean_over_all_choices_of_images(counts: list[tuple[int, int]], batch_size: int) -> None:
    pixels = studies_with(counts)
    order = np.arange(len(counts))[::-1].copy()
    logits = predict_logits(Brightness(), pixels, order, batch_size=batch_size)
    assert np.allclose(logits, [literal_logits(pixels, study) for study in order], atol=1e-3)


@settings(deadline=None, max_examples=60)
@given(COUNTS, st.integers(0, 50), st.integers(0, 50))
def test_what_is_drawn_exists_and_does_not_depend_on_the_batch(counts: list, seed: int, epoch: int) -> None:
    pixels = studies_with(counts)
    every = np.arange(len(counts))
    picks = pixels.drawn(every, seed=seed, epoch=epoch)
    if picks is None:
        assert max(itertools.chain(*counts)) == 1
        return
    assert (picks < np.maximum(counts, 1)).all()
    assert (picks >= 0).all()
    assert (pixels.batch(every, picks).present.numpy() == (np.array(counts) > 0)).all()
    for study in every:
        assert (pixels.drawn(every[study : study + 1], seed=seed, epoch=epoch) == picks[study]).all()


def test_every_image_is_drawn_as_often_as_the_others() -> None:
    pixels = studies_with([(3, 2)] * 500)
    drawn = np.stack([pixels.drawn(np.arange(500), seed=1, epoch=epoch) for epoch in range(12)])
    share = [(drawn[..., 0] == k).mean() for k in range(3)] + [(drawn[..., 1] == 1).mean()]
    assert np.allclose(share, [1 / 3, 1 / 3, 1 / 3, 1 / 2], atol=0.03)
    together = [((drawn[..., 0] == a) & (drawn[..., 1] == b)).mean() for a in range(3) for b in range(2)]
    assert np.allclose(together, 1 / 6, atol=0.03)
    assert (drawn[0] != drawn[1]).any()


def test_pixels_of_an_absent_view_cannot_change_a_logit() -> None:
    rows = np.array([[[0], [1]], [[2], [-1]], [[-1], [3]]])
    for missing_views in ("embed", "mask"):
        model = build_model("test_resnet", n_views=2, n_findings=3, size=32, missing_views=missing_views, seed=3)
        logits = []
        for grey in (0, 200):
            pixels = np.random.default_rng(0).integers(0, 256, (4, 32, 32), dtype=np.uint8)
            studies = StudyPixels(("a", "b", "c"), pixels, rows, CPU)
            images, present = studies.batch([0, 1, 2])
            assert (images[~present] == 0).all()
            images[~present] = grey
            with torch.no_grad():
                logits.append(model.eval()(images.float() / 127.5 - 1, present))
        assert torch.equal(*logits)
        assert torch.isfinite(logits[0]).all()
