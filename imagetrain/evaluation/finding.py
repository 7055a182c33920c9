"""One finding of one run on one set of studies: every number, with its interval and definition."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from imagetrain.evaluation.at_frozen import at_frozen_threshold
from imagetrain.evaluation.auroc import Floats, auroc, average_precision
from imagetrain.evaluation.bootstrap import Counts, replicate, replicate_curves
from imagetrain.evaluation.comparison.families import few
from imagetrain.evaluation.curves import GRID, drawn_curves
from imagetrain.evaluation.delong import DelongStatus, delong
from imagetrain.evaluation.frozen import FrozenThreshold
from imagetrain.evaluation.intervals import auroc_score_interval, is_scarce
from imagetrain.evaluation.numbers import Definitions, Options
from imagetrain.evaluation.permutation import permutation_test
from imagetrain.evaluation.probabilities import calibration_and_decision
from imagetrain.records import Scale
from radprompter.statistics import percentile_interval

NOTHING_KNOWN = few([], 1)
PERMUTING = 2  # tells the draws of permutations from others of a set


class Tested(NamedTuple):
    """What the findings of a run on a set of studies have in common."""

    patient_ids: tuple[str, ...]
    counts: Counts  # (n_studies, n_resamples), from `bootstrap.patient_counts`
    folds: NDArray[np.int64] | None  # (n_studies,): the fold whose network scored each, where they are pooled
    halves: NDArray[np.bool_] | None  # (n_studies,), from `shift.halves`; None where the set is not external
    seed: tuple[int, ...]  # of what is drawn for this set
    scale: Scale = "logit"  # of what is called logits here


class Frozen(NamedTuple):
    """What validation has chosen for a finding, for the tested studies."""

    threshold: FrozenThreshold
    probabilities: Floats | None  # (n_studies,), recalibrated; None if that could not be


class Measured(NamedTuple):
    """All numbers of a finding as JSON, its curves (None if a class is absent), and its AUROC in each resample."""

    row: dict[str, Any]
    curves: dict[str, Any] | None
    aurocs: Floats  # (n_resamples,)
    aurocs_by_fold: Floats  # (n_resamples,): mean over folds; NaN without folds


def measure(
    targets: NDArray[np.float32],
    logits: NDArray[np.float32],
    tested: Tested,
    *,
    frozen: Frozen,
    options: Options,
    definitions: Definitions,
) -> Measured:
    """All numbers of a finding of a run on a set.

    Parameters
    ----------
    targets, logits:
        ``(n_studies,)``; a target is 1, 0 or NaN.
    """
    replicates = replicate_curves(targets, logits, tested.counts, false_positive_rates=GRID, recalls=GRID)
    row = discrimination(targets, logits, tested.patient_ids, *replicates.areas, options, definitions)
    by_fold, aurocs_by_fold = _by_fold(targets, logits, tested, options, definitions)
    row |= {"auroc_folds": by_fold, "permutation": _permutation(targets, logits, tested, options, definitions)}
    row |= at_frozen_threshold(
        targets,
        logits,
        tested.patient_ids,
        frozen.threshold,
        tested.counts,
        options,
        definitions,
        scale=tested.scale,
    )
    row |= calibration_and_decision(
        targets,
        logits,
        tested.patient_ids,
        tested.counts,
        frozen=frozen.probabilities,
        halves=tested.halves,
        scale=tested.scale,
        options=options,
        definitions=definitions,
    )
    undefined = row["auroc"]["value"] is None
    curves = None if undefined else drawn_curves(targets, logits, replicates, alpha=options.alpha)
    return Measured(row, curves, replicates.areas.auroc, aurocs_by_fold)


def discrimination(
    targets: NDArray[np.float32],
    logits: NDArray[np.float32],
    patient_ids: Sequence[str],
    aurocs: Floats,
    precisions: Floats,
    options: Options,
    definitions: Definitions,
) -> dict[str, Any]:
    """AUROC, average precision and what they are of: the numbers of a finding that need no threshold.

    `aurocs` and `precisions` are those of each resample, ``(n_resamples,)``; the rest is as in `measure`.
    """
    result = delong(targets, logits, alpha=options.alpha, patient_ids=patient_ids)
    n = result.n_positive + result.n_negative
    prevalence = result.n_positive / n if n else np.nan
    resampled = percentile_interval(aurocs, alpha=options.alpha)
    precision = percentile_interval(precisions, alpha=options.alpha)
    excluded = few(targets, options.min_positives)
    reason = DelongStatus.ONE_CLASS.reason if n else NOTHING_KNOWN
    return {
        "n": n,
        "n_positive": result.n_positive,
        "n_negative": result.n_negative,
        "n_unknown": len(targets) - n,
        "prevalence": prevalence if n else None,
        "few_positives": min(result.n_positive, result.n_negative) < options.few_positives,
        "in_macro": not excluded,
        "excluded_because": excluded or None,
        "auroc": auroc_number(targets, logits, patient_ids, options, definitions),
        "auroc_delong": definitions.number(
            "auroc_delong",
            result.auroc,
            low=result.low,
            high=result.high,
            n=n,
            reason=reason,
            variance=result.variance,
            status=str(result.status),
            method=str(result.method),
        ),
        "auroc_bootstrap": definitions.number(
            "auroc_bootstrap",
            result.auroc,
            low=resampled.low,
            high=resampled.high,
            n=n,
            reason=reason,
            n_resamples=resampled.n_used,
            n_skipped=resampled.n_skipped,
        ),
        "average_precision": definitions.number(
            "average_precision",
            average_precision(targets, logits),
            low=precision.low,
            high=precision.high,
            n=n,
            reason=reason,
            baseline=prevalence,
        ),
    }


def auroc_number(
    targets: NDArray[np.float32],
    logits: NDArray[np.float32],
    patient_ids: Sequence[str],
    options: Options,
    definitions: Definitions,
) -> dict[str, Any]:
    """AUROC with DeLong's interval, or with the score interval where that would be too narrow, as JSON."""
    result = delong(targets, logits, alpha=options.alpha, patient_ids=patient_ids)
    n = result.n_positive + result.n_negative
    patients = np.asarray(patient_ids, dtype=str)
    n_units = [len(np.unique(patients[targets == label])) for label in (1, 0)]
    scarce = is_scarce(result.auroc, *n_units, few=options.few_positives)
    use_score = scarce or result.status is not DelongStatus.OK
    score = auroc_score_interval(result.auroc, *n_units, alpha=options.alpha)
    return definitions.number(
        "auroc",
        result.auroc,
        low=score.low if use_score else result.low,
        high=score.high if use_score else result.high,
        n=n,
        reason=DelongStatus.ONE_CLASS.reason if n else NOTHING_KNOWN,
        method="score" if use_score else str(result.method),
    )


