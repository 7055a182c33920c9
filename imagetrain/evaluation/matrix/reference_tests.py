"""Tests over a matrix of runs and references: two runs against one reference, one run against two references.

`counted` says for each set which findings its macro means are over, by their columns.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from imagetrain.evaluation.auroc import Floats
from imagetrain.evaluation.bootstrap import in_threads, replicate
from imagetrain.evaluation.comparison.families import Rules, Scored, family, few, macro_difference, pair_runs
from imagetrain.evaluation.matrix.holding import AllHeld, Labels, aurocs_of
from imagetrain.evaluation.matrix.labelers import agreement_of
from imagetrain.records import Predictions
from radprompter.statistics import bootstrap_p, percentile_interval
from radprompter.terminal import Track

Row = dict[str, Any]


def compare_under_references(held: AllHeld, counted: Mapping[str, Sequence[int]], rules: Rules) -> dict[str, Any]:
    """Every pair of runs against the same reference: DeLong a finding, bootstrap of the macro mean."""
    rows, macro = [], []
    for (where, name), runs in held.items():
        tested, _ = pair_runs({where: {run: one.scored for run, one in runs.items()}}, rules)
        rows += [{"reference": name} | row for row in tested]
        for a, b in itertools.combinations(runs, 2):
            sides = [(aurocs_of(one.predictions), one.aurocs) for one in (runs[a].scored, runs[b].scored)]
            about = {"reference": name, "set": where, "run_a": a, "run_b": b}
            macro.append(about | _macro(sides, counted[where], runs[a].scored.predictions, rules))
    declared = "every pair of runs × every reference × every finding × every test set"
    return family(declared, rows, rules) | {"macro": macro}


def compare_references(
    held: AllHeld, first: str, counted: Mapping[str, Sequence[int]], rules: Rules, *, track: Track
) -> dict[str, Any]:
    """Every other reference against the first one, for each run: bootstrap a finding and of the macro mean.

    DeLong's test does not apply: its covariance is that of scores of the same positives and the same negatives, and
    here a study may be a positive to one reference and a negative to the other. Patients are resampled with their
    scores and both labels, so the difference keeps what the references share. `auroc_expected` is what the AUROC
    against the other reference would be if its errors, as the first one sees them, did not depend on the scores.
    """
    rows, macro = [], []
    places = [(where, name, run) for (where, name), runs in held.items() if name != first for run in runs]
    for where, name, run in track(places, "compare references"):
        about = {"set": where, "run": run, "reference_a": name, "reference_b": first}
        sides = {one: held[where, one][run].scored for one in (name, first)}
        found, whole = _references_of(sides, counted[where], rules)
        rows += [about | row for row in found]
        macro.append(about | whole)
    declared = f"every other reference against {first} × every run × every finding × every test set"
    return family(declared, rows, rules) | {"macro": macro}


def _references_of(held: Mapping[str, Scored], counted: Sequence[int], rules: Rules) -> tuple[list[Row], Row]:
    """One run against two references, by their names, on the studies whose label both know."""
    a, b = held.values()
    findings = a.predictions.findings
    both = ~np.isnan(a.predictions.targets) & ~np.isnan(b.predictions.targets)
    sides = [np.where(both, one.predictions.targets, np.float32(np.nan)) for one in (a, b)]
    points = [aurocs_of(replace(a.predictions, targets=side)) for side in sides]
    drawn = [_drawn(one, side) for one, side in zip((a, b), sides, strict=True)]
    rows, chosen, expected = [], [], []
    for f, finding in enumerate(findings):
        reasons = [few(side[:, f], rules.min_positives) for side in sides]
        reason = "; ".join(f"{which}: {text}" for which, text in zip(held, reasons, strict=True) if text)
        if not reason and f in counted:
            chosen.append(f)
        known = int(both[:, f].sum())
        either = ~np.isnan(a.predictions.targets[:, f]) | ~np.isnan(b.predictions.targets[:, f])
        test = _test(points[0][f], points[1][f], drawn[0][:, f] - drawn[1][:, f], known, reason, rules)
        disagree = int((sides[0][both[:, f], f] != sides[1][both[:, f], f]).sum())
        left_out = int(either.sum()) - known
        expected.append(0.5 + (points[1][f] - 0.5) * float(agreement_of(sides[0][:, f], sides[1][:, f]).attenuation))
        counted_out = {"n_left_out": left_out, "n_differing": disagree, "auroc_expected": _defined(expected[f])}
        rows.append({"finding": finding} | counted_out | test)
    whole = _macro(list(zip(points, drawn, strict=True)), chosen, a.predictions, rules)
    mean = float(np.mean([expected[f] for f in chosen])) if chosen else np.nan
    return rows, whole | {"auroc_expected": _defined(mean)}


def _macro(
    sides: Sequence[tuple[Floats, Floats]], chosen: Sequence[int], predictions: Predictions, rules: Rules
) -> Row:
    """The difference of two macro AUROCs; a side is the AUROC of each finding, and that in each resample."""
    defined = [f for f in chosen if all(np.isfinite(points[f]) for points, _ in sides)]
    first, second = ((points[defined], drawn[:, defined]) for points, drawn in sides)
    return macro_difference(first, second, predictions.findings, defined, len(predictions.study_ids), rules)


def _drawn(one: Scored, targets: Labels) -> Floats:
    """AUROC of each resample against `targets`, ``(n_resamples, n_findings)``; those that are known are not redone."""
    own, logits = one.predictions.targets, one.predictions.logits

    def column(f: int) -> Floats:
        if np.array_equal(targets[:, f], own[:, f], equal_nan=True):
            return one.aurocs[:, f]
        return replicate(targets[:, f], logits[:, f], one.counts).auroc

    return np.stack(in_threads(column, range(targets.shape[1])), axis=1)


def _test(a: float, b: float, differences: Floats, n: int, reason: str, rules: Rules) -> Row:
    """A difference of two AUROCs of the same scores against two references, by bootstrap."""
    interval = percentile_interval(differences, alpha=rules.alpha)
    nothing = np.nan if reason else 1.0
    p = bootstrap_p(differences) * nothing
    number = rules.definitions.number(
        "reference_difference",
        (a - b) * nothing,
        low=interval.low * nothing,
        high=interval.high * nothing,
        n=n,
        reason=reason,
        n_resamples=interval.n_used,
        n_skipped=interval.n_skipped,
    )
    values = {"auroc_a": a, "auroc_b": b, "statistic": np.nan, "df": np.nan, "p": p}
    return {key: _defined(value) for key, value in values.items()} | {"difference": number}


def _defined(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
