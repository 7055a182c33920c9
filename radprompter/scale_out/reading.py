"""The table of reports as blocks for the workers: what the journal answers already stays out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, cast

from radprompter.backends.base import Backend
from radprompter.journal.snapshot import Snapshot
from radprompter.labeling.asking import Asker
from radprompter.labeling.rounds import Labeling
from radprompter.records import Completion, Prompt, Report, Turn
from radprompter.scale_out.blocks import Block
from radprompter.scale_out.job import Job
from radprompter.store import read_reports
from radprompter.store.seen import SeenHashes

UNANSWERED = "no_answer"


def read_blocks(job: Job) -> Iterator[Block]:
    """Blocks of what is left to ask, in the order of the table; the same whenever it is read again.

    A report that reads like one before it is left out: its answers will be in the journal when it is labeled.

    Raises
    ------
    InputError
        If the table or the region cannot be read.
    JournalError
        If the journal is damaged.
    """
    labeling = job.labeling()
    reports = islice(read_reports(job.section.reports), job.section.limit)
    with Snapshot(job.journal, job.last_row) as journal:
        left: list[Report] = []
        known: dict[str, Completion] = {}
        seen = SeenHashes()
        n_read = 0
        for report in reports:
            n_read += 1
            chosen = labeling.template.choose(report)
            alike = hash((chosen.language, *chosen.sections.items()))
            if chosen.unasked is not None or seen.setdefault(alike, alike) is not None:
                continue
            answers = _Found(journal)
            if job.last_row and _is_answered(report, labeling, answers, keep_truncated=job.keeps_truncated):
                continue
            left.append(report)
            known.update(answers.found)
            if len(left) == job.n_reports:
                yield Block(left, known, n_read)
                left, known, n_read = [], {}, 0
        if n_read:
            yield Block(left, known, n_read)


def _is_answered(report: Report, labeling: Labeling, answers: _Found, *, keep_truncated: bool) -> bool:
    """Whether the journal has every answer that the report takes, with all that follows from them."""
    asker = Asker(cast(Backend, _Silent(labeling.backend)), journal=answers, keep_truncated=keep_truncated)
    (labeled,) = asker.hold([labeling.label(report)])
    return UNANSWERED not in labeled.failures


class _Found:
    """A journal that notes what was found in it."""

    def __init__(self, journal: Snapshot) -> None:
        self._journal = journal
        self.found: dict[str, Completion] = {}

    def find_all(self, keys: Iterable[str], *, truncated: bool = False) -> dict[str, Completion]:
        """What the journal has."""
        found = self._journal.find_all(keys, truncated=truncated)
        self.found.update(found)
        return found

    def store(self, key: str, completion: Completion) -> None:
        """Nothing comes: nobody is asked."""


class _Silent:
    """A backend that answers nothing, under the keys of another."""

    at_once = 1

    def __init__(self, backend: Backend) -> None:
        self.name, self.model, self.identity = backend.name, backend.model, backend.identity

    def prove(self, turns: Sequence[Turn]) -> Mapping[str, Any]:
        """Nothing."""
        return {}

    def complete(self, prompts: Iterable[Prompt]) -> Iterator[Completion]:
        """Let all prompts go by."""
        for _ in prompts:
            pass
        return iter(())

    def close(self) -> None:
        """Nothing is held."""
