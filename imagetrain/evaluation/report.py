"""All numbers of an evaluation: every run on every test set, finding by finding, and the comparisons between them."""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from imagetrain.evaluation.auroc import Floats
from imagetrain.evaluation.bootstrap import Counts, in_threads, patient_counts
from imagetrain.evaluation.comparison.calls import compare_calls
from imagetrain.evaluation.comparison.families import Rules, Scored, compare_runs, compare_sites
from imagetrain.evaluation.finding import Frozen, Measured, Tested, measure
from imagetrain.evaluation.frozen import freeze_probabilities, freeze_thresholds
from imagetrain.evaluation.macro import macro_mean
from imagetrain.evaluation.matrix.cells import cross_schema
from imagetrain.evaluation.notes import notes_on, notes_on_folds, notes_on_patients
from imagetrain.evaluation.numbers import Definitions, Options
from imagetrain.evaluation.shift import halves, prevalence_rate, shift_at_site
from imagetrain.evaluation.subgroups import SITE, Attribute, measure_subgroups, sites_of
from imagetrain.evaluation.testsets import EvaluationSet, evaluation_sets, label_counts, validation_predictions
from imagetrain.records import ALL_FOLDS, EXTERNAL, TEST, EvaluationReport, Predictions, ReferenceLabels, name_findings
from radprompter.terminal import Track, quiet

FORMAT = 2
HALVING = 1  # tells the draw of halves of a site's patients from others of the set


def evaluate(
    runs: Mapping[str, Predictions],
    *,
    titles: Mapping[str, str] | None = None,
    references: Mapping[str, ReferenceLabels] | None = None,
    options: Options | None = None,
    attributes: Sequence[Attribute] = (),
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
    references:
        By name, what else every run is held against, as a matrix; the others are compared with the first.
    attributes:
        What subgroups are of, beside the site where a set has several.

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
    subgroups: list[dict[str, Any]] = []
    scored: dict[str, dict[str, Scored]] = {one.key: {} for one in sets}
    cuts: dict[str, dict[str, Floats]] = {one.key: {} for one in sets}
    counts = {one.key: resample_set(one, options) for one in sets}
    for one, run in track([(one, run) for one in sets for run in runs], "evaluate"):
        about, predictions = {"run": run, "set": one.key}, one.predictions[run]
        tested = _tested(one, predictions, counts[one.key], options)
        frozen = _freeze(validation[run], predictions, options)
        measured = _measure(predictions, tested, frozen, options, rules.definitions)
        rows = [{"finding": finding} | found.row for finding, found in zip(findings, measured, strict=True)]
        inside = next((there.predictions[run] for there in sets if there.part == TEST), None)
        rows = _with_shift(rows, inside, predictions, tested, options, rules.definitions)
        aurocs = np.stack([found.aurocs for found in measured], axis=1)
        by_fold = np.stack([found.aurocs_by_fold for found in measured], axis=1)
        scored[one.key][run] = Scored(predictions, counts[one.key], aurocs)
        cuts[one.key][run] = np.stack([chosen.threshold.cuts for chosen in frozen], axis=1)
        by = _attributes_in(predictions, attributes)
        groups = measure_subgroups(by, predictions, tested.counts, cuts[one.key][run], options, rules.definitions)
        subgroups += [about | group for group in groups]
        results += [about | row for row in rows]
        macro.append(about | macro_mean(rows, aurocs, by_fold, len(one.patient_ids), options, rules.definitions))
        drawn = ({"finding": row["finding"]} | (found.curves or {}) for row, found in zip(rows, measured, strict=True))
        curves += [about | curve for curve in drawn if len(curve) > 1]
    metrics: dict[str, Any] = {
        "format": FORMAT,
        "options": asdict(options),
        "findings": [{"name": name, "title": title} for name, title in name_findings(findings, titles).items()],
        "runs": list(runs),
        "sets": [one.describe() for one in sets],
        "label_counts": label_counts(runs),
        "macro": macro,
        "results": results,
        "attributes": [item for one in sets for item in _describe_attributes(one, attributes)],
        "subgroups": subgroups,
        "comparisons": {
            "runs": compare_runs(scored, rules),
            "calls": compare_calls(scored, cuts, rules),
            "sites": compare_sites(scored, rules, internal=TEST),
        },
        "matrix": cross_schema(scored, references, rules, options, track=track) if references else None,
        "definitions": rules.definitions.texts,
        "curves": curves,
    }
    metrics["notes"] = notes_on(metrics) + notes_on_patients(runs) + notes_on_folds(runs)
    return EvaluationReport(metrics)


def resample_set(one: EvaluationSet, options: Options) -> Counts:
    """The resamples of a set: a stream of its own, so that sites are resampled independently."""
    stream = [options.seed, zlib.crc32(one.key.encode())]
    return patient_counts(one.patient_ids, resamples=options.resamples, seed=stream)


def _attributes_in(predictions: Predictions, attributes: Sequence[Attribute]) -> list[Attribute]:
    """The attributes, with the site as one more where the studies are of several sites."""
    several = len(set(predictions.sites)) > 1 and all(one.name != SITE for one in attributes)
    return [*attributes, *([sites_of(predictions)] if several else [])]


def _describe_attributes(one: EvaluationSet, attributes: Sequence[Attribute]) -> list[dict[str, Any]]:
    first = next(iter(one.predictions.values()))
    made = (attribute.describe(first.study_ids) for attribute in _attributes_in(first, attributes))
    return [{"set": one.key} | item for item in made]


def _tested(one: EvaluationSet, predictions: Predictions, counts: Counts, options: Options) -> Tested:
    seed = (options.seed, zlib.crc32(one.key.encode()))
    pooled = predictions.folds is not None and any(fold != ALL_FOLDS for fold in predictions.folds)
    folds = np.array(predictions.folds, dtype=np.int64) if pooled else None
    half = halves(one.patient_ids, seed=[*seed, HALVING]) if one.part == EXTERNAL else None
    return Tested(one.patient_ids, counts, folds, half, seed, predictions.scale)


def _freeze(validation: Predictions, predictions: Predictions, options: Options) -> list[Frozen]:
    thresholds = freeze_thresholds(validation, predictions, wanted_sensitivity=options.wanted_sensitivity)
    probabilities = freeze_probabilities(validation, predictions, options.recalibrate)
    return [Frozen(*pair) for pair in zip(thresholds, probabilities, strict=True)]


def _measure(
    predictions: Predictions, tested: Tested, frozen: Sequence[Frozen], options: Options, definitions: Definitions
) -> list[Measured]:
    """Every finding, in threads."""

    def one(f: int) -> Measured:
        targets, logits = predictions.targets[:, f], predictions.logits[:, f]
        return measure(targets, logits, tested, frozen=frozen[f], options=options, definitions=definitions)

    return in_threads(one, range(len(frozen)))


def _with_shift(
    rows: Sequence[dict[str, Any]],
    inside: Predictions | None,
    predictions: Predictions,
    tested: Tested,
    options: Options,
    definitions: Definitions,
) -> list[dict[str, Any]]:
    if tested.halves is None:
        return [row | {"shift": None} for row in rows]
    made = []
    for f, row in enumerate(rows):
        studies = predictions.targets[:, f], predictions.logits[:, f], tested.patient_ids, tested.halves
        there = None
        if inside is not None:
            there = prevalence_rate(inside.targets[:, f], inside.patient_ids, alpha=options.alpha)
        made.append(row | {"shift": shift_at_site(there, row, *studies, options, definitions)})
    return made
