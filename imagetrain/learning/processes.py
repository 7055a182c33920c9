"""Several processes that train one classifier together, each with a share of every batch."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, TypeVar

from radprompter.errors import RecipeError, TrainingError

if TYPE_CHECKING:
    import torch
    from torch import nn

T = TypeVar("T")

VARIABLES = ("RANK", "WORLD_SIZE", "LOCAL_RANK", "MASTER_ADDR", "MASTER_PORT")
GONE_S = 600.0  # without a word of another process, it is taken to be gone
WAIT_S = 0.2
MADE = "imagetrain/made"


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

    def first(self, lead: Callable[[], T], others: Callable[[], T]) -> T:
        """What the first process makes, however long it takes; the others make theirs of it when it is there.

        Once a training: what is made has one name.

        Raises
        ------
        TrainingError
            In the others, if the first one failed or is gone.
        """
        if self.world == 1:
            return lead()
        from torch.distributed.distributed_c10d import _get_default_store

        store = _get_default_store()
        if self.leads:
            try:
                made = lead()
            except BaseException:
                store.set(MADE, "failed")
                raise
            store.set(MADE, "made")
            return made
        while not store.check([MADE]):  # an error if the first process is gone
            time.sleep(WAIT_S)
        if store.get(MADE) != b"made":
            raise TrainingError("the first process of this training stopped; its message says why")
        return others()

    def share_buffers(self, model: nn.Module) -> None:
        """Give all processes the first one's buffers, such as the statistics of batch normalisation."""
        if self.world > 1:
            import torch.distributed as dist

            for buffer in model.buffers():
                dist.broadcast(buffer, src=0)

    def exchange_gradients(self, model: nn.Module, *, sync_batch_norm: bool = False) -> nn.Module:
        """A network whose gradients are the mean over all processes.

        Raises
        ------
        RecipeError
            If batch normalisation over all processes is wanted on CPUs, for which torch has none.
        """
        if self.world == 1:
            return model
        from timm.layers import convert_sync_batchnorm
        from torch.nn.parallel import DistributedDataParallel

        device = next(model.parameters()).device
        if sync_batch_norm and device.type != "cuda":
            raise RecipeError("train.sync_batch_norm: needs GPUs; on CPUs set it to false")
        network = convert_sync_batchnorm(model) if sync_batch_norm else model
        return DistributedDataParallel(network, device_ids=[device.index] if device.type == "cuda" else None)

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


@contextlib.contextmanager
def joined(device: str) -> Iterator[Processes]:
    """The processes that torchrun started beside this one (or srun, with the same variables); alone without them."""
    if not all(name in os.environ for name in VARIABLES) or os.environ["WORLD_SIZE"] == "1":
        yield ALONE
        return
    import torch
    import torch.distributed as dist

    rank, world, place = (int(os.environ[name]) for name in ("RANK", "WORLD_SIZE", "LOCAL_RANK"))
    on_gpu = device != "cpu" and torch.cuda.is_available()
    if on_gpu:
        torch.cuda.set_device(place)
    dist.init_process_group("nccl" if on_gpu else "gloo", timeout=timedelta(seconds=GONE_S))
    yield Processes(rank, world, place)
    dist.destroy_process_group()  # after an error it might wait for processes that are gone
