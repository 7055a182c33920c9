"""Where a network computes, and how exactly."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterator
from typing import Literal

import torch
from torch import nn

from imagetrain.learning.processes import Processes
from imagetrain.recipe import TrainRecipe
from radprompter.errors import RecipeError, TrainingError

Precision = Literal["fp32", "bf16", "fp16"]
DTYPES = {"bf16": torch.bfloat16, "fp16": torch.float16}
LOST = ("gloo", "NCCL", "Connection", "ProcessGroup")  # in messages about processes that are gone
COMPILERS = ("g++", "c++", "clang++")


def choose_device(wanted: Literal["auto", "cpu", "cuda"], *, place: int = 0) -> torch.device:
    """The device of a process: a GPU where one is wanted and there is one, `place` says which; the CPU otherwise."""
    if wanted == "cpu" or not torch.cuda.is_available():
        return torch.device("cpu")
    if place >= torch.cuda.device_count():
        raise RecipeError(
            f"process {place} of this machine has no GPU of its own: there are {torch.cuda.device_count()}; "
            "start as many processes as GPUs"
        )
    return torch.device("cuda", place)


def refuse_precision(precision: Precision, device: torch.device) -> None:
    """Raise a `RecipeError` if a device cannot train in a precision."""
    if precision == "fp16" and device.type == "cpu":
        raise RecipeError("train.precision: fp16 needs a GPU; on a CPU use fp32, or bf16 where it has instructions")


def reduced(precision: Precision, device: torch.device) -> contextlib.AbstractContextManager[None]:
    """The context in which a network computes: half the bits where it is safe, or plain float32."""
    if precision == "fp32":
        return contextlib.nullcontext()
    return torch.autocast(device.type, dtype=DTYPES[precision])


def compiled(network: nn.Module) -> nn.Module:
    """The network as `torch.compile` makes it.

    Raises
    ------
    RecipeError
        If there is no C++ compiler, without which nothing can be compiled for a CPU or a GPU.
    """
    named = os.environ.get("CXX")
    if not any(shutil.which(name) for name in ([named] if named else COMPILERS)):
        raise RecipeError(
            f"train.compile: no C++ compiler ({named or ', '.join(COMPILERS)}) on this machine; install one "
            "(apt install g++), or set train.compile to false"
        )
    # Steps differ by at most one study, so a few sizes are all that there are: faster than code for any size.
    return torch.compile(network, dynamic=False)  # type: ignore[return-value]


@contextlib.contextmanager
def explained(recipe: TrainRecipe, processes: Processes) -> Iterator[None]:
    """Where training goes on: what a machine cannot do is a `TrainingError` that says what to change."""
    try:
        yield
    except torch.OutOfMemoryError:
        remedies = [f"train.batch_size below {recipe.batch_size} with as much more train.accumulate (the same steps)"]
        if not recipe.gradient_checkpointing:
            remedies.append("train.gradient_checkpointing: true (a third slower)")
        if recipe.precision == "fp32":
            remedies.append("train.precision: bf16")
        raise TrainingError(f"the memory of the device does not suffice; set {', or '.join(remedies)}") from None
    except ValueError as error:
        if "more than 1 value per channel" not in str(error):
            raise
        raise RecipeError(
            "train.batch_size: batch normalisation cannot learn from a batch of one study, which this network, size, "
            f"train.batch_size {recipe.batch_size}, train.accumulate {recipe.accumulate} and number of processes come "
            "to; make batches larger, or take a network without batch normalisation, such as convnext_tiny"
        ) from None
    except RuntimeError as error:
        if type(error).__module__.startswith(("torch._dynamo", "torch._inductor")):
            reason = (str(error).strip().splitlines() or [type(error).__name__])[0][:200]
            raise TrainingError(f"train.compile: this cannot be compiled here ({reason}); set it to false") from None
        if processes.world > 1 and any(word in str(error) for word in LOST):
            raise TrainingError(
                f"process {processes.rank} of {processes.world} lost another one of this training; what was done is "
                "kept: see why that one ended, and run the same command to go on from the last checkpoint"
            ) from None
        raise
