"""One finding of one run on one set of studies: every number, with its interval and definition."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from imagetrain.evaluation.auroc import Floats, average_precision
from imagetrain.evaluation.bootstrap import Counts, replicate, replicate_f1
from imagetrain.evaluation.compare import few
from imagetrain.evaluation.delong import DelongStatus, delong
from imagetrain.evaluation.intervals import auroc_score_interval
from imagetrain.evaluation.numbers import Definitions, Options
from imagetrain.evaluation.thresholds import FrozenThreshold, at_threshold
from radprompter.statistics import percentile_interval

NO_THRESHOLD = "no threshold: on validation the finding lacks positives or negatives"
WITHOUT_DENOMINATOR = {
    "sensitivity": "no positives",
    "specificity": "no negatives",
    "ppv": "nothing is called positive",
    "npv": "nothing is called negative",
}


def measure(
    targets: NDArray[np.float32],
    logits: NDArray[np.float32],
    counts: Counts,
    *,
    threshold: FrozenThreshold,
    options: Options,
    definitions: Definitions,
) -> tuple[dict[str, Any], Floats]:
    """All numbers of a finding, and its AUROC in each resample, ``(n_resamples,)``.

    Parameters
    ----------
    targets, logits:
        ``(n_studies,)``; a target is 1, 0 or NaN.
    counts:
        ``(n_studies, n_resamples)``, from `bootstrap.patient_counts`.
    threshold:
        As chosen on validation, for these studies.
    """
    replicates = replicate(targets, logits, counts)
    found = discrimination(targets, logits, replicates.auroc, replicates.average_precision, options, definitions)
    return found | _at_threshold(targets, logits, threshold, counts, options, definitions), replicates.auroc


def discrimination(
    targets: NDArray[np.float32],
    logits: NDArray[np.float32],
    aurocs: Floats,
    precisions: Floats,
    options: Options,
    definitions: Definitions,
) -> dict[str, Any]:
    """AUROC, average precision and what they are of: the numbers of a finding that need no threshold.

    `aurocs` and `precisions` are those of each resample, ``(n_resamples,)``; the rest is as in `measure`.
    """
    result = delong(targets, logits, alpha=options.alpha)
    n = result.n_positive + result.n_negative
    prevalence = result.n_positive / n if n else np.nan
    scarce = min(result.n_positive, result.n_negative) < options.few_positives
    use_score = scarce or result.status is not DelongStatus.OK
    score = auroc_score_interval(result.auroc, result.n_positive, result.n_negative, alpha=options.alpha)
    resampled = percentile_interval(aurocs, alpha=options.alpha)
    precision = percentile_interval(precisions, alpha=options.alpha)
    excluded = few(targets, options.min_positives)
    reason = DelongStatus.ONE_CLASS.reason if n else "no study with a known label"
    return {
        "n": n,
        "n_positive": result.n_positive,
        "n_negative": result.n_negative,
        "n_unknown": len(targets) - n,
        "prevalence": prevalence if n else None,
        "few_positives": scarce,
        "in_macro": not excluded,
        "excluded_because": excluded or None,
        "auroc": definitions.number(
            "auroc",
            result.auroc,
            low=score.low if use_score else result.low,
            high=score.high if use_score else result.high,
            n=n,
            reason=reason,
            method="score" if use_score else "delong",
        ),
        "auroc_delong": definitions.number(
            "auroc_delong",
            result.auroc,
            low=result.low,
            high=result.high,
            n=n,
            reason=reason,
            variance=result.variance,
            status=str(result.status),
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


def _at_threshold(
    targets: NDArray[np.float32],
    logits: NDArray[np.float32],
    frozen: FrozenThreshold,
    counts: Counts,
    options: Options,
    definitions: Definitions,
) -> dict[str, Any]:
    n, chosen = int((~np.isnan(targets)).sum()), frozen.point
    made: dict[str, Any] = {
        "threshold": definitions.number(
            "threshold",
            chosen.threshold,
            n=n,
            reason=NO_THRESHOLD,
            probability=1 / (1 + float(np.exp(-chosen.threshold))),
            validation_sensitivity=chosen.sensitivity,
            validation_specificity=chosen.specificity,
        )
    }
    if np.isnan(chosen.threshold):
        made |= {name: definitions.number(name, np.nan, n=0, reason=NO_THRESHOLD) for name in WITHOUT_DENOMINATOR}
        return made | {"f1": definitions.number("f1", np.nan, n=0, reason=NO_THRESHOLD), "confusion": None}
    margins = logits.astype(np.float64) - frozen.cuts
    there = at_threshold(targets, margins, 0, alpha=options.alpha)
    made["confusion"] = {name: getattr(there, name) for name in there._fields[:4]}
    for name, reason in WITHOUT_DENOMINATOR.items():
        rate = getattr(there, name)
        made[name] = definitions.number(
            name, rate.value, low=rate.low, high=rate.high, n=rate.denominator, reason=reason, numerator=rate.numerator
        )
    interval = percentile_interval(replicate_f1(targets, margins >= 0, counts), alpha=options.alpha)
    made["f1"] = definitions.number(
        "f1", there.f1, low=interval.low, high=interval.high, n=n, reason="no positives, neither real nor called"
    )
    return made
