"""Folders that one process at a time may change; the system takes back the lock of a process that dies."""

from __future__ import annotations

import contextlib
import fcntl
from collections.abc import Iterator
from pathlib import Path

from radprompter.errors import WriteError


@contextlib.contextmanager
def locked(path: Path, busy: str) -> Iterator[None]:
    """Hold the lock that a file stands for; `busy` says what another holder is doing.

    Raises
    ------
    WriteError
        If another process holds it, or the file cannot be written.
    """
    with contextlib.ExitStack() as held:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            file = held.enter_context(path.open("a"))
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise WriteError(f"{path}: another process {busy}; wait until it is done") from None
        except OSError as error:
            raise WriteError(f"{path}: cannot be written ({error.strerror}); make room or mend access") from None
        yield


@contextlib.contextmanager
def in_use(path: Path) -> Iterator[None]:
    """Where others may use the same, but nobody may hold the lock: what it guards is not changed meanwhile.

    Without a file for the lock, as in a folder that somebody else made and that cannot be written, there is none.
    """
    with contextlib.ExitStack() as held:
        with contextlib.suppress(OSError):
            fcntl.flock(held.enter_context(path.open("rb")), fcntl.LOCK_SH)
        yield
