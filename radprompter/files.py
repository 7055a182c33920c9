"""Files that are whole or absent: atomic writes, hashes, and stamps that say what a folder was made from."""

from __future__ import annotations

import contextlib
import functools
import hashlib
import os
import tempfile
import warnings
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import IO, Any

import orjson

from radprompter.compressed import kind_of, open_expanded
from radprompter.errors import TableError, WriteError
from radprompter.headers import refuse_separator, repeated_name

STAMP = "stage.json"
PART = ".part"
LONGEST_NAME = 60
SOURCES = (".py", ".jinja", ".css", ".csv")


@contextlib.contextmanager
def writing(path: Path) -> Iterator[None]:
    """Tell of what goes wrong while a file is written.

    Raises
    ------
    WriteError
        If the disk is full, the folder cannot be written, or the like.
    """
    try:
        yield
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno else type(error).__name__
        state = "the old file is unchanged" if path.exists() else "there is none"
        raise WriteError(
            f"{path}: cannot be written ({reason}); {state}: make room or mend access, run again"
        ) from None


class Parts:
    """Files of a folder that are written under names of their own and moved into place together.

    `mode` says who may read them, as for `chmod`.

    A context manager; ``parts[path]`` is where to write what shall stand at `path`. Leaving it removes the parts that
    `place` did not move, so that the old files stay as they were.

    Raises
    ------
    WriteError
        On entry and in `place`, if the folder cannot be written; no file has changed then.
    """

    def __init__(self, paths: Iterable[Path], *, mode: int = 0o644) -> None:
        self._paths, self._mode = tuple(paths), mode
        self._parts: dict[Path, Path] = {}

    def __enter__(self) -> Parts:
        try:
            for path in self._paths:
                with writing(path):
                    path.parent.mkdir(parents=True, exist_ok=True)
                    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=PART)
                    os.close(handle)
                    self._parts[path] = Path(name)
        except BaseException:
            self._remove()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._remove()

    def __getitem__(self, path: Path) -> Path:
        return self._parts[path]

    def leave_out(self, path: Path) -> None:
        """Let nothing stand at `path`: a file of an earlier run goes when the others are placed."""
        self._parts.pop(path).unlink()

    def place(self) -> None:
        """Force all parts onto the disk, then move each over its file: what can fail does so before any is moved."""
        for path, part in self._parts.items():
            with writing(path):
                part.chmod(self._mode)
                with part.open("rb+") as file:
                    os.fsync(file.fileno())
        for path in self._paths:
            with writing(path):
                if path in self._parts:
                    self._parts[path].replace(path)
                else:
                    path.unlink(missing_ok=True)
        for folder in {path.parent for path in self._paths}:
            with writing(folder):
                _force_folder(folder)

    def _remove(self) -> None:
        for part in self._parts.values():
            with contextlib.suppress(OSError):  # what ended the writing is told, not this
                part.unlink(missing_ok=True)


def remove_parts(paths: Iterable[Path]) -> None:
    """Remove the parts of files that a killed process left; nobody else may be writing them."""
    for path in paths:
        for part in path.parent.glob(f".{path.name}.*{PART}"):
            with writing(path):
                part.unlink(missing_ok=True)


@contextlib.contextmanager
def atomic(path: Path) -> Iterator[Path]:
    """A temporary path beside `path`, moved over it when the block ends well, deleted when it does not.

    Raises
    ------
    WriteError
        If the disk is full, the folder cannot be written, or the like; what was at `path` is unchanged.
    """
    with Parts([path]) as parts, writing(path):
        yield parts[path]
        parts.place()


def _force_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def write_bytes(path: Path, content: bytes) -> None:
    """Write a file atomically."""
    with atomic(path) as part:
        part.write_bytes(content)


def write_text(path: Path, text: str) -> None:
    """Write a UTF-8 file atomically."""
    write_bytes(path, text.encode())


def json_bytes(value: Any) -> bytes:
    """Sorted, indented JSON; NaN becomes null."""
    options = orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS | orjson.OPT_NON_STR_KEYS | orjson.OPT_APPEND_NEWLINE
    return orjson.dumps(value, default=str, option=options | orjson.OPT_SERIALIZE_NUMPY)


def write_json(path: Path, value: Any) -> None:
    """Write a value as `json_bytes` atomically."""
    write_bytes(path, json_bytes(value))


def reserve(path: Path, n_bytes: int) -> None:
    """Make a file at least so long, with room on the disk for all of it: a memory map without room ends the process.

    Raises
    ------
    WriteError
        If there is no room, or the file cannot be written; it is then as long as it was.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("ab") as file, contextlib.ExitStack() as undo:
            undo.callback(os.truncate, path, file.tell())
            os.posix_fallocate(file.fileno(), 0, n_bytes)
            undo.pop_all()
    except OSError as error:
        raise WriteError(f"{path}: cannot be written ({error.strerror}); make room or mend access, run again") from None


def read_json(path: Path) -> Any:
    """Read a JSON file."""
    return orjson.loads(path.read_bytes())


def sha256(path: Path) -> str:
    """SHA-256 of a file's content, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def digest(value: Any) -> str:
    """First 16 hexadecimal digits of the SHA-256 of a value's canonical JSON."""
    content = orjson.dumps(value, default=str, option=orjson.OPT_SORT_KEYS | orjson.OPT_NON_STR_KEYS)
    return hashlib.sha256(content).hexdigest()[:16]


