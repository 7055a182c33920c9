"""How often a 95 % interval of an F1 holds the truth: percentiles of resamples against the score interval, simulated.

    python benchmarks/f1_intervals.py [--tables 2000] [--rounds 1000]

Reports are drawn with a known share of positives, sensitivity and false alarm rate, so that the true F1 is known.
"""

from __future__ import annotations

import argparse
from typing import NamedTuple

import numpy as np

from radprompter.agreement.measuring.score_intervals import Limits, score_limits
from radprompter.agreement.measuring.tallies import TaskCounts


class Setting(NamedTuple):
    """Reports of a simulated study, and how its labeler errs."""

    n: int
    prevalence: float
    sensitivity: float
    false_alarms: float

    @property
    def shares(self) -> np.ndarray:
        """Of true positives, false negatives, false positives and true negatives."""
        positive = np.array([self.sensitivity, 1 - self.sensitivity])
        negative = np.array([self.false_alarms, 1 - self.false_alarms])
        return np.concatenate([self.prevalence * positive, (1 - self.prevalence) * negative])


SETTINGS = (
    Setting(200, 0.03, 0.9, 0.003),
    Setting(1000, 0.02, 0.97, 0.0005),
    Setting(200, 0.1, 0.95, 0.005),
    Setting(200, 0.2, 0.9, 0.02),
    Setting(2000, 0.1, 0.9, 0.01),
)


class Coverage(NamedTuple):
    """How often either interval holds the true F1, of the tables in which it is defined."""

    f1: float
    resampled: float
    score: float


def cover(setting: Setting, *, tables: int, rounds: int, seed: int = 1) -> Coverage:
    generator = np.random.default_rng(seed)
    tp, fn, fp, tn = setting.shares
    truth = 2 * tp / (2 * tp + fp + fn)
    drawn = generator.multinomial(setting.n, setting.shares, size=tables).astype(float)
    drawn = drawn[drawn[:, :3].any(axis=1)]
    tp, fn, fp, tn = drawn.T
    score = score_limits("f1", TaskCounts(tp, tn, tp + fn, fp + tn, tp + fp, fn + tn), level=0.95)
    pairs = [_resample(generator, table, rounds) for table in drawn]
    resampled = Limits(*np.array(pairs).T)
    return Coverage(truth, _held(resampled, truth), _held(score, truth))


def _resample(generator: np.random.Generator, table: np.ndarray, rounds: int) -> tuple[float, float]:
    again = generator.multinomial(int(table.sum()), table / table.sum(), size=rounds)
    whole = 2 * again[:, 0] + again[:, 1] + again[:, 2]
    f1 = 2 * again[whole > 0, 0] / whole[whole > 0]
    low, high = np.quantile(f1, [0.025, 0.975])
    return float(low), float(high)


def _held(limits: Limits, truth: float) -> float:
    return float(((limits.low <= truth) & (truth <= limits.high)).mean())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tables", type=int, default=2000)
    parser.add_argument("--rounds", type=int, default=1000)
    asked = parser.parse_args()
    print("| reports | positive | expected positives | true F1 | resamples | score |\n|---:|---:|---:|---:|---:|---:|")
    for setting in SETTINGS:
        found = cover(setting, tables=asked.tables, rounds=asked.rounds)
        print(
            f"| {setting.n:,} | {setting.prevalence:.0%} | {setting.n * setting.prevalence:.0f} | {found.f1:.3f} "
            f"| {found.resampled:.0%} | {found.score:.0%} |"
        )


if __name__ == "__main__":
    main()
