"""What classifiers are tested against where that is another table than the labels."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from imagetrain.recipe import Reference
from imagetrain.records import EXTERNAL, TEST, Predictions
from radprompter.errors import TableError
from radprompter.files import read_table


def hold_against(predictions: Predictions, reference: Reference) -> Predictions:
    """Predictions whose test and external targets come from a reference table; blank cells are not known.

    Raises
    ------
    TableError
        If the reference lacks the id column, every finding, or a tested study; repeats a study; or has another value
        than 1, 0 and blank.
    """
    frame = read_table(reference.path, required=[reference.id]).astype(str)
    ids = list(frame[reference.id])
    place = {study: i for i, study in enumerate(ids)}
    if len(place) != len(ids):
        twice = next(study for study in place if ids.count(study) > 1)
        raise TableError(f"{reference.path}: study {twice!r} has more than one row")
    covered = [f for f, finding in enumerate(predictions.findings) if finding in frame.columns]
    if not covered:
        raise TableError(
            f"{reference.path}: has none of the findings ({', '.join(predictions.findings)}); "
            f"its columns are {', '.join(frame.columns)}"
        )
    tested = [i for i, part in enumerate(predictions.parts) if part in (TEST, EXTERNAL)]
    absent = [predictions.study_ids[i] for i in tested if predictions.study_ids[i] not in place]
    if absent:
        raise TableError(
            f"{reference.path}: {len(absent)} of {len(tested)} tested studies have no row, such as {absent[0]!r}"
        )
    targets = predictions.targets.copy()
    targets[tested] = np.nan
    rows = [place[predictions.study_ids[i]] for i in tested]
    for f in covered:
        finding = predictions.findings[f]
        targets[tested, f] = [_cell(frame[finding].iloc[row], reference.path, ids[row], finding) for row in rows]
    return replace(predictions, targets=targets)


def _cell(text: str, path: Path, study: str, finding: str) -> float:
    known = {"1": 1.0, "1.0": 1.0, "0": 0.0, "0.0": 0.0, "": np.nan, "nan": np.nan, "None": np.nan, "<NA>": np.nan}
    if text.strip() not in known:
        raise TableError(f"{path}: study {study!r}, {finding}: expected 1, 0 or blank, found another value")
    return known[text.strip()]