def _by_fold(
    targets: NDArray[np.float32],
    logits: NDArray[np.float32],
    tested: Tested,
    options: Options,
    definitions: Definitions,
) -> tuple[dict[str, Any] | None, Floats]:
    """The mean over folds of the AUROC, and that of each resample; None and NaN without folds."""
    if tested.folds is None:
        return None, np.full(tested.counts.shape[1], np.nan)
    folds = [tested.folds == fold for fold in np.unique(tested.folds)]
    values = [auroc(targets[rows], logits[rows]) for rows in folds]
    resampled = np.mean([replicate(targets[rows], logits[rows], tested.counts[rows]).auroc for rows in folds], axis=0)
    interval = percentile_interval(resampled, alpha=options.alpha)
    lacking = int(np.isnan(values).sum())
    number = definitions.number(
        "auroc_folds",
        float(np.mean(values)),
        low=interval.low,
        high=interval.high,
        n=int((~np.isnan(targets)).sum()),
        reason=f"positives or negatives are absent in {lacking} of {len(folds)} folds",
        n_resamples=interval.n_used,
        n_skipped=interval.n_skipped,
        folds=[None if np.isnan(value) else value for value in values],
    )
    return number, resampled


def _permutation(
    targets: NDArray[np.float32],
    logits: NDArray[np.float32],
    tested: Tested,
    options: Options,
    definitions: Definitions,
) -> dict[str, Any]:
    n, n_permutations = int((~np.isnan(targets)).sum()), options.permutations
    if not n_permutations:
        reason = "no permutations were asked for"
        return definitions.number("permutation", np.nan, n=n, reason=reason, n_permutations=0)
    seed = [*tested.seed, PERMUTING]
    test = permutation_test(targets, logits, tested.patient_ids, permutations=n_permutations, seed=seed)
    return definitions.number(
        "permutation", test.p, n=n, reason=DelongStatus.ONE_CLASS.reason, n_permutations=n_permutations
    )
