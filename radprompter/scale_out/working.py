"""A worker: opens backend and template once, then answers block after block."""

from __future__ import annotations

import traceback
from collections.abc import Mapping
from typing import Any

from radprompter.errors import BackendError, RadprompterError
from radprompter.journal import Memory
from radprompter.labeling.asking import Asker
from radprompter.labeling.rounds import Labeling
from radprompter.records import Completion
from radprompter.scale_out.blocks import Answer, Block, Outcome
from radprompter.scale_out.job import Job


class Worker:
    """Labels blocks of a run, of which only the answers are kept; opened by the first block."""

    def __init__(self, job: Job) -> None:
        self._job = job
        self._labeling: Labeling | None = None
        self._proven: Mapping[str, Any] | None = None

    def label(self, block: Block) -> Outcome:
        """The answers that the block did not bring; an error that stops the labeling comes with those before it.

        No error is raised, so that nobody else logs one: what others raise may quote a report, and is told by its kind.
        """
        answers = _Answers(block)
        stopped: RadprompterError | None = None
        try:
            if self._labeling is None:
                self._labeling = self._job.labeling()
            labeling = self._labeling
            asker = Asker(labeling.backend, answers, keep_truncated=self._job.keeps_truncated, proven=self._proven)
            try:
                for _ in asker.hold(labeling.label(report) for report in block.reports):
                    pass
            finally:
                self._proven = asker.proven
        except RadprompterError as error:
            stopped = error
        except Exception as error:
            stopped = BackendError(
                f"a worker failed ({type(error).__name__} at {_place(error)}); what was answered is kept. "
                "Without --engine ray the same run shows the whole error",
                kind="worker",
            )
        return Outcome(answers.new, block.n_read, self._proven, stopped)


class _Answers(Memory):
    """What is known of a block, and what is new."""

    def __init__(self, block: Block) -> None:
        super().__init__()
        self.new: list[Answer] = []
        for key, completion in block.known.items():
            super().store(key, completion)

    def store(self, key: str, completion: Completion) -> None:
        """Keep an answer, also one that failed."""
        super().store(key, completion)
        self.new.append((key, completion))


def _place(error: Exception) -> str:
    frames = traceback.extract_tb(error.__traceback__)
    return f"{frames[-1].name}, line {frames[-1].lineno}" if frames else "its start"
