"""What may answer the questions of a run ahead of it, by many at once."""

from __future__ import annotations

from typing import Protocol

from radprompter.labeling.asking import Asker
from radprompter.labeling.rounds import Labeling
from radprompter.recipe import LabelRecipe
from radprompter.terminal import Track


class Engine(Protocol):
    """Has the questions of a run answered before the run looks for their answers in the journal."""

    @property
    def is_elsewhere(self) -> bool:
        """Whether reports may go to other machines."""
        ...

    def fill(self, section: LabelRecipe, labeling: Labeling, asker: Asker, *, n_reports: int, track: Track) -> None:
        """Put the answers into the journal of the asker."""
        ...
