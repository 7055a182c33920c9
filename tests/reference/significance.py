"""Tests of paired scores by definition: every sign pattern, every binomial term, in plain loops and exact fractions."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from fractions import Fraction


def midranks(sizes: Sequence[float]) -> list[Fraction]:
    """The mean of the places that each size and its equals take, from 1."""
    return [
        Fraction(2 * sum(other < size for other in sizes) + sum(other == size for other in sizes) + 1, 2)
        for size in sizes
    ]


def signed_rank_p(differences: Sequence[float]) -> float:
    """Two-sided p of Wilcoxon's signed-rank test over all signs; zeros dropped."""
    nonzero = [d for d in differences if d]
    ranks = midranks([abs(d) for d in nonzero])
    upper = sum((rank for rank, d in zip(ranks, nonzero, strict=True) if d > 0), Fraction(0))
    statistic = min(upper, sum(ranks) - upper)
    sums = [sum(itertools.compress(ranks, signs)) for signs in itertools.product((0, 1), repeat=len(ranks))]
    return min(1.0, float(Fraction(2 * sum(total <= statistic for total in sums), len(sums))))


def sign_flip_p(differences: Sequence[int]) -> float:
    """Share of all exchanges whose mean is as far from zero as the one at hand; exact for whole numbers."""
    n = len(differences)
    sums = [
        sum(s * d for s, d in zip(signs, differences, strict=True)) for signs in itertools.product((1, -1), repeat=n)
    ]
    return sum(abs(total) >= abs(sum(differences)) for total in sums) / len(sums)


def exact_mcnemar_p(b: int, c: int, *, mid: bool = False) -> float:
    """Two-sided binomial p of the smaller count, as a fraction; with `mid` half of its own probability is taken off."""
    total = b + c
    tail = sum(math.comb(total, k) for k in range(min(b, c) + 1))
    p = Fraction(2 * tail, 2**total) - (Fraction(math.comb(total, min(b, c)), 2**total) if mid else 0)
    return min(1.0, float(p))
