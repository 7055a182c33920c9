"""What a run came to: predictions, split and epochs, each file whole or absent."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from imagetrain.records import PARTS, Predictions, Split
from radprompter.errors import InputError, TableError
from radprompter.files import atomic, read_json, read_table, write_bytes, write_text

LOGIT, SCORE, TARGET, FOLD = "logit:", "score:", "target:", "fold"


def save_predictions(path: Path, predictions: Predictions) -> None:
    """Write predictions.parquet: ids, site, split, fold if any; for each finding a column of logits and one of targets.

    Targets are float32, logits too unless they came as float64; scores of another scale are called so.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    columns: dict[str, Any] = {
        "study_id": list(predictions.study_ids),
        "patient_id": list(predictions.patient_ids),
        "site": list(predictions.sites),
        "split": list(predictions.parts),
    }
    if predictions.folds is not None:
        columns[FOLD] = np.array(predictions.folds, dtype=np.int16)
    exact = np.float64 if predictions.logits.dtype == np.float64 else np.float32
    prefix = LOGIT if predictions.scale == "logit" else SCORE
    for name, values, dtype in ((prefix, predictions.logits, exact), (TARGET, predictions.targets, np.float32)):
        for column, finding in enumerate(predictions.findings):
            columns[name + finding] = np.ascontiguousarray(values[:, column], dtype=dtype)
    with atomic(path) as part:
        pq.write_table(pa.table(columns), part)


def read_predictions(path: Path) -> Predictions:
    """Inverse of `save_predictions`.

    Raises
    ------
    TableError
        If the file is absent, or not a table of predictions.
    """
    frame = read_table(path, required=("study_id", "patient_id", "site", "split"))
    prefix = SCORE if any(name.startswith(SCORE) for name in frame.columns) else LOGIT
    findings = tuple(name.removeprefix(prefix) for name in frame.columns if name.startswith(prefix))
    lacking = [TARGET + finding for finding in findings if TARGET + finding not in frame.columns]
    if not findings or lacking:
        raise TableError(f"{path}: not a table of predictions: no column {(lacking or [LOGIT + '...'])[0]!r}")
    parts = tuple(frame["split"])
    if strangers := sorted(set(parts) - set(PARTS)):
        raise TableError(f"{path}: split {strangers[0]!r} is not one of {', '.join(PARTS)}")
    return Predictions(
        tuple(frame["study_id"]),
        tuple(frame["patient_id"]),
        tuple(frame["site"]),
        parts,
        findings,
        frame[[prefix + finding for finding in findings]].to_numpy(),
        frame[[TARGET + finding for finding in findings]].to_numpy(dtype=np.float32),
        tuple(int(fold) for fold in frame[FOLD]) if FOLD in frame.columns else None,
        "logit" if prefix == LOGIT else "score",
    )


def read_manifest(path: Path) -> dict[str, Any]:
    """The manifest of a run; empty if there is none.

    Raises
    ------
    InputError
        If it is damaged.
    """
    try:
        return dict(read_json(path)) if path.is_file() else {}
    except (ValueError, TypeError):
        raise InputError(f"{path}: damaged; run the training again: imagetrain train RECIPE") from None


def save_split(path: Path, splits: Sequence[Split]) -> None:
    """Write split.csv, which a recipe's `data.split.file` may name; with several folds, each study once a fold."""
    import pandas as pd

    tables = []
    for number, split in enumerate(splits, start=1):
        columns = {"study_id": split.study_ids, "patient_id": split.patient_ids, "site": split.sites}
        fold = {"fold": [number] * len(split.study_ids)} if len(splits) > 1 else {}
        tables.append(pd.DataFrame({**columns, **fold, "part": split.parts}))
    write_text(path, pd.concat(tables).to_csv(index=False))


def save_epochs(path: Path, epochs: Iterable[Any]) -> None:
    """Write epochs.jsonl: one dataclass a line."""
    import orjson

    write_bytes(path, b"".join(orjson.dumps(epoch) + b"\n" for epoch in epochs))
