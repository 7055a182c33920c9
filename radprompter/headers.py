"""The first line of a CSV file, where it may not be what whoever made the table meant."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from io import TextIOWrapper
from pathlib import Path

from radprompter.compressed import open_expanded
from radprompter.errors import TableError


def refuse_separator(path: Path, header: str) -> None:
    """Refuse a header whose names something else than commas parts."""
    if "," not in header and (";" in header or "\t" in header):
        found = "semicolons" if ";" in header else "tabs"
        raise TableError(f"{path}: {found} stand between its cells, and commas are expected; save it with commas")


def repeated_name(path: Path, names: Iterable[str]) -> str | None:
    """The name that two columns of a CSV file have; `names` are those that pandas gave, ``name.1`` to the second."""
    there = set(names)
    parts = (name.rpartition(".") for name in there)
    if not any(base in there and number.isdecimal() for base, _, number in parts):
        return None
    with open_expanded(path) as file, TextIOWrapper(file, "utf-8-sig", newline="") as lines:
        header = next(row for row in csv.reader(lines) if row)
    return next((name for i, name in enumerate(header) if name and name in header[:i]), None)
