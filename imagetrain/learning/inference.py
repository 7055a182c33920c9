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
    """Logits of some studies, in their order, float32 ``(n, n_findings)``; the model's mode is left as it was.

    Where a study has several images of a view, the logits are the mean over all choices of one image a view.
    """
    was_training = model.training
    model.eval()
    places, picks = pixels.showings(studies)
    parts = []
    starts = range(0, len(places), batch_size)
    with torch.inference_mode():
        for start in track(starts, "predict", len(starts)):
            chosen = slice(start, start + batch_size)
            views = pixels.batch(studies[places[chosen]], None if picks is None else picks[chosen])
            images = to_input(views.images)
            with reduced(precision, pixels.device):
                logits = model(images.contiguous(memory_format=torch.channels_last), views.present)
            parts.append(logits.float().cpu().numpy())
    model.train(was_training)
    logits_of_showings = np.concatenate(parts)
    if picks is None:
        return logits_of_showings
    starts_of_studies = np.searchsorted(places, np.arange(len(studies)))
    sums = np.add.reduceat(logits_of_showings, starts_of_studies, axis=0, dtype=np.float64)
    means: NDArray[np.float32] = (sums / np.bincount(places)[:, None]).astype(np.float32)
    return means
