"""Saved numbers of other programs, leaf by leaf: each is met, or somebody says why it is not ours."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

NOT_A_NUMBER = ("NA", "NaN", "nan")


def leaves(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Path and value of everything in a JSON document that is neither object nor array."""
    if isinstance(value, dict | list):
        for key, item in value.items() if isinstance(value, dict) else enumerate(value):
            yield from leaves(item, f"{path}/{key}" if path else str(key))
    else:
        yield path, value


def unmet(file: Path, ours: Mapping[str, Any], not_ours: Mapping[str, str], *, within: float = 1e-9) -> list[str]:
    """What of a saved file nobody computes or explains, what differs, and what is said of leaves that are not there.

    Parameters
    ----------
    ours:
        Path of a leaf -> our value.
    not_ours:
        Pattern of paths -> why there is no such number of ours.
    within:
        Absolute, and relative for what is larger than 1.
    """
    saved = dict(leaves(json.loads(file.read_text(encoding="utf-8"))))
    found = [
        f"{path}: {saved[path]} against our {ours[path]}"
        for path in saved
        if path in ours and not _equal(saved[path], ours[path], within)
    ]
    explained = {path for path in saved if any(fnmatchcase(path, pattern) for pattern in not_ours)}
    found += [
        f"{path}: {saved[path]} is neither met nor explained" for path in saved if path not in {*ours, *explained}
    ]
    found += [f"{path}: met, and yet explained" for path in explained & set(ours)]
    found += [f"{path}: there is no such leaf" for path in ours if path not in saved]
    stale = [pattern for pattern in not_ours if not any(fnmatchcase(path, pattern) for path in saved)]
    return found + [f"{pattern}: explains nothing" for pattern in stale]


def _equal(saved: Any, mine: Any, within: float) -> bool:
    if isinstance(saved, bool) or isinstance(mine, str | bool):
        return bool(saved == mine)
    value = math.nan if saved in NOT_A_NUMBER else float(saved)
    return (math.isnan(value) and math.isnan(mine)) or abs(value - mine) <= within * max(1.0, abs(value))
