"""Whole trainings of a linear network, held against a second implementation in plain loops and double precision."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
import torch
from reference import learning as slow
from reference import losses as formulas
from torch import nn

from imagetrain.evaluation.auroc import auroc
from imagetrain.learning.feeding import Feed
from imagetrain.learning.progress import Progress
from imagetrain.learning.training import train
from imagetrain.learning.validation import Material
from imagetrain.pixels.dataset import open_pixels
from imagetrain.recipe import TrainRecipe
from imagetrain.records import Targets

SIDE, N = 8, 43
TRAINING, VALIDATION = np.arange(5, 36), np.r_[0:5, 36:43]
TAUGHT = {
    "runs": {"one": {}},
    "epochs": 3,
    "batch_size": 5,
    "accumulate": 2,
    "learning_rate": 1e-2,
    "warmup_epochs": 1.5,
    "ema_decay": 0.9,
    "weight_decay": 0.1,
}


class OneLayer(nn.Module):
    """Logits that are linear in the pixels of two views; an absent view is black at -1 + 1."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(1)
        self.head = nn.Linear(2 * SIDE * SIDE, 3)

    def forward(self, images: torch.Tensor, present: torch.Tensor) -> torch.Tensor:
        return self.head((images * present[:, :, None, None]).flatten(1))


def material() -> Material:
    """Some studies lack the second view, some have two images of the first; targets are hard, soft or not known."""
    rng = np.random.default_rng(0)
    rows = np.full((N, 2, 2), -1)
    rows[:, 0, 0] = 3 * np.arange(N)
    rows[:, 1, 0] = np.where(np.arange(N) % 3 > 0, 3 * np.arange(N) + 1, -1)
    rows[:, 0, 1] = np.where(np.arange(N) % 5 == 0, 3 * np.arange(N) + 2, -1)
    values, mask = rng.random((N, 3)), rng.random((N, 3)) < 0.75
    values = np.where(rng.random((N, 3)) < 0.8, values > 0.5, values) * mask
    ids = tuple(f"s{i}" for i in range(N))
    pixels = rng.integers(0, 256, (3 * N, SIDE, SIDE), dtype=np.uint8)
    targets = Targets(ids, ("a", "b", "c"), values.astype(np.float32), mask)
    return Material(open_pixels(ids, pixels, rows, device=torch.device("cpu")), targets, TRAINING, VALIDATION)


def cost(recipe: TrainRecipe, data: Material) -> slow.Cost:
    """What a cell costs; what positives cost is weighted as the recipe says, from the cells that are trained on."""
    heavier = [1.0] * 3
    if recipe.class_weights == "balanced":
        for f in range(3):
            told = [float(data.targets.values[i, f]) for i in TRAINING if data.targets.mask[i, f]]
            heavier[f] = sum(1 - value for value in told) / sum(told)
    elif isinstance(recipe.class_weights, dict):
        heavier = [recipe.class_weights.get(name, 1.0) for name in data.targets.findings]

    def of_label(logit: float, value: float) -> float:
        if recipe.loss.name == "focal":
            return formulas.focal(logit, value, recipe.loss.gamma, recipe.loss.alpha)
        if recipe.loss.name == "asymmetric":
            return formulas.asymmetric(
                logit, value, recipe.loss.gamma_positive, recipe.loss.gamma_negative, recipe.loss.clip
            )
        return formulas.cross_entropy(logit, value)

    return lambda logit, value, f: value * heavier[f] * of_label(logit, 1.0) + (1 - value) * of_label(logit, 0.0)


