"""Whose files a folder holds: a stage replaces what it wrote itself and nobody has changed since, and nothing else.

``written.json`` says which study wrote which files. It is written before the files are, and again after, so that a
process that dies in between leaves files that are known to be its own.
"""

from __future__ import annotations

import contextlib
from collections.abc import Container, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from radprompter.errors import InputError
from radprompter.files import STAMP, read_json, sha256, write_json

RECORD = "written.json"


def refuse_to_replace(folder: Path, names: Iterable[str], *, study: str) -> None:
    """See that no file of a folder would be lost if a study wrote files of these names.

    Raises
    ------
    InputError
        If one is there that another study wrote, that nobody is known to have written, or that was changed since.
    """
    record = _read(folder)
    there = [name for name in names if (folder / name).exists() or (folder / name).is_symlink()]
    if there and record.get("study", study) != study:
        _refuse(folder / there[0], f"the study {record['study']!r} wrote it")
    written: Mapping[str, str | None] = record.get("files", {})
    for name in there:
        if name not in written:
            _refuse(folder / name, "it was not written by this program")
        if written[name] is not None and sha256(folder / name) != written[name]:
            _refuse(folder / name, "it was changed after it was written")


@contextlib.contextmanager
def replacing(folder: Path, names: Iterable[str], *, study: str) -> Iterator[None]:
    """Record that what stands under these names in a folder is a study's own, while and after it is written."""
    kept, before = tuple(names), _read(folder)
    others = before["files"] if before.get("study") == study else {}
    others = {name: value for name, value in others.items() if name not in kept}
    write_json(folder / RECORD, {"study": study, "files": {**others, **dict.fromkeys(kept)}})
    yield
    hashes = {name: sha256(folder / name) for name in kept if (folder / name).is_file()}
    write_json(folder / RECORD, {"study": study, "files": {**others, **hashes}})


def _refuse(path: Path, reason: str) -> None:
    raise InputError(
        f"{path}: is there already, and {reason}; move it away, choose another folder with --out, "
        "or give `radprompter label --overwrite`"
    )


def _read(folder: Path) -> dict[str, Any]:
    """What a folder says of its files; nothing if it cannot be understood, so that all its files are foreign."""
    try:
        record = read_json(folder / RECORD)
        return {"study": str(record["study"]), "files": dict(record["files"])}
    except (OSError, ValueError, KeyError, TypeError):
        return {}


def remove_former(folder: Path, current: Container[str]) -> None:
    """Remove what a stage wrote before and no longer writes: among what is there now it would be taken for its own.

    Before `write_stamp`, whose last record says what there was; a folder within is removed when it is empty.
    """
    try:
        former = list(read_json(folder / STAMP)["outputs"])
    except (OSError, ValueError, KeyError, TypeError):
        return
    for path in (folder / name for name in former if name not in current):
        path.unlink(missing_ok=True)
        if path.parent != folder:
            with contextlib.suppress(OSError):  # what else is there stays
                path.parent.rmdir()
