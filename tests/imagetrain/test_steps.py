"""What one step of training does: accumulation, clipping, precision, what is decayed, and what goes wrong."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pytest
import timm
import torch
from timm.optim import create_optimizer_v2

from imagetrain.learning.devices import choose_device, compiled, explained, refuse_precision
from imagetrain.learning.feeding import Batch, seed_of
from imagetrain.learning.models import ViewClassifier, build_model
from imagetrain.learning.optimisers import learning_rate, make_optimiser, remark, weight_groups
from imagetrain.learning.processes import ALONE
from imagetrain.learning.steps import TrainStep
from imagetrain.recipe import TrainRecipe
from radprompter.errors import RecipeError, TrainingError


def recipe(**changes: object) -> TrainRecipe:
    return TrainRecipe.model_validate({"runs": {"one": {}}, "model": "test_convnext", "ema_decay": 0} | changes)


def new_model(name: str = "test_convnext", n_views: int = 1) -> ViewClassifier:
    return build_model(name, n_views=n_views, n_findings=3, size=32)


def batch(n: int, *, seed: int = 0, n_views: int = 1) -> Batch:
    """Random images and labels, of which some are not known: of the first study none is."""
    rng = np.random.default_rng(seed)
    images = torch.from_numpy(rng.normal(size=(n, n_views, 32, 32)).astype(np.float32))
    values = torch.from_numpy((rng.random((n, 3)) < 0.5).astype(np.float32))
    weights = torch.from_numpy((rng.random((n, 3)) < 0.7).astype(np.float32))
    weights[0] = 0
    return Batch(images, torch.ones(n, n_views, dtype=torch.bool), values, weights)


def cut(whole: Batch, sizes: Sequence[int]) -> list[Batch]:
    return [Batch(*parts) for parts in zip(*(tensor.split(list(sizes)) for tensor in whole), strict=True)]


def gradient(model: ViewClassifier) -> torch.Tensor:
    return torch.cat([weight.grad.flatten() for weight in model.parameters() if weight.grad is not None])


@pytest.mark.parametrize("sizes", [(4, 4), (2, 3, 3), (1, 7)])  # of the first study nothing is known
def test_small_batches_add_up_to_the_step_of_a_large_one_wherever_labels_are_unknown(sizes: tuple[int, ...]) -> None:
    whole = batch(8)
    ends = []
    for batches, settings in (([whole], {"batch_size": 8}), (cut(whole, sizes), {"batch_size": 4})):
        model = new_model()
        settings |= {"accumulate": len(batches), "optimiser": "sgd"}
        step = TrainStep(model, recipe(**settings))
        loss = step(batches, step=0, rate=0.1)
        ends.append((float(loss), gradient(model)))
    assert ends[0][0] == pytest.approx(ends[1][0], rel=1e-5)
    assert torch.allclose(ends[0][1], ends[1][1], rtol=1e-3, atol=1e-6)


def test_the_gradient_is_that_of_the_mean_over_known_cells() -> None:
    whole, model = batch(8), new_model()
    logits = model(whole.images, whole.present)
    cells = torch.nn.functional.binary_cross_entropy_with_logits(logits, whole.values, reduction="none")
    expected_loss = cells[whole.weights > 0].mean()
    expected_loss.backward()
    expected = gradient(model).clone()
    loss = TrainStep(model, recipe())([whole], step=0, rate=1e-9)
    assert float(loss) == pytest.approx(float(expected_loss.detach()), rel=1e-5)
    assert torch.allclose(gradient(model), expected, rtol=1e-3, atol=1e-6)


def test_a_gradient_is_clipped_to_its_norm() -> None:
    model = new_model()
    TrainStep(model, recipe(clip_norm=0.01))([batch(8)], step=0, rate=1e-3)
    assert float(gradient(model).norm()) == pytest.approx(0.01, rel=1e-3)


def test_a_step_without_any_known_label_changes_nothing_that_is_not_decayed() -> None:
    model, nothing = new_model(), batch(4)
    step = TrainStep(model, recipe(weight_decay=0.0))
    before = [weight.detach().clone() for weight in model.parameters()]
    loss = step([nothing._replace(weights=torch.zeros(4, 3))], step=0, rate=0.1)
    assert float(loss) == 0
    assert step.first_bad_step() is None
    assert all(torch.equal(old, new) for old, new in zip(before, model.parameters(), strict=True))


def test_the_first_bad_step_is_remembered_without_looking_at_each() -> None:
    step, good = TrainStep(new_model(), recipe()), batch(4)
    bad = good._replace(images=torch.full_like(good.images, math.nan))
    for number, one in enumerate([good, good, bad, good]):
        step([one], step=number, rate=1e-4)
    assert step.first_bad_step() == 2


def test_a_gradient_that_is_not_finite_is_found_although_the_loss_is() -> None:
    model = new_model()
    model.head.weight.register_hook(lambda grad: grad * math.inf)
    step = TrainStep(model, recipe())
    loss = step([batch(4)], step=5, rate=1e-4)
    assert math.isfinite(float(loss))
    assert step.first_bad_step() == 5


@pytest.mark.parametrize("optimiser", ["adamw", "lion", "sgd"])
@pytest.mark.parametrize("name", ["convnext_atto", "resnet10t", "vit_tiny_patch16_224"])
def test_what_is_decayed_is_what_timm_decays(name: str, optimiser: str) -> None:
    model = build_model(name, n_views=1, n_findings=3, size=32)
    ours = make_optimiser(model, recipe(optimiser=optimiser, weight_decay=0.1))
    theirs = create_optimizer_v2(
        timm.create_model(name, in_chans=1, num_classes=3), opt=optimiser, lr=1e-3, weight_decay=0.1
    )
    counts = [
        {bool(g["weight_decay"]): len(g["params"]) for g in optimiser.param_groups} for optimiser in (ours, theirs)
    ]
    if name.startswith("vit"):  # timm asks the network itself, which spares its positions and its token
        spared = set(model.backbones[0].no_weight_decay()) & {n for n, _ in model.backbones[0].named_parameters()}
        assert len(spared) == 2
    assert counts[0] == counts[1]
    assert type(ours) is type(theirs)


def test_two_networks_are_decayed_as_one_is_and_vectors_for_absent_views_are_not() -> None:
    two = build_model("test_convnext", n_views=2, n_findings=3, size=32, missing_views="embed")
    counts = [
        {group["weight_decay"]: len(group["params"]) for group in weight_groups(model, weight_decay=0.1)}
        for model in (new_model(), two)
    ]
    assert counts[1][0.1] == 2 * counts[0][0.1] - 1  # they share a head
    assert counts[1][0.0] == 2 * counts[0][0.0] - 1 + 1


def test_with_layer_decay_later_layers_learn_faster_and_the_head_at_the_whole_rate() -> None:
    model = new_model("convnext_atto")
    scale = {
        id(weight): group["lr_scale"]
        for group in weight_groups(model, weight_decay=0.1, layer_decay=0.7)
        for weight in group["params"]
    }
    named = dict(model.named_parameters())
    assert len(scale) == len(named)
    stem, late = named["backbones.0.stem.0.weight"], named["backbones.0.stages.3.blocks.1.mlp.fc1.weight"]
    assert 0 < scale[id(stem)] < scale[id(late)] <= 1
    assert scale[id(model.head.weight)] == 1


def test_each_layer_takes_its_step_at_its_own_rate() -> None:
    model = new_model()
    before = {name: weight.detach().clone() for name, weight in model.named_parameters()}
    step = TrainStep(model, recipe(optimiser="sgd", layer_decay=0.5, weight_decay=0.0, momentum=0.9))
    step([batch(8)], step=0, rate=1e-2)
    scale = {id(weight): group["lr_scale"] for group in step.optimiser.param_groups for weight in group["params"]}
    assert len(set(scale.values())) > 2
    for name, weight in model.named_parameters():
        moved = 1e-2 * scale[id(weight)] * (1 + 0.9) * weight.grad  # Nesterov's first step
        assert torch.allclose(before[name] - weight.detach(), moved, rtol=1e-3, atol=1e-6), name


def test_what_a_network_drops_differs_by_step_and_batch() -> None:
    model, seeds = new_model(), list[int]()
    model.head.register_forward_pre_hook(lambda *_: seeds.append(torch.initial_seed()))
    step = TrainStep(model, recipe(accumulate=2, batch_size=4))
    for number in (0, 1, 0):
        step(cut(batch(8), (4, 4)), step=number, rate=1e-4)
    assert len(set(seeds[:4])) == 4
    assert seeds[4:] == seeds[:2]


def test_the_papers_lion_is_said_to_decay_nothing() -> None:
    paper = recipe(optimiser="lion", learning_rate=1e-5, weight_decay=3e-4)
    assert remark(paper) == (
        "Lion decays weights by rate x decay a step, here 3e-09: over 10,000 steps 0.003 %, so train.weight_decay "
        "does next to nothing at this rate"
    )
    assert remark(recipe(optimiser="lion", learning_rate=1e-4, weight_decay=1.0)) is None
    assert remark(recipe(optimiser="adamw")) is None


def test_lion_takes_steps_of_the_rate_along_signs() -> None:
    """Chen et al. 2023, algorithm 2, by hand for the first step: w (1 - rate x decay) - rate x sign(gradient)."""
    model = new_model()
    before = model.head.weight.detach().clone()
    TrainStep(model, recipe(optimiser="lion", weight_decay=0.5))([batch(8)], step=0, rate=1e-2)
    expected = before * (1 - 1e-2 * 0.5) - 1e-2 * model.head.weight.grad.sign()
    assert torch.allclose(model.head.weight, expected, atol=1e-7)


def test_float16_is_refused_on_a_cpu() -> None:
    with pytest.raises(RecipeError, match="fp16 needs a GPU"):
        refuse_precision("fp16", torch.device("cpu"))


def test_without_a_gpu_training_is_on_the_cpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert [str(choose_device(wanted)) for wanted in ("auto", "cpu", "cuda")] == ["cpu"] * 3


def test_without_a_compiler_compile_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CXX", "no-such-compiler")
    with pytest.raises(RecipeError, match=r"train.compile: no C\+\+ compiler \(no-such-compiler\)"):
        compiled(new_model())


class OneLayer(torch.nn.Module):
    """A network that is compiled within seconds."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.conv, self.head = torch.nn.Conv2d(1, 4, 3, stride=2), torch.nn.Linear(4, 3)

    def forward(self, images: torch.Tensor, present: torch.Tensor | None = None) -> torch.Tensor:
        return self.head(torch.relu(self.conv(images)).mean((2, 3)))


