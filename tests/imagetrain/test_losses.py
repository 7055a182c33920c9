from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter
from reference import losses as slow

from imagetrain.learning.losses import bce, make_loss, positive_weights, smoothed, weighted_mean
from imagetrain.recipe import Asymmetric, CrossEntropy, Focal, LossRecipe
from imagetrain.records import Targets

LOSSES = [
    CrossEntropy(),
    Focal(name="focal"),
    Focal(name="focal", gamma=0.5, alpha=0.25),
    Asymmetric(name="asymmetric"),
    Asymmetric(name="asymmetric", gamma_negative=0.5, clip=0.2),
    Asymmetric(name="asymmetric", gamma_positive=1, clip=0),
]

logits = st.floats(-12, 12)
shares = st.floats(0, 1)
gammas = st.floats(0, 5)


def cell(recipe: CrossEntropy | Focal | Asymmetric, logit: float, value: float) -> float:
    return float(make_loss(recipe)(torch.tensor([[logit]], dtype=torch.float64).float(), torch.tensor([[value]])))


def near(value: float, expected: float) -> bool:
    return abs(value - expected) < 2e-5 * max(1.0, abs(expected))


@given(logits, shares)
def test_cross_entropy_is_the_formula(logit: float, value: float) -> None:
    assert near(cell(CrossEntropy(), logit, value), slow.cross_entropy(logit, value))


@given(logits, shares, gammas, st.none() | st.floats(0.01, 0.99))
def test_focal_loss_is_the_formula(logit: float, value: float, gamma: float, alpha: float | None) -> None:
    recipe = Focal(name="focal", gamma=gamma, alpha=alpha)
    assert near(cell(recipe, logit, value), slow.focal(logit, value, gamma, alpha))


@given(logits, shares, gammas, gammas, st.sampled_from((0.0, 0.05, 0.3)))
def test_asymmetric_loss_is_the_formula(logit: float, value: float, up: float, down: float, clip: float) -> None:
    recipe = Asymmetric(name="asymmetric", gamma_positive=up, gamma_negative=down, clip=clip)
    assert near(cell(recipe, logit, value), slow.asymmetric(logit, value, up, down, clip))


def test_losses_of_hard_targets_are_those_of_torch_torchvision_and_timm() -> None:
    from timm.loss import AsymmetricLossMultiLabel
    from torchvision.ops import sigmoid_focal_loss

    scores = torch.linspace(-6, 6, 40).reshape(8, 5)
    values = (torch.arange(40).reshape(8, 5) % 3 == 0).float()
    expected = torch.nn.functional.binary_cross_entropy_with_logits(scores, values, reduction="none")
    assert torch.allclose(bce(scores, values), expected, atol=1e-6)
    focal = make_loss(Focal(name="focal", gamma=2, alpha=0.25))(scores, values)
    assert torch.allclose(focal, sigmoid_focal_loss(scores, values, alpha=0.25, gamma=2), atol=1e-6)
    asymmetric = make_loss(Asymmetric(name="asymmetric", gamma_positive=1))(scores, values)
    theirs = AsymmetricLossMultiLabel(gamma_neg=4, gamma_pos=1, clip=0.05)(scores, values)
    assert float(asymmetric.sum(dim=1).mean()) == pytest.approx(float(theirs), rel=1e-5)  # theirs sums over findings


@pytest.mark.parametrize("recipe", LOSSES, ids=repr)
def test_a_mixed_target_costs_what_the_mix_of_its_two_labels_costs(recipe: LossRecipe) -> None:
    loss, scores = make_loss(recipe, torch.tensor([3.0])), torch.linspace(-5, 5, 11)[:, None]
    one, zero, mixed = (loss(scores, torch.full_like(scores, value)) for value in (1.0, 0.0, 0.3))
    assert torch.allclose(mixed, 0.3 * one + 0.7 * zero, atol=1e-6)


@pytest.mark.parametrize("recipe", LOSSES, ids=repr)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16])
def test_extreme_logits_have_a_finite_loss_and_slope_in_every_precision(recipe: LossRecipe, dtype: torch.dtype) -> None:
    scores = torch.tensor([[-1e4, -90.0, -3.0, 0.0, 3.0, 90.0, 1e4]], dtype=dtype, requires_grad=True)
    for value in (0.0, 0.3, 1.0):
        cells = make_loss(recipe)(scores, torch.full(scores.shape, value))
        (slope,) = torch.autograd.grad(cells.sum(), scores)
        assert cells.dtype == torch.float32
        assert torch.isfinite(cells).all()
        assert torch.isfinite(slope).all()
        assert (cells >= 0).all()


