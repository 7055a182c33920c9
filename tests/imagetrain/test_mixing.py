from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from reference.mixing import mix_cell, mix_image

from imagetrain.learning.losses import bce, make_loss, weighted_sum
from imagetrain.pixels.mixing import Mixture, apply_mixture, draw_mixture, mix
from imagetrain.recipe import Asymmetric, CrossEntropy, Focal, LossRecipe, Mix

BLEND, CUT, BOTH = Mix(mixup=0.4, probability=1), Mix(cutmix=1, probability=1), Mix(mixup=0.4, cutmix=1, probability=1)

settings_of = st.sampled_from((BLEND, CUT, BOTH, Mix(mixup=0.2, cutmix=1.0, probability=0.5)))
seeds = st.integers(0, 2**31)


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def everywhere(n: int, n_views: int = 1) -> torch.Tensor:
    return torch.ones(n, n_views, dtype=torch.bool)


def constant_images(n: int, n_views: int = 1, size: int = 16) -> torch.Tensor:
    """The first image is all ones, the others zeros: the mean of a mixed image is its share of the first."""
    images = torch.zeros(n, n_views, size, size)
    images[0] = 1
    return images


def random_batch(n: int, n_views: int, seed: int, size: int = 9) -> tuple[torch.Tensor, ...]:
    rng = np.random.default_rng(seed)
    present = rng.random((n, n_views)) < 0.7
    values, weights = rng.random((n, 3)), rng.choice([0.0, 0.5, 1.0], (n, 3))
    return (
        torch.from_numpy(rng.normal(size=(n, n_views, size, size))),
        torch.from_numpy(present),
        torch.from_numpy(values * (weights > 0)),
        torch.from_numpy(weights),
    )


@given(st.integers(1, 9), st.integers(1, 2), settings_of, seeds)
def test_a_target_is_the_share_of_pixels_that_have_it(n: int, n_views: int, settings: Mix, seed: int) -> None:
    values = torch.zeros(n, 1)
    values[0] = 1
    mixed = mix(constant_images(n, n_views), everywhere(n, n_views), values, torch.ones(n, 1), settings, seeded(seed))
    for view in range(n_views):
        assert torch.allclose(mixed.images[:, view].mean(dim=(1, 2)), mixed.values[:, 0], atol=1e-6)
    assert torch.allclose(mixed.weights, torch.ones(n, 1))


def test_cut_targets_are_exact_pixel_shares_also_where_the_box_leaves_the_image() -> None:
    n, size = 400, 8
    images, values = constant_images(n, size=size), torch.zeros(n, 1)
    images[::2], values[::2] = 1, 1
    mixture = draw_mixture(everywhere(n), CUT, seeded())
    mixed = apply_mixture(images, everywhere(n), values, torch.ones(n, 1), mixture)
    n_ones = mixed.images.sum(dim=(1, 2, 3))
    assert torch.equal(n_ones, n_ones.round())  # no pixel is blended
    assert torch.equal(mixed.values[:, 0] * size**2, n_ones)
    side = torch.sqrt(1 - mixture.own)[:, None]
    clipped = ((mixture.centre - side / 2 < 0) | (mixture.centre + side / 2 > 1)).any(dim=1)
    assert clipped.sum() > 100  # the promise was put to the test


@given(st.integers(1, 8), st.integers(1, 2), settings_of, seeds)
def test_everything_is_as_the_slow_way_has_it(n: int, n_views: int, settings: Mix, seed: int) -> None:
    images, present, values, weights = random_batch(n, n_views, seed)
    drawn = draw_mixture(present, settings, seeded(seed))
    mixed = apply_mixture(images, present, values, weights, drawn)
    for study, (partner, own, is_cut) in enumerate(zip(drawn.partner, drawn.own, drawn.is_cut, strict=True)):
        one, other = images[study].numpy(), images[int(partner)].numpy()
        centre = tuple(drawn.centre[study].tolist())
        image, share = mix_image(one, other, float(own), bool(is_cut), centre)
        assert np.allclose(mixed.images[study].numpy(), image, atol=1e-5)
        for column in range(3):
            cells = [(float(values[row, column]), float(weights[row, column])) for row in (study, int(partner))]
            value, weight = mix_cell(share, *cells)
            assert float(mixed.values[study, column]) == pytest.approx(value, abs=1e-5)
            assert float(mixed.weights[study, column]) == pytest.approx(weight, abs=1e-5)


