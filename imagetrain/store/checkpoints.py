"""A training in the middle, in one file that is whole or absent: arrays, and plain data in the header."""

from __future__ import annotations

import errno
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from imagetrain.records import Checkpoint
from radprompter.files import atomic

FORMAT = 1  # raised when an older checkpoint could no longer be gone on from
HEADER = "imagetrain.checkpoint"


class KeptCheckpoint(NamedTuple):
    """A checkpoint and what it was made from."""

    checkpoint: Checkpoint
    origin: Mapping[str, Any]  # plain data: recipe and inputs


def save_checkpoint(path: Path, kept: KeptCheckpoint) -> None:
    """Write a checkpoint; the one before it stands until this one is whole and on the disk.

    Raises
    ------
    WriteError
        If the disk is full or the like; the one before is unchanged.
    """
    from safetensors import SafetensorError
    from safetensors.numpy import save_file

    header = {"format": FORMAT, "facts": kept.checkpoint.facts, "origin": kept.origin}
    with atomic(path) as part:
        try:
            save_file(dict(kept.checkpoint.arrays), part, {HEADER: json.dumps(header)})
        except SafetensorError as error:  # has what the system said in its words alone
            number = re.search(r"os error (\d+)", str(error))
            raise OSError(int(number[1]) if number else errno.EIO, str(error)) from None


def read_checkpoint(path: Path) -> KeptCheckpoint | None:
    """The checkpoint in a file; None if there is none, or none that can be read."""
    from safetensors import SafetensorError, safe_open

    if not path.is_file():
        return None
    try:
        with safe_open(path, framework="numpy") as file:
            header = json.loads((file.metadata() or {})[HEADER])
            if header["format"] != FORMAT:
                return None
            arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - not a mapping
        return KeptCheckpoint(Checkpoint(arrays, header["facts"]), header["origin"])
    except (SafetensorError, OSError, ValueError, KeyError, TypeError):
        return None
