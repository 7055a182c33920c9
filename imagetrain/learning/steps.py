"""One step of training: gradients of its batches, one update of the weights."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import torch
from torch import nn

from imagetrain.learning.averaging import Averaged
from imagetrain.learning.devices import compiled, reduced
from imagetrain.learning.feeding import Batch, seed_of
from imagetrain.learning.losses import Loss, bce, weighted_sum
from imagetrain.learning.optimisers import make_optimiser, set_rate
from imagetrain.learning.processes import ALONE, Processes
from imagetrain.learning.selection import CoTaught, kept
from imagetrain.recipe import TrainRecipe

MAX_OVERFLOWS = 30  # in a row: float16 halves its scale at each, so from 2^16 it is far below 1 then


@dataclass(eq=False)
class TrainStep:
    """Updates a model by batches; nothing in it waits for the device.

    The gradient is that of the mean loss over all cells that count, of all batches of the step and of all processes:
    `accumulate` small batches give that of one large batch, to rounding, wherever the masked cells are.
    """

    model: nn.Module
    recipe: TrainRecipe
    loss: Loss = bce
    processes: Processes = ALONE

    def __post_init__(self) -> None:
        recipe, self.device = self.recipe, next(self.model.parameters()).device
        self.optimiser = make_optimiser(self.model, recipe)
        self.averaged = Averaged(self.model, recipe.ema_decay)
        self.scaler = torch.amp.GradScaler(self.device.type, enabled=recipe.precision == "fp16")
        self._exchanged = self.processes.exchange_gradients(self.model, sync_batch_norm=recipe.sync_batch_norm)
        self._network = compiled(self._exchanged) if recipe.compile else self._exchanged
        networks = self.model.children() if isinstance(self.model, CoTaught) else [self.model]
        self._networks = [[weight for weight in network.parameters() if weight.requires_grad] for network in networks]
        # The number of cells that count is known when all gradients are there; until then they are of the usual size.
        self._scale = float(recipe.batch_size * recipe.accumulate)
        self._first_bad = torch.full((), -1, dtype=torch.int64, device=self.device)
        self._overflows = torch.zeros((), dtype=torch.int64, device=self.device)

    def __call__(
        self, batches: Iterable[Batch], *, step: int, rate: float, left_out: tuple[float, float] = (0.0, 0.0)
    ) -> torch.Tensor:
        """Learn from the batches of a step, `train.accumulate` of them; their mean loss, still on the device.

        Of two networks it is the mean of both. Of the positive and negative cells the shares `left_out` are not learned
        from.
        """
        self.model.train()
        set_rate(self.optimiser, rate)
        self.optimiser.zero_grad(set_to_none=True)
        totals = torch.zeros(2, device=self.device)  # losses of cells, and their number
        for turn, batch in enumerate(batches, start=1):
            torch.manual_seed(seed_of(self.recipe.seed, "network", step, turn, self.processes.rank))
            with self.processes.exchanging(self._exchanged, turn == self.recipe.accumulate):
                totals += self._backward(batch, left_out)
        totals = self.processes.sum(totals)
        n_cells = torch.where(totals[1] > 0, totals[1], 1)
        loss = totals[0] / n_cells
        self._update(self._scale * self.processes.world / n_cells, step, loss)
        self.averaged.update(self.model, step)
        return loss

    def _backward(self, batch: Batch, left_out: tuple[float, float]) -> torch.Tensor:
        with reduced(self.recipe.precision, self.device):
            logits = self._network(batch.images.contiguous(memory_format=torch.channels_last), batch.present)
        cells = self.loss(logits.float(), batch.values)
        weights = kept(cells.detach(), batch.values, batch.weights, left_out) if any(left_out) else batch.weights
        total = weighted_sum(cells, weights)
        self.scaler.scale(total / self._scale).backward()  # type: ignore[no-untyped-call]
        n_networks = cells.numel() / batch.values.numel()
        return torch.stack([total.detach(), weights.expand_as(cells).sum()]) / n_networks

    def _update(self, factor: torch.Tensor, step: int, loss: torch.Tensor) -> None:
        self.scaler.unscale_(self.optimiser)
        norms = []
        for weights in self._networks:  # each of two is clipped as it would be alone
            gradients = [weight.grad for weight in weights if weight.grad is not None]
            torch._foreach_mul_(gradients, factor)
            norms.append(nn.utils.get_total_norm(gradients, foreach=True))
            if self.recipe.clip_norm is not None:
                nn.utils.clip_grads_with_norm_(weights, self.recipe.clip_norm, norms[-1], foreach=True)
        norm = torch.stack(norms).sum()
        self.scaler.step(self.optimiser)
        self.scaler.update()
        if self.scaler.is_enabled():  # it leaves out such a step and halves its scale
            self._overflows = torch.where(torch.isfinite(norm), 0, self._overflows + 1)
            good = torch.isfinite(loss) & (self._overflows <= MAX_OVERFLOWS)
        else:
            good = torch.isfinite(loss) & torch.isfinite(norm)
        self._first_bad = torch.where((self._first_bad < 0) & ~good, step, self._first_bad)

    def first_bad_step(self) -> int | None:
        """The first step whose loss or gradient was not finite, if any was; this waits for the device."""
        bad = int(self._first_bad)
        return bad if bad >= 0 else None
