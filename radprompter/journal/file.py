"""The file of a journal: opened, told from other files, and held by one writer.

Damage is recognised at three places: SQLite's own check of the structure on opening, a checksum a row over key and
answer on reading, and the checksums of its write-ahead log, where a torn end is left out. Nothing is mended by itself.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import socket
import sqlite3
import zlib
from pathlib import Path
from typing import IO

from radprompter.errors import JournalError

APPLICATION_ID = 0x52504A4C  # "RPJL"
VERSION = 2

_TABLE = """
CREATE TABLE completion (
    id INTEGER PRIMARY KEY,
    key TEXT NOT NULL,
    report_id TEXT NOT NULL,
    failure TEXT,
    stored_at REAL NOT NULL,
    content BLOB NOT NULL,
    checksum INTEGER
) STRICT;
CREATE INDEX completion_key ON completion (key) WHERE failure IS NULL;
"""
_TRUNCATED = "CREATE INDEX IF NOT EXISTS completion_truncated ON completion (key) WHERE failure = 'truncated'"
_FROM_1 = "BEGIN; ALTER TABLE completion ADD COLUMN checksum INTEGER; PRAGMA user_version = 2; COMMIT;"


def checksum(key: str, content: bytes) -> int:
    """CRC-32 of a row: an answer that changed, or came under another key, is not that answer."""
    return zlib.crc32(content, zlib.crc32(key.encode()))


def is_whole(key: str, content: bytes, stored: int | None) -> bool:
    """Whether a row is what was stored; rows of version 1 have no checksum and are taken as they are."""
    return stored is None or stored == checksum(key, content)


def hold(path: Path) -> IO[str]:
    """A lock that the system takes back when its holder dies, so none is ever stale; the file names the holder.

    Raises
    ------
    JournalError
        If another process holds it, or the folder or its file system does not let anybody.
    """
    beside = path.with_name(path.name + ".lock")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        file = beside.open("a+", encoding="utf-8")
    except OSError as error:
        raise JournalError(
            f"{beside}: cannot be written ({error.strerror}); choose another folder with --out or label.journal"
        ) from None
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        file.seek(0)
        file.truncate()
        file.write(f"process {os.getpid()} on {socket.gethostname()}\n")
        file.flush()
    except OSError as error:
        raise _not_held(path, file, error) from None
    return file


def _not_held(path: Path, file: IO[str], error: OSError) -> JournalError:
    holder = ""
    if isinstance(error, BlockingIOError):
        file.seek(0)
        holder = file.read(200).strip() or "another process"
    with contextlib.suppress(OSError):  # what names the holder did not fit on the disk
        file.close()
    if holder:
        return JournalError(
            f"{path}: in use by {holder}; wait for it to end, or choose another file with --out or label.journal"
        )
    return JournalError(
        f"{path}: cannot be locked ({error.strerror}); put it on a local disk with room, by label.journal or --out"
    )


def open_to_write(path: Path) -> sqlite3.Connection:
    """The database of a journal that this process holds; made if absent or still empty.

    Raises
    ------
    JournalError
        If it is damaged, foreign or from a newer version, or cannot be written.
    """
    database = None
    try:
        database = sqlite3.connect(path, isolation_level=None, timeout=10)
        if _is_blank(database):
            database.execute("PRAGMA journal_mode = WAL")
            identify = f"PRAGMA application_id = {APPLICATION_ID}; PRAGMA user_version = {VERSION};"
            database.executescript(f"BEGIN; {_TABLE} {identify} COMMIT;")
        elif _check(database, path) < VERSION:
            database.executescript(_FROM_1)
        database.execute("PRAGMA journal_mode = WAL")
        database.execute(_TRUNCATED)
    except BaseException as error:
        if database is not None:
            database.close()
        if isinstance(error, sqlite3.Error):
            raise damaged(path, error) from None
        raise
    return database


def open_to_read(path: Path) -> sqlite3.Connection:
    """The database of a journal, read only, whether or not a run writes to it just now.

    Raises
    ------
    JournalError
        If it is absent, damaged, foreign or from a newer version.
    """
    if not path.is_file():
        raise JournalError(f"{path}: no such file; `radprompter label` makes it")
    try:
        database = _connect_to_read(path)
    except sqlite3.Error as error:
        raise damaged(path, error) from None
    try:
        if _is_blank(database):
            raise JournalError(f"{path}: has nothing in it, so nothing was ever stored there")
        _check(database, path)
    except BaseException as error:
        database.close()
        if isinstance(error, sqlite3.Error):
            raise damaged(path, error) from None
        raise
    return database


def _connect_to_read(path: Path) -> sqlite3.Connection:
    address = f"{path.resolve().as_uri()}?mode=ro"
    database = sqlite3.connect(address, uri=True, isolation_level=None, timeout=10)
    try:
        database.execute("PRAGMA application_id").fetchone()
        return database
    except sqlite3.OperationalError:
        database.close()
        if path.with_name(path.name + "-wal").exists():
            raise
    # a folder that cannot be written has no room for the files of a log; without a log nobody writes
    return sqlite3.connect(f"{address}&immutable=1", uri=True, isolation_level=None)


def has_checksums(database: sqlite3.Connection) -> bool:
    """Whether the rows have checksums; those of version 1 have none until a run opens the file."""
    with contextlib.closing(database.execute("PRAGMA user_version")) as found:
        return bool(found.fetchone()[0] >= VERSION)


def n_bytes(path: Path) -> int:
    """Size of a journal with its log."""
    parts = (path, path.with_name(path.name + "-wal"))
    return sum(part.stat().st_size for part in parts if part.is_file())


def _is_blank(database: sqlite3.Connection) -> bool:
    """Whether a file has nothing in it yet; a run that was killed as it made the file leaves it so."""
    (application,) = database.execute("PRAGMA application_id").fetchone()
    (tables,) = database.execute("SELECT count(*) FROM sqlite_master").fetchone()
    return bool(application == 0 and tables == 0)


def _check(database: sqlite3.Connection, path: Path) -> int:
    """The version of a journal that has the right name and structure."""
    (application,) = database.execute("PRAGMA application_id").fetchone()
    (version,) = database.execute("PRAGMA user_version").fetchone()
    if application != APPLICATION_ID:
        raise JournalError(f"{path}: an SQLite file, but not a journal of radprompter; it is left as it is")
    if version not in range(1, VERSION + 1):
        raise JournalError(f"{path}: journal of version {version}, expected {VERSION}; use the release that wrote it")
    (problem,) = database.execute("PRAGMA quick_check(1)").fetchone()
    if problem != "ok":
        raise damaged(path, None)
    return int(version)


def damaged(path: Path, error: sqlite3.Error | None) -> JournalError:
    """What is said of a file that cannot be used; no content of it is quoted."""
    reason = f" ({error})" if error is not None else ""
    if isinstance(error, sqlite3.OperationalError):
        return JournalError(
            f"{path}: cannot be read or written{reason}; what was stored before is kept: "
            "make room or mend access, then run the same command to go on"
        )
    return JournalError(
        f"{path}: damaged, or no journal{reason}; it is left as it is: put a backup in its place, "
        "or move it away to ask for every answer again"
    )
