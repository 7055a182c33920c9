"""One run held against one reference: its labels of the predicted studies, and what each resample comes to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from imagetrain.evaluation.auroc import Floats, auroc
from imagetrain.evaluation.bootstrap import Replicates, in_threads, replicate
from imagetrain.evaluation.comparison.families import Scored
from imagetrain.records import Predictions, ReferenceLabels
from radprompter.errors import InputError

Labels = NDArray[np.float32]  # (n_studies, n_findings)


class Held(NamedTuple):
    """One run on one set against one reference: what it scored, and the average precision of each resample."""

    scored: Scored
    precisions: Floats  # (n_resamples, n_findings)


AllHeld = Mapping[tuple[str, str], Mapping[str, Held]]  # (set, reference) -> run -> what came of it


def labels_of(reference: ReferenceLabels, predictions: Predictions) -> Labels:
    """The labels of some predicted studies, ``(n_studies, n_findings)``; NaN where the reference lacks the study.

    Raises
    ------
    InputError
        If the targets are not one row a study and one column a finding of the predictions.
    """
    shape = (len(reference.study_ids), len(predictions.findings))
    if reference.targets.shape != shape:
        raise InputError(f"expected targets of a reference as {shape}, found {reference.targets.shape}")
    place = {study: row for row, study in enumerate(reference.study_ids)}
    rows = np.array([place.get(study, -1) for study in predictions.study_ids], dtype=np.intp)
    found = np.full((rows.size, shape[1]), np.nan, dtype=np.float32)
    found[rows >= 0] = reference.targets[rows[rows >= 0]]
    return found


def hold(one: Scored, targets: Labels) -> Held:
    """A run against other labels of its studies."""
    logits = one.predictions.logits
    made = in_threads(lambda f: replicate(targets[:, f], logits[:, f], one.counts), range(targets.shape[1]))
    drawn = Replicates(*(np.stack(columns, axis=1) for columns in zip(*made, strict=True)))
    predictions = replace(one.predictions, targets=targets)
    return Held(Scored(predictions, one.counts, drawn.auroc), drawn.average_precision)


def aurocs_of(predictions: Predictions) -> Floats:
    """AUROC of each finding, ``(n_findings,)``."""
    columns = range(len(predictions.findings))
    return np.array([auroc(predictions.targets[:, f], predictions.logits[:, f]) for f in columns])
