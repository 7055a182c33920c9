"""Runs against each other on the same studies, and one run at two sites."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from imagetrain.evaluation.auroc import Floats
from imagetrain.evaluation.bootstrap import Counts, replicate
from imagetrain.evaluation.delong import DelongTest, paired_test, unpaired_test
from imagetrain.evaluation.numbers import Definitions
from imagetrain.records import Predictions
from radprompter.statistics import benjamini_hochberg, bootstrap_p, percentile_interval

CAVEAT = (
    "The sites differ in patients, scanners, prevalence and in how reports become labels, so a difference between them "
    "is not due to the images alone; and no significant difference is not evidence of equality."
)


class Scored(NamedTuple):
    """One run on one evaluation set: predictions, the resamples, and the AUROC of each resample and finding."""

    predictions: Predictions
    counts: Counts
    aurocs: Floats  # (n_resamples, n_findings)


class Rules(NamedTuple):
    """What the comparisons have in common."""

    min_positives: int
    alpha: float
    definitions: Definitions


def few(targets: ArrayLike, min_positives: int) -> str:
    """Why a finding does not count in macro means and tests; empty if it does."""
    values = np.asarray(targets, dtype=np.float64)
    positives, negatives = int((values == 1).sum()), int((values == 0).sum())
    if positives + negatives == 0:
        return "no study with a known label"
    if positives < min_positives:
        return (
            "no positives"
            if not positives
            else f"{positives} positive{'s' * (positives > 1)}, fewer than {min_positives}"
        )
    return "no negatives" if not negatives else ""


def compare_runs(scored: Mapping[str, Mapping[str, Scored]], rules: Rules) -> dict[str, Any]:
    """Every pair of runs on every evaluation set, `scored[set][run]`: per finding (DeLong) and macro (bootstrap)."""
    rows, macro = pair_runs(scored, rules)
    return family("every pair of runs × every finding × every test set", rows, rules) | {"macro": macro}


def pair_runs(
    scored: Mapping[str, Mapping[str, Scored]], rules: Rules
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """The tests of `compare_runs` as rows a finding and rows of macro means, not adjusted over any family yet."""
    rows, macro = [], []
    for where, runs in scored.items():
        for name_a, name_b in itertools.combinations(runs, 2):
            a, b = runs[name_a], runs[name_b]
            common = np.where(a.predictions.targets == b.predictions.targets, a.predictions.targets, np.nan)
            about = {"set": where, "run_a": name_a, "run_b": name_b}
            first, second = a.predictions, b.predictions
            for f, finding in enumerate(first.findings):
                labels = common[:, f]
                columns, patients = (first.logits[:, f], second.logits[:, f]), first.patient_ids
                test = paired_test(labels, *columns, alpha=rules.alpha, patient_ids=patients)
                n = int((~np.isnan(labels)).sum())
                either = ~np.isnan(first.targets[:, f]) | ~np.isnan(second.targets[:, f])
                row = _row("paired", test, n, few(labels, rules.min_positives), rules)
                rows.append(about | {"finding": finding, "n_left_out": int(either.sum()) - n} | row)
            macro.append(about | _macro_runs(a, b, common, rules))
    return rows, macro


def compare_sites(scored: Mapping[str, Mapping[str, Scored]], rules: Rules, *, internal: str) -> dict[str, Any]:
    """Each run on the internal against each external set: per finding (unpaired DeLong) and macro (bootstrap)."""
    rows, macro = [], []
    for where in (key for key in scored if key != internal and internal in scored):
        for run in scored[internal]:
            a, b = scored[internal][run], scored[where][run]
            about = {"set_a": internal, "set_b": where, "run": run}
            ours, theirs = a.predictions, b.predictions
            for f, finding in enumerate(ours.findings):
                labels = ours.targets[:, f], theirs.targets[:, f]
                test = unpaired_test(
                    labels[0],
                    ours.logits[:, f],
                    labels[1],
                    theirs.logits[:, f],
                    alpha=rules.alpha,
                    patient_ids_a=ours.patient_ids,
                    patient_ids_b=theirs.patient_ids,
                )
                reasons = [few(y, rules.min_positives) for y in labels]
                sides = zip(("inside", "outside"), reasons, strict=True)
                reason = "; ".join(f"{side}: {text}" for side, text in sides if text)
                n = sum(int((~np.isnan(y)).sum()) for y in labels)
                rows.append(about | {"finding": finding} | _row("unpaired", test, n, reason, rules))
            macro.append(about | _macro_sites(a, b, rules))
    return family("every run × every finding × every external site", rows, rules) | {"macro": macro, "caveat": CAVEAT}


def _row(name: str, test: DelongTest, n: int, excluded: str, rules: Rules) -> dict[str, Any]:
    """A test as JSON; a finding that is `excluded` keeps its AUROCs but is not tested."""
    reason = excluded or test.status.reason
    nothing = np.nan if reason else 1.0
    low, high = test.low * nothing, test.high * nothing
    number = rules.definitions.number(name, test.difference * nothing, low=low, high=high, n=n, reason=reason)
    values = {"auroc_a": test.auroc_a, "auroc_b": test.auroc_b}
    values |= {"statistic": test.statistic * nothing, "df": test.df * nothing, "p": test.p * nothing}
    return {key: float(v) if np.isfinite(v) else None for key, v in values.items()} | {
        "difference": number,
        "method": str(test.method),
    }


def family(declared: str, rows: list[dict[str, Any]], rules: Rules) -> dict[str, Any]:
    """A declared family of tests with their p values adjusted over it."""
    adjusted = benjamini_hochberg([np.nan if row["p"] is None else row["p"] for row in rows])
    for row, p in zip(rows, adjusted.p, strict=True):
        row["p_adjusted"] = None if np.isnan(p) else float(p)
        row["significant"] = bool(p <= rules.alpha)
    return {
        "family": declared,
        "m": adjusted.m,
        "n_undefined": len(rows) - adjusted.m,
        "n_significant": sum(row["significant"] for row in rows),
        "definition": rules.definitions.texts["p_adjusted"],
        "rows": rows,
    }


def _macro_runs(a: Scored, b: Scored, common: NDArray[np.float32], rules: Rules) -> dict[str, Any]:
    chosen = [f for f in range(common.shape[1]) if not few(common[:, f], rules.min_positives)]
    return macro_difference(
        _on(a, common, chosen), _on(b, common, chosen), a.predictions.findings, chosen, len(common), rules
    )


def _macro_sites(a: Scored, b: Scored, rules: Rules) -> dict[str, Any]:
    chosen = [
        f
        for f in range(len(a.predictions.findings))
        if not few(a.predictions.targets[:, f], rules.min_positives)
        and not few(b.predictions.targets[:, f], rules.min_positives)
    ]
    first, second = _on(a, a.predictions.targets, chosen), _on(b, b.predictions.targets, chosen)
    n = len(a.predictions.study_ids) + len(b.predictions.study_ids)
    return macro_difference(first, second, a.predictions.findings, chosen, n, rules)


def _on(run: Scored, targets: NDArray[np.float32], chosen: Sequence[int]) -> tuple[Floats, Floats]:
    """AUROCs of the chosen findings against `targets`: of all studies, ``(k,)``, and of each resample, ``(B, k)``."""
    from imagetrain.evaluation.auroc import auroc

    own = run.predictions.targets
    points = np.array([auroc(targets[:, f], run.predictions.logits[:, f]) for f in chosen])
    columns = [
        run.aurocs[:, f]
        if np.array_equal(targets[:, f], own[:, f], equal_nan=True)
        else replicate(targets[:, f], run.predictions.logits[:, f], run.counts).auroc
        for f in chosen
    ]
    return points, np.stack(columns, axis=1) if columns else np.empty((len(run.aurocs), 0))


def macro_difference(
    first: tuple[Floats, Floats],
    second: tuple[Floats, Floats],
    findings: Sequence[str],
    chosen: Sequence[int],
    n: int,
    rules: Rules,
) -> dict[str, Any]:
    """A difference of two macro AUROCs over the chosen findings; `first` and `second` are as `_on` gives them."""
    covered = [findings[f] for f in chosen]
    if not chosen:
        reason = f"no finding has {rules.min_positives} positives and a negative on both sides"
        number = rules.definitions.number("macro_difference", np.nan, n=n, reason=reason)
        return {"auroc_a": None, "auroc_b": None, "difference": number, "p": None, "n_findings": 0, "findings": []}
    a, b = float(first[0].mean()), float(second[0].mean())
    differences = first[1].mean(axis=1) - second[1].mean(axis=1)
    interval = percentile_interval(differences, alpha=rules.alpha)
    number = rules.definitions.number(
        "macro_difference",
        a - b,
        low=interval.low,
        high=interval.high,
        n=n,
        n_resamples=interval.n_used,
        n_skipped=interval.n_skipped,
    )
    p = bootstrap_p(differences)
    found = {"auroc_a": a, "auroc_b": b, "difference": number, "p": None if np.isnan(p) else p}
    return found | {"n_findings": len(chosen), "findings": covered}
