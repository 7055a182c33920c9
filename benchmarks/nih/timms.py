"""One fold by timm's recipe: what its training script does with its defaults, written with timm's functions.

RandomResizedCrop of 8 % to 100 % of the area, mirroring, colour jitter 0.4; validation by resizing and cropping the
middle; cosine schedule with 5 epochs of warm-up from 1e-5, weight decay 2e-5, no averaging; the epoch that is best on
validation is kept. The script has no multi-label mode: its BCE loss is given the labels as they are.
"""

from __future__ import annotations

import copy
import itertools
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

from imagetrain.evaluation.auroc import auroc
from imagetrain.learning.models import build_model
from imagetrain.records import TEST, TRAIN, VALIDATION, Predictions
from nih.folds import Subset, Training, parts_of

WEIGHT_DECAY, WARMUP_EPOCHS, WARMUP_RATE = 2e-5, 5, 1e-5
SGD_BASE_RATE, SGD_BASE_BATCH = 0.1, 256  # the script's rate is in proportion to the batch


class Radiographs(torch.utils.data.Dataset[tuple[Any, Any]]):
    """Images of the subset with their labels; timm's loader sets the transform."""

    def __init__(self, subset: Subset, rows: np.ndarray) -> None:
        self.paths = [subset.folder / subset.table.image[row] for row in rows]
        self.targets = torch.from_numpy(subset.targets[rows])
        self.transform: Any = None

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, index: int) -> tuple[Any, torch.Tensor]:
        with Image.open(self.paths[index]) as image:
            return self.transform(image.convert("L")), self.targets[index]


def train_by_timm(subset: Subset, split: Path, training: Training, optimiser: str) -> Predictions:
    """Predictions of validation and test images, of the network that was best on validation."""
    from timm.loss import BinaryCrossEntropy
    from timm.optim import create_optimizer_v2
    from timm.scheduler import create_scheduler_v2
    from timm.utils import random_seed

    random_seed(training.seed)
    parts = parts_of(subset, split)
    rows = {part: np.flatnonzero(parts == part) for part in (TRAIN, VALIDATION, TEST)}
    model = build_model(
        training.network, n_views=1, n_findings=len(subset.findings), size=training.size, seed=training.seed
    )
    adam = create_optimizer_v2(model, opt=optimiser, lr=training.rate, weight_decay=WEIGHT_DECAY)
    warmup = min(WARMUP_EPOCHS, training.epochs - 1)
    schedule, _ = create_scheduler_v2(
        adam, "cosine", num_epochs=training.epochs, warmup_epochs=warmup, warmup_lr=WARMUP_RATE
    )
    loss_of = BinaryCrossEntropy()
    steps_per_epoch = -(-len(rows[TRAIN]) // training.batch_size)  # as many as ours
    batches = _for_ever(_loader(subset, rows[TRAIN], training, is_training=True))
    best, best_weights = -np.inf, model.state_dict()
    for epoch in range(training.epochs):
        schedule.step(epoch)
        model.train()
        for images, targets in itertools.islice(batches, steps_per_epoch):
            loss = loss_of(model(images), targets)
            adam.zero_grad()
            loss.backward()
            adam.step()
        logits = _logits(model, subset, rows[VALIDATION], training)
        score = mean_auroc(subset.targets[rows[VALIDATION]], logits)
        if score > best:
            best, best_weights = score, copy.deepcopy(model.state_dict())
    model.load_state_dict(best_weights)
    kept = np.concatenate([rows[VALIDATION], rows[TEST]])
    table = subset.table.iloc[kept]
    return Predictions(
        tuple(table.study_id),
        tuple(table.patient_id),
        ("",) * len(kept),
        tuple(parts[kept]),
        subset.findings,
        _logits(model, subset, kept, training),
        subset.targets[kept],
    )


def mean_auroc(targets: np.ndarray, logits: np.ndarray) -> float:
    """Macro mean over the findings that have both classes."""
    return float(np.nanmean([auroc(targets[:, column], logits[:, column]) for column in range(targets.shape[1])]))


def _loader(subset: Subset, rows: np.ndarray, training: Training, *, is_training: bool) -> Any:
    from timm.data import create_loader

    return create_loader(
        Radiographs(subset, rows),
        (1, training.size, training.size),
        training.batch_size if is_training else 2 * training.batch_size,
        is_training=is_training,
        interpolation="random" if is_training else "bilinear",
        mean=(0.5,),
        std=(0.5,),
        num_workers=1,
        use_prefetcher=False,
        persistent_workers=is_training,
    )


def _for_ever(loader: Any) -> Any:
    while True:
        yield from loader


def _logits(model: torch.nn.Module, subset: Subset, rows: np.ndarray, training: Training) -> np.ndarray:
    model.eval()
    with torch.inference_mode():
        parts = [model(images) for images, _ in _loader(subset, rows, training, is_training=False)]
    return torch.cat(parts).numpy()
