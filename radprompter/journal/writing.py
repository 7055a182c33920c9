"""A journal as a run uses it: completions found, completions stored."""

from __future__ import annotations

import hashlib
import itertools
import sqlite3
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal, Self

import orjson

from radprompter.journal.file import checksum, damaged, hold, is_whole, open_to_write
from radprompter.records import Completion, Usage

BATCH_ROWS = 256
BATCH_SECONDS = 0.2
KEYS_AT_ONCE = 1000

Durability = Literal["batch", "each"]
"""When stored rows are forced onto the disk: some at a time, or each."""

_STORE = "INSERT INTO completion (key, report_id, failure, stored_at, content, checksum) VALUES (?, ?, ?, ?, ?, ?)"
_FIND = """
SELECT key, content, checksum FROM completion INDEXED BY {index}
WHERE key IN (SELECT value FROM json_each(?)) AND failure {failure} ORDER BY id
"""
_FIND_SUCCESS = _FIND.format(index="completion_key", failure="IS NULL")
_FIND_TRUNCATED = _FIND.format(index="completion_truncated", failure="= 'truncated'")


def journal_key(identity: Mapping[str, Any], fingerprint: str) -> str:
    """The key of a request: SHA-256 over what the backend is and what it is shown."""
    options = orjson.OPT_SORT_KEYS | orjson.OPT_NON_STR_KEYS  # such as the tokens of a logit_bias
    content = orjson.dumps([identity, fingerprint], option=options, default=str)
    return hashlib.sha256(content).hexdigest()


class Journal:
    """An open journal, held by this process alone until it is closed.

    A row is in the file when `store` returns, so a process that dies loses none. Against a power cut, ``batch`` forces
    rows onto the disk with every 256th, and with the first that comes 0.2 s after the last time: what such a cut can
    take are at most the 255 rows since then, as far as the system had not written them out by itself. ``each`` forces
    every row and can lose none. A row is whole or absent (WAL); the time in it informs and decides nothing.

    Parameters
    ----------
    path:
        The file; made if absent. Its folder must be on a local disk.
    durability:
        ``batch`` or ``each``.

    Raises
    ------
    JournalError
        If another process holds it, or the file is damaged, foreign or from a newer version, or cannot be written.
    """

    def __init__(self, path: Path, *, durability: Durability = "batch") -> None:
        self.path = path
        self._lock = hold(path)
        try:
            self._database = open_to_write(path)
        except BaseException:
            self._lock.close()
            raise
        self._batch_rows = BATCH_ROWS if durability == "batch" else 1
        self._forces: bool | None = None
        self._n_unforced = 0
        self._forced_at = time.monotonic()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __len__(self) -> int:
        return int(self._run("SELECT count(*) FROM completion").fetchone()[0])

    def find(self, key: str, report_id: str, *, truncated: bool = False) -> Completion | None:
        """The last successful completion under a key, as the answer to this report; ``None`` if there is none.

        If there is none but one that was cut off, and `truncated` is asked for, it is that one.
        """
        found = self.find_all([key], truncated=truncated).get(key)
        return None if found is None else replace(found, report_id=report_id)

    def find_all(self, keys: Iterable[str], *, truncated: bool = False) -> dict[str, Completion]:
        """What `find` gives for each of some keys that has any, for the report that it was first stored for.

        Raises
        ------
        JournalError
            If a row is no longer what was stored.
        """
        found: dict[str, Completion] = {}
        left = iter(keys)
        while some := list(itertools.islice(left, KEYS_AT_ONCE)):
            found.update(self._loaded(_FIND_SUCCESS, some))
            if truncated:
                found.update(self._loaded(_FIND_TRUNCATED, [key for key in some if key not in found]))
        return found

    def _loaded(self, query: str, keys: Iterable[str]) -> Iterator[tuple[str, Completion]]:
        last = {row[0]: row for row in self._run(query, (orjson.dumps(list(keys)).decode(),)).fetchall()}
        for key, content, stored in last.values():
            if not is_whole(key, content, stored):
                raise damaged(self.path, None)
            yield key, load(content)

    def store(self, key: str, completion: Completion) -> None:
        """Append a completion; it is in the file when this returns."""
        now = time.monotonic()
        due = self._n_unforced + 1 >= self._batch_rows or now - self._forced_at >= BATCH_SECONDS
        self._force(due)
        content = orjson.dumps(completion)
        row = (key, completion.report_id, completion.failure, time.time(), content, checksum(key, content))
        self._run(_STORE, row)
        self._n_unforced = 0 if due else self._n_unforced + 1
        self._forced_at = now if due else self._forced_at

    def close(self) -> None:
        """Let go of the file; SQLite forces the rest of its log onto the disk."""
        try:
            self._database.close()
        finally:
            self._lock.close()

    def _force(self, now: bool) -> None:
        """Whether the next row, and with it those before, is forced onto the disk."""
        if now is not self._forces:
            self._run(f"PRAGMA synchronous = {'FULL' if now else 'NORMAL'}")
            self._forces = now

    def _run(self, statement: str, values: tuple[Any, ...] = ()) -> sqlite3.Cursor:
        try:
            return self._database.execute(statement, values)
        except sqlite3.Error as error:
            raise damaged(self.path, error) from None


def load(content: bytes) -> Completion:
    """A completion as it was stored."""
    data = orjson.loads(content)
    usage = Usage(**data.pop("usage"))
    sequences = {name: tuple(data.get(name, ())) for name in ("replies", "findings")}
    return Completion(**{**data, **sequences}, usage=usage)
