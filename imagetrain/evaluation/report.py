"""All numbers of an evaluation: every run on every test set, finding by finding, and the comparisons between them."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import numpy as np

from imagetrain.evaluation.auroc import Floats, corners, roc_curve
from imagetrain.evaluation.bootstrap import Counts, patient_counts
from imagetrain.evaluation.calls import compare_calls
from imagetrain.evaluation.compare import Rules, Scored, compare_runs, compare_sites
from imagetrain.evaluation.finding import measure
from imagetrain.evaluation.numbers import Definitions, Options
from imagetrain.evaluation.testsets import EvaluationSet, evaluation_sets, validation_predictions
from imagetrain.evaluation.thresholds import freeze_thresholds
from imagetrain.records import PARTS, TEST, EvaluationReport, Predictions
from radprompter.statistics import percentile_interval
from radprompter.terminal import Track, quiet

FORMAT = 1


def evaluate(
    runs: Mapping[str, Predictions],
    *,
    titles: Mapping[str, str] | None = None,
    options: Options | None = None,
    track: Track = quiet,
) -> EvaluationReport:
    """Evaluate classifiers inside and outside, and against each other.

    Parameters
    ----------
    runs:
        Name of a run -> its predictions, with the parts ``validation`` (thresholds), ``test`` (inside) and
        ``external`` (outside, one set a site).
    titles:
        Name of a finding -> how to print it.

    Raises
    ------
    InputError
        If there is nothing to evaluate, or if the runs do not predict the same studies and findings.
    """
    options = options or Options()
    sets = evaluation_sets(runs)
    validation = validation_predictions(runs)
    findings = sets[0].predictions[next(iter(runs))].findings
    rules = Rules(options.min_positives, options.alpha, Definitions(options))
    results: list[dict[str, Any]] = []
    macro: list[dict[str, Any]] = []
    curves: list[dict[str, Any]] = []
    scored: dict[str, dict[str, Scored]] = {one.key: {} for one in sets}
    cuts: dict[str, dict[str, Floats]] = {one.key: {} for one in sets}
    counts = {one.key: _counts(one, options) for one in sets}
    for one, run in track([(one, run) for one in sets for run in runs], "evaluate"):
        predictions = one.predictions[run]
        frozen = freeze_thresholds(validation[run], predictions)
        rows, aurocs = [], np.full((options.resamples, len(findings)), np.nan)
        for f, finding in enumerate(findings):
            row, aurocs[:, f] = measure(
                predictions.targets[:, f],
                predictions.logits[:, f],
                counts[one.key],
                threshold=frozen[f],
                options=options,
                definitions=rules.definitions,
            )
            rows.append({"finding": finding} | row)
        scored[one.key][run] = Scored(predictions, counts[one.key], aurocs)
        cuts[one.key][run] = np.stack([threshold.cuts for threshold in frozen], axis=1)
        results += [{"run": run, "set": one.key} | row for row in rows]
        macro.append({"run": run, "set": one.key} | _macro(rows, aurocs, predictions, options, rules.definitions))
        curves += [{"run": run, "set": one.key} | curve for curve in _curves(predictions, rows)]
    metrics: dict[str, Any] = {
        "format": FORMAT,
        "options": asdict(options),
        "findings": [
            {"name": name, "title": (titles or {}).get(name) or name.replace("_", " ").capitalize()}
            for name in findings
        ],
        "runs": list(runs),
        "sets": [_describe(one) for one in sets],
        "label_counts": _label_counts(runs),
        "macro": macro,
        "results": results,
        "comparisons": {
            "runs": compare_runs(scored, rules),
            "calls": compare_calls(scored, cuts, rules),
            "sites": compare_sites(scored, rules, internal=TEST),
        },
        "definitions": rules.definitions.texts,
        "curves": curves,
    }
    metrics["notes"] = _notes(metrics) + _notes_on_folds(runs)
    return EvaluationReport(metrics)


def _counts(one: EvaluationSet, options: Options) -> Counts:
    """The resamples of a set: a stream of its own, so that sites are resampled independently."""
    stream = [options.seed, zlib.crc32(one.key.encode())]
    return patient_counts(one.patient_ids, resamples=options.resamples, seed=stream)


def _describe(one: EvaluationSet) -> dict[str, Any]:
    first = next(iter(one.predictions.values()))
    n_patients = len(set(first.patient_ids))
    about = {"key": one.key, "part": one.part, "site": one.site, "title": one.title}
    return about | {"n_studies": len(first.study_ids), "n_patients": n_patients}


def _macro(
    rows: list[dict[str, Any]],
    aurocs: Floats,
    predictions: Predictions,
    options: Options,
    definitions: Definitions,
) -> dict[str, Any]:
    chosen = [f for f, row in enumerate(rows) if row["in_macro"]]
    values = [rows[f]["auroc"]["value"] for f in chosen]
    interval = percentile_interval(aurocs[:, chosen].mean(axis=1) if chosen else [], alpha=options.alpha)
    return {
        "auroc": definitions.number(
            "macro_auroc",
            float(np.mean(values)) if values else np.nan,
            low=interval.low,
            high=interval.high,
            n=len(predictions.study_ids),
            reason=f"no finding has {options.min_positives} positives and a negative here",
            n_resamples=interval.n_used,
            n_skipped=interval.n_skipped,
        ),
        "min": min(values, default=None),
        "max": max(values, default=None),
        "n_findings": len(chosen),
        "n_all_findings": len(rows),
        "findings": [rows[f]["finding"] for f in chosen],
        "excluded": [
            {"finding": row["finding"], "n_positive": row["n_positive"], "reason": row["excluded_because"]}
            for row in rows
            if not row["in_macro"]
        ],
    }


def _curves(predictions: Predictions, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    made = []
    for f, row in enumerate(rows):
        if row["auroc"]["value"] is None:
            continue
        x, y = corners(roc_curve(predictions.targets[:, f], predictions.logits[:, f]))
        made.append({"finding": row["finding"], "false_positive_rate": x, "true_positive_rate": y})
    return made


def _label_counts(runs: Mapping[str, Predictions]) -> list[dict[str, Any]]:
    """Labels of each run, part, site and finding, as the run was trained on or tested against them."""
    made = []
    for run, predictions in runs.items():
        where = list(zip(predictions.parts, predictions.sites, strict=True))
        for part, site in sorted(set(where), key=lambda place: (PARTS.index(place[0]), place[1])):
            found = {predictions.study_ids[i]: i for i, place in enumerate(where) if place == (part, site)}
            rows = list(found.values())  # with folds a study may validate several networks
            for f, finding in enumerate(predictions.findings):
                labels = predictions.targets[rows, f]
                known = int((~np.isnan(labels)).sum())
                positive = int((labels == 1).sum())
                made.append(
                    {
                        "run": run,
                        "part": part,
                        "site": site,
                        "finding": finding,
                        "n_studies": len(rows),
                        "n": known,
                        "n_positive": positive,
                        "prevalence": positive / known if known else None,
                    }
                )
    return made


def _notes(metrics: Mapping[str, Any]) -> list[str]:
    """What a reader must know before the numbers."""
    notes = []
    if all(row["auroc"]["value"] is None for row in metrics["results"]):
        notes.append(
            "No AUROC is defined: no finding has both positives and negatives in any test set. "
            "The test labels need studies with and without the finding."
        )
    left_out = sum(row["n_left_out"] for row in metrics["comparisons"]["runs"]["rows"])
    if left_out:
        notes.append(
            f"The runs are tested against different labels in {left_out} cells (uncertain labels follow each run's "
            "policy); paired comparisons leave these cells out. A definitive reference avoids this."
        )
    if not any(one["part"] != TEST for one in metrics["sets"]):
        notes.append("There is no external site: nothing is known about how the classifiers do elsewhere.")
    return notes


def _notes_on_folds(runs: Mapping[str, Predictions]) -> list[str]:
    n_folds = max((fold for run in runs.values() for fold in run.folds or ()), default=0)
    if not n_folds:
        return []
    return [
        f"Inside, the predictions of {n_folds} networks are pooled, each on the studies of its own fold. Their logits "
        "are ranked together although the networks may be calibrated apart, which tends to lower an AUROC. Intervals "
        "and tests take the pool for one fixed classifier: they say nothing of networks trained on other data.",
        f"Outside, a study has the mean of the {n_folds} networks' logits.",
    ]
