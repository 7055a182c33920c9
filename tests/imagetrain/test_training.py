from __future__ import annotations

import copy
import math
from collections.abc import Sequence
from dataclasses import asdict, replace

import numpy as np
import pytest
import torch
from shapes import draw_shapes

from imagetrain.evaluation.auroc import auroc, average_precision
from imagetrain.learning.averaging import Averaged
from imagetrain.learning.inference import predict_logits
from imagetrain.learning.losses import bce
from imagetrain.learning.models import ViewClassifier, build_model
from imagetrain.learning.training import train
from imagetrain.learning.validation import Material, validate
from imagetrain.pixels.dataset import open_pixels
from imagetrain.radiographs.squares import Preprocessing, to_square
from imagetrain.recipe import TrainRecipe
from imagetrain.records import Checkpoint, EpochResult, Targets
from radprompter.errors import StoppedError, TrainingError

CPU = torch.device("cpu")
SCORES = {"auroc": auroc, "auprc": average_precision}
TIMELESS = {"seconds": 0, "images_per_second": 0}
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


@pytest.mark.parametrize(("optimiser", "rate"), [("adamw", 3e-3), ("lion", 1e-3)])
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


@pytest.mark.parametrize(
    ("best_by", "key"),
    [("auroc", "validation_auroc"), ("auprc", "validation_auprc"), ("loss", "validation_loss")],
)
def test_the_best_epoch_is_best_by_what_the_recipe_says(best_by: str, key: str) -> None:
    results = fit(new_model(), material(), recipe(epochs=5, best_by=best_by, ema_decay=0))
    sign = -1 if best_by == "loss" else 1
    best = max(results, key=lambda result: (sign * getattr(result, key), -result.validation_loss))
    assert [result.epoch for result in results if result.is_best][-1] == best.epoch


def test_training_stops_when_patience_is_over() -> None:
    results = fit(new_model(), material(), recipe(epochs=9, patience=2, learning_rate=1e-12, ema_decay=0))
    assert [result.is_best for result in results][-2:] == [False, False]
    assert len(results) < 9
    assert len(results) == [result.epoch for result in results if result.is_best][-1] + 2


def test_statistics_of_batch_normalisation_are_averaged_like_weights() -> None:
    model = new_model(name="resnet10t")
    averaged = Averaged(model, 0.9)
    name = next(name for name, _ in model.named_buffers() if name.endswith("running_mean"))
    for step in range(200):
        with torch.no_grad():
            model.get_buffer(name).fill_(1.0)
        averaged.update(model, step)
    assert torch.allclose(averaged.model.get_buffer(name), torch.ones(()), atol=1e-3)


class Interrupting:
    """Keeps checkpoints and asks to stop at one of them."""

    def __init__(self, stop_at: int) -> None:
        self.stop_at, self.kept = stop_at, list[Checkpoint]()

    def asked_to_stop(self) -> bool:
        return len(self.kept) == self.stop_at

    def is_due(self) -> bool:
        return True

    def keep(self, checkpoint: Checkpoint) -> None:
        self.kept.append(copy.deepcopy(checkpoint))


@pytest.mark.parametrize("optimiser", ["adamw", "lion", "sgd"])
@pytest.mark.parametrize("stop_at", [0, 1, 2])  # in mid-epoch, at the end of an epoch, in the next one
def test_a_training_goes_on_from_any_checkpoint_as_if_it_had_not_stopped(optimiser: str, stop_at: int) -> None:
    settings = recipe(optimiser=optimiser, learning_rate=1e-3, dropout=0.3, mix={"cutmix": 1.0}, accumulate=2)
    data, whole, stopped, resumed = material(), new_model(), new_model(), new_model(seed=5)
    results = list(train(whole, data, settings, scores=SCORES))
    keeper = Interrupting(stop_at)
    before = []
    with pytest.raises(StoppedError, match=r"stopped as asked in epoch \d, after step \d of 4"):
        before.extend(train(stopped, data, settings, scores=SCORES, keeper=keeper))
    resume = keeper.kept[-1]
    after = list(train(resumed, data, settings, scores=SCORES, resume=resume))
    assert np.array_equal(weights(whole), weights(resumed))
    told = [EpochResult(**result) for result in resume.facts["epochs"]] + after
    assert [asdict(result) | TIMELESS for result in told] == [asdict(r) | TIMELESS for r in results]


class Numberless(torch.nn.Module):
    """A network whose logits are numbers in training only."""

    def __init__(self) -> None:
        super().__init__()
        self.inner = new_model()
        self.head = self.inner.head

    def forward(self, images: torch.Tensor, present: torch.Tensor | None = None) -> torch.Tensor:
        logits = self.inner(images, present)
        return logits if self.training else logits * math.nan


def test_weights_without_a_logit_in_validation_are_never_the_best() -> None:
    with pytest.raises(TrainingError, match=r"in no epoch were the logits.*Lower train.learning_rate \(0.002\)"):
        fit(Numberless(), material(16), recipe())
