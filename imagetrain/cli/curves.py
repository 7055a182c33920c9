"""A training as it is told on a terminal: a line an epoch, and small curves beside the progress."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from imagetrain.watching import Watch
from radprompter.terminal import console

if TYPE_CHECKING:
    from imagetrain.records import EpochResult

BLOCKS = "▁▂▃▄▅▆▇█"
SHOWN = 16  # epochs


class Terminal(Watch):
    """Tells of a training on stderr."""

    def __init__(self) -> None:
        self.run = ""
        self.losses: list[float] = []
        self.scores: list[float] = []

    def notice(self, run: str, text: str) -> None:
        """One line."""
        console(stderr=True).print(f"{run}  {text}", markup=False, soft_wrap=True, style="yellow")

    def epoch(self, run: str, result: EpochResult) -> None:
        """One line an epoch, above the progress bar."""
        if run != self.run:
            self.run, self.losses, self.scores = run, [], []
        self.losses.append(result.loss)
        self.scores.append(result.validation_auroc)
        score = "AUROC –" if result.n_findings_scored == 0 else f"AUROC {result.validation_auroc:.3f}"
        console(stderr=True).print(
            f"{run}  epoch {result.epoch:>3}/{result.n_epochs}  loss {result.loss:.4f}  "
            f"validation: loss {result.validation_loss:.4f}  {score} ({result.n_findings_scored} findings, "
            f"{result.weights} weights)  {result.seconds:.1f} s{'  best' if result.is_best else ''}",
            markup=False,
            soft_wrap=True,
        )

    def note(self) -> str:
        """Curves of the loss and of the validation score, on a terminal."""
        if not self.losses or not console(stderr=True).is_terminal:
            return ""
        return f"loss {draw_curve(self.losses)}  AUROC {draw_curve(self.scores)}"


def draw_curve(values: Sequence[float]) -> str:
    """The last values as blocks between their lowest and highest one; a dot where there is none."""
    shown = list(values)[-SHOWN:]
    known = [value for value in shown if math.isfinite(value)]
    low, high = min(known, default=0.0), max(known, default=0.0)
    span = high - low or 1.0
    return "".join(
        BLOCKS[round((value - low) / span * (len(BLOCKS) - 1))] if math.isfinite(value) else "·" for value in shown
    )
