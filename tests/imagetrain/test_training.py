from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
import torch
from shapes import draw_shapes

from imagetrain.evaluation.auroc import auroc, average_precision
from imagetrain.learning.averaging import Averaged
from imagetrain.learning.inference import predict_logits
from imagetrain.learning.losses import bce
from imagetrain.learning.models import ViewClassifier, build_model
from imagetrain.learning.optimisers import learning_rate
from imagetrain.learning.progress import EpochResult
from imagetrain.learning.training import train
from imagetrain.learning.validation import Material, validate
from imagetrain.pixels.dataset import open_pixels
from imagetrain.pixels.squares import Preprocessing, to_square
from imagetrain.recipe import TrainRecipe
from imagetrain.records import Targets
from radprompter.errors import TrainingError

CPU = torch.device("cpu")
SCORES = {"auroc": auroc, "auprc": average_precision}
FINDINGS = ("disc", "bar", "frame")


def recipe(**changes: object) -> TrainRecipe:
    settings: dict[str, object] = {
        "runs": {"one": {}},
        "model": "test_resnet",
        "epochs": 2,
        "batch_size": 8,
        "learning_rate": 2e-3,
        "augment": {"rotation_degrees": 5, "scale": 0.05, "translation": 0.02, "horizontal_flip": True},
    }
    return TrainRecipe.model_validate(settings | changes)


