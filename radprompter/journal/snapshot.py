"""A journal as it was at a moment, for whoever reads it while a run stores answers in it."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from pathlib import Path
from typing import Self

import orjson

from radprompter.journal.file import damaged, is_whole, open_to_read
from radprompter.journal.writing import load
from radprompter.records import Completion

_LAST = "SELECT coalesce(max(id), 0) FROM completion"
_FIND = """
SELECT key, content, checksum FROM completion
WHERE key IN (SELECT value FROM json_each(?)) AND failure {failure} AND id <= ? ORDER BY id
"""
_FIND_SUCCESS = _FIND.format(failure="IS NULL")
_FIND_TRUNCATED = _FIND.format(failure="= 'truncated'")


class Snapshot:
    """What a journal had up to a row, read beside its writer on the same machine; the same now and later.

    Parameters
    ----------
    path:
        The journal's file.
    last_row:
        The last row that counts; the last one there is now if ``None``.

    Raises
    ------
    JournalError
        If the file is absent, damaged, foreign or from a newer version.
    """

    def __init__(self, path: Path, last_row: int | None = None) -> None:
        self.path = path
        self._database = open_to_read(path)
        try:
            self.last_row = self._database.execute(_LAST).fetchone()[0] if last_row is None else last_row
        except sqlite3.Error as error:
            self._database.close()
            raise damaged(path, error) from None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._database.close()

    def find_all(self, keys: Iterable[str], *, truncated: bool = False) -> dict[str, Completion]:
        """The last success under each key, or else the last reply that was cut off, if `truncated` asks for those.

        Raises
        ------
        JournalError
            If a row is no longer what was stored.
        """
        wanted = list(keys)
        found = self._loaded(_FIND_SUCCESS, wanted)
        if truncated and (left := [key for key in wanted if key not in found]):
            found.update(self._loaded(_FIND_TRUNCATED, left))
        return found

    def _loaded(self, query: str, keys: list[str]) -> dict[str, Completion]:
        try:
            rows = self._database.execute(query, (orjson.dumps(keys).decode(), self.last_row)).fetchall()
        except sqlite3.Error as error:
            raise damaged(self.path, error) from None
        last = {row[0]: row for row in rows}
        for key, content, stored in last.values():
            if not is_whole(key, content, stored):
                raise damaged(self.path, None)
        return {key: load(content) for key, content, _ in last.values()}
