"""What the probabilities of a finding are worth: calibration as trained, recalibrated and at a site; decision curve."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, logit

from imagetrain.evaluation.auroc import Floats
from imagetrain.evaluation.bootstrap import Counts
from imagetrain.evaluation.calibration import (
    Coefficient,
    brier_score,
    calibration_curve,
    calibration_error,
    calibration_in_the_large,
    calibration_line,
    replicate_calibration,
)
from imagetrain.evaluation.comparison.families import few
from imagetrain.evaluation.curves import band, rounded
from imagetrain.evaluation.decision import decision_curve, replicate_net_benefit
from imagetrain.evaluation.numbers import Definitions, Options
from imagetrain.evaluation.recalibration import Method
from imagetrain.evaluation.shift import recalibrated_by_halves
from imagetrain.records import Scale
from radprompter.statistics import percentile_interval

DECISIONS: Floats = np.arange(1, 100) / 100
"""Thresholds of probability of a decision curve."""
NO_MAP = (
    "no recalibration: {where} the finding lacks positives or negatives, its logits tell them apart without an error, "
    "or no slope (temperature) above 0 makes the labels likelier"
)
NO_LOGIT = "some probabilities are 0 or 1, which have no logit"
OF_SCORES = "scores of a scale of their own are ranked; they are no probabilities"
NOTHING_KNOWN = few([], 1)


def calibration_and_decision(
    targets: NDArray[np.float32],
    logits: NDArray[np.float32],
    patient_ids: Sequence[str],
    counts: Counts,
    *,
    frozen: Floats | None,
    halves: NDArray[np.bool_] | None,
    scale: Scale = "logit",
    options: Options,
    definitions: Definitions,
) -> dict[str, Any]:
    """Calibration of all that probabilities can be, and the decision curve of the recalibrated ones, as JSON.

    Parameters
    ----------
    targets, logits:
        ``(n_studies,)``; a target is 1, 0 or NaN.
    counts:
        ``(n_studies, n_resamples)``, from `bootstrap.patient_counts`.
    frozen:
        ``(n_studies,)``: probabilities as recalibrated on validation; None if there is no map.
    halves:
        ``(n_studies,)``: which half of a site's patients; None where a set is not external.
    scale:
        Of the logits; where they are scores of another scale, nothing is defined.
    """
    unknown = np.full(targets.shape, np.nan)

    def calibration(method: Method, p: Floats | None, where: str, values: Floats | None = None) -> dict[str, Any]:
        reason = "" if p is not None else NO_MAP.format(where=where) if scale == "logit" else OF_SCORES
        known, p = (unknown, unknown) if p is None else (targets, p)
        own = logit(p) if values is None else values
        found = _numbers(known, p, own, patient_ids, counts, reason, options, definitions)
        return {"method": str(method)} | ({"reason": reason} if reason else {}) | found

    values = logits.astype(np.float64)
    as_trained = expit(values) if scale == "logit" else None
    frozen = frozen if scale == "logit" else None
    made: dict[str, Any] = {"as_trained": calibration(Method.NONE, as_trained, "", values)}
    made["recalibrated"] = made["at_site"] = None
    if options.recalibrate is not Method.NONE:
        made["recalibrated"] = calibration(options.recalibrate, frozen, "on validation")
    if halves is not None:
        here = recalibrated_by_halves(targets, logits, halves) if scale == "logit" else None
        made["at_site"] = calibration(Method.LOGISTIC, here, "in a half of the site's patients")
    best = as_trained if frozen is None else frozen
    source = "as_trained" if frozen is None or options.recalibrate is Method.NONE else "recalibrated"
    return {"calibration": made, "decision": {"from": source} | _decision(targets, best, counts, options)}


def _numbers(
    targets: Floats | NDArray[np.float32],
    p: Floats,
    logits: Floats,
    patient_ids: Sequence[str],
    counts: Counts,
    reason: str,
    options: Options,
    definitions: Definitions,
) -> dict[str, Any]:
    known = ~np.isnan(targets)
    n = int(known.sum())
    reason = reason or ("" if n else NOTHING_KNOWN)
    with_logits = targets if np.isfinite(logits[known]).all() else np.full(targets.shape, np.nan)
    finite = np.where(np.isfinite(logits), logits, 0.0)
    line = calibration_line(with_logits, finite, alpha=options.alpha, patient_ids=patient_ids)

    def coefficient(name: str, found: Coefficient) -> dict[str, Any]:
        why = reason or (found.status.reason if with_logits is targets else NO_LOGIT)
        return definitions.number(name, found.value, low=found.low, high=found.high, n=n, reason=why)

    in_the_large = calibration_in_the_large(with_logits, finite, alpha=options.alpha, patient_ids=patient_ids)
    curve = calibration_curve(targets, p, alpha=options.alpha, patient_ids=patient_ids)
    resampled = replicate_calibration(targets, p, counts)
    brier, error = (percentile_interval(values, alpha=options.alpha) for values in resampled)
    return {
        "in_the_large": coefficient("calibration_in_the_large", in_the_large),
        "slope": coefficient("calibration_slope", line.slope),
        "intercept": coefficient("calibration_intercept", line.intercept),
        "brier": definitions.number(
            "brier", brier_score(targets, p), low=brier.low, high=brier.high, n=n, reason=reason
        ),
        "ece": definitions.number("ece", calibration_error(curve), low=error.low, high=error.high, n=n, reason=reason),
        "curve": [one._asdict() for one in curve],
    }


def _decision(targets: NDArray[np.float32], p: Floats | None, counts: Counts, options: Options) -> dict[str, Any]:
    if p is None or np.isnan(targets).all():
        return {"thresholds": [], "classifier": [], "low": [], "high": [], "everybody": []}
    curve = decision_curve(targets, p, DECISIONS)
    limits = band(replicate_net_benefit(targets, p, DECISIONS, counts).T, options.alpha)
    return {
        "thresholds": rounded(DECISIONS),
        "classifier": rounded(curve.classifier),
        **limits,
        "everybody": rounded(curve.everybody),
    }
