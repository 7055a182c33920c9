"""The numbers of each epoch for TensorBoard, where a recipe asks for them; no study's."""

from __future__ import annotations

import contextlib
import math
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from imagetrain.watching import Watch

if TYPE_CHECKING:
    from imagetrain.records import EpochResult

CURVES = {
    "loss/train": "loss",
    "loss/validation": "validation_loss",
    "validation/auroc": "validation_auroc",
    "validation/auprc": "validation_auprc",
    "training/learning_rate": "learning_rate",
    "training/images_per_second": "images_per_second",
}


class TensorBoard(Watch):
    """Writes curves into a folder, one below it for each run; what goes wrong is told once and ends nothing."""

    def __init__(self, folder: Path, teller: Watch) -> None:
        self.folder, self.teller = folder, teller
        self.writers: dict[str, Any] = {}
        self.is_broken = False

    def epoch(self, run: str, result: EpochResult) -> None:
        """Add a point to each curve; a run that goes on or begins anew takes the place of what it had from there on."""
        if self.is_broken:
            return
        try:
            if run not in self.writers:
                from torch.utils.tensorboard import SummaryWriter

                folder = self.folder / re.sub(r"[^\w.-]+", "_", run)
                self.writers[run] = SummaryWriter(folder, purge_step=result.epoch)
            for name, field in CURVES.items():
                if math.isfinite(value := getattr(result, field)):
                    self.writers[run].add_scalar(name, value, result.epoch)
            self.writers[run].flush()
        except Exception as error:  # whatever it is, the training is worth more
            self.is_broken = True
            absent = isinstance(error, ImportError)
            remedy = "pip install 'radprompter-imagetrain[track]'" if absent else f"{type(error).__name__}: {error}"
            self.teller.notice(run, f"no curves for TensorBoard in {self.folder}: {remedy}")

    def close(self) -> None:
        """Close the files."""
        for writer in self.writers.values():
            with contextlib.suppress(Exception):
                writer.close()
