"""Pneumonia on the NIH subset by patient-wise cross-validation, ours beside timm's plain recipe on the same networks.

    python benchmarks/nih_pneumonia.py [--networks resnet10t convnext_atto] [--size 96] [--epochs 15] [--folds 5]
        [--rates 2e-4 1e-3 4e-3] [--out runs/nih_pneumonia] [--data FOLDER] [--quick]

Every contender has the same folds, network, batch size, number of steps and initial weights (but the last bias, which
ours sets to the prevalence), and keeps the epoch that is best on validation. Networks are from scratch, one for
pneumonia and the co-labels together; co-labels are scored within the pneumonia images, since they occur nowhere else.
`timm` is its script with default settings (SGD, 0.1 for a batch of 256); all others have AdamW, at the rate that is
best on the validation images of the first fold. `ours` sees grey values as they are in the files, as timm does; `ours,
equalised`, the default of a recipe, sees equalised histograms, which hide how bright a film is. Nothing is chosen on
test images. What is done is kept in `--out`, so a run that was stopped goes on.

The data is `data/images/nih_cxr14_subset` of the folder in RADPROMPTER_SHARED, unless `--data` says otherwise.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
from nih.folds import Subset, Training, grey_values, read_subset, write_folds
from nih.ours import train_here
from nih.results import OutOfFold, out_of_fold, tables
from nih.timms import SGD_BASE_BATCH, SGD_BASE_RATE, mean_auroc, train_by_timm

from imagetrain.evaluation.auroc import auroc
from imagetrain.records import VALIDATION, Predictions
from imagetrain.store import read_predictions, save_predictions

Fold = Callable[[Subset, Path, Training, Path], Predictions]

CONTENDERS: Mapping[str, Fold] = {
    "ours": partial(train_here, equalise=False),
    "ours, equalised": partial(train_here, equalise=True),
    "timm, tuned": lambda subset, split, training, _folder: train_by_timm(subset, split, training, "adamw"),
    "timm": lambda subset, split, training, _folder: train_by_timm(subset, split, training, "sgd"),
}


class Plan(NamedTuple):
    """What is run."""

    subset: Subset
    splits: list[Path]
    out: Path
    size: int
    epochs: int
    batch_size: int
    seed: int


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--networks", nargs="+", default=["resnet10t", "convnext_atto"])
    parser.add_argument("--rates", type=float, nargs="+", default=[2e-4, 1e-3, 4e-3], help="of AdamW, to choose from")
    parser.add_argument("--size", type=int, default=96)
    parser.add_argument("--epochs", type=int, default=15)
    parser.add_argument("--batch-size", type=int, default=16)
    parser.add_argument("--folds", type=int, default=5)
    parser.add_argument("--resamples", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--data", type=Path, default=_shared(), help="folder with metadata.csv and img/")
    parser.add_argument("--out", type=Path, default=Path("runs/nih_pneumonia"))
    parser.add_argument("--quick", action="store_true", help="two folds, two epochs, a tiny network: does it run?")
    asked = parser.parse_args()
    if asked.quick:
        asked.networks, asked.rates, asked.size = ["test_resnet"], [1e-3], 32
        asked.epochs, asked.folds, asked.resamples = 2, 2, 100
    subset = read_subset(asked.data)
    splits = write_folds(subset, asked.out / "folds", n_folds=asked.folds, seed=asked.seed)
    plan = Plan(subset, splits, asked.out, asked.size, asked.epochs, asked.batch_size, asked.seed)
    scored: dict[str, OutOfFold] = {}
    for network in asked.networks:
        for contender in CONTENDERS:
            rates = asked.rates
            if contender == "timm":
                rates = [SGD_BASE_RATE * asked.batch_size / SGD_BASE_BATCH]
            rate = _best_rate(plan, network, contender, rates)
            folds = [_fold(plan, network, contender, rate, number) for number in range(asked.folds)]
            scored[f"{network}, {contender}"] = out_of_fold(folds)
    lines = [
        f"{asked.size} x {asked.size} pixels, {asked.epochs} epochs, batch {asked.batch_size}, {asked.folds} folds"
    ]
    by_grey = auroc(subset.targets[:, 0], grey_values(subset))
    lines.append(f"darker or brighter alone: AUROC {max(by_grey, 1 - by_grey):.3f} for pneumonia")
    lines += tables(scored, subset.findings, resamples=asked.resamples)
    (asked.out / "table.md").write_text("\n".join(lines) + "\n", encoding="utf-8")
    print("\n".join(lines))


def _best_rate(plan: Plan, network: str, contender: str, rates: Sequence[float]) -> float:
    """The rate with the highest macro AUROC on the validation images of the first fold."""
    if len(rates) == 1:
        return rates[0]
    scores = []
    for rate in rates:
        validation = _fold(plan, network, contender, rate, 0).part(VALIDATION)
        scores.append(mean_auroc(validation.targets, validation.logits))
    best = rates[int(np.argmax(scores))]
    shown = ", ".join(f"{rate:g}: {score:.3f}" for rate, score in zip(rates, scores, strict=True))
    print(f"{network}, {contender}: rate {best:g} (validation of fold 0: {shown})", flush=True)
    return best


def _fold(plan: Plan, network: str, contender: str, rate: float, number: int) -> Predictions:
    """Train one fold, unless that is done."""
    training = Training(network, rate, plan.size, plan.epochs, plan.batch_size, plan.seed)
    folder = plan.out / network / contender.replace(", ", "_") / f"rate_{rate:g}" / f"fold{number}"
    path, facts = folder / "out_of_fold.parquet", folder / "training.json"
    settings = asdict(training)
    if not path.is_file() or json.loads(facts.read_text())["settings"] != settings:
        started = time.monotonic()
        predictions = CONTENDERS[contender](plan.subset, plan.splits[number], training, folder)
        seconds = round(time.monotonic() - started, 1)
        folder.mkdir(parents=True, exist_ok=True)
        facts.write_text(json.dumps({"settings": settings, "seconds": seconds, "load": os.getloadavg()[0]}))
        save_predictions(path, predictions)
        print(f"{network}, {contender}, rate {rate:g}, fold {number}: {seconds} s", flush=True)
    return read_predictions(path)


def _shared() -> Path:
    here = Path(__file__).resolve().parents[2] / "shared"
    return Path(os.environ.get("RADPROMPTER_SHARED", here)) / "data" / "images" / "nih_cxr14_subset"


if __name__ == "__main__":
    main()
