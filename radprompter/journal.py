"""The journal: an append-only SQLite file of every completion, so that no answer is asked for twice.

One row is one completion, as it came, under the key of all that produced it. A successful completion is used again by
every later run that asks the same; a failed one stays on record and is asked again. Report text is not in the journal,
but answers may quote it: treat the file like the reports.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import socket
import sqlite3
import time
from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import IO, Any, Self

import orjson

from radprompter.errors import JournalError
from radprompter.records import Completion, Usage

APPLICATION_ID = 0x52504A4C  # "RPJL"
VERSION = 1
BATCH_ROWS = 256
BATCH_SECONDS = 0.2

_TABLE = """
CREATE TABLE completion (
    id INTEGER PRIMARY KEY,
    key TEXT NOT NULL,
    report_id TEXT NOT NULL,
    failure TEXT,
    stored_at REAL NOT NULL,
    content BLOB NOT NULL
) STRICT;
CREATE INDEX completion_key ON completion (key) WHERE failure IS NULL;
"""
_FIND = "SELECT content FROM completion WHERE key = ? AND failure IS NULL ORDER BY id DESC LIMIT 1"
_FIND_TRUNCATED = _FIND.replace("IS NULL", "= 'truncated'")
_TRUNCATED = "CREATE INDEX IF NOT EXISTS completion_truncated ON completion (key) WHERE failure = 'truncated'"


def journal_key(identity: Mapping[str, Any], fingerprint: str) -> str:
    """The key of a request: SHA-256 over what the backend is and what it is shown."""
    options = orjson.OPT_SORT_KEYS | orjson.OPT_NON_STR_KEYS  # such as the tokens of a logit_bias
    content = orjson.dumps([identity, fingerprint], option=options, default=str)
    return hashlib.sha256(content).hexdigest()


class Journal:
    """An open journal, held by this process alone until it is closed.

    Rows are committed at the latest 0.2 s or 256 rows after they came, as the next row comes, and on closing. A commit
    is on disk when it returns (WAL with ``synchronous=FULL``), so a crash loses at most one such batch.

    Parameters
    ----------
    path:
        The file; made if absent. Its folder must be on a local disk.

    Raises
    ------
    JournalError
        If another process holds it, or the file is damaged, foreign or from a newer version.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        self._lock = _lock(path.with_name(path.name + ".lock"))
        try:
            self._database = _open(path)
        except BaseException:
            self._lock.close()
            raise
        self._pending = 0
        self._committed_at = time.monotonic()

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
        for query in (_FIND, _FIND_TRUNCATED)[: 1 + truncated]:
            row = self._run(query, (key,)).fetchone()
            if row is not None:
                return replace(_load(row[0]), report_id=report_id)
        return None

    def store(self, key: str, completion: Completion) -> None:
        """Append a completion."""
        row = (key, completion.report_id, completion.failure, time.time(), orjson.dumps(asdict(completion)))
        self._run("INSERT INTO completion (key, report_id, failure, stored_at, content) VALUES (?, ?, ?, ?, ?)", row)
        self._pending += 1
        if self._pending >= BATCH_ROWS or time.monotonic() - self._committed_at >= BATCH_SECONDS:
            self.commit()

    def commit(self) -> None:
        """Put all rows on disk."""
        if self._pending:
            self._run("COMMIT")
            self._run("BEGIN IMMEDIATE")
            self._pending = 0
        self._committed_at = time.monotonic()

    def close(self) -> None:
        """Commit, and let go of the file."""
        try:
            self.commit()
        finally:
            self._database.close()
            self._lock.close()

    def _run(self, statement: str, values: tuple[Any, ...] = ()) -> sqlite3.Cursor:
        try:
            return self._database.execute(statement, values)
        except sqlite3.Error as error:
            raise _damaged(self.path, error) from None


def _load(content: bytes) -> Completion:
    data = orjson.loads(content)
    usage = Usage(**data.pop("usage"))
    sequences = {name: tuple(data.get(name, ())) for name in ("replies", "findings")}
    return Completion(**{**data, **sequences}, usage=usage)


def _lock(path: Path) -> IO[str]:
    """A lock that the system takes back when its holder dies, so none is ever stale; the file names the holder."""
    try:
        file = path.open("a+", encoding="utf-8")
    except OSError as error:
        raise JournalError(f"{path}: cannot be written ({error.strerror}); choose another folder with --out") from None
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        file.seek(0)
        holder = file.read(200).strip() or "another process"
        file.close()
        raise JournalError(
            f"{path.with_suffix('')}: in use by {holder}; wait for it to end, or choose another folder with --out"
        ) from None
    file.seek(0)
    file.truncate()
    file.write(f"process {os.getpid()} on {socket.gethostname()}\n")
    file.flush()
    return file


def _open(path: Path) -> sqlite3.Connection:
    database = None
    try:
        database = sqlite3.connect(path, isolation_level=None, timeout=10)
        if _is_blank(database):
            database.execute("PRAGMA journal_mode = WAL")
            identify = f"PRAGMA application_id = {APPLICATION_ID}; PRAGMA user_version = {VERSION};"
            database.executescript(f"BEGIN; {_TABLE} {identify} COMMIT;")
        else:
            _check(database, path)
            database.execute("PRAGMA journal_mode = WAL")
        database.execute("PRAGMA synchronous = FULL")
        database.execute(_TRUNCATED)
        database.execute("BEGIN IMMEDIATE")
    except BaseException as error:
        if database is not None:
            database.close()
        if isinstance(error, sqlite3.Error):
            raise _damaged(path, error) from None
        raise
    return database


def _is_blank(database: sqlite3.Connection) -> bool:
    """Whether a file has nothing in it yet; a run that was killed as it made the file leaves it so."""
    (application,) = database.execute("PRAGMA application_id").fetchone()
    (tables,) = database.execute("SELECT count(*) FROM sqlite_master").fetchone()
    return bool(application == 0 and tables == 0)


def _check(database: sqlite3.Connection, path: Path) -> None:
    (application,) = database.execute("PRAGMA application_id").fetchone()
    (version,) = database.execute("PRAGMA user_version").fetchone()
    if application != APPLICATION_ID:
        raise JournalError(f"{path}: an SQLite file, but not a journal of radprompter; it is left as it is")
    if version != VERSION:
        raise JournalError(f"{path}: journal of version {version}, expected {VERSION}; use the release that wrote it")
    (problem,) = database.execute("PRAGMA quick_check(1)").fetchone()
    if problem != "ok":
        raise _damaged(path, None)


def _damaged(path: Path, error: sqlite3.Error | None) -> JournalError:
    full = isinstance(error, sqlite3.OperationalError)
    reason = f" ({error})" if error is not None else ""
    if full:
        return JournalError(f"{path}: cannot be read or written{reason}; what was committed before is kept")
    return JournalError(
        f"{path}: damaged, or no journal{reason}; it is left as it is: put a backup in its place, "
        "or move it away to ask for every answer again"
    )
