"""Which way of asking to take: what a few reports, labeled in several ways, gave and took; and the rule that decides.

With a reference: the cheapest way whose accuracy is not distinguishably below the best one's. Without: the cheapest way
that answers nearly every cell, and what is right stays unknown. Cheap is a cost in money where every way has one, else
the number of tokens; then the seconds of answering.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import sqrt
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from radprompter.label_table import LabelTable
from radprompter.labels import LABELS, LabelState, Projection

RESAMPLES = 2000
SEED = 0
LEAST_ANSWERED = 0.99
"""Share of the cells that a way must answer, where nothing else is known of it."""

_Z = 1.959964  # standard normal quantile of 97.5 %


class Interval(NamedTuple):
    """Limits of a 95 % interval."""

    low: float
    high: float


class Agreed(NamedTuple):
    """Cells that two ways both label, and how many of them alike."""

    n_cells: int
    n_alike: int


@dataclass(frozen=True, slots=True)
class Score:
    """Right cells of each report, of those that the reference labels; a cell without a label is not right."""

    n_right: tuple[int, ...]
    n_known: tuple[int, ...]

    @property
    def accuracy(self) -> float:
        """Right cells of all cells."""
        return sum(self.n_right) / sum(self.n_known)

    @property
    def n_reports_right(self) -> int:
        """Reports with every cell right."""
        return sum(right == known for right, known in zip(self.n_right, self.n_known, strict=True))


@dataclass(frozen=True, slots=True)
class Trial:
    """What labeling the reports of a pilot in one way gave and took; `score` is ``None`` without a reference."""

    strategy: str
    plan: str
    n_reports: int
    n_cells: int
    n_unanswered: int  # cells that have no label although the report has words
    n_requests: int
    prompt_tokens: int
    completion_tokens: int
    cached_tokens: int
    seconds: float  # of answering, summed over requests that may have run at the same time
    cost_usd: float | None = None
    score: Score | None = None
    failures: Mapping[str, int] = field(default_factory=dict)  # kind of failed requests -> how many

    @property
    def name(self) -> str:
        """Strategy and plan, as the folder of its labels is called."""
        return f"{self.strategy}_{self.plan}"

    @property
    def n_tokens(self) -> int:
        """Prompt and completion tokens; cached ones count like others."""
        return self.prompt_tokens + self.completion_tokens

    def scaled(self, n_reports: int) -> dict[str, float | None]:
        """What so many reports would take, if they are like those of the pilot."""
        factor = n_reports / self.n_reports
        return {
            "n_requests": round(self.n_requests * factor),
            "prompt_tokens": round(self.prompt_tokens * factor),
            "completion_tokens": round(self.completion_tokens * factor),
            "cached_tokens": round(self.cached_tokens * factor),
            "seconds": self.seconds * factor,
            "cost_usd": None if self.cost_usd is None else self.cost_usd * factor,
        }


@dataclass(frozen=True, slots=True)
class Advice:
    """The way to take, or ``None``; why; and how far each way's accuracy is from the best one's, if that is known."""

    take: str | None
    reason: str
    from_best: Mapping[str, Interval]


def score(labels: LabelTable, reference: LabelTable, projection: Projection) -> Score | None:
    """How right labels are, report by report; ``None`` if the reference labels none of their cells."""
    names = [name for name in reference.schema.names if name in labels.schema.names]
    theirs = reference.project(projection)
    ours = labels.project(projection)
    reports = [report for report in ours.index if report in theirs.index]
    truth = theirs.loc[reports, names].to_numpy(dtype=object)
    found = ours.loc[reports, names].to_numpy(dtype=object)
    known = np.isin(truth.astype(str), [str(state) for state in LABELS]).reshape(len(reports), len(names))
    n_known, n_right = known.sum(axis=1), (known & (truth == found)).sum(axis=1)
    kept = n_known > 0
    if not kept.any():
        return None
    return Score(tuple(map(int, n_right[kept])), tuple(map(int, n_known[kept])))


def count_unanswered(labels: LabelTable) -> int:
    """Cells without a label, apart from those of reports without words."""
    answered = {str(state) for state in (*LABELS, LabelState.SKIPPED)}
    return int((~labels.wide().isin(answered)).to_numpy().sum())


def compare_pairs(tables: Mapping[str, LabelTable]) -> dict[tuple[str, str], Agreed]:
    """How far each two ways agree, over the cells that both label."""
    wide = {name: table.wide() for name, table in tables.items()}
    found = {}
    for one, other in itertools.combinations(wide, 2):
        left, right = wide[one], wide[other]
        both = left.isin(LABELS).to_numpy() & right.isin(LABELS).to_numpy()
        alike = (left.to_numpy(dtype=object) == right.to_numpy(dtype=object)) & both
        found[one, other] = Agreed(int(both.sum()), int(alike.sum()))
    return found


def resample(scores: Sequence[Score]) -> NDArray[np.float64]:
    """Accuracies when reports are drawn with replacement, the same for every score: ``(n_scores, RESAMPLES)``."""
    right = np.array([one.n_right for one in scores], dtype=np.int64)
    known = np.array([one.n_known for one in scores], dtype=np.int64)
    n_reports = known.shape[1]
    generator = np.random.default_rng(SEED)
    counts = generator.multinomial(n_reports, np.full(n_reports, 1 / n_reports), size=RESAMPLES)
    accuracies: NDArray[np.float64] = (right @ counts.T) / (known @ counts.T)
    return accuracies


def percentiles(values: NDArray[np.float64]) -> Interval:
    """The middle 95 % of some values."""
    low, high = np.percentile(values, [2.5, 97.5])
    return Interval(float(low), float(high))


def wilson(n_right: int, n: int) -> Interval:
    """Interval of a share of reports.

    Source: Wilson, Probable inference, the law of succession, and statistical inference, JASA 22 (1927).
    """
    share, shrink = n_right / n, 1 + _Z**2 / n
    centre = (share + _Z**2 / (2 * n)) / shrink
    half = _Z * sqrt(share * (1 - share) / n + _Z**2 / (4 * n * n)) / shrink
    return Interval(max(0.0, centre - half), min(1.0, centre + half))


def advise(trials: Sequence[Trial]) -> Advice:
    """The way to take, by the rule of this module."""
    scores = [trial.score for trial in trials if trial.score is not None]
    return _by_accuracy(trials, scores) if len(scores) == len(trials) else _by_answers(trials)


def _by_accuracy(trials: Sequence[Trial], scores: Sequence[Score]) -> Advice:
    best = max(range(len(trials)), key=lambda index: scores[index].accuracy)
    accuracies = resample(scores)
    from_best = {trial.name: percentiles(row - accuracies[best]) for trial, row in zip(trials, accuracies, strict=True)}
    if not scores[best].accuracy:
        return Advice(None, "no way gets a single cell right", from_best)
    as_good = [trial for trial in trials if from_best[trial.name].high >= 0]
    taken, by = _cheapest(as_good)
    top = trials[best]
    if len(trials) == 1:
        return Advice(top.name, "no other way was tried", from_best)
    test = f"95 % interval by paired bootstrap over {len(scores[best].n_known):,} reports, {RESAMPLES:,} resamples"
    if as_good == [top]:
        return Advice(top.name, f"the accuracy of every other way is distinguishably below ({test})", from_best)
    reason = (
        f"the cheapest ({by}) of {len(as_good)} ways whose accuracy is not distinguishably below the best, that of "
    )
    reason += f"{top.name} ({test})"
    if taken is top:
        return Advice(top.name, reason, from_best)
    points = -100 * from_best[taken.name].low
    return Advice(taken.name, f"{reason}; it may be up to {points:.1f} points below", from_best)


def _by_answers(trials: Sequence[Trial]) -> Advice:
    unknown = "without a reference nobody knows how right it is"
    answering = [trial for trial in trials if 1 - trial.n_unanswered / trial.n_cells >= LEAST_ANSWERED]
    if not answering:
        return Advice(None, f"no way answers {LEAST_ANSWERED:.0%} of the cells, and {unknown}", {})
    taken, by = _cheapest(answering)
    reason = f"the cheapest ({by}) of {len(answering)} ways that answer at least {LEAST_ANSWERED:.0%} of the cells"
    return Advice(taken.name, f"{reason}; {unknown}", {})


def _cheapest(trials: Sequence[Trial]) -> tuple[Trial, str]:
    """The cheapest of some ways, and what was counted."""
    if all(trial.cost_usd is not None for trial in trials):
        return min(trials, key=lambda trial: (trial.cost_usd, trial.seconds)), "by cost"
    if any(trial.n_tokens for trial in trials):
        return min(trials, key=lambda trial: (trial.n_tokens, trial.seconds)), "by tokens"
    return min(trials, key=lambda trial: trial.seconds), "by seconds"
