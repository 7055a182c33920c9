"""A classifier and pixels to logits."""

from __future__ import annotations

import contextlib
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from imagetrain.pixels.augment import to_input
from imagetrain.pixels.dataset import Rows, StudyPixels
from radprompter.terminal import Track, quiet

Precision = Literal["fp32", "bf16"]


def choose_device(wanted: Literal["auto", "cpu", "cuda"]) -> torch.device:
    """The device that a recipe asks for; `auto` is a GPU where there is one."""
    if wanted == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    return torch.device(wanted)


def reduced(precision: Precision, device: torch.device) -> contextlib.AbstractContextManager[None]:
    """The context in which a network computes: bfloat16 where it is safe, or plain float32."""
    if precision == "bf16":
        return torch.autocast(device.type, dtype=torch.bfloat16)
    return contextlib.nullcontext()


def predict_logits(
    model: nn.Module,
    pixels: StudyPixels,
    studies: Rows,
    *,
    batch_size: int = 64,
    precision: Precision = "fp32",
    track: Track = quiet,
) -> NDArray[np.float32]:
    """Logits of some studies, in their order, float32 ``(n, n_findings)``; the model's mode is left as it was."""
    was_training = model.training
    model.eval()
    parts = []
    starts = range(0, len(studies), batch_size)
    with torch.inference_mode():
        for start in track(starts, "predict", len(starts)):
            images = to_input(pixels.batch(studies[start : start + batch_size]).images)
            with reduced(precision, pixels.device):
                logits = model(images.contiguous(memory_format=torch.channels_last))
            parts.append(logits.float().cpu().numpy())
    model.train(was_training)
    return np.concatenate(parts)