def validated(weights: np.ndarray, data: Material) -> tuple[float, float]:
    """Macro AUROC and loss on validation, of logits that are the mean over all choices of images."""
    logits = []
    for i in VALIDATION:
        shown = [[int(row) for row in view if row >= 0] or [None] for view in data.pixels.rows[i]]
        of_choices = []
        for choice in itertools.product(*shown):
            squares = [
                np.zeros(SIDE * SIDE) if row is None else data.pixels.pixels[row].ravel() / 127.5 - 1 for row in choice
            ]
            of_choices.append(weights @ np.concatenate([*squares, [1.0]]))
        logits.append(np.mean(of_choices, axis=0))
    found, values, mask = np.array(logits), data.targets.values[VALIDATION], data.targets.mask[VALIDATION]
    costs = [formulas.cross_entropy(found[cell], float(values[cell])) for cell in np.ndindex(*mask.shape) if mask[cell]]
    truth = np.where(mask & ((values == 0) | (values == 1)), values, np.nan)
    scores = [auroc(truth[:, f], found[:, f]) for f in range(3)]
    return float(np.mean([score for score in scores if not math.isnan(score)])), float(np.mean(costs))


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"optimiser": "sgd", "clip_norm": 0.2, "momentum": 0.8},
        {"optimiser": "lion", "learning_rate": 1e-3, "patience": 1},
        {"loss": {"name": "focal", "alpha": 0.3, "gamma": 1.5}, "class_weights": "balanced", "label_smoothing": 0.1},
        {"loss": {"name": "asymmetric", "gamma_positive": 1}, "class_weights": {"b": 3.0}, "clip_norm": 0.3},
        {"mix": {"mixup": 0.4, "cutmix": 1.0, "probability": 0.7}},
        {"noise": {"drop_positives": 0.4, "drop_negatives": 0.3, "warmup_epochs": 1}, "batch_size": 15},
        {"best_by": "loss", "ema_decay": 0.0, "epochs": 5, "learning_rate": 3e-2, "patience": 2},
        {"accumulate": 1, "warmup_epochs": 0, "ema_decay": 0.999},
    ],
    ids=lambda settings: " ".join(settings) or "plain",
)
def test_a_training_is_that_of_plain_loops(settings: dict[str, object]) -> None:
    data, model = material(), OneLayer()
    recipe = TrainRecipe.model_validate(TAUGHT | settings)
    start = np.column_stack([model.head.weight.detach().numpy(), model.head.bias.detach().numpy()]).astype(np.float64)
    steps_per_epoch = math.ceil(len(TRAINING) / (recipe.batch_size * recipe.accumulate))
    n_steps = recipe.epochs * steps_per_epoch
    fed = [
        slow.Fed(
            (batch.images * batch.present[:, :, None, None]).flatten(1).double().numpy(),
            batch.values.double().numpy(),
            batch.weights.double().numpy(),
        )
        for batch in Feed(data, recipe).batches(0, n_steps)
    ]
    done = slow.train(
        start,
        [fed[i : i + recipe.accumulate] for i in range(0, len(fed), recipe.accumulate)],
        cost(recipe, data),
        slow.Settings(
            recipe.optimiser,
            recipe.learning_rate,
            recipe.weight_decay,
            recipe.momentum,
            recipe.clip_norm,
            n_steps,
            recipe.warmup_epochs * steps_per_epoch,
            recipe.ema_decay,
            (recipe.noise.drop_positives, recipe.noise.drop_negatives),
            recipe.noise.warmup_epochs * steps_per_epoch,
        ),
    )
    results = list(train(model, data, recipe, scores={"auroc": auroc, "auprc": auroc}))
    best, since = None, 0
    for number, result in enumerate(results):
        end = (number + 1) * steps_per_epoch
        kinds = {"last": done.last[end - 1]} | ({"averaged": done.averaged[end - 1]} if recipe.ema_decay else {})
        found = {kind: validated(weights, data) for kind, weights in kinds.items()}
        ranks = {
            kind: (-math.inf if recipe.best_by == "loss" else score, -loss) for kind, (score, loss) in found.items()
        }
        kind = max(ranks, key=lambda kind: ranks[kind])
        is_best = best is None or ranks[kind] > best[0]
        best, since = ((ranks[kind], kinds[kind]), 0) if is_best else (best, since + 1)
        assert (result.weights, result.is_best) == (kind, is_best)
        assert result.loss == pytest.approx(np.mean(done.losses[end - steps_per_epoch : end]), rel=1e-4)
        assert (result.validation_auroc, result.validation_loss) == pytest.approx(found[kind], rel=1e-4)
        assert result.learning_rate == pytest.approx(done.rates[end - 1], rel=1e-9)
    assert best is not None
    assert len(results) == recipe.epochs or since == recipe.patience
    assert Progress({}, torch.zeros(()), epochs=results).epochs_since_best == since
    ours = np.column_stack([model.head.weight.detach().numpy(), model.head.bias.detach().numpy()])
    assert np.abs(ours - best[1]).max() < 1e-5


@pytest.mark.parametrize("accumulate", [1, 3])
def test_what_is_fed_are_the_pixels_and_targets_of_the_studies_of_the_step(accumulate: int) -> None:
    still = {"rotation_degrees": 0, "scale": 0, "translation": 0, "noise": 0}
    data = material()
    feed = Feed(data, TrainRecipe.model_validate(TAUGHT | {"accumulate": accumulate, "augment": still}))
    shown: set[tuple[int, int]] = set()
    for epoch in range(8):
        fed: list[int] = []
        for step in range(epoch * feed.steps_per_epoch, (epoch + 1) * feed.steps_per_epoch):
            batches = list(feed.batches(step, 1))
            assert len(batches) == accumulate
            images, present, values, weights = (torch.cat(parts).numpy() for parts in zip(*batches, strict=True))
            studies = feed.studies(step)
            fed += studies.tolist()
            assert np.array_equal(values, data.targets.values[studies])
            assert np.array_equal(weights, data.targets.mask[studies])
            assert np.array_equal(present, data.pixels.rows[studies, :, 0] >= 0)
            for place, view in np.argwhere(present):
                squares = [int(row) for row in data.pixels.rows[studies[place], view] if row >= 0]
                near = [
                    np.allclose(images[place, view], data.pixels.pixels[row] / 127.5 - 1, atol=1e-5) for row in squares
                ]
                assert sum(near) == 1
                shown.add((int(studies[place]), squares[near.index(True)]))
        assert sorted(fed) == TRAINING.tolist()
    assert {row for _, row in shown} == {int(row) for row in data.pixels.rows[TRAINING].flatten() if row >= 0}


def test_images_are_moved_alike_however_a_step_is_cut() -> None:
    moved = {"rotation_degrees": 25, "scale": 0.1, "translation": 0.1, "noise": 0, "horizontal_flip": True}
    data = material()
    whole, cut = (
        torch.cat([batch.images for batch in Feed(data, recipe).batches(0, 2)])
        for recipe in (
            TrainRecipe.model_validate(TAUGHT | {"batch_size": 12 // n, "accumulate": n, "augment": moved})
            for n in (1, 3)
        )
    )
    assert torch.equal(whole, cut)
