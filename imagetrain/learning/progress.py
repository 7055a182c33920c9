"""How far a training has come: what it must know to go on, or to end."""

from __future__ import annotations

import math
import time
from dataclasses import asdict, dataclass, field
from typing import Any, Protocol

import torch
from torch import nn

from imagetrain.learning.steps import TrainStep
from imagetrain.records import Checkpoint, EpochResult

Rank = tuple[float, float]
WORST: Rank = (-math.inf, -math.inf)


class Keeper(Protocol):
    """Whom a training gives its checkpoints."""

    def asked_to_stop(self) -> bool:
        """Whether to give the next checkpoint and stop."""
        ...

    def is_due(self) -> bool:
        """Whether it is time for a checkpoint."""
        ...

    def keep(self, checkpoint: Checkpoint) -> None:
        """Take a checkpoint."""
        ...


@dataclass(slots=True, eq=False)
class Progress:
    """Steps taken, epochs that are over, and the best weights so far."""

    best_weights: dict[str, torch.Tensor]
    losses: torch.Tensor  # float64 (), sum over the steps of this epoch
    step: int = 0
    best: Rank = WORST
    epochs: list[EpochResult] = field(default_factory=list)

    @property
    def epochs_since_best(self) -> int:
        """Epochs since the best one; 0 before the first."""
        best = [result.epoch for result in self.epochs if result.is_best]
        return self.epochs[-1].epoch - best[-1] if best else 0


class Pace:
    """How fast the steps of an epoch go."""

    def __init__(self, images_a_step: int) -> None:
        self.images_a_step = images_a_step
        self.restart()

    def restart(self) -> None:
        """Begin an epoch."""
        self.n_steps, self.started, self.ended = 0, time.monotonic(), math.nan

    def end_steps(self) -> None:
        """What follows is validation."""
        self.ended = time.monotonic()

    @property
    def images_per_second(self) -> float:
        """So far, or of all steps of the epoch once it has ended."""
        until = time.monotonic() if math.isnan(self.ended) else self.ended
        return self.n_steps * self.images_a_step / max(until - self.started, 1e-9)

    @property
    def seconds(self) -> float:
        """Since the epoch began, or was gone on with."""
        return time.monotonic() - self.started

    def __str__(self) -> str:
        return f"{self.images_per_second:,.0f} images/s" if self.n_steps else ""


def begin(model: nn.Module, device: torch.device) -> Progress:
    """The progress of a training that has not begun."""
    return Progress(copy_weights(model), torch.zeros((), dtype=torch.float64, device=device))


def copy_weights(model: nn.Module) -> dict[str, torch.Tensor]:
    """Weights and buffers as they are now."""
    return {name: tensor.detach().clone() for name, tensor in model.state_dict().items()}


def to_checkpoint(train_step: TrainStep, progress: Progress) -> Checkpoint:
    """All that the rest of a training depends on."""
    tensors = {f"model.{name}": tensor for name, tensor in train_step.model.state_dict().items()}
    tensors |= {f"best.{name}": tensor for name, tensor in progress.best_weights.items()}
    if train_step.recipe.ema_decay:
        tensors |= {f"averaged.{name}": tensor for name, tensor in train_step.averaged.model.state_dict().items()}
    for index, state in train_step.optimiser.state_dict()["state"].items():
        tensors |= {f"optimiser.{index}.{name}": tensor for name, tensor in state.items() if tensor is not None}
    tensors["losses"] = progress.losses
    facts = {
        "step": progress.step,
        "best": progress.best,
        "epochs": [asdict(result) for result in progress.epochs],
        "scaler": train_step.scaler.state_dict(),
    }
    return Checkpoint({name: tensor.detach().cpu().contiguous().numpy() for name, tensor in tensors.items()}, facts)


def restore(checkpoint: Checkpoint, train_step: TrainStep) -> Progress:
    """Set a model, its optimiser and its averages to what they were; the progress of then."""
    model, device = train_step.model, train_step.device
    _load(model, checkpoint, "model.")
    if train_step.recipe.ema_decay:
        _load(train_step.averaged.model, checkpoint, "averaged.")
    _load_optimiser(train_step.optimiser, checkpoint)
    facts = checkpoint.facts
    if train_step.scaler.is_enabled() and facts["scaler"]:  # there is none of a precision without it
        train_step.scaler.load_state_dict(facts["scaler"])
    progress = begin(model, device)
    for name, tensor in progress.best_weights.items():
        tensor.copy_(torch.from_numpy(checkpoint.arrays[f"best.{name}"]))
    progress.losses = torch.from_numpy(checkpoint.arrays["losses"]).to(device)
    progress.step, progress.best = facts["step"], tuple(facts["best"])
    progress.epochs = [EpochResult(**result) for result in facts["epochs"]]
    return progress


def _load(model: nn.Module, checkpoint: Checkpoint, prefix: str) -> None:
    with torch.no_grad():
        for name, tensor in model.state_dict().items():  # into what is there, so that it stays as it lies in memory
            tensor.copy_(torch.from_numpy(checkpoint.arrays[prefix + name]))


def _load_optimiser(optimiser: torch.optim.Optimizer, checkpoint: Checkpoint) -> None:
    now = optimiser.state_dict()
    places = {
        place: weight
        for group, known in zip(optimiser.param_groups, now["param_groups"], strict=True)
        for place, weight in zip(known["params"], group["params"], strict=True)
    }
    state: dict[int, dict[str, Any]] = {}
    for name, array in checkpoint.arrays.items():
        kind, _, rest = name.partition(".")
        if kind == "optimiser":
            place, _, what = rest.partition(".")
            weight, tensor = places[int(place)], torch.from_numpy(array.copy())
            if tensor.shape == weight.shape:
                tensor = torch.empty_like(weight, dtype=tensor.dtype).copy_(tensor)
            state.setdefault(int(place), {})[what] = tensor
    optimiser.load_state_dict({"state": state, "param_groups": now["param_groups"]})
