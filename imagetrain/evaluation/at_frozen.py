"""A finding at its frozen threshold: confusion matrix, rates with their intervals, F1."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from imagetrain.evaluation.bootstrap import Counts, replicate_f1
from imagetrain.evaluation.frozen import FrozenThreshold
from imagetrain.evaluation.numbers import Definitions, Options
from imagetrain.evaluation.thresholds import Rate, at_threshold
from imagetrain.records import Scale
from radprompter.statistics import percentile_interval

NO_THRESHOLD = "no threshold: on validation the finding lacks positives or negatives"
NO_VALIDATION = "no threshold: no study of part validation has a known label of the finding"
WITHOUT_DENOMINATOR = {
    "sensitivity": "no positives",
    "specificity": "no negatives",
    "ppv": "nothing is called positive",
    "npv": "nothing is called negative",
}


def at_frozen_threshold(
    targets: NDArray[np.float32],
    logits: NDArray[np.float32],
    patient_ids: Sequence[str],
    frozen: FrozenThreshold,
    counts: Counts,
    options: Options,
    definitions: Definitions,
    *,
    scale: Scale = "logit",
) -> dict[str, Any]:
    """The frozen threshold of a finding, and what it does to the tested studies, ``(n_studies,)``, as JSON."""
    n, chosen = int((~np.isnan(targets)).sum()), frozen.point
    lacking = NO_THRESHOLD if frozen.n else NO_VALIDATION
    made: dict[str, Any] = {
        "threshold": definitions.number(
            "threshold",
            chosen.threshold,
            n=frozen.n,
            reason=lacking,
            validation_sensitivity=chosen.sensitivity,
            validation_specificity=chosen.specificity,
            **({"probability": float(expit(chosen.threshold))} if scale == "logit" else {}),
        )
    }
    if np.isnan(chosen.threshold):
        made |= {name: definitions.number(name, np.nan, n=0, reason=lacking) for name in WITHOUT_DENOMINATOR}
        return made | {"f1": definitions.number("f1", np.nan, n=0, reason=lacking), "confusion": None}
    margins = logits.astype(np.float64) - frozen.cuts
    there = at_threshold(targets, margins, 0, alpha=options.alpha, patient_ids=patient_ids)
    made["confusion"] = {name: getattr(there, name) for name in there._fields[:4]}
    made |= {name: rate_number(name, getattr(there, name), definitions) for name in WITHOUT_DENOMINATOR}
    interval = percentile_interval(replicate_f1(targets, margins >= 0, counts), alpha=options.alpha)
    made["f1"] = definitions.number(
        "f1", there.f1, low=interval.low, high=interval.high, n=n, reason="no positives, neither real nor called"
    )
    return made


def rate_number(name: str, rate: Rate, definitions: Definitions, *, reason: str = "") -> dict[str, Any]:
    """A rate as JSON; `reason` says why there is none, if that is not the lack of a denominator."""
    return definitions.number(
        name,
        rate.value,
        low=rate.low,
        high=rate.high,
        n=rate.denominator,
        reason=reason or WITHOUT_DENOMINATOR[name],
        numerator=rate.numerator,
    )
