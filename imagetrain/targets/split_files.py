"""Splits that somebody else has drawn: tables with the part of each study, in one split or in each fold."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from imagetrain.records import EXTERNAL, PARTS, TEST
from radprompter.errors import SplitError
from radprompter.files import read_table


def read_parts(path: Path, study_ids: Sequence[str], *, n_folds: int | None = None) -> list[dict[str, str]]:
    """Study -> part of a file's split, or of each of its folds.

    Raises
    ------
    SplitError
        If a part is unknown, a study is in two parts of a fold, is tested in two folds or is not in every fold, no
        study is among `study_ids`, or the file has other folds than wanted.
    """
    frame = read_table(path, required=("study_id", "part", *(("fold",) if n_folds else ())))
    names = list(dict.fromkeys(frame["fold"].astype(str))) if "fold" in frame.columns else [""]
    if len(names) != (n_folds or 1):
        raise SplitError(f"{path}: has {len(names)} folds, but data.split.folds is {n_folds or 'null'}")
    folds: dict[str, dict[str, str]] = {name: {} for name in names}
    fold_column = frame["fold"].astype(str) if "fold" in frame.columns else [""] * len(frame)
    rows = zip(frame["study_id"].astype(str), frame["part"].astype(str), fold_column, strict=True)
    for line, (study, part, fold) in enumerate(rows, start=2):
        if part not in PARTS:
            raise SplitError(f"{path}:{line}: part {part!r} of study {study!r} is not one of {', '.join(PARTS)}")
        if folds[fold].setdefault(study, part) != part:
            raise SplitError(f"{path}:{line}: study {study!r} is in {folds[fold][study]!r} and in {part!r}")
    parts = list(folds.values())
    _refuse_unequal(path, parts)
    if not set(parts[0]) & set(study_ids):
        raise SplitError(f"{path}: none of its {len(parts[0])} studies has both labels and images")
    return [{study: fold[study] for study in study_ids if study in fold} for fold in parts]


def _refuse_unequal(path: Path, folds: Sequence[dict[str, str]]) -> None:
    """A study must be in every fold, external in all or none, and tested at most once."""
    for study in dict.fromkeys(study for fold in folds for study in fold):
        parts = [fold.get(study) for fold in folds]
        if None in parts:
            raise SplitError(f"{path}: study {study!r} is not in every fold")
        if parts.count(TEST) > 1:
            raise SplitError(
                f"{path}: study {study!r} is tested in {parts.count(TEST)} folds; its predictions are pooled"
            )
        if EXTERNAL in parts and set(parts) != {EXTERNAL}:
            raise SplitError(f"{path}: study {study!r} is external in some folds only")
