"""Losses of one cell, in Python floats, as the papers write them; for a target between 0 and 1, the mix of both."""

from __future__ import annotations

import math


def probability(logit: float) -> float:
    return 1 / (1 + math.exp(-logit)) if logit > -700 else 0.0


def mixed(value: float, positive: float, negative: float) -> float:
    return value * positive + (1 - value) * negative


def cross_entropy(logit: float, value: float) -> float:
    p = probability(logit)
    return mixed(value, -math.log(p), -math.log(1 - p))


def focal(logit: float, value: float, gamma: float, alpha: float | None) -> float:
    p = probability(logit)
    a, b = (1.0, 1.0) if alpha is None else (alpha, 1 - alpha)
    return mixed(value, -a * (1 - p) ** gamma * math.log(p), -b * p**gamma * math.log(1 - p))


def asymmetric(logit: float, value: float, gamma_positive: float, gamma_negative: float, clip: float) -> float:
    p = probability(logit)
    lowered = max(p - clip, 0.0)
    return mixed(value, -((1 - p) ** gamma_positive) * math.log(p), -(lowered**gamma_negative) * math.log(1 - lowered))
