"""Several processes that train one classifier together, each with a share of every batch."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch
    from torch import nn


@dataclass(frozen=True, slots=True)
class Processes:
    """Which of how many processes this is."""

    rank: int = 0
    world: int = 1
    place: int = 0  # on this machine

    @property
    def leads(self) -> bool:
        """Whether this is the process that writes files and talks."""
        return self.rank == 0

    def share(self, n: int) -> slice:
        """This process's part of `n` things in a row; parts differ by at most one thing."""
        return slice(self.rank * n // self.world, (self.rank + 1) * n // self.world)

    def sum(self, values: torch.Tensor) -> torch.Tensor:
        """The sum of all processes' values, in all of them."""
        if self.world > 1:
            import torch.distributed as dist

            dist.all_reduce(values)
        return values

    def any(self, *flags: bool) -> tuple[bool, ...]:
        """For each flag, whether a process raised it; the same in all of them."""
        if self.world == 1:
            return flags
        import torch

        raised = self.sum(torch.tensor(flags, dtype=torch.int32, device=self._device()))
        return tuple(bool(count) for count in raised.tolist())

    def share_buffers(self, model: nn.Module) -> None:
        """Give all processes the first one's buffers, such as the statistics of batch normalisation."""
        if self.world > 1:
            import torch.distributed as dist

            for buffer in model.buffers():
                dist.broadcast(buffer, src=0)

    def exchange_gradients(self, model: nn.Module) -> nn.Module:
        """A network whose gradients are the mean over all processes."""
        if self.world == 1:
            return model
        from torch.nn.parallel import DistributedDataParallel

        device = next(model.parameters()).device
        return DistributedDataParallel(model, device_ids=[device.index] if device.type == "cuda" else None)

    @contextlib.contextmanager
    def exchanging(self, network: nn.Module, now: bool) -> Iterator[None]:
        """Where gradients are computed: exchanged at once, or kept until they are."""
        if self.world == 1 or now:
            yield
        else:
            with network.no_sync():  # type: ignore[operator]
                yield

    def _device(self) -> torch.device:
        import torch
        import torch.distributed as dist

        return torch.device("cuda", self.place) if dist.get_backend() == "nccl" else torch.device("cpu")


ALONE = Processes()
