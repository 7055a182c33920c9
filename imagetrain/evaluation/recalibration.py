"""Maps from logits to calibrated probabilities, fitted on studies that are not tested.

Temperature: C. Guo et al., ICML 2017. Maps keep the order of cases, but for ties that isotonic regression makes.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import brentq
from scipy.special import expit

from imagetrain.evaluation.auroc import Floats, known_cases
from imagetrain.evaluation.calibration import FitStatus, calibration_line

Recalibration = Callable[[ArrayLike], Floats]
"""Logits to probabilities, both ``(n,)``."""

STEEPEST = 1e6  # of a temperature's inverse


class Method(StrEnum):
    """How probabilities are recalibrated."""

    NONE = "none"
    TEMPERATURE = "temperature"
    LOGISTIC = "logistic"
    ISOTONIC = "isotonic"


def recalibrate(method: Method, targets: ArrayLike, logits: ArrayLike) -> Recalibration | None:
    """The map that `method` fits to labels and logits; None where these allow none.

    There is none without both classes. Temperature and logistic regression have none either where a threshold tells
    the classes apart without an error, or where no slope above 0 is likelier than 0. A temperature only stretches
    logits: where all of them are too high, as after training with weighted positives, none may fit.
    """
    positive, values = known_cases(targets, logits)
    if method is Method.NONE:
        return _probability
    if positive.all() or not positive.any():
        return None
    if method is Method.ISOTONIC:
        return _isotonic(positive, values)
    if method is Method.LOGISTIC:
        intercept, slope = calibration_line(targets, logits)
        if slope.status is not FitStatus.OK or slope.value <= 0:
            return None
        return lambda new: expit(intercept.value + slope.value * np.asarray(new, dtype=np.float64))
    temperature = fit_temperature(targets, logits)
    return None if np.isnan(temperature) else lambda new: expit(np.asarray(new, dtype=np.float64) / temperature)


def fit_temperature(targets: ArrayLike, logits: ArrayLike) -> float:
    """What all logits are divided by for the labels to be likeliest; above 1, the probabilities were too extreme.

    NaN where no temperature is best: see `recalibrate`.
    """
    positive, values = known_cases(targets, logits)

    def slope(inverse: float) -> float:
        return float((values * (positive - expit(inverse * values))).sum())

    if not values.size or slope(0) <= 0 or slope(STEEPEST / np.abs(values).max()) >= 0:
        return float("nan")
    return 1 / float(brentq(slope, 0, STEEPEST / np.abs(values).max(), xtol=1e-14, rtol=1e-14))


def _probability(logits: ArrayLike) -> Floats:
    return np.asarray(expit(np.asarray(logits, dtype=np.float64)))


def _isotonic(positive: NDArray[np.bool_], values: Floats) -> Recalibration:
    from sklearn.isotonic import IsotonicRegression

    fitted = IsotonicRegression(y_min=0, y_max=1, out_of_bounds="clip").fit(values, positive.astype(np.float64))
    return lambda new: np.asarray(fitted.predict(np.asarray(new, dtype=np.float64)))
