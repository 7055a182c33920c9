"""What flows through a training, in its order: Targets, Split, EpochResult, Predictions, EvaluationReport."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

TRAIN, VALIDATION, TEST, EXTERNAL = "train", "validation", "test", "external"
PARTS = (TRAIN, VALIDATION, TEST, EXTERNAL)
ALL_FOLDS = 0
Scale = Literal["logit", "score"]


def name_findings(findings: Sequence[str], titles: Mapping[str, str] | None = None) -> dict[str, str]:
    """How to print each finding: its title, else its name with spaces and a capital; its name where two look alike."""
    shown = {name: (titles or {}).get(name) or _in_words(name) for name in findings}
    looks = Counter(shown.values())
    return {name: text if looks[text] == 1 else name for name, text in shown.items()}


def _in_words(name: str) -> str:
    words = name.replace("_", " ")
    return words[:1].upper() + words[1:]


@dataclass(frozen=True, slots=True, eq=False)
class Targets:
    """What a classifier is trained towards.

    Parameters
    ----------
    study_ids:
        ``(n_studies,)``
    findings:
        ``(n_findings,)``
    values:
        float32 ``(n_studies, n_findings)`` in [0, 1]; 0 where masked.
    mask:
        bool, same shape; True where the value counts.
    """

    study_ids: tuple[str, ...]
    findings: tuple[str, ...]
    values: NDArray[np.float32]
    mask: NDArray[np.bool_]

    @property
    def hash(self) -> str:
        """Changes when any target does."""
        content = [json.dumps([self.study_ids, self.findings]).encode(), self.values.tobytes(), self.mask.tobytes()]
        return hashlib.sha256(b"".join(content)).hexdigest()

    @property
    def definitive(self) -> NDArray[np.float32]:
        """1 or 0, and NaN where the value does not count or is something in between."""
        return np.where(self.mask & ((self.values == 0) | (self.values == 1)), self.values, np.float32(np.nan))


@dataclass(frozen=True, slots=True)
class Split:
    """The part (one of `PARTS`), patient and site of each study; four tuples of equal length."""

    study_ids: tuple[str, ...]
    patient_ids: tuple[str, ...]
    sites: tuple[str, ...]
    parts: tuple[str, ...]

    def of(self, part: str) -> tuple[str, ...]:
        """Ids of the studies in one part."""
        return tuple(study for study, where in zip(self.study_ids, self.parts, strict=True) if where == part)


class Checkpoint(NamedTuple):
    """A training in the middle: all that the rest of it depends on."""

    arrays: Mapping[str, NDArray[Any]]  # weights, their averages, the best ones, the optimiser's state
    facts: Mapping[str, Any]  # plain data: the step, the epochs so far


@dataclass(frozen=True, slots=True)
class EpochResult:
    """What an epoch came to."""

    epoch: int  # from 1
    n_epochs: int
    loss: float  # mean over the steps
    validation_loss: float
    validation_auroc: float  # macro mean, of the better weights; NaN if no finding has both classes in validation
    validation_auprc: float  # likewise, average precision
    n_findings_scored: int  # findings with both classes in validation: what the means are over
    weights: Literal["last", "averaged"]  # which weights are the better ones on validation
    is_best: bool
    learning_rate: float  # at the end of the epoch
    seconds: float
    images_per_second: float  # of the steps, without validation


@dataclass(frozen=True, slots=True, eq=False)
class Predictions:
    """Scores of one classifier and the labels that they are held against.

    Parameters
    ----------
    study_ids, patient_ids, sites, parts:
        ``(n_studies,)`` each. With folds, a study that validated several networks has a row for each.
    findings:
        ``(n_findings,)``
    logits:
        ``(n_studies, n_findings)``, float32 of our own classifiers, float64 of tables of scores; rank and threshold
        these, never saturated probabilities.
    targets:
        float32, same shape: 1, 0, or NaN where the label is not known.
    folds:
        ``(n_studies,)``: the fold whose network made the row, or `ALL_FOLDS` for the mean over all of them; None
        without folds.
    scale:
        ``score`` where `logits` are scores of another scale, which can be ranked but are nobody's probability.
    """

    study_ids: tuple[str, ...]
    patient_ids: tuple[str, ...]
    sites: tuple[str, ...]
    parts: tuple[str, ...]
    findings: tuple[str, ...]
    logits: NDArray[np.floating[Any]]
    targets: NDArray[np.float32]
    folds: tuple[int, ...] | None = None
    scale: Scale = "logit"

    def part(self, name: str) -> Predictions:
        """The studies of one part."""
        return self.take([i for i, part in enumerate(self.parts) if part == name])

    def take(self, rows: Sequence[int]) -> Predictions:
        """Some studies, in the given order."""
        return Predictions(
            tuple(self.study_ids[i] for i in rows),
            tuple(self.patient_ids[i] for i in rows),
            tuple(self.sites[i] for i in rows),
            tuple(self.parts[i] for i in rows),
            self.findings,
            self.logits[list(rows)],
            self.targets[list(rows)],
            None if self.folds is None else tuple(self.folds[i] for i in rows),
            self.scale,
        )


class ReferenceLabels(NamedTuple):
    """What one labeler, or people, say of studies: what any classifier can be tested against."""

    study_ids: tuple[str, ...]
    targets: NDArray[np.float32]  # (n_studies, n_findings), in the order of the classifiers' findings: 1, 0 or NaN
    title: str = ""
    about: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class EvaluationReport:
    """Every number of an evaluation, as the JSON of ``metrics.json``: each with its n, interval and definition."""

    metrics: dict[str, Any]
