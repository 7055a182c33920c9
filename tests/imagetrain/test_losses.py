from __future__ import annotations

import math

import torch

from imagetrain.learning.losses import bce, weighted_mean


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
