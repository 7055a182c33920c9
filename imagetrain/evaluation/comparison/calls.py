"""Runs against each other at their frozen thresholds: sensitivity, specificity and F1 on the same studies."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from imagetrain.evaluation.auroc import Floats
from imagetrain.evaluation.bootstrap import Counts, replicate_f1
from imagetrain.evaluation.comparison.families import Rules, Scored, family, few
from radprompter.statistics import bootstrap_p, mcnemar_p, percentile_interval

MCNEMAR, BOOTSTRAP = "McNemar, exact", "bootstrap of patients"
NO_THRESHOLD = "a run has no threshold: on validation the finding lacks positives or negatives"
UNDEFINED_F1 = "no positives, neither real nor called"


class Called(NamedTuple):
    """What two runs call positive of the studies whose label both know."""

    truth: Floats  # (n_studies,): 1, 0 or NaN
    a: NDArray[np.bool_]
    b: NDArray[np.bool_]
    counts: Counts
    one_study_each: bool


class Difference(NamedTuple):
    """A rate of two runs; the resampled differences, and the p of no difference."""

    a: float
    b: float
    resampled: Floats  # (n_resamples,)
    p: float
    n: int
    more: Mapping[str, Any]


def compare_calls(
    scored: Mapping[str, Mapping[str, Scored]], cuts: Mapping[str, Mapping[str, Floats]], rules: Rules
) -> dict[str, Any]:
    """Every pair of runs on every set, `scored[set][run]`, finding by finding.

    Differences of sensitivity and specificity are tested by McNemar's exact test, as its pairs are independent where
    each patient has one study; else by resampling patients, as that of F1 always is.

    Parameters
    ----------
    cuts:
        ``[set][run]``: the frozen threshold of each study and finding, ``(n_studies, n_findings)``; NaN if none.
    """
    rows = []
    for where, runs in scored.items():
        for name_a, name_b in itertools.combinations(runs, 2):
            a, b = runs[name_a].predictions, runs[name_b].predictions
            one_study_each = len(set(a.patient_ids)) == len(a.patient_ids)
            for f, finding in enumerate(a.findings):
                truth = np.where(a.targets[:, f] == b.targets[:, f], a.targets[:, f], np.nan).astype(np.float64)
                margins = [
                    run.logits[:, f].astype(np.float64) - cuts[where][name][:, f]
                    for name, run in ((name_a, a), (name_b, b))
                ]
                excluded = few(truth, rules.min_positives)
                if not excluded and np.isnan(margins).any():
                    excluded = NO_THRESHOLD
                called = Called(truth, margins[0] >= 0, margins[1] >= 0, runs[name_a].counts, one_study_each)
                about = {"set": where, "run_a": name_a, "run_b": name_b, "finding": finding}
                rows += [about | row for row in _measure(called, excluded, rules)]
    name = "every pair of runs × every finding × every test set × sensitivity, specificity and F1"
    return family(name, rows, rules)


def _measure(called: Called, excluded: str, rules: Rules) -> list[dict[str, Any]]:
    made: list[dict[str, Any]] = []
    for measure in ("sensitivity", "specificity", "f1"):
        if excluded:
            number = rules.definitions.number(f"paired_{measure}", np.nan, n=0, reason=excluded)
            made.append({"measure": measure, "a": None, "b": None, "difference": number, "method": None, "p": None})
            continue
        found = _f1(called) if measure == "f1" else _rate(called, 1 if measure == "sensitivity" else 0)
        interval = percentile_interval(found.resampled, alpha=rules.alpha)
        number = rules.definitions.number(
            f"paired_{measure}",
            found.a - found.b,
            low=interval.low,
            high=interval.high,
            n=found.n,
            reason=UNDEFINED_F1,
            n_resamples=interval.n_used,
            n_skipped=interval.n_skipped,
        )
        values = {"a": found.a, "b": found.b, "p": found.p}
        shown = {key: float(value) if np.isfinite(value) else None for key, value in values.items()}
        made.append({"measure": measure} | shown | {"difference": number} | dict(found.more))
    return made


def _rate(called: Called, label: int) -> Difference:
    """Share of the studies with this label that each run calls rightly."""
    chosen = called.truth == label
    right_a, right_b = chosen & (called.a == bool(label)), chosen & (called.b == bool(label))
    only_a, only_b, n = int((right_a & ~right_b).sum()), int((right_b & ~right_a).sum()), int(chosen.sum())
    won, lost, whole = (_total(called.counts, cases) for cases in (right_a & ~right_b, right_b & ~right_a, chosen))
    resampled = np.where(whole > 0, (won - lost) / np.maximum(whole, 1), np.nan)
    p = mcnemar_p(only_a, only_b) if called.one_study_each else bootstrap_p(resampled)
    method = MCNEMAR if called.one_study_each else BOOTSTRAP
    more = {"only_a": only_a, "only_b": only_b, "method": method}
    return Difference(right_a.sum() / n, right_b.sum() / n, resampled, p, n, more)


def _f1(called: Called) -> Difference:
    (a, resampled_a), (b, resampled_b) = (_f1_of(called, calls) for calls in (called.a, called.b))
    differences, n = resampled_a - resampled_b, int((~np.isnan(called.truth)).sum())
    return Difference(a, b, differences, bootstrap_p(differences), n, {"method": BOOTSTRAP})


def _f1_of(called: Called, calls: NDArray[np.bool_]) -> tuple[float, Floats]:
    """F1 of one run: of all studies, and of each resample."""
    known, positive = ~np.isnan(called.truth), called.truth == 1
    hits, wrong = int((calls & positive).sum()), int((calls != positive)[known].sum())
    value = 2 * hits / (2 * hits + wrong) if hits + wrong else np.nan
    return value, replicate_f1(called.truth, calls, called.counts)


def _total(counts: Counts, chosen: NDArray[np.bool_]) -> NDArray[np.int64]:
    return np.asarray(counts[chosen].sum(axis=0, dtype=np.int64))