def material(n: int = 48, *, masked: Sequence[int] = ()) -> Material:
    rng = np.random.default_rng(0)
    present = rng.random((n, 3)) < 0.5
    squares = [
        to_square(draw_shapes((*row, False), rng, 40).astype(np.float32) / 255, Preprocessing(32)) for row in present
    ]
    mask = np.ones((n, 3), dtype=bool)
    mask[:, list(masked)] = False
    ids = tuple(f"s{i}" for i in range(n))
    pixels = open_pixels(ids, np.stack(squares), np.arange(n)[:, None, None], device=CPU)
    targets = Targets(ids, FINDINGS, present.astype(np.float32) * mask, mask)
    return Material(pixels, targets, np.arange(n * 2 // 3), np.arange(n * 2 // 3, n))


def new_model(seed: int = 0, name: str = "test_resnet") -> ViewClassifier:
    return build_model(name, n_views=1, n_findings=3, size=32, seed=seed)


def weights(model: ViewClassifier) -> np.ndarray:
    return np.concatenate([tensor.detach().flatten().double().numpy() for tensor in model.state_dict().values()])


def fit(model: ViewClassifier, data: Material, settings: TrainRecipe) -> list[EpochResult]:
    return list(train(model, data, settings, scores=SCORES))


@pytest.mark.parametrize(("optimiser", "rate"), [("adamw", 3e-3), ("lion", 5e-4)])
def test_a_small_network_learns_shapes(optimiser: str, rate: float) -> None:
    data, model = material(96), new_model()
    results = fit(model, data, recipe(optimiser=optimiser, learning_rate=rate, epochs=10))
    assert max(result.validation_auroc for result in results) > 0.9
    assert results[-1].loss < results[0].loss
    assert [result.epoch for result in results] == list(range(1, 11))
    assert results[0].n_findings_scored == 3


def test_scores_are_of_definitive_targets_and_the_loss_of_all() -> None:
    data, model = material(), new_model()
    soft = np.zeros(data.targets.values.shape, dtype=bool)
    soft[data.validation[::3]] = True
    between = replace(data.targets, values=np.where(soft, np.float32(0.7), data.targets.values))
    masked = replace(data.targets, mask=data.targets.mask & ~soft)
    one, other = (
        validate(model, replace(data, targets=targets), recipe(), loss=bce, scores=SCORES)
        for targets in (between, masked)
    )
    assert one.scores == other.scores
    assert one.loss != other.loss


def test_the_model_ends_with_the_weights_of_its_best_epoch() -> None:
    data, model = material(), new_model()
    results = fit(model, data, recipe(epochs=4))
    best = max(results, key=lambda result: (result.validation_auroc, -result.validation_loss))
    assert [result.epoch for result in results if result.is_best][-1] == best.epoch
    logits = predict_logits(model, data.pixels, data.validation)
    truth = data.targets.values[data.validation]
    scores = [auroc(truth[:, column], logits[:, column]) for column in range(3)]
    assert abs(float(np.mean(scores)) - best.validation_auroc) < 1e-9


def test_the_same_seed_gives_the_same_weights_on_a_cpu() -> None:
    ends = []
    for seed in (1, 1, 2):
        model = new_model(seed)
        fit(model, material(24), recipe(seed=seed, epochs=1))
        ends.append(weights(model))
    assert np.array_equal(ends[0], ends[1])
    assert not np.array_equal(ends[0], ends[2])


@pytest.mark.parametrize("settings", [{"precision": "bf16"}, {"ema_decay": 0.0}, {"augment": {"engine": "monai"}}])
def test_other_ways_to_train_run_too(settings: dict[str, object]) -> None:
    (result,) = fit(new_model(), material(16), recipe(epochs=1, **settings))
    assert math.isfinite(result.loss)


@pytest.mark.parametrize("name", ["convnext_atto", "resnet10t"])
def test_the_networks_of_the_papers_train_when_small(name: str) -> None:
    (result,) = fit(new_model(name=name), material(12), recipe(epochs=1, model=name))
    assert math.isfinite(result.loss)


def test_a_finding_without_both_classes_in_validation_is_left_out_of_the_mean() -> None:
    data = material(24, masked=(0, 1, 2))
    results = fit(new_model(), data, recipe())
    assert all(math.isnan(result.validation_auroc) and result.n_findings_scored == 0 for result in results)
    assert any(result.is_best for result in results)  # by loss, then


def test_a_loss_that_is_not_finite_stops_training_and_names_the_batch() -> None:
    data, model = material(9), new_model()
    with torch.no_grad():
        model.head.weight.fill_(math.nan)
    with pytest.raises(TrainingError, match=r"gradient of step 1 is not a number; its batch: s\d(, s\d){5}"):
        fit(model, data, recipe())


def test_the_rate_warms_up_and_falls_to_zero() -> None:
    settings = recipe(epochs=10, warmup_epochs=2, learning_rate=1.0)
    rates = [learning_rate(step, settings, 5) for step in range(50)]
    assert rates[:3] == pytest.approx([1 / 11, 2 / 11, 3 / 11])
    assert rates[10] == pytest.approx(1.0)
    assert rates[30] == pytest.approx(0.5)
    assert 0 < rates[-1] < 0.002
    assert max(rates) <= 1.0


def test_averages_warm_up_so_that_short_runs_are_not_held_at_their_start() -> None:
    model = torch.nn.Linear(1, 1, bias=False)
    averaged = Averaged(model, 0.9999)
    for step in range(30):
        with torch.no_grad():
            model.weight.fill_(float(step))
        averaged.update(model, step)
    value = float(averaged.model.state_dict()["weight"])
    assert 15 < value < 29


def test_prediction_keeps_order_and_mode() -> None:
    data, model = material(10), new_model()
    model.train()
    rows = np.array([7, 1, 3])
    whole = predict_logits(model, data.pixels, np.arange(10), batch_size=4)
    assert model.training
    assert whole.dtype == np.float32
    assert np.allclose(predict_logits(model, data.pixels, rows), whole[rows], atol=1e-5)


@pytest.mark.parametrize(
    "settings",
    [
        {"mix": {"mixup": 0.2, "cutmix": 1.0}},
        {"loss": {"name": "asymmetric"}, "class_weights": "balanced"},
        {"loss": {"name": "focal", "alpha": 0.25}, "label_smoothing": 0.1},
    ],
)
def test_shapes_are_learned_from_mixed_batches_and_by_every_loss(settings: dict[str, object]) -> None:
    results = fit(new_model(), material(96), recipe(learning_rate=3e-3, epochs=10, **settings))
    assert max(result.validation_auroc for result in results) > 0.85
