"""What all workers of a run have in common: how reports are labeled, and what tells them that it is the same way."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from radprompter.backends import open_backend
from radprompter.errors import InputError
from radprompter.labeling.rounds import Labeling
from radprompter.labeling.section import label_rounds, label_template
from radprompter.prompting.sections import Screen
from radprompter.recipe import LabelRecipe


@dataclass(frozen=True, slots=True)
class Job:
    """A labeling run, as a process on any machine needs it; it has no key and no word of a report.

    Parameters
    ----------
    section:
        The recipe.
    screening:
        What is done about identifiers: decided once, where the run was started.
    template_hash, identity:
        Of the template and the backend there; those of a worker must be the same.
    folder:
        Working directory, which relative paths of the recipe start from.
    journal, last_row:
        The journal, and its last row when the run began.
    n_reports:
        Reports a block.
    """

    section: LabelRecipe
    screening: Screen | None
    template_hash: str
    identity: Mapping[str, Any]
    folder: Path
    journal: Path
    last_row: int
    n_reports: int

    @property
    def keeps_truncated(self) -> bool:
        """Whether a reply that was cut off is known: whoever asks will ask for a longer one."""
        return self.section.reasks > 0

    def labeling(self) -> Labeling:
        """How each report is labeled, with a backend opened here.

        Raises
        ------
        InputError
            If the recipe's files are absent here, or not those of the machine where the run was started.
        """
        try:
            os.chdir(self.folder)
        except OSError:
            raise InputError(
                f"{self.folder}: absent on a machine of the cluster; start the run from a folder that all of them have"
            ) from None
        template = replace(label_template(self.section), screen=self.screening)
        backend = open_backend(self.section.backend, template.region)
        if (template.hash, dict(backend.identity)) != (self.template_hash, dict(self.identity)):
            raise InputError(
                "label: a machine of the cluster has another version of the program, or other files of the region, "
                "templates or backend than this one; give all of them the same"
            )
        return Labeling(template, backend, label_rounds(self.section))
