"""The files of a sample: where it is kept, and what may be replaced."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from radprompter.errors import InputError, TableError

if TYPE_CHECKING:
    from radprompter.reading import Sample

SAMPLE = "sample.json"

PRIVATE, OPEN = 0o600, 0o644


def load_sample(path: Path) -> Sample:
    """The sample in a folder, or in a file.

    Raises
    ------
    TableError
        If there is none, or it was changed.
    """
    from radprompter.files import read_json
    from radprompter.reading import Sample

    file = path / SAMPLE if path.is_dir() else path
    if not file.is_file():
        raise TableError(
            f"{file}: no such file; `radprompter sample draw` writes it, and --sample DIR names its folder"
        )
    try:
        data = read_json(file)
    except ValueError:
        data = None
    return Sample.from_json(data, source=str(file))


def sheet_path(folder: Path, sample: Sample, rater: str, *, beginning: str = "sheet", ending: str) -> Path:
    """Where the sheet of a rater is; the rater has no name where there is one alone."""
    return folder / (f"{beginning}{ending}" if len(sample.raters) == 1 else f"{beginning}_{rater}{ending}")


def write_files(contents: Mapping[Path, str], *, mode: int) -> None:
    """Write some files, all or none of them."""
    from radprompter.files import Parts, writing

    with Parts(contents, mode=mode) as parts:
        for path, text in contents.items():
            with writing(path):
                parts[path].write_bytes(text.encode())
        parts.place()


def refuse_changed(contents: Mapping[Path, str], *, known: Mapping[str, str]) -> None:
    """See that no file is lost that holds something else than what is to be written, or than what was written before.

    `known` has the SHA-256 of each file as it was written, by name.

    Raises
    ------
    InputError
        If there is one.
    """
    from radprompter.files import sha256

    for path, text in contents.items():
        if path.exists() and not (
            path.is_file() and (path.read_bytes() == text.encode() or sha256(path) == known.get(path.name))
        ):
            raise InputError(f"{path}: exists with other content; name another file, or add --overwrite")