@pytest.mark.slow
def test_a_compiled_network_takes_the_same_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TORCHINDUCTOR_COMPILE_THREADS", "1")
    losses = []
    for is_compiled in (False, True):
        step = TrainStep(OneLayer(), recipe(compile=is_compiled))
        losses.append([float(step([batch(n)], step=number, rate=1e-3)) for number, n in enumerate((8, 8, 7))])
    assert losses[0] == pytest.approx(losses[1], rel=1e-4)


def test_memory_that_does_not_suffice_is_one_message_with_what_to_change() -> None:
    with pytest.raises(TrainingError, match=r"memory of the device.*batch_size below 32.*gradient_checkpointing.*bf16"):  # noqa: SIM117
        with explained(recipe(), ALONE):
            raise torch.OutOfMemoryError("CUDA out of memory")


def test_no_two_places_or_purposes_of_a_training_draw_the_same_numbers() -> None:
    shares = [(step, turn, rank) for step in range(6) for turn in range(3) for rank in range(3)]
    seeds = [seed_of(seed, "moves", step) for seed in range(3) for step in range(6)]
    seeds += [seed_of(seed, purpose, *at) for seed in range(3) for purpose in ("share", "network") for at in shares]
    assert len(set(seeds)) == len(seeds) == 3 * (6 + 2 * 54)


def test_the_rate_warms_up_and_falls_to_zero() -> None:
    settings = recipe(epochs=10, warmup_epochs=2, learning_rate=1.0)
    rates = [learning_rate(step, settings, 5) for step in range(50)]
    assert rates[:3] == pytest.approx([1 / 11, 2 / 11, 3 / 11])
    assert rates[10] == pytest.approx(1.0)
    assert rates[30] == pytest.approx(0.5)
    assert 0 < rates[-1] < 0.002
    assert max(rates) <= 1.0
