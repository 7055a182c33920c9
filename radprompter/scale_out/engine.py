"""The engine: has the questions of a run answered by workers, and stores what they answer."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from radprompter.backends import choose_backend
from radprompter.errors import RecipeError
from radprompter.journal import Journal
from radprompter.journal.snapshot import Snapshot
from radprompter.labeling.asking import Asker
from radprompter.labeling.rounds import Labeling
from radprompter.recipe import LabelRecipe
from radprompter.records import Completion
from radprompter.scale_out.cluster import address, connected
from radprompter.scale_out.job import Job
from radprompter.scale_out.storing import WithFailures, stored
from radprompter.terminal import Track

BLOCK = 256
"""Reports a block, unless the backend takes more at once."""


@dataclass(frozen=True, slots=True)
class RayEngine:
    """Ray Data on this machine, or on the cluster that ``RAY_ADDRESS`` names.

    Parameters
    ----------
    n_workers:
        Processes that ask; if ``None``, one for each set of GPUs that the backend needs, or one for each machine where
        a server answers, or one for each CPU.
    n_block:
        Reports a block: what a worker that dies, or a run that is stopped, asks again at most. If ``None``, 256, or
        four times what the backend takes at once.
    """

    n_workers: int | None = None
    n_block: int | None = None

    @property
    def is_elsewhere(self) -> bool:
        """Whether reports may go to other machines."""
        return address() != "local"

    def fill(self, section: LabelRecipe, labeling: Labeling, asker: Asker, *, n_reports: int, track: Track) -> None:
        """Put the answers to all that a run asks into its journal, failures too, which the run does not ask again.

        Raises
        ------
        InputError
            If the backend cannot be on several workers, the recipe allows no other machine, or there is no room.
        BackendError
            If a worker's backend cannot go on at all; what came back before is in the journal.
        """
        journal, backend = asker.journal, labeling.backend
        assert isinstance(journal, Journal)
        if backend.at_once is None:
            raise RecipeError(
                f"label.backend.name: {backend.name} hands over all requests of a run together, in one process; "
                "run it without --engine ray"
            )
        if self.is_elsewhere and section.cluster != "allow":
            raise RecipeError(
                f"RAY_ADDRESS={address()}: reports would go to the machines of that cluster; "
                "write `cluster: allow` into the section label if they may, or unset RAY_ADDRESS"
            )
        with Snapshot(journal.path.absolute()) as before:
            job = Job(
                section, labeling.template.screen, labeling.template.hash, backend.identity, Path.cwd(),
                before.path, before.last_row, self.n_block or max(BLOCK, 4 * backend.at_once),
            )  # fmt: skip
        n_gpus = getattr(choose_backend(section.backend).options, "tensor_parallel", 0)
        failed: dict[str, Completion] = {}
        with connected(self.n_workers, n_gpus, waits=backend.reads == "messages") as demand:
            from radprompter.scale_out.pipeline import outcomes

            with closing(outcomes(job, demand)) as done:
                for _ in track(stored(done, asker, failed), f"ask on {demand.n_workers} workers", n_reports):
                    pass
        asker.journal = WithFailures(journal, failed)
