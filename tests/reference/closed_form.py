"""Scores whose AUROC, variance and tests R's pROC gave, from whole-number arithmetic: no data file is needed."""

from __future__ import annotations

import numpy as np


def closed_form(n: int, p: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Labels ``(n,)`` and two scores with ties, the same in every language."""
    i = np.arange(n, dtype=np.int64)
    y = (i * 7919) % 10007 < p
    first = np.floor(1000 * (((i * 104729) % 9973) / 9973 + 0.30 * y) + 0.5)
    second = np.floor(1000 * (((i * 15485863) % 9967) / 9967 + 0.25 * y) + 0.2 * first + 0.5)
    return y, first, second