@given(st.integers(1, 12), st.integers(1, 2), seeds)
def test_partners_are_a_permutation_among_studies_with_the_same_views(n: int, n_views: int, seed: int) -> None:
    present = torch.from_numpy(np.random.default_rng(seed).random((n, n_views)) < 0.6)
    partner = draw_mixture(present, BOTH, seeded(seed)).partner
    assert sorted(partner.tolist()) == list(range(n))
    assert torch.equal(present[partner], present)
    for study in range(n):
        has_others = int((present == present[study]).all(dim=1).sum()) > 1
        assert (int(partner[study]) != study) == has_others


@pytest.mark.parametrize("recipe", [CrossEntropy(), Focal(name="focal"), Asymmetric(name="asymmetric")], ids=repr)
def test_a_mixed_cell_costs_what_its_two_labels_cost_without_the_unknown_one(recipe: LossRecipe) -> None:
    n = 31
    images, present, values, weights = random_batch(n, 1, 3)
    drawn = draw_mixture(present, BLEND, seeded())
    mixed = apply_mixture(images, present, values, weights, drawn)
    logits, loss, own = torch.linspace(-3, 3, 3 * n).reshape(n, 3), make_loss(recipe), drawn.own[:, None]
    both = weighted_sum(loss(logits, values), own * weights) + weighted_sum(
        loss(logits, values[drawn.partner]), (1 - own) * weights[drawn.partner]
    )
    assert float(weighted_sum(loss(logits, mixed.values), mixed.weights)) == pytest.approx(float(both), rel=1e-5)


@pytest.mark.parametrize(
    ("weights", "value", "weight"),
    [  # of a study that is positive and its partner that is negative, own share 0.75
        ((1.0, 1.0), 0.75, 1.0),
        ((1.0, 0.0), 1.0, 0.75),  # the partner's label is not known: the study's counts by its share
        ((0.0, 1.0), 0.0, 0.25),
        ((0.0, 0.0), 0.0, 0.0),
    ],
)
def test_an_unknown_label_neither_spreads_nor_counts(weights: tuple[float, ...], value: float, weight: float) -> None:
    drawn = Mixture(
        torch.tensor([1, 0]), torch.tensor([0.75, 1.0]), torch.zeros(2, dtype=torch.bool), torch.zeros(2, 2)
    )
    mixed = apply_mixture(
        constant_images(2), everywhere(2), torch.tensor([[1.0], [0.0]]), torch.tensor(weights)[:, None], drawn
    )
    assert float(mixed.values[0]) == pytest.approx(value)
    assert float(mixed.weights[0]) == pytest.approx(weight)
    assert torch.isfinite(bce(torch.zeros(2, 1), mixed.values)).all()


def test_each_study_draws_its_own_share_and_way() -> None:
    drawn = draw_mixture(everywhere(4000), Mix(mixup=0.2, cutmix=1.0, probability=0.5), seeded())
    is_mixed = drawn.own < 1
    assert 0.47 < float(is_mixed.float().mean()) < 0.53
    assert 0.22 < float(drawn.is_cut.float().mean()) < 0.28
    assert len(drawn.own[is_mixed].unique()) > 1500
    cut, blend = drawn.own[drawn.is_cut], drawn.own[is_mixed & ~drawn.is_cut]
    assert abs(float(cut.var()) - 1 / 12) < 0.01  # Beta(1, 1) is uniform
    assert abs(float(blend.var()) - 1 / (4 * 1.4)) < 0.02  # of Beta(a, a): 1 / (4 (2a + 1))
    assert torch.isfinite(draw_mixture(everywhere(4000), Mix(mixup=0.05, probability=1), seeded()).own).all()


@pytest.mark.parametrize("settings", [Mix(), Mix(mixup=0.2, cutmix=1, probability=0)])
def test_nothing_is_touched_where_mixing_is_off(settings: Mix) -> None:
    batch = random_batch(5, 2, 0)
    assert all(one is other for one, other in zip(mix(*batch, settings, seeded()), batch, strict=True))


def test_the_same_generator_gives_the_same_batch() -> None:
    batch = random_batch(7, 2, 0)
    one, same, other = (mix(*batch, BOTH, seeded(seed)) for seed in (5, 5, 6))
    assert all(torch.equal(a, b) for a, b in zip(one, same, strict=True))
    assert not torch.equal(one.images, other.images)


def test_an_alpha_that_cannot_be_drawn_from_is_refused() -> None:
    with pytest.raises(ValidationError, match=r"expected 0 \(off\) or at least 0\.05, found 0\.01"):
        Mix(mixup=0.01)
