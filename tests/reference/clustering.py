"""Variances in which patients are independent, by loops over them."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np


def share_variance(hits: Sequence[bool], patients: Sequence[str]) -> float:
    """Of a share: the sum over patients of what they are off by, squared (Rao & Scott 1992, equation 2)."""
    names = sorted(set(patients))
    share = sum(hits) / len(hits)
    total = 0.0
    for name in names:
        own = [hit for hit, patient in zip(hits, patients, strict=True) if patient == name]
        total += (sum(own) - share * len(own)) ** 2
    return len(names) / (len(names) - 1) * total / len(hits) ** 2


def logistic_covariance(
    logits: Sequence[float], positive: Sequence[bool], patients: Sequence[str], beta: Sequence[float]
) -> np.ndarray:
    """Of intercept and slope, given them: bread, filling, bread (Liang & Zeger 1986), with patients as clusters."""
    bread = np.zeros((2, 2))
    scores = {name: np.zeros(2) for name in patients}
    for logit, label, patient in zip(logits, positive, patients, strict=True):
        p = 1 / (1 + math.exp(-(beta[0] + beta[1] * logit)))
        x = np.array([1.0, logit])
        bread += p * (1 - p) * np.outer(x, x)
        scores[patient] += (label - p) * x
    filling = sum(np.outer(score, score) for score in scores.values())
    inverse = np.linalg.inv(bread)
    return inverse @ filling @ inverse * len(scores) / (len(scores) - 1)
