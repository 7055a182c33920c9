"""What is done to a journal between runs: look at it, write it out, take away what nobody needs."""

from __future__ import annotations

import gzip
import itertools
import sqlite3
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, NamedTuple, cast

import orjson

from radprompter.errors import InputError, JournalError
from radprompter.files import atomic
from radprompter.journal.file import damaged, has_checksums, hold, is_whole, n_bytes, open_to_read, open_to_write

DAY_S = 86_400

_SUCCESS = "failure IS NULL AND is_whole(key, content, checksum)"
_LAST_SUCCESS = f"SELECT max(id) FROM completion WHERE {_SUCCESS} GROUP BY key"  # noqa: S608
_SUPERSEDED = f"(id NOT IN ({_LAST_SUCCESS}) AND key IN (SELECT key FROM completion WHERE {_SUCCESS}))"  # noqa: S608
_FAILED = "failure IS NOT NULL"
_DAMAGED = "NOT is_whole(key, content, checksum)"


@dataclass(frozen=True, slots=True)
class Contents:
    """What is in a journal: counts, times in UTC (as the clock then said), tokens, bytes on disk."""

    n_rows: int
    n_requests: int  # different ones
    n_answered: int  # of those, how many a run would not ask again
    n_successes: int
    failures: Mapping[str, int]
    first: str | None
    last: str | None
    models: Mapping[str, int]
    tokens: Mapping[str, int]
    n_bytes: int
    n_damaged: int


@dataclass(frozen=True, slots=True)
class Removal:
    """What pruning takes away: rows, how many of them are failures, and answers that would be asked for again."""

    n_rows: int
    n_failures: int
    n_answers: int
    n_bytes: int  # gained; of the rows alone where nothing was removed


class _Row(NamedTuple):
    key: str
    report_id: str
    failure: str | None
    stored_at: float
    content: bytes
    checksum: int | None

    @property
    def is_whole(self) -> bool:
        return is_whole(self.key, self.content, self.checksum)


def read_contents(path: Path) -> Contents:
    """What is in a journal, of which every row is read and checked; a run may write to it meanwhile.

    Raises
    ------
    JournalError
        If it is absent, foreign, damaged in its structure, or from a newer version.
    """
    successes, failures = Counter[str](), Counter[str]()
    models, tokens = Counter[str](), Counter[str]()
    keys, times, n_damaged = set[str](), list[float](), 0
    for row in _rows(path):
        keys.add(row.key)
        times.append(row.stored_at)
        if not row.is_whole:
            n_damaged += 1
            continue
        content = orjson.loads(row.content)
        models[content["model"]] += 1
        for kind in ("prompt", "completion", "cached"):
            tokens[kind] += content["usage"][f"{kind}_tokens"]
        if row.failure is None:
            successes[row.key] += 1
        else:
            failures[row.failure] += 1
    return Contents(
        n_rows=len(times), n_requests=len(keys), n_answered=len(successes), n_successes=successes.total(),
        failures=dict(failures.most_common()), models=dict(models.most_common()), tokens=dict(tokens),
        first=_moment(min(times)) if times else None, last=_moment(max(times)) if times else None,
        n_bytes=n_bytes(path), n_damaged=n_damaged,
    )  # fmt: skip


def export_journal(path: Path, to: Path) -> int:
    """Write every row as a line of JSON, compressed where the name ends in ``.gz``; the number of lines.

    Answers may quote reports: treat the file like them.

    Raises
    ------
    InputError
        If there is a file already, or its name does not end in ``.jsonl`` or ``.jsonl.gz``.
    JournalError
        If the journal is absent, foreign, damaged, or from a newer version; nothing is written then.
    """
    if not to.name.endswith((".jsonl", ".jsonl.gz")):
        raise InputError(f"{to}: expected a name that ends in .jsonl or .jsonl.gz")
    if to.exists():
        raise InputError(f"{to}: is there already; choose another name, or move it away")
    n_lines = 0
    with atomic(to) as part, _open_lines(part, compress=to.name.endswith(".gz")) as lines:
        for row in _rows(path):
            if not row.is_whole:
                raise damaged(path, None)
            lines.write(_line(row))
            n_lines += 1
    return n_lines


