"""Every error that this project raises on purpose.

    RadprompterError            what was expected, what was found, where, and how to mend it
    ├── InputError              the request was wrong; nothing was done (exit code 2)
    │   ├── RecipeError         a recipe or region file: all of its problems at once
    │   ├── TemplateError       a region folder or a Jinja template
    │   ├── TableError          a table of reports, labels, studies or images
    │   ├── SchemaError         findings, states or schemas that do not fit each other
    │   ├── DefinitionError     numbers that do not mean the same and may not be compared
    │   ├── ImageError          a radiograph that cannot be used
    │   └── SplitError          a patient on two sides of a split
    ├── TrainingError           training cannot go on, such as after a loss that is not a number
    │   └── StoppedError        training was asked to stop and can go on from where it is
    ├── WriteError              a file cannot be written; the old one is whole
    ├── JournalError            the journal is foreign, torn or held by another process
    ├── BudgetError             a run came to what it may cost; what was answered is kept
    ├── AwaitingError           answers will come later: run the same command again (exit code 0)
    └── BackendError            a request failed (`kind` and `retryable` say how)

Messages never quote report text: it is patient data.
"""

from __future__ import annotations


class RadprompterError(Exception):
    """Something that the user should know, said once and clearly."""


class InputError(RadprompterError):
    """The request was wrong; nothing was done."""


class RecipeError(InputError):
    """A recipe or region file is wrong; the message lists every problem found."""


class TemplateError(InputError):
    """A region folder or one of its templates cannot be used."""


class TableError(InputError):
    """A table lacks a column, repeats an id, is empty or cannot be read."""


class SchemaError(InputError):
    """Findings, label states or schemas do not fit each other."""


class DefinitionError(InputError):
    """Numbers whose definitions, references, reports or findings differ may not be compared."""


class ImageError(InputError):
    """A radiograph is missing, unreadable or not what the recipe says."""


class SplitError(InputError):
    """A patient would be in more than one part of a split."""


class TrainingError(RadprompterError):
    """Training cannot go on; the message names the batch."""


class StoppedError(TrainingError):
    """Training was asked to stop, by a signal; what was done is kept and the same command goes on.

    `code` is the exit code: 128 and the number of the signal.
    """

    code = 143


class WriteError(RadprompterError):
    """A file cannot be written, such as on a full disk; what was there before is unchanged."""


class JournalError(RadprompterError):
    """The journal is foreign, damaged or in use."""


class BudgetError(RadprompterError):
    """A run came to what it may cost in failures or money; what was answered is kept."""


class AwaitingError(RadprompterError):
    """All that can be asked now was asked, and answers will come later; nothing is wrong.

    Parameters
    ----------
    message:
        What is awaited, and what to do.
    n_requests:
        Requests without an answer.
    """

    def __init__(self, message: str, *, n_requests: int) -> None:
        super().__init__(message)
        self.n_requests = n_requests


class BackendError(RadprompterError):
    """A request to a labeler failed.

    Parameters
    ----------
    message:
        What happened, without report text or keys.
    kind:
        One word that tables and summaries count by, such as ``timeout`` or ``refused``.
    retryable:
        Whether the same request may succeed later.
    """

    def __init__(self, message: str, *, kind: str, retryable: bool = False) -> None:
        super().__init__(message)
        self.kind = kind
        self.retryable = retryable
