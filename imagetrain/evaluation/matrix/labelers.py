"""Labels of one reference against those of another: how often they agree, and what that does to an AUROC."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from imagetrain.evaluation.auroc import Floats
from imagetrain.evaluation.bootstrap import Counts
from imagetrain.evaluation.comparison.families import Rules
from imagetrain.evaluation.thresholds import at_threshold
from radprompter.statistics import percentile_interval

Row = dict[str, Any]
REASONS = {
    "sensitivity": "the other reference has no positives",
    "specificity": "the other reference has no negatives",
    "kappa": "both say the same of every study",
    "attenuation": "one of the two has no positives, or no negatives",
}
NOTHING_SHARED = "no study whose label both know"
NO_MEAN = "undefined for a finding that counts, or none counts for every reference"


class Agreement(NamedTuple):
    """How labels agree with others that are taken for right, in one or in many resamples; NaN where undefined."""

    sensitivity: Floats
    specificity: Floats
    kappa: Floats
    attenuation: Floats


def attenuation(*, prevalence: float, sensitivity: float, specificity: float) -> float:
    """What is left of an AUROC's distance from one half when it is measured against labels with such errors.

    If errors do not depend on the scores given what is really there, a label's positive is a real one with probability
    PPV and its negative a real one with probability NPV. Of a pair of both, two real classes in the right order count
    as they did, in the wrong order the other way round, and equal ones one half::

        AUROC against the labels = 1/2 + (AUROC - 1/2) (PPV + NPV - 1)

    With symmetric errors of rate e at prevalence p that is ``p (1 - p) (1 - 2 e) / (q (1 - q))`` with
    ``q = p (1 - e) + (1 - p) e``, the share of positive labels. NaN where the labels have one class only.
    """
    called = prevalence * sensitivity + (1 - prevalence) * (1 - specificity)
    if not 0 < called < 1:
        return float("nan")
    return prevalence * sensitivity / called + (1 - prevalence) * specificity / (1 - called) - 1


def agree(hits: ArrayLike, alarms: ArrayLike, misses: ArrayLike, passes: ArrayLike) -> Agreement:
    """Agreement of labels with others from the counts of a table of two by two, each ``(n,)``.

    Parameters
    ----------
    hits, alarms, misses, passes:
        Positive to both, to the labels alone, to the others alone, and to neither.
    """
    tp, fp, fn, tn = (np.asarray(count, dtype=np.float64) for count in (hits, alarms, misses, passes))
    n = tp + fp + fn + tn
    right = (tp + tn) / np.maximum(n, 1)
    by_chance = ((tp + fp) * (tp + fn) + (fn + tn) * (fp + tn)) / np.maximum(n, 1) ** 2
    both_classes = (tp + fp > 0) & (fn + tn > 0) & (tp + fn > 0) & (fp + tn > 0)
    return Agreement(
        _share(tp, tp + fn),
        _share(tn, tn + fp),
        _share(right - by_chance, np.where(n > 0, 1 - by_chance, 0)),
        np.where(both_classes, _share(tp, tp + fp) + _share(tn, tn + fn) - 1, np.nan),
    )


def agreement_of(labels: NDArray[np.float32], others: NDArray[np.float32]) -> Agreement:
    """Agreement of labels with others, ``(n_studies,)`` each, on the studies that both know."""
    return agree(*(cells.sum() for cells in _table(labels, others)))


def agreement_rows(
    labels: NDArray[np.float32],
    others: NDArray[np.float32],
    patient_ids: Sequence[str],
    findings: Sequence[str],
    counted: Sequence[int],
    counts: Counts,
    rules: Rules,
) -> list[Row]:
    """Agreement of labels with others on the studies that both know: a row a finding, then one of means (finding None).

    Parameters
    ----------
    labels, others:
        ``(n_studies, n_findings)``; `others` are taken for right.
    patient_ids:
        Whose each study is; patients are taken for independent.
    counted:
        Columns of the findings that the means are over.
    counts:
        ``(n_studies, n_resamples)``, from `bootstrap.patient_counts`.
    """
    rows: list[Row] = []
    points: list[Agreement] = []
    drawn: list[Agreement] = []
    for f, finding in enumerate(findings):
        known = ~np.isnan(labels[:, f]) & ~np.isnan(others[:, f])
        table = _table(labels[:, f], others[:, f])
        hits, alarms, misses, _ = (int(cells.sum()) for cells in table)
        n = int(known.sum())
        points.append(agreement_of(labels[:, f], others[:, f]))
        drawn.append(agree(*(counts[cells].sum(axis=0, dtype=np.int64) for cells in table)))
        about = {"finding": finding, "n": n, "n_positive": hits + alarms, "n_positive_against": hits + misses}
        rates = at_threshold(
            np.where(known, others[:, f], np.nan), labels[:, f], 0.5, alpha=rules.alpha, patient_ids=patient_ids
        )
        reasons = REASONS if n else dict.fromkeys(REASONS, NOTHING_SHARED)
        row = {
            name: rules.definitions.number(
                f"reference_{name}", rate.value, low=rate.low, high=rate.high, n=rate.denominator, reason=reasons[name]
            )
            for name, rate in (("sensitivity", rates.sensitivity), ("specificity", rates.specificity))
        }
        row |= {name: _number(name, points[f], drawn[f], n, reasons[name], rules) for name in ("kappa", "attenuation")}
        rows.append(about | row)
    whole: Row = {"finding": None, "n": len(labels), "n_positive": None, "n_positive_against": None}
    mean, means = _mean([points[f] for f in counted]), _mean([drawn[f] for f in counted])
    numbers = {name: _number(name, mean, means, len(labels), NO_MEAN, rules) for name in Agreement._fields}
    return [*rows, whole | {"n_findings": len(counted), "findings": [findings[f] for f in counted]} | numbers]


def _table(labels: NDArray[np.float32], others: NDArray[np.float32]) -> tuple[NDArray[np.bool_], ...]:
    """Studies that are positive to both, to `labels` alone, to `others` alone, and to neither; both know them."""
    return (
        (labels == 1) & (others == 1),
        (labels == 1) & (others == 0),
        (labels == 0) & (others == 1),
        (labels == 0) & (others == 0),
    )


def _number(name: str, point: Agreement, drawn: Agreement, n: int, reason: str, rules: Rules) -> Row:
    interval = percentile_interval(getattr(drawn, name), alpha=rules.alpha)
    value = float(getattr(point, name))
    limits = {"low": interval.low, "high": interval.high} if np.isfinite(value) else {}
    return rules.definitions.number(f"reference_{name}", value, n=n, reason=reason, **limits)


def _mean(some: Sequence[Agreement]) -> Agreement:
    """The mean over findings, in one or in each resample; NaN if it is undefined for one of them, or there is none."""
    if not some:
        return Agreement(*([np.array(np.nan)] * len(Agreement._fields)))
    return Agreement(*(np.mean(values, axis=0) for values in zip(*some, strict=True)))


def _share(numerator: Floats, denominator: Floats) -> Floats:
    wanted = denominator > 0
    shares: Floats = np.divide(numerator, denominator, out=np.full(np.shape(wanted), np.nan), where=wanted)
    return shares