@functools.cache
def source_digest(folder: Path) -> str:
    """Digest of the code, page templates, style sheets and tables below a folder.

    For results that must not outlive what made them.
    """
    sources = sorted(path for path in folder.rglob("*") if path.suffix in SOURCES)
    return digest({path.relative_to(folder).as_posix(): sha256(path) for path in sources})


def stamp_inputs(settings: Mapping[str, Any], inputs: Iterable[Path]) -> dict[str, Any]:
    """What a stage is made from: its settings, and the hash of every file that it reads.

    Raises
    ------
    TableError
        If an input file is absent.
    """
    hashes = {}
    for path in inputs:
        if not path.is_file():
            raise TableError(f"{path}: no such file")
        hashes[str(path)] = sha256(path)
    return {"settings": digest(settings), "inputs": hashes}


def is_up_to_date(folder: Path, made_from: Mapping[str, Any]) -> bool:
    """Whether a stage's folder was made from just this, and its outputs are still what the stage wrote."""
    try:
        stamp = read_json(folder / STAMP)
        return bool(
            stamp["made_from"] == made_from
            and all(sha256(folder / name) == value for name, value in stamp["outputs"].items())
        )
    except (OSError, ValueError, KeyError, TypeError):
        return False


def write_stamp(folder: Path, made_from: Mapping[str, Any], outputs: Iterable[str]) -> None:
    """Record that a stage is done: what it was made from, and the hash of each output (names within the folder)."""
    write_json(folder / STAMP, {"made_from": made_from, "outputs": {name: sha256(folder / name) for name in outputs}})


def read_table(path: Path, *, required: Iterable[str] = ()) -> Any:
    """A CSV, JSONL (also ``.gz``, ``.zst``) or Parquet file as a pandas frame; text stays text, blanks are empty text.

    Raises
    ------
    TableError
        If the file is absent, empty, damaged, unreadable, lacks a required column or has two of the same name.
    """
    import pandas as pd

    if path.is_dir():
        raise TableError(f"{path}: is a folder; name the table in it")
    if not path.is_file():
        raise TableError(f"{path}: no such file")
    kind = kind_of(path)
    try:
        if kind == ".parquet":
            frame = pd.read_parquet(path)
        else:
            with open_expanded(path) as file:
                if kind == ".csv":
                    frame = _read_csv(file)
                else:  # a column of numbers takes no empty text
                    frame = pd.read_json(file, lines=True, dtype=False).astype(object).fillna("")
    except UnicodeDecodeError as error:
        raise TableError(f"{path}: not UTF-8 text (byte {error.start}); save it as UTF-8") from None
    except pd.errors.EmptyDataError:
        raise TableError(f"{path}: the file is empty") from None
    except (pd.errors.ParserError, pd.errors.ParserWarning) as error:
        with open_expanded(path) as file:
            refuse_separator(path, file.readline().decode(errors="replace"))
        raise TableError(f"{path}: not a regular table: {str(error).strip().splitlines()[-1][:120]}") from None
    except (ValueError, OSError) as error:
        raise TableError(f"{path}: cannot be read as {kind[1:]} ({type(error).__name__})") from None
    if kind == ".csv" and (twice := repeated_name(path, frame.columns)):
        raise TableError(f"{path}: two columns are called {list_columns([twice])!r}; rename or remove one")
    if kind == ".csv" and len(frame.columns) == 1:
        refuse_separator(path, str(frame.columns[0]))
    missing = [name for name in required if name not in frame.columns]
    if missing:
        raise TableError(f"{path}: no column {', '.join(map(repr, missing))}; it has: {list_columns(frame.columns)}")
    if frame.empty:
        raise TableError(f"{path}: has a header but no rows")
    return frame


def list_columns(names: Iterable[Any]) -> str:
    """Names of columns for a message; of long ones only the length: without a header they are words of a report."""
    return ", ".join(name if len(name) <= LONGEST_NAME else f"({len(name)} characters)" for name in map(str, names))


def _read_csv(file: IO[bytes]) -> Any:
    import pandas as pd

    with warnings.catch_warnings():
        # pandas would take surplus cells for an index, or cut them off; both shift or lose what stands under a column
        warnings.simplefilter("error", pd.errors.ParserWarning)
        return pd.read_csv(file, dtype=str, keep_default_na=False, index_col=False, encoding="utf-8-sig")
