"""The check for leakage before a training: done once for the same pictures and splits, and kept as leakage.json."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from imagetrain.preparation import Prepared
from imagetrain.radiographs.cache import PixelCache
from imagetrain.radiographs.thumbnails import Thumbnails
from imagetrain.recipe import Data
from imagetrain.targets.leakage import SIDE, Leakage, find_leakage, refuse_leakage
from radprompter.files import digest, read_json, write_json

NAME, MADE_FROM = "leakage.json", "made_from"


def check_leakage(folder: Path, data: Data, folds: Sequence[Prepared], cache: PixelCache) -> Leakage:
    """What two patients share, also written to leakage.json in a folder.

    Raises
    ------
    SplitError
        If two patients have the same pixels and the recipe says to refuse that; leakage.json is written even so.
    """
    splits = [prepared.split for prepared in folds]
    made_from = digest([cache.hash, [[split.study_ids, split.patient_ids, split.parts] for split in splits]])
    found = _known(folder / NAME, made_from)
    if found is None:
        found = find_leakage(cache.images, splits, Thumbnails(cache.images, cache.pixels, side=SIDE))
        write_json(folder / NAME, found.to_json() | {MADE_FROM: made_from})
    if data.split.leakage == "refuse":
        refuse_leakage(found)
    return found


def _known(path: Path, made_from: str) -> Leakage | None:
    try:
        data = read_json(path)
        return Leakage.from_json(data) if data[MADE_FROM] == made_from else None
    except (OSError, ValueError, KeyError, TypeError):
        return None
