"""How often the test of one classifier against two references finds a difference, be there one or not.

    python benchmarks/reference_tests.py [--tables 1000] [--rounds 400]

Scores are normal, with an AUROC of 0.86 against the truth. Two labelers err at random, each label by its own draw;
equal rates leave no difference to find. `expected` is by the closed form of `labelers.attenuation`, `seen` the mean
over the simulated tables, both of the first reference.
"""

from __future__ import annotations

import argparse
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from imagetrain.evaluation.auroc import auroc
from imagetrain.evaluation.bootstrap import patient_counts, replicate
from imagetrain.evaluation.matrix.labelers import attenuation
from radprompter.statistics import bootstrap_p, percentile_interval

SEPARATION, AUROC = 1.5, 0.8556  # of the normal scores: Phi(1.5 / sqrt 2)
LEVEL = 0.05


class Setting(NamedTuple):
    """Studies to simulate, and the share of labels of each reference that is wrong."""

    n: int
    prevalence: float
    errors: tuple[float, float]


SETTINGS = tuple(
    Setting(n, prevalence, errors)
    for n, prevalence in ((150, 0.2), (400, 0.1), (1000, 0.05))
    for errors in ((0.05, 0.05), (0.05, 0.0))
)


class Found(NamedTuple):
    """Over the simulated tables: how often a difference is called significant, and how often the interval holds it."""

    significant: float
    holds: float
    expected: float
    seen: float


def simulate(setting: Setting, *, tables: int, rounds: int) -> Found:
    generator = np.random.default_rng(0)
    n, prevalence, errors = setting
    counts = patient_counts([str(study) for study in range(n)], resamples=rounds, seed=0)
    expected = [0.5 + (AUROC - 0.5) * _kept(prevalence, error) for error in errors]
    significant, holds, seen = [], [], []
    for _ in range(tables):
        truth = generator.random(n) < prevalence
        scores = generator.normal(size=n) + SEPARATION * truth
        labels = [_wrong(truth, error, generator) for error in errors]
        first, second = (replicate(label, scores, counts).auroc for label in labels)
        limits = percentile_interval(first - second, alpha=LEVEL)
        significant.append(bootstrap_p(first - second) < LEVEL)
        holds.append(limits.low <= expected[0] - expected[1] <= limits.high)
        seen.append(auroc(labels[0], scores))
    return Found(float(np.mean(significant)), float(np.mean(holds)), expected[0], float(np.nanmean(seen)))


def _kept(prevalence: float, error: float) -> float:
    return attenuation(prevalence=prevalence, sensitivity=1 - error, specificity=1 - error)


def _wrong(truth: NDArray[np.bool_], error: float, generator: np.random.Generator) -> NDArray[np.float64]:
    return np.where(generator.random(truth.size) < error, ~truth, truth).astype(np.float64)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tables", type=int, default=1000, help="simulated test sets a row")
    parser.add_argument("--rounds", type=int, default=400, help="resamples of each")
    asked = parser.parse_args()
    print("| studies | positive | wrong labels | significant | interval holds | expected | seen |")
    print("|---|---|---|---|---|---|---|")
    for setting in SETTINGS:
        found = simulate(setting, tables=asked.tables, rounds=asked.rounds)
        wrong = " and ".join(f"{error:.0%}" for error in setting.errors)
        print(
            f"| {setting.n} | {setting.prevalence:.0%} | {wrong} | {found.significant:.1%} | {found.holds:.1%} "
            f"| {found.expected:.3f} | {found.seen:.3f} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
