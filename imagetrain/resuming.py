"""Where a run's checkpoints are kept, when, and whether one that is there is gone on from."""

from __future__ import annotations

import contextlib
import shutil
import signal
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any

from imagetrain.records import Checkpoint
from imagetrain.store import KeptCheckpoint, read_checkpoint, save_checkpoint
from radprompter.errors import RecipeError, StoppedError, TrainingError
from radprompter.files import remove_parts

FREE = (
    "learning_rate",
    "weight_decay",
    "momentum",
    "warmup_epochs",
    "clip_norm",
    "epochs",
    "patience",
    "precision",
    "compile",
)
"""Settings of `train` that may be other ones when a run is asked to go on from a checkpoint: none changes what its
arrays are, or which step has which studies."""

IMPATIENT_S = 1.0  # a second Ctrl-C after this time ends the process at once


@dataclass(slots=True)
class Checkpoints:
    """The checkpoints of one run: a keeper for the training loop, and what is there from before.

    Parameters
    ----------
    folder:
        Its own, removed when the run is done.
    made_from:
        Everything that the run's result depends on; a checkpoint that was made from just that is gone on from.
    kin:
        The same without the settings of `FREE`.
    settings:
        Of `train`.
    go_on:
        Go on also from one whose settings of `FREE` were other ones.
    """

    folder: Path
    made_from: Mapping[str, Any]
    kin: Mapping[str, Any]
    settings: Mapping[str, Any]
    minutes: float
    go_on: bool = False
    signal: int = 0
    notices: list[str] = field(default_factory=list)
    _kept_at: float = field(default_factory=time.monotonic)
    _asked_at: float = 0.0

    @property
    def file(self) -> Path:
        """The one checkpoint that there is."""
        return self.folder / "training.safetensors"

    def find(self) -> Checkpoint | None:
        """The checkpoint to go on from, if there is one; a notice says which, or why not from one that is there."""
        kept = read_checkpoint(self.file)
        if kept is None:
            return None
        where = f"epoch {len(kept.checkpoint.facts['epochs']) + 1} (step {kept.checkpoint.facts['step']:,})"
        before, now = kept.origin["settings"], dict(self.settings)
        differ = [name for name in FREE if before.get(name) != now.get(name)]
        changed = ", ".join(f"{name} {before.get(name)} -> {now.get(name)}" for name in differ)
        if kept.origin["made_from"] == self.made_from:
            self.notices.append(f"goes on from {where}")
            return kept.checkpoint
        if kept.origin["kin"] != self.kin:
            self.notices.append(f"starts anew: a checkpoint at {where} is of other data or of another recipe")
            return None
        if self.go_on:
            if (done := len(kept.checkpoint.facts["epochs"])) > now["epochs"]:
                raise RecipeError(
                    f"train.epochs: the checkpoint to go on from has {done} epochs, more than {now['epochs']}; "
                    f"{done} ends with what is there, and without --go-on training begins anew"
                )
            self.notices.append(f"goes on from {where} with {changed}")
            return kept.checkpoint
        self.notices.append(
            f"starts anew: a checkpoint at {where} had other settings ({changed}); --go-on goes on from it"
        )
        return None

    def keep(self, checkpoint: Checkpoint) -> None:
        """Put a checkpoint in the place of the one before."""
        origin = {"made_from": self.made_from, "kin": self.kin, "settings": self.settings}
        save_checkpoint(self.file, KeptCheckpoint(checkpoint, origin))
        self._kept_at = time.monotonic()

    def is_due(self) -> bool:
        """Whether the last checkpoint is too long ago."""
        return time.monotonic() - self._kept_at > 60 * self.minutes

    def asked_to_stop(self) -> bool:
        """Whether a signal came."""
        return self.signal != 0

    def remove(self) -> None:
        """Remove what is there: the run is done."""
        shutil.rmtree(self.folder, ignore_errors=True)

    @contextlib.contextmanager
    def listening(self) -> Iterator[None]:
        """Where Ctrl-C and the SIGTERM of a cluster ask for a checkpoint and then an end; Ctrl-C twice ends at once."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        remove_parts([self.file])
        before = {number: signal.signal(number, self._take) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        except StoppedError as stopped:
            stopped.code = 128 + (self.signal or signal.SIGTERM)
            raise
        except TrainingError as error:
            if not self.file.is_file():
                raise
            again = "with other settings, --go-on goes on from the last good checkpoint"
            raise TrainingError(f"{error}; {again}") from None
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _take(self, number: int, _: FrameType | None) -> None:
        if number == signal.SIGINT and self.signal and time.monotonic() - self._asked_at > IMPATIENT_S:
            raise KeyboardInterrupt
        self.signal, self._asked_at = number, time.monotonic()
