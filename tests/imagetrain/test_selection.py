from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from test_training import fit, material, new_model, recipe

from imagetrain.learning.inference import predict_logits
from imagetrain.learning.losses import bce
from imagetrain.learning.selection import CoTaught, kept, left_out_shares
from imagetrain.learning.validation import Material
from imagetrain.recipe import Noise
from imagetrain.records import Targets


def column(*numbers: float) -> torch.Tensor:
    return torch.tensor(numbers)[:, None]


@pytest.mark.parametrize(
    ("values", "weights", "shares", "expected"),
    [  # costs are 9 8 7 6 5 4 3 2
        ("11111111", "11111111", (0.25, 0.0), "00111111"),  # the two that cost most
        ("11111111", "11111111", (0.0, 0.25), "11111111"),
        ("11110000", "11111111", (0.25, 0.25), "01110111"),  # in each class the one that costs most
        ("11110000", "11111111", (0.5, 0.0), "00111111"),
        ("11110000", "00111111", (0.5, 0.0), "00011111"),  # unknown cells are not compared
        ("10000000", "11111111", (0.9, 0.25), "10111111"),  # one positive: kept
        ("11111111", "00000000", (0.9, 0.9), "00000000"),
    ],
)
def test_the_cells_that_cost_most_in_their_class_are_left_out(
    values: str, weights: str, shares: tuple[float, float], expected: str
) -> None:
    costs, told, counted = (column(*map(float, text)) for text in ("98765432", values, weights))
    assert "".join(f"{value:.0f}" for value in kept(costs, told, counted, shares).flatten().tolist()) == expected


@given(st.integers(1, 24), st.floats(0, 0.9), st.floats(0, 0.9), st.integers(0, 2**31))
def test_each_class_of_each_finding_loses_its_share_rounded_down(n: int, up: float, down: float, seed: int) -> None:
    rng = np.random.default_rng(seed)
    costs, values, weights = rng.random((n, 3)), rng.random((n, 3)), rng.choice([0.0, 0.5, 1.0], (n, 3))
    after = kept(*map(torch.from_numpy, (costs, values, weights)), (up, down)).numpy()
    assert np.isin(after, (0, 0.5, 1)).all()
    for finding in range(3):
        for is_class, share in ((values[:, finding] > 0.5, up), (values[:, finding] <= 0.5, down)):
            before = is_class & (weights[:, finding] > 0)
            left_out = before & (after[:, finding] == 0)
            assert left_out.sum() == math.floor(before.sum() * share + 1e-6)
            if left_out.any() and (before & ~left_out).any():
                assert costs[left_out, finding].min() >= costs[before & ~left_out, finding].max()


def test_a_cost_that_is_no_number_is_never_left_out() -> None:
    costs = column(math.nan, math.inf, 3, 2)
    assert kept(costs, torch.ones(4, 1), torch.ones(4, 1), (0.5, 0.0)).flatten().tolist() == [1, 1, 0, 1]


def test_of_two_networks_each_chooses_for_the_other() -> None:
    costs = torch.stack([column(9, 1, 1, 1), column(1, 1, 1, 9)])
    after = kept(costs, torch.ones(4, 1), torch.ones(4, 1), (0.25, 0.0))
    assert after[:, :, 0].tolist() == [[1, 1, 1, 0], [0, 1, 1, 1]]


def test_shares_rise_from_nothing_over_the_warm_up() -> None:
    noise = Noise(drop_positives=0.4, drop_negatives=0.2, warmup_epochs=2)
    assert [left_out_shares(noise, step, 10)[0] for step in (0, 5, 10, 20, 90)] == pytest.approx(
        [0, 0.1, 0.2, 0.4, 0.4]
    )
    assert left_out_shares(Noise(drop_negatives=0.2, warmup_epochs=0), 0, 10) == (0, 0.2)


def noisy(data: Material, share: float, seed: int = 1) -> tuple[Material, np.ndarray]:
    """Training labels of which a share is flipped, and which ones."""
    flips = np.zeros(data.targets.values.shape, dtype=bool)
    flips[data.training] = np.random.default_rng(seed).random((len(data.training), flips.shape[1])) < share
    values = np.where(flips, 1 - data.targets.values, data.targets.values)
    told = Targets(data.targets.study_ids, data.targets.findings, values.astype(np.float32), data.targets.mask)
    return Material(data.pixels, told, data.training, data.validation), flips


@pytest.mark.parametrize("co_teaching", [False, True])
def test_flipped_labels_are_found(co_teaching: bool) -> None:
    data, flips = noisy(material(240), 0.35)
    model = new_model()
    trained = CoTaught(model, new_model(1)) if co_teaching else model
    noise = {"drop_positives": 0.35, "drop_negatives": 0.35, "warmup_epochs": 3, "co_teaching": co_teaching}
    fit(trained, data, recipe(noise=noise, epochs=8, batch_size=32, learning_rate=5e-3))
    values = torch.from_numpy(data.targets.values[data.training])
    costs = bce(torch.from_numpy(predict_logits(model, data.pixels, data.training)), values)
    left_out = kept(costs, values, torch.ones_like(values), (0.35, 0.35)).numpy() == 0
    found = flips[data.training][left_out].mean()
    by_chance = math.sqrt(0.35 * 0.65 / left_out.sum())
    assert found > 0.35 + 5 * by_chance
    assert flips[data.training][~left_out].mean() < 0.3


def test_in_evaluation_a_co_taught_network_is_the_first_one() -> None:
    first = new_model()
    both, images = CoTaught(first, new_model(1)), torch.rand(2, 1, 32, 32)
    both.eval()
    assert torch.equal(both(images), first(images))
    both.train()
    assert both(images).shape == (2, 2, 3)


@pytest.mark.parametrize("clip_norm", [None, 0.01])
def test_each_of_two_networks_learns_as_it_would_alone(clip_norm: float | None) -> None:
    settings = {"epochs": 1, "optimiser": "sgd", "learning_rate": 0.05, "ema_decay": 0, "clip_norm": clip_norm}
    data = material(24)
    alone, both = new_model(), CoTaught(new_model(), new_model(1))
    fit(alone, data, recipe(**settings))
    fit(both, data, recipe(**settings))
    for one, other in zip(alone.state_dict().values(), both.first.state_dict().values(), strict=True):
        assert torch.allclose(one.float(), other.float(), atol=1e-5)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"noise": {"co_teaching": True}}, "co_teaching needs drop_positives or drop_negatives"),
        ({"noise": {"drop_positives": 0.1}, "mix": {"mixup": 0.2}}, "use noise or mix"),
    ],
)
def test_what_cannot_be_chosen_from_is_refused(settings: dict[str, object], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        recipe(**settings)


def test_the_loss_that_is_told_of_two_networks_is_their_mean() -> None:
    settings = {"epochs": 1, "ema_decay": 0, "noise": {"drop_positives": 1e-9, "warmup_epochs": 0}}
    (alone,) = fit(new_model(), material(24), recipe(**settings))
    settings["noise"] |= {"co_teaching": True}
    (both,) = fit(CoTaught(new_model(), new_model()), material(24), recipe(**settings))
    assert both.loss == pytest.approx(alone.loss, rel=1e-4)
