"""Tables that may be compressed, read as a stream: what is damaged is told, and no bomb goes off."""

from __future__ import annotations

import contextlib
import gzip
import io
import os
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from radprompter.errors import TableError

PACKED = (".gz", ".zst")

ENDINGS = {
    **{kind + packed: kind for kind in (".csv", ".jsonl") for packed in ("", *PACKED)},
    ".parquet": ".parquet",
}
"""How the name of a table may end, and the kind of table that it is then."""

MAX_RATIO = 200
"""Bytes from one compressed byte; tables of text have 3 to 30, and a bomb has a thousand or more."""

FREE_BYTES = 2**30
"""Bytes that a file may expand to whatever the ratio."""

BUFFER_BYTES = 2**18


def kind_of(path: Path) -> str:
    """``.csv``, ``.jsonl`` or ``.parquet``, also where the table is compressed.

    Raises
    ------
    TableError
        If the name ends in anything else.
    """
    for ending, kind in ENDINGS.items():
        if path.name.endswith(ending):
            return kind
    raise TableError(f"{path}: expected a file that ends in {', '.join(ENDINGS)}")


@contextlib.contextmanager
def open_expanded(path: Path) -> Iterator[IO[bytes]]:
    """The bytes of a file, expanded as they are read if its name ends in ``.gz`` or ``.zst``.

    An archive is gone through once before, since its checksum stands at its end: nothing of a damaged one is used.

    Raises
    ------
    TableError
        If the file cannot be opened, is damaged or cut off, or expands to more than `FREE_BYTES` and `MAX_RATIO` times
        its size.
    """
    if path.suffix not in PACKED:
        with _opened(path) as file:
            yield file
        return
    with _opened(path) as packed, _expanded(path, packed) as trial:
        while trial.read(BUFFER_BYTES):
            pass
    with _opened(path) as packed, _expanded(path, packed) as file:
        yield file


def _opened(path: Path) -> IO[bytes]:
    try:
        return path.open("rb")
    except OSError as error:
        raise TableError(f"{path}: cannot be read ({os.strerror(error.errno or 0)})") from None


def _expanded(path: Path, packed: IO[bytes]) -> IO[bytes]:
    return io.BufferedReader(_Expanded(path, packed), BUFFER_BYTES)


class _Expanded(io.RawIOBase):
    """The expanded bytes of a compressed file; every fault of it is a `TableError`."""

    def __init__(self, path: Path, packed: IO[bytes]) -> None:
        self._path = path
        self._most = max(FREE_BYTES, MAX_RATIO * os.fstat(packed.fileno()).st_size)
        self._n_bytes = 0
        if path.suffix == ".gz":
            self._stream = gzip.GzipFile(fileobj=packed)
        else:
            import pyarrow as pa

            self._stream = pa.CompressedInputStream(packed, "zstd")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        try:
            n_bytes: int = self._stream.readinto(buffer)
        except (EOFError, OSError, zlib.error):
            raise TableError(
                f"{self._path}: damaged, cut off or not {self._path.suffix[1:]}, seen after {self._n_bytes:,} bytes of "
                "its content; compress or copy the table again"
            ) from None
        self._n_bytes += n_bytes
        if self._n_bytes > self._most:
            raise TableError(
                f"{self._path}: expands to more than {self._most:,} bytes, over {MAX_RATIO} times its size, as no "
                "table of reports does; expand it yourself if it is one"
            )
        return n_bytes
