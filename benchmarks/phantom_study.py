"""Classifiers of the synthetic elbow study: inclusive and exclusive, two views and one, and labels with flips.

    python benchmarks/phantom_study.py [--patients 400] [--epochs 16] [--seeds 2] [--levels 0 0.05 0.1 0.2 0.4]
        [--out runs/phantom_study] [--figure FILE] [--quick]

Reports are labelled by rules; all is tested against what is really there, inside and at the external site, on the same
split and findings. Flips are symmetric, drawn for each label of the training and validation studies, so the epoch is
chosen on wrong labels too; a level is the mean over seeds of flips, and its interval that of the patients. Small-loss
selection is told how many positives and negatives are wrong, as an agreement with a reference says; its warm-up is in
epochs. What is done is kept in `--out`, so a run that was stopped goes on. The study is synthetic: what is reached says
nothing about patients, how it changes says something about training.
"""

from __future__ import annotations

import argparse
import functools
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from phantoms.figure import noise_figure
from phantoms.results import PLACES, Macro, macro, noise_table, views_table
from phantoms.study import Experiment, label_study, train_noise, train_views, wrong_shares

Option = Callable[[Experiment, float], Mapping[str, Any]]


def _plain(_experiment: Experiment, _level: float) -> Mapping[str, Any]:
    return {}


def _selecting(experiment: Experiment, level: float, *, warmup_epochs: float) -> Mapping[str, Any]:
    """The shares that are really wrong, as if an agreement with a reference had measured them."""
    positives, negatives = wrong_shares(experiment, level)
    noise = {"drop_positives": positives, "drop_negatives": negatives, "warmup_epochs": warmup_epochs}
    return {"noise": noise} if level else {}


OPTIONS: Mapping[str, Option] = {
    "plain": _plain,
    "selection, warm-up 3": functools.partial(_selecting, warmup_epochs=3),
    "selection, warm-up 10": functools.partial(_selecting, warmup_epochs=10),
}
"""Ways of training -> the settings of `train` that they add at a share of flipped labels; the first is the baseline."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--patients", type=int, default=400, help="of the internal site")
    parser.add_argument("--size", type=int, default=96)
    parser.add_argument("--epochs", type=int, default=16)
    parser.add_argument("--model", default="test_resnet")
    parser.add_argument("--levels", type=float, nargs="+", default=[0, 0.05, 0.1, 0.2, 0.4])
    parser.add_argument("--seeds", type=int, default=2, help="of the flips")
    parser.add_argument("--resamples", type=int, default=1000)
    parser.add_argument("--out", type=Path, default=Path("runs/phantom_study"))
    parser.add_argument("--figure", type=Path, help="also write the figure here")
    parser.add_argument("--quick", action="store_true", help="small and short: does it run?")
    asked = parser.parse_args()
    if asked.quick:
        asked.patients, asked.size, asked.epochs, asked.levels = 60, 32, 1, [0, 0.4]
        asked.seeds, asked.resamples = 1, 50
    experiment = Experiment(asked.out, asked.patients, asked.size, asked.epochs, asked.model)
    label_study(experiment)
    lines = views_table(train_views(experiment), resamples=asked.resamples)
    print("\n".join(lines), flush=True)
    swept: dict[str, dict[float, dict[str, Macro]]] = {}
    for option, settings in OPTIONS.items():
        swept[option] = {}
        for level in asked.levels:
            added = settings(experiment, level)
            name = f"noise_{(option if added else 'plain').replace(', ', '_').replace(' ', '_')}"
            found = train_noise(experiment, level, range(asked.seeds), added, name)
            swept[option][level] = {part: macro(found, part, resamples=asked.resamples) for part in PLACES}
            print(f"{option}, {100 * level:.0f} % flipped: {swept[option][level]['test'].value:.3f} inside", flush=True)
    lines += ["", *noise_table(swept)]
    print("\n".join(noise_table(swept)))
    (asked.out / "tables.md").write_text("\n".join(lines) + "\n", encoding="utf-8")
    for path in (asked.out / "noise.svg", *([asked.figure] if asked.figure else [])):
        path.write_text(noise_figure(swept), encoding="utf-8")


if __name__ == "__main__":
    main()
