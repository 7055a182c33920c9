"""How often a 95 % interval of an AUROC holds the truth: DeLong, percentiles of resamples, the score interval, ours.

    python benchmarks/auroc_intervals.py [--tables 2000] [--rounds 1000] [--markdown FILE]

Scores are normal in both classes, so that the true AUROC is known; `unequal` positives have twice the spread. `ours` is
what `imagetrain evaluate` prints: DeLong's interval, and the score interval below 30 positives or negatives or below 5
of the rarer class ranked wrongly.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import NamedTuple

import numpy as np
from scipy.special import ndtri

from imagetrain.evaluation.bootstrap import patient_counts, replicate
from imagetrain.evaluation.delong import DelongStatus, delong
from imagetrain.evaluation.intervals import auroc_score_interval, is_scarce
from imagetrain.evaluation.numbers import Options
from radprompter.statistics import percentile_interval

METHODS = ("DeLong", "percentiles", "score", "ours")


class Setting(NamedTuple):
    """Studies to simulate."""

    n_positive: int
    n_negative: int
    auroc: float
    spread: float  # of the positives; 1 of the negatives


SETTINGS = tuple(
    Setting(n_positive, 490, auroc, spread)
    for n_positive in (10, 30, 100)
    for auroc in (0.75, 0.85, 0.95)
    for spread in (1.0, 2.0)
)


class Coverage(NamedTuple):
    """Of each method: how often its interval holds the truth, and its mean width."""

    holds: np.ndarray
    width: np.ndarray


def cover(setting: Setting, *, tables: int, rounds: int, seed: int = 1) -> Coverage:
    generator = np.random.default_rng(seed)
    m, n, auroc, spread = setting
    shift = float(ndtri(auroc)) * (1 + spread**2) ** 0.5
    targets = np.arange(m + n) < m
    counts = patient_counts([str(study) for study in range(m + n)], resamples=rounds, seed=seed)
    limits = np.empty((tables, len(METHODS), 2))
    for table in range(tables):
        scores = np.concatenate([generator.normal(shift, spread, m), generator.normal(size=n)])
        by_delong = delong(targets, scores)
        score = auroc_score_interval(by_delong.auroc, m, n)
        resampled = percentile_interval(replicate(targets, scores, counts).auroc)
        few = is_scarce(by_delong.auroc, m, n, few=Options().few_positives) or by_delong.status is not DelongStatus.OK
        ours = score if few else (by_delong.low, by_delong.high)
        limits[table] = [(by_delong.low, by_delong.high), resampled[:2], score, ours]
    holds = (limits[..., 0] <= auroc) & (auroc <= limits[..., 1])
    return Coverage(holds.mean(axis=0), (limits[..., 1] - limits[..., 0]).mean(axis=0))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tables", type=int, default=2000)
    parser.add_argument("--rounds", type=int, default=1000)
    parser.add_argument("--markdown", type=Path, help="also write the table to this file")
    asked = parser.parse_args()
    lines = [
        "| positives | AUROC | spread | " + " | ".join(METHODS) + " |",
        "|--:|--:|---" + "|--:" * len(METHODS) + "|",
    ]
    for line in lines:
        print(line)
    for setting in SETTINGS:
        found = cover(setting, tables=asked.tables, rounds=asked.rounds)
        cells = [f"{share:.3f} ({width:.2f})" for share, width in zip(*found, strict=True)]
        spread = "equal" if setting.spread == 1 else "unequal"
        lines.append(f"| {setting.n_positive} | {setting.auroc:.2f} | {spread} | " + " | ".join(cells) + " |")
        print(lines[-1], flush=True)
    if asked.markdown:
        asked.markdown.write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
