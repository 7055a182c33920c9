"""What changes at an external site: prevalence, and where a threshold and probabilities of its own would be.

All that is chosen at the site is tested on patients whom it was not chosen on: these are halved, and each half is
given what the other one chose.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from imagetrain.evaluation.auroc import Floats
from imagetrain.evaluation.comparison.families import few
from imagetrain.evaluation.numbers import Definitions, Options
from imagetrain.evaluation.recalibration import Method, recalibrate
from imagetrain.evaluation.thresholds import Rate, at_threshold, choose_threshold, rate_of
from radprompter.statistics import Interval

NO_SET_INSIDE = "there is no internal test set"
NOTHING_KNOWN = few([], 1)
NO_THRESHOLD_HERE = "no threshold: at the site the finding lacks positives or negatives"
NO_THRESHOLD_IN_A_HALF = "no threshold: in a half of the site's patients the finding lacks positives or negatives"


def halves(patient_ids: Sequence[str], *, seed: int | Sequence[int]) -> NDArray[np.bool_]:
    """Which half of the patients each study belongs to, ``(n_studies,)``, drawn at random."""
    _, patient = np.unique(np.asarray(patient_ids, dtype=str), return_inverse=True)
    n_patients = int(patient.max(initial=-1)) + 1
    order = np.random.default_rng(seed).permutation(n_patients)
    return np.asarray(order[patient] < n_patients // 2)


def recalibrated_by_halves(
    targets: NDArray[np.float32], logits: NDArray[np.float32], half: NDArray[np.bool_]
) -> Floats | None:
    """Probabilities, each half recalibrated by logistic regression on the other; None where a half allows none."""
    p = np.empty(logits.shape)
    for rows in (half, ~half):
        to_probability = recalibrate(Method.LOGISTIC, targets[~rows], logits[~rows])
        if to_probability is None:
            return None
        p[rows] = to_probability(logits[rows])
    return p


def margins_by_halves(
    targets: NDArray[np.float32],
    logits: NDArray[np.float32],
    half: NDArray[np.bool_],
    *,
    wanted_sensitivity: float | None,
) -> Floats:
    """Logit less the threshold that the other half gives, ``(n_studies,)``; NaN where it gives none."""
    cuts = np.empty(logits.shape)
    for rows in (half, ~half):
        found = choose_threshold(targets[~rows], logits[~rows], wanted_sensitivity=wanted_sensitivity)
        cuts[rows] = found.threshold
    return logits.astype(np.float64) - cuts


def prevalence_rate(targets: NDArray[np.float32], patient_ids: Sequence[str], *, alpha: float = 0.05) -> Rate:
    """Share of positives among the studies whose label is known, ``(n_studies,)``, with the interval of `rate_of`."""
    known = ~np.isnan(targets)
    return rate_of(targets[known] == 1, np.asarray(patient_ids, dtype=str)[known], alpha=alpha)


def newcombe_interval(first: Rate, second: Rate) -> Interval:
    """Interval of the difference of two proportions, ``first`` less ``second``, from the limits of each.

    R. G. Newcombe, Statistics in Medicine 17 (1998) 873, method 10: squares of the distances to Wilson's limits.
    """
    p, q = first.value, second.value
    below, above = np.hypot(p - first.low, second.high - q), np.hypot(first.high - p, q - second.low)
    return Interval(float(p - q - below), float(p - q + above))


def shift_at_site(
    inside: Rate | None,
    here: Mapping[str, Any],
    targets: NDArray[np.float32],
    logits: NDArray[np.float32],
    patient_ids: Sequence[str],
    half: NDArray[np.bool_],
    options: Options,
    definitions: Definitions,
) -> dict[str, Any]:
    """Prevalence and threshold of a finding inside and at an external site, as JSON.

    Parameters
    ----------
    inside:
        The prevalence in the internal test set, from `prevalence_rate`; None if there is no such set.
    here:
        The row of results of the site.
    targets, logits, patient_ids, half:
        ``(n_studies,)``, of the site.
    """
    known = ~np.isnan(targets)
    at_site = prevalence_rate(targets, patient_ids, alpha=options.alpha)
    own = choose_threshold(targets, logits, wanted_sensitivity=options.wanted_sensitivity)
    made = {
        "prevalence_inside": _prevalence(inside, definitions),
        "prevalence_here": _prevalence(at_site, definitions),
        "prevalence_difference": _difference(inside, at_site, definitions),
        "threshold_inside": here["threshold"],
        "threshold_here": definitions.number(
            "threshold_here",
            own.threshold,
            n=int(known.sum()),
            reason=NO_THRESHOLD_HERE,
            **({"probability": float(expit(own.threshold))} if "probability" in here["threshold"] else {}),
        ),
    }
    margins = margins_by_halves(targets, logits, half, wanted_sensitivity=options.wanted_sensitivity)
    whole = not np.isnan(margins[known]).any() and bool(known.any())
    called = targets if whole else np.full(targets.shape, np.nan)
    there = at_threshold(called, margins, 0, alpha=options.alpha, patient_ids=patient_ids)
    for name in ("sensitivity", "specificity"):
        rate = getattr(there, name)
        made[f"{name}_here"] = definitions.number(
            f"{name}_here",
            rate.value,
            low=rate.low,
            high=rate.high,
            n=rate.denominator,
            reason=NO_THRESHOLD_IN_A_HALF,
            numerator=rate.numerator,
        )
    return made


def _prevalence(rate: Rate | None, definitions: Definitions) -> dict[str, Any]:
    if rate is None:
        return definitions.number("prevalence", np.nan, n=0, reason=NO_SET_INSIDE)
    limits = {"low": rate.low, "high": rate.high}
    return definitions.number("prevalence", rate.value, n=rate.denominator, reason=NOTHING_KNOWN, **limits)


def _difference(inside: Rate | None, here: Rate, definitions: Definitions) -> dict[str, Any]:
    if inside is None or not inside.denominator or not here.denominator:
        reason = NO_SET_INSIDE if inside is None else NOTHING_KNOWN
        return definitions.number("prevalence_difference", np.nan, n=here.denominator, reason=reason)
    low, high = newcombe_interval(here, inside)
    n = here.denominator + inside.denominator
    return definitions.number("prevalence_difference", here.value - inside.value, low=low, high=high, n=n)