def prune_journal(
    path: Path,
    *,
    failed: bool = False,
    superseded: bool = False,
    damaged_rows: bool = False,
    older_than_days: float | None = None,
    dry_run: bool = False,
) -> Removal:
    """Take rows out of a journal, and make its file smaller.

    `superseded` are the rows of an answered request apart from its last success. `failed` are all failures, also of
    requests that nobody answered. `damaged_rows` are no longer what was stored. With `older_than_days` only those of
    them that are older; alone it takes every older row, the answers with them. Otherwise a last success always stays.

    Raises
    ------
    InputError
        If nothing is named to be removed.
    JournalError
        If another process holds the journal, or it is absent, foreign, damaged or from a newer version.
    """
    where, values = _chosen((failed, superseded, damaged_rows), older_than_days)
    if not path.is_file():
        raise JournalError(f"{path}: no such file; `radprompter label` makes it")
    with hold(path), closing(open_to_write(path)) as database:
        database.create_function("is_whole", 3, is_whole, deterministic=True)
        try:
            removal = _removal(database, where, values)
            if dry_run or not removal.n_rows:
                return removal
            before = n_bytes(path)
            database.execute(f"DELETE FROM completion WHERE {where}", values)  # noqa: S608
            database.execute("VACUUM")
            database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        except sqlite3.Error as error:
            raise damaged(path, error) from None
        return Removal(removal.n_rows, removal.n_failures, removal.n_answers, before - n_bytes(path))


def _chosen(named: tuple[bool, bool, bool], older_than_days: float | None) -> tuple[str, tuple[float, ...]]:
    chosen = " OR ".join(itertools.compress((_FAILED, _SUPERSEDED, _DAMAGED), named))
    if older_than_days is None:
        if not chosen:
            raise InputError("say what to remove: --failed, --superseded, --damaged, or --older-than DAYS")
        return f"({chosen})", ()
    return f"({chosen or 'TRUE'}) AND stored_at < ?", (time.time() - older_than_days * DAY_S,)


def _removal(database: sqlite3.Connection, where: str, values: tuple[float, ...]) -> Removal:
    sums = (
        "count(*), coalesce(sum(failure IS NOT NULL), 0), coalesce(sum(length(content) + length(key)), 0), "
        f"coalesce(sum(id IN ({_LAST_SUCCESS})), 0)"
    )
    row = database.execute(f"SELECT {sums} FROM completion WHERE {where}", values).fetchone()  # noqa: S608
    n_rows, n_failures, size, n_answers = map(int, row)
    return Removal(n_rows, n_failures, n_answers, size)


def _rows(path: Path) -> Iterator[_Row]:
    with closing(open_to_read(path)) as database:
        stored = "checksum" if has_checksums(database) else "NULL"
        query = f"SELECT key, report_id, failure, stored_at, content, {stored} FROM completion ORDER BY id"  # noqa: S608
        try:
            for row in database.execute(query):
                yield _Row(*row)
        except sqlite3.Error as error:
            raise damaged(path, error) from None


def _line(row: _Row) -> bytes:
    said = {"key": row.key, "report_id": row.report_id, "failure": row.failure, "stored_at": _moment(row.stored_at)}
    return orjson.dumps({**said, "content": orjson.loads(row.content)}, option=orjson.OPT_APPEND_NEWLINE)


def _open_lines(path: Path, *, compress: bool) -> IO[bytes]:
    return cast("IO[bytes]", gzip.open(path, "wb")) if compress else path.open("wb")


def _moment(seconds: float) -> str:
    """A time of the clock in UTC; far out of any calendar as it was stored."""
    try:
        return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")
    except (OverflowError, ValueError, OSError):
        return f"{seconds:g} s after 1970"
