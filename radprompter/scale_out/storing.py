"""What workers answered, as a run finds it: stored, counted as its own, and with what failed."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping

from radprompter.errors import BudgetError
from radprompter.labeling.asking import Answers, Asker
from radprompter.records import Completion
from radprompter.scale_out.blocks import Outcome


def stored(done: Iterable[Outcome], asker: Asker, failed: dict[str, Completion]) -> Iterator[None]:
    """Store what comes, and count it as asked by this run; yields once for each report that was read.

    Raises
    ------
    BackendError, InputError
        What stopped a worker, after its answers were stored.
    BudgetError
        If the run's budget is used up.
    """
    over_budget: BudgetError | None = None
    for outcome in done:
        for key, completion in outcome.answers:
            asker.journal.store(key, completion)
            asker.tally.add_ahead(completion)
            if completion.failure is not None:
                failed[key] = completion
            try:
                asker.watch(asker.tally)
            except BudgetError as error:
                over_budget = over_budget or error  # the block is paid for: all of it is kept
        if (stopped := outcome.stopped or over_budget) is not None:
            raise stopped
        asker.proven = asker.proven or outcome.proven
        yield from itertools.repeat(None, outcome.n_read)


class WithFailures:
    """A journal that also has the failures of this run: they are told, not asked again before the next run."""

    def __init__(self, journal: Answers, failed: Mapping[str, Completion]) -> None:
        self._journal, self._failed = journal, failed

    def find_all(self, keys: Iterable[str], *, truncated: bool = False) -> dict[str, Completion]:
        """What the journal has, and else how a request of this run failed."""
        wanted = list(keys)
        failed = {key: self._failed[key] for key in wanted if key in self._failed}
        return failed | self._journal.find_all(wanted, truncated=truncated)

    def store(self, key: str, completion: Completion) -> None:
        """Keep an answer in the journal."""
        self._journal.store(key, completion)
