"""What goes to a worker and what comes back, as bytes: a block of reports with what is known of them, and its answers.

Bytes, so that nothing on the way has a reason to look inside, print or convert them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from radprompter import errors
from radprompter.errors import BackendError, RadprompterError
from radprompter.journal.writing import load
from radprompter.records import Completion, Report

Answer = tuple[str, Completion]
"""A key of the journal, and what was answered to the request."""


@dataclass(frozen=True, slots=True)
class Block:
    """Reports that one worker labels together, and those of their answers that the journal has.

    `n_read` also counts the reports since the block before that need nothing.
    """

    reports: Sequence[Report]
    known: Mapping[str, Completion]
    n_read: int

    def content(self) -> bytes:
        """The block as JSON."""
        reports = [(report.id, report.sections, report.language) for report in self.reports]
        return orjson.dumps([reports, self.known, self.n_read])

    @classmethod
    def of(cls, content: bytes) -> Block:
        """The block that `content` made JSON of."""
        reports, known, n_read = orjson.loads(content)
        completions = {key: load(orjson.dumps(completion)) for key, completion in known.items()}
        return cls([Report(*report) for report in reports], completions, n_read)


@dataclass(frozen=True, slots=True)
class Outcome:
    """The new answers of a block; `stopped` is what ended its labeling, `proven` what the endpoint has shown."""

    answers: Sequence[Answer]
    n_read: int
    proven: Mapping[str, Any] | None = None
    stopped: RadprompterError | None = None

    def content(self) -> bytes:
        """The outcome as JSON."""
        stopped = None if self.stopped is None else (type(self.stopped).__name__, str(self.stopped), vars(self.stopped))
        return orjson.dumps([self.answers, self.n_read, self.proven, stopped])

    @classmethod
    def of(cls, content: bytes) -> Outcome:
        """The outcome that `content` made JSON of."""
        answers, n_read, proven, stopped = orjson.loads(content)
        kept = [(key, load(orjson.dumps(completion))) for key, completion in answers]
        return cls(kept, n_read, proven, None if stopped is None else _error(*stopped))


def _error(name: str, message: str, fields: Mapping[str, Any]) -> RadprompterError:
    kind = getattr(errors, name, None)  # an error of the package's own; others came as a `BackendError`
    if isinstance(kind, type) and issubclass(kind, RadprompterError):
        return kind(message, **fields)
    return BackendError(message, kind="worker")
