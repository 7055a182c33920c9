"""How often the 95 % intervals of rater agreement hold the truth, on simulated ratings.

    python benchmarks/rater_intervals.py [N_ROUNDS]

Raters say what is so with a fixed chance, and else one of three categories as often as each occurs. The truth is the
coefficient of a million subjects. An interval holds the truth or not; one that is undefined is left out.
"""

from __future__ import annotations

import sys
from typing import NamedTuple

import numpy as np

from radprompter.agreement.raters import Ratings, coefficient
from radprompter.agreement.raters.coefficients import INTERVALS


class Case(NamedTuple):
    """Subjects, raters, how often each category occurs, and how often a rater knows."""

    n_subjects: int
    n_raters: int
    shares: tuple[float, float, float]
    knows: float


CASES = (
    Case(30, 2, (0.9, 0.05, 0.05), 0.9),
    Case(100, 2, (0.9, 0.05, 0.05), 0.9),
    Case(500, 2, (0.97, 0.01, 0.02), 0.95),
    Case(2000, 2, (0.98, 0.01, 0.01), 0.95),
    Case(60, 4, (0.9, 0.05, 0.05), 0.9),
    Case(30, 2, (0.5, 0.3, 0.2), 0.8),
    Case(100, 2, (0.5, 0.3, 0.2), 0.8),
)


def main() -> None:
    n_rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 2000
    rng = np.random.default_rng(1)
    print(f"{'n':>5} {'raters':>6}  {'coefficient':<13} {'truth':>6} " + " ".join(f"{name:>6}" for name in INTERVALS))
    for case in CASES:
        names = ("gwet", "cohen" if case.n_raters == 2 else "fleiss", "krippendorff")
        whole = simulate(case._replace(n_subjects=1_000_000), rng)
        drawn = [simulate(case, rng) for _ in range(n_rounds)]
        for name in names:
            truth = coefficient(name, whole).value
            shares = " ".join(f"{coverage(name, interval, truth, drawn):6.3f}" for interval in INTERVALS)
            print(f"{case.n_subjects:5} {case.n_raters:6}  {name:<13} {truth:6.3f} {shares}", flush=True)


def simulate(case: Case, rng: np.random.Generator) -> Ratings:
    n, shares = case.n_subjects, case.shares
    truth = rng.choice(3, size=n, p=shares)
    said = [np.where(rng.random(n) < case.knows, truth, rng.choice(3, size=n, p=shares)) for _ in range(case.n_raters)]
    return Ratings(np.stack(said, axis=1), ("absent", "uncertain", "present"))


def coverage(name: str, interval: str, truth: float, drawn: list[Ratings]) -> float:
    found = [coefficient(name, ratings, interval=interval) for ratings in drawn]
    return float(np.mean([item.low <= truth <= item.high for item in found if not np.isnan(item.value)]))


if __name__ == "__main__":
    main()
