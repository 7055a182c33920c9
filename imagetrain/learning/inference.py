"""A classifier and pixels to logits."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from imagetrain.learning.devices import Precision, reduced
from imagetrain.learning.processes import ALONE, Processes
from imagetrain.pixels.ahead import ahead
from imagetrain.pixels.augment import to_input
from imagetrain.pixels.dataset import Rows, StudyPixels
from radprompter.terminal import Track, quiet


def predict_logits(
    model: nn.Module,
    pixels: StudyPixels,
    studies: Rows,
    *,
    batch_size: int = 64,
    precision: Precision = "fp32",
    processes: Processes = ALONE,
    track: Track = quiet,
) -> NDArray[np.float32]:
    """Logits of some studies, in their order, float32 ``(n, n_findings)``; the model's mode is left as it was.

    Where a study has several images of a view, the logits are the mean over all choices of one image a view.
    Of several processes each predicts a part of the studies, every study once, and all have all of them.
    """
    was_training = model.training
    model.eval()
    places, picks = pixels.showings(studies)
    mine = np.arange(len(places))[processes.share(len(places))]
    chunks = [mine[start : start + batch_size] for start in range(0, len(mine), batch_size)]
    read = ahead(lambda rows: pixels.load(studies[places[rows]], None if picks is None else picks[rows]), chunks)
    parts = []
    with torch.inference_mode():
        for loaded in track(read, "predict", len(chunks)):
            views = pixels.place(loaded)
            images = to_input(views.images).contiguous(memory_format=torch.channels_last)
            with reduced(precision, pixels.device):
                parts.append(model(images, views.present).float())
        n_findings = parts[0].shape[1] if parts else int(model.head.out_features)  # type: ignore
        every = torch.zeros(len(places), n_findings, device=pixels.device)
        if parts:
            every[processes.share(len(places))] = torch.cat(parts)
        shown: NDArray[np.float32] = processes.sum(every).cpu().numpy()  # zeros but for a process's own part
    model.train(was_training)
    if picks is None:
        return shown
    starts_of_studies = np.searchsorted(places, np.arange(len(studies)))
    sums = np.add.reduceat(shown, starts_of_studies, axis=0, dtype=np.float64)
    means: NDArray[np.float32] = (sums / np.bincount(places)[:, None]).astype(np.float32)
    return means
