"""Whom a training tells how it goes."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from imagetrain.records import EpochResult


class Watch:
    """Is told of each epoch and of what a reader should know; this one tells nobody."""

    def notice(self, run: str, text: str) -> None:
        """Be told what somebody should know of a run."""

    def epoch(self, run: str, result: EpochResult) -> None:
        """Be told what an epoch of a run came to."""

    def note(self) -> str:
        """A few words, beside the progress, about how it goes."""
        return ""


SILENT = Watch()


class Several(Watch):
    """Tells several; the first one has the words beside the progress."""

    def __init__(self, *watches: Watch) -> None:
        self.watches = watches

    def notice(self, run: str, text: str) -> None:
        """Tell all."""
        for watch in self.watches:
            watch.notice(run, text)

    def epoch(self, run: str, result: EpochResult) -> None:
        """Tell all."""
        for watch in self.watches:
            watch.epoch(run, result)

    def note(self) -> str:
        """What the first one says."""
        return self.watches[0].note()
