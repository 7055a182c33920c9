"""A number as ``metrics.json`` has it: value, interval, n, and the words that define it; or null with the reason."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any

from imagetrain.evaluation.definitions import DEFINITIONS
from imagetrain.evaluation.intervals import FEW_ERRORS
from imagetrain.evaluation.recalibration import Method


@dataclass(frozen=True, slots=True)
class Options:
    """How an evaluation is done.

    Parameters
    ----------
    min_positives:
        Findings with fewer positives in a test set are left out of its macro mean and of tests.
    few_positives:
        Below this many positives or negatives, the interval of an AUROC is the score interval.
    resamples:
        Resamples of patients; 0 leaves all bootstrap intervals undefined.
    seed:
        Of the resamples.
    alpha:
        Intervals cover ``1 - alpha``; also the false discovery rate.
    wanted_sensitivity:
        Thresholds have it on validation; None: Youden's rule.
    recalibrate:
        How probabilities are recalibrated on validation.
    permutations:
        Of labels, for the test against chance; 0: no such test.
    """

    min_positives: int = 10
    few_positives: int = 30
    resamples: int = 1000
    seed: int = 0
    alpha: float = 0.05
    wanted_sensitivity: float | None = None
    recalibrate: Method = Method.TEMPERATURE
    permutations: int = 1000

    @property
    def threshold_rule(self) -> str:
        """How thresholds are chosen, in words."""
        if self.wanted_sensitivity is None:
            return "Youden: the logit with the largest sensitivity + specificity − 1 (of equals, the highest)"
        return f"The highest logit with a sensitivity of at least {self.wanted_sensitivity:g}"


class Definitions:
    """The definitions with the settings of one evaluation filled in."""

    def __init__(self, options: Options) -> None:
        words = asdict(options) | {"threshold_rule": options.threshold_rule, "few_errors": FEW_ERRORS}
        self.texts = {name: text.format(**words) for name, text in DEFINITIONS.items()}

    def number(
        self,
        name: str,
        value: float,
        *,
        low: float = math.nan,
        high: float = math.nan,
        n: int,
        reason: str = "",
        **more: Any,
    ) -> dict[str, Any]:
        """One number with its interval, n and definition; NaN becomes null, and then `reason` says why."""
        made: dict[str, Any] = {"value": _finite(value), "low": _finite(low), "high": _finite(high), "n": n}
        made |= {key: _finite(item) if isinstance(item, float) else item for key, item in more.items()}
        made["definition"] = self.texts[name]
        if made["value"] is None:
            made["reason"] = reason or "undefined"
        return made


def _finite(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None