@pytest.mark.parametrize("recipe", LOSSES, ids=repr)
def test_slopes_are_those_of_finite_differences(recipe: LossRecipe) -> None:
    scores = torch.linspace(-4, 4, 9)[:, None].requires_grad_()
    for value in (0.0, 0.6, 1.0):
        (slope,) = torch.autograd.grad(make_loss(recipe)(scores, torch.full(scores.shape, value)).sum(), scores)
        for place, logit in enumerate(scores.flatten().tolist()):
            difference = (reference(recipe, logit + 1e-5, value) - reference(recipe, logit - 1e-5, value)) / 2e-5
            assert float(slope[place, 0]) == pytest.approx(difference, abs=2e-4)


def reference(recipe: LossRecipe, logit: float, value: float) -> float:
    match recipe:
        case CrossEntropy():
            return slow.cross_entropy(logit, value)
        case Focal():
            return slow.focal(logit, value, recipe.gamma, recipe.alpha)
    return slow.asymmetric(logit, value, recipe.gamma_positive, recipe.gamma_negative, recipe.clip)


def test_a_negative_that_looks_surely_positive_teaches_nothing_under_the_asymmetric_loss() -> None:
    scores = torch.tensor([[30.0]], requires_grad=True)
    (slope,) = torch.autograd.grad(make_loss(Asymmetric(name="asymmetric"))(scores, torch.zeros(1, 1)).sum(), scores)
    assert float(slope) == 0


def test_a_loss_has_only_the_keys_that_belong_to_it() -> None:
    read = TypeAdapter(LossRecipe).validate_python
    assert read({"name": "focal", "gamma": 1.5}) == Focal(name="focal", gamma=1.5)
    with pytest.raises(ValueError, match="gamma"):
        read({"name": "bce", "gamma": 1.5})
    with pytest.raises(ValueError, match="'bce', 'focal', 'asymmetric'"):
        read({"name": "focall"})


def test_smoothing_draws_targets_towards_a_half() -> None:
    assert smoothed(torch.tensor([0.0, 0.5, 1.0]), 0.1).tolist() == pytest.approx([0.05, 0.5, 0.95])


def targets(values: list[list[float]], mask: list[list[bool]]) -> Targets:
    names = tuple(f"f{column}" for column in range(len(values[0])))
    ids = tuple(f"s{row}" for row in range(len(values)))
    return Targets(ids, names, np.array(values, dtype=np.float32), np.array(mask))


def test_balanced_weights_are_negatives_over_positives_of_known_cells_in_training() -> None:
    given = targets(
        [[1, 0, 0.5], [0, 0, 0.5], [0, 0, 0], [0, 1, 0], [1, 1, 1]],
        [[True, True, True], [True, True, True], [True, True, True], [True, False, True], [True, True, True]],
    )
    training = np.arange(4)
    weights = positive_weights("balanced", given, training)
    assert weights is not None
    assert weights.tolist() == [3.0, 20.0, 3.0]  # three to one; no positive: capped; two halves against two and a half
    assert positive_weights("none", given, training) is None
    assert positive_weights({"f1": 2.5}, given, training).tolist() == [1.0, 2.5, 1.0]  # type: ignore[union-attr]


def test_class_weights_multiply_what_positives_cost() -> None:
    loss, scores = make_loss(CrossEntropy(), torch.tensor([4.0, 1.0])), torch.tensor([[0.3, 0.3]])
    positive, negative = (loss(scores, torch.full((1, 2), value)) for value in (1.0, 0.0))
    assert float(positive[0, 0] / positive[0, 1]) == pytest.approx(4)
    assert float(negative[0, 0]) == float(negative[0, 1])


def test_the_loss_is_the_mean_over_the_cells_that_count_by_their_weight() -> None:
    logits = torch.tensor([[0.0, 2.0], [-1.0, 3.0]])
    values = torch.tensor([[1.0, 0.0], [0.0, 0.0]])
    weights = torch.tensor([[1.0, 1.0], [0.5, 0.0]])
    by_hand = (math.log(2) + math.log(1 + math.exp(2)) + 0.5 * math.log(1 + math.exp(-1))) / 2.5
    assert abs(float(weighted_mean(bce(logits, values), weights)) - by_hand) < 1e-6


def test_cells_without_weight_have_no_gradient_even_if_their_logit_is_infinite() -> None:
    logits = torch.tensor([[0.3, math.inf]], requires_grad=True)
    weighted_mean(bce(logits, torch.tensor([[1.0, 0.0]])), torch.tensor([[1.0, 0.0]])).backward()
    assert logits.grad is not None
    assert logits.grad[0, 1] == 0
    assert logits.grad[0, 0] < 0


def test_a_batch_without_any_known_label_has_loss_zero() -> None:
    logits = torch.zeros(2, 3, requires_grad=True)
    loss = weighted_mean(bce(logits, torch.zeros(2, 3)), torch.zeros(2, 3))
    loss.backward()
    assert float(loss.detach()) == 0
    assert logits.grad is not None
    assert not logits.grad.any()
