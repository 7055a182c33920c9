"""Agreement of raters by their definitions: every pair of ratings looked at, every subject's weight moved a little.

Ratings are lists of one code or None a rater; weights are ``weights[k][l]``.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

Subject = Sequence[int | None]
Weights = Sequence[Sequence[float]]


def value(name: str, subjects: Sequence[Subject], weights: Weights) -> float:
    """The coefficient (pa - pe) / (1 - pe); NaN if it is undefined."""
    if name == "krippendorff":
        return _alpha(subjects, weights)
    return _moved(name, _rated(name, subjects), weights, None)


def standard_error(
    name: str, subjects: Sequence[Subject], weights: Weights, clusters: Sequence[int] | None = None
) -> float:
    """The infinitesimal jackknife over n (n - 1): how the coefficient moves with the weight of each subject.

    The share of subjects with two ratings is held, and Krippendorff's correction for few ratings left out, as by Gwet.
    """
    least = 2 if name in {"cohen", "krippendorff"} else 1
    kept = [place for place, subject in enumerate(subjects) if len(_given(subject)) >= least]
    groups = kept if clusters is None else [clusters[place] for place in kept]
    rated = [subjects[place] for place in kept]
    step = 1e-4
    total: dict[int, float] = {}
    for place, group in enumerate(groups):
        ends = []
        for side in (1 + step, 1 - step):
            shares = [side if other == place else 1.0 for other in range(len(rated))]
            ends.append(_moved(name, rated, weights, shares))
        total[group] = total.get(group, 0.0) + (ends[0] - ends[1]) / (2 * step)
    if len(total) < 2:
        return math.nan
    return math.sqrt(sum(moved**2 for moved in total.values()) * len(total) / (len(total) - 1))


def leave_one_out_error(name: str, subjects: Sequence[Subject], weights: Weights) -> float:
    """The delete-one jackknife: the coefficient of all subjects but one, for each."""
    n = len(subjects)
    whole = value(name, subjects, weights)
    pseudo = [n * whole - (n - 1) * value(name, [*subjects[:i], *subjects[i + 1 :]], weights) for i in range(n)]
    mean = sum(pseudo) / n
    return math.sqrt(sum((item - mean) ** 2 for item in pseudo) / (n * (n - 1)))


def _given(subject: Subject) -> list[int]:
    return [code for code in subject if code is not None]


def _rated(name: str, subjects: Sequence[Subject]) -> list[Subject]:
    return [subject for subject in subjects if len(_given(subject)) >= (2 if name == "cohen" else 1)]


def _pair_agreement(subject: Subject, weights: Weights) -> float:
    pairs = list(itertools.permutations(_given(subject), 2))
    return sum(weights[one][other] for one, other in pairs) / len(pairs)


def _moved(name: str, subjects: Sequence[Subject], weights: Weights, shares: Sequence[float] | None) -> float:
    """The coefficient where each subject counts `shares` times, with the number of paired subjects held."""
    shares = shares or [1.0] * len(subjects)
    if name == "krippendorff":
        return _uncorrected_alpha(subjects, weights, shares)
    paired = [len(_given(subject)) >= 2 for subject in subjects]
    pe = _by_chance(name, subjects, weights, shares)
    if not any(paired) or abs(1 - pe) < 1e-12:
        return math.nan
    beyond = sum(
        share * (_pair_agreement(subject, weights) - pe)
        for share, subject, is_paired in zip(shares, subjects, paired, strict=True)
        if is_paired
    )
    return beyond / sum(shares) * len(subjects) / sum(paired) / (1 - pe)


def _by_chance(name: str, subjects: Sequence[Subject], weights: Weights, shares: Sequence[float]) -> float:
    q = len(weights)
    codes = list(itertools.product(range(q), repeat=2))
    if name == "percent":
        return 0.0
    if name == "brennan_prediger":
        return sum(weights[k][m] for k, m in codes) / q**2
    if name in {"gwet", "fleiss"}:
        chosen = [0.0] * q
        for share, subject in zip(shares, subjects, strict=True):
            for code in _given(subject):
                chosen[code] += share / len(_given(subject)) / sum(shares)
        if name == "fleiss":
            return sum(weights[k][m] * chosen[k] * chosen[m] for k, m in codes)
        scale = sum(weights[k][m] for k, m in codes) / (q * (q - 1))
        return scale * sum(p * (1 - p) for p in chosen)
    by_rater = []
    for column in zip(*subjects, strict=True):
        total = sum(share for share, code in zip(shares, column, strict=True) if code is not None)
        if total:
            pairs = list(zip(shares, column, strict=True))
            by_rater.append([sum(share for share, code in pairs if code == k) / total for k in range(q)])
    chances = [
        sum(weights[k][m] * one[k] * other[m] for k, m in codes) for one, other in itertools.permutations(by_rater, 2)
    ]
    return sum(chances) / len(chances) if chances else math.nan


def _alpha(subjects: Sequence[Subject], weights: Weights) -> float:
    """1 - Do / De from the coincidences of values (Krippendorff 2011)."""
    q = len(weights)
    coincidences = [[0.0] * q for _ in range(q)]
    for subject in subjects:
        given = _given(subject)
        for one, other in itertools.permutations(given, 2):
            coincidences[one][other] += 1 / (len(given) - 1)
    totals = [sum(row) for row in coincidences]
    n = sum(totals)
    codes = list(itertools.product(range(q), repeat=2))
    observed = sum(coincidences[k][m] * (1 - weights[k][m]) for k, m in codes)
    expected = sum(totals[k] * totals[m] * (1 - weights[k][m]) for k, m in codes)
    return 1 - (n - 1) * observed / expected if expected else math.nan


def _uncorrected_alpha(subjects: Sequence[Subject], weights: Weights, shares: Sequence[float]) -> float:
    pairs = list(zip(shares, subjects, strict=True))
    n = sum(share * len(_given(subject)) for share, subject in pairs)
    pa = sum(share * len(_given(subject)) * _pair_agreement(subject, weights) for share, subject in pairs) / n
    chosen = [sum(share * _given(subject).count(k) for share, subject in pairs) / n for k in range(len(weights))]
    codes = itertools.product(range(len(weights)), repeat=2)
    pe = sum(weights[k][m] * chosen[k] * chosen[m] for k, m in codes)
    return (pa - pe) / (1 - pe) if abs(1 - pe) > 1e-12 else math.nan
