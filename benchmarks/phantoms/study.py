"""The synthetic study of the elbow and its recipes: views, policies, and labels of which some are flipped."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow.parquet as pq

import radprompter.recipe
from imagetrain.gathering.references import hold_against
from imagetrain.recipe import Reference, StudyRecipe, load_recipe
from imagetrain.records import TRAIN, VALIDATION, Predictions
from imagetrain.run import run_train
from imagetrain.store import read_predictions
from radprompter.files import atomic, read_json
from radprompter.label_table import LabelTable
from radprompter.stages import STAGES
from radprompter.weakening import inject_errors

QUICKSTART = Path(__file__).parents[2] / "recipes" / "quickstart.yaml"
VIEWS: Mapping[str, tuple[str, ...]] = {"two views": ("ap", "lateral"), "one view": ("ap",)}


@dataclass(frozen=True, slots=True)
class Experiment:
    """What every recipe here has in common."""

    out: Path
    patients: int
    size: int
    epochs: int
    model: str

    @property
    def settings(self) -> list[str]:
        """As `--set` takes them."""
        common = {
            "phantom.patients": self.patients,
            "data.size": self.size,
            "train.epochs": self.epochs,
            "train.model": self.model,
            "train.device": "cpu",
        }
        return [f"{key}={value}" for key, value in common.items()]

    @property
    def truth(self) -> Path:
        """What is really there."""
        return self.out / "phantom" / "elbow" / "findings.csv"


def label_study(experiment: Experiment) -> Path:
    """Write the study and have its reports labelled by rules, unless that is done; the label table."""
    recipe = radprompter.recipe.load_recipe(QUICKSTART, settings=experiment.settings, out=experiment.out)
    for stage in ("phantom", "label"):
        STAGES[stage](recipe)
    return experiment.out / "label" / "labels.parquet"


def train_views(experiment: Experiment) -> dict[str, Predictions]:
    """Inclusive and exclusive, from two views and from one, on the same split; each held against the truth."""
    found = {}
    for title, views in VIEWS.items():
        settings = {"data.views": list(views)}
        if title != "two views":
            settings |= {"data.split.file": split_file(experiment), "data.findings": list(findings(experiment))}
        trained = _train(experiment, title.replace(" ", "_"), settings)
        found |= {f"{name}, {title}": predictions for name, predictions in trained.items()}
    return found


def train_noise(
    experiment: Experiment, level: float, seeds: Sequence[int], settings: Mapping[str, Any], name: str
) -> list[Predictions]:
    """A run a seed with that share of labels flipped; `settings` are those of training."""
    labels = experiment.out / "label" / "labels.parquet"
    split = pd.read_csv(split_file(experiment), dtype=str)
    taught = frozenset(split.study_id[split.part.isin([TRAIN, VALIDATION])])
    runs: dict[str, Any] = {}
    for seed in seeds if level else seeds[:1]:  # without flips all seeds are the same
        flipped = experiment.out / "flipped" / f"{round(100 * level)}_seed{seed}.parquet"
        if not flipped.is_file():
            table = LabelTable.from_arrow(pq.read_table(labels))
            flipped.parent.mkdir(exist_ok=True)
            with atomic(flipped) as part:
                pq.write_table(flip(table, taught, share=level, seed=seed).to_arrow(), part)
        runs[f"seed{seed}"] = {"labels": str(flipped), "policy": "inclusive"}
    changes = {
        "data.split.file": split_file(experiment),
        "data.findings": list(findings(experiment)),
        "data.min_positives": 1,
        "train.runs": runs,
        **{f"train.{key}": value for key, value in settings.items()},
    }
    return list(_train(experiment, f"{name}_{round(100 * level)}", changes).values())


def wrong_shares(experiment: Experiment, level: float) -> tuple[float, float]:
    """What share of the positive and of the negative labels is wrong when so many are flipped: 1 - PPV and 1 - NPV.

    Of the mean over findings in the training studies, from their labels before the flips.
    """
    counts = read_json(experiment.out / "two_views" / "train" / "inclusive" / "manifest.json")["targets"][TRAIN]
    positive = sum(one["positive"] for one in counts.values())
    share = positive / (positive + sum(one["negative"] for one in counts.values()))
    wrong_positive, wrong_negative = level * (1 - share), level * share
    right_positive, right_negative = (1 - level) * share, (1 - level) * (1 - share)
    return (
        round(wrong_positive / (wrong_positive + right_positive), 3),
        round(wrong_negative / (wrong_negative + right_negative), 3),
    )


def flip(table: LabelTable, studies: frozenset[str], *, share: float, seed: int) -> LabelTable:
    """The same table with that share of the labels of some studies turned over, each cell by its own draw.

    Positive becomes negative; negative and not mentioned become positive. Uncertain stays.
    """
    return inject_errors(table, missed=share, invented=share, seed=[seed, round(1000 * share)], only=studies)


def findings(experiment: Experiment) -> tuple[str, ...]:
    """What can be trained on without flips; all experiments have the same."""
    return tuple(read_json(experiment.out / "two_views" / "train" / "inclusive" / "manifest.json")["findings"])


def split_file(experiment: Experiment) -> Path:
    """The split that all experiments share."""
    return experiment.out / "two_views" / "train" / "split.csv"


def _train(experiment: Experiment, name: str, settings: Mapping[str, Any]) -> dict[str, Predictions]:
    """Train the runs of the quickstart recipe with other settings; the predictions of each, held against the truth."""
    study = load_recipe(QUICKSTART, settings=experiment.settings, out=experiment.out)
    study = StudyRecipe.model_validate(_changed(study.model_dump(), settings | {"out": experiment.out / name}))
    run_train(study)
    reference = Reference(path=experiment.truth)
    folders = {run: study.out / "train" / run / "predictions.parquet" for run in study.need_train().runs}
    return hold_against({run: read_predictions(path) for run, path in folders.items()}, reference).runs


def _changed(document: dict[str, Any], settings: Mapping[str, Any]) -> dict[str, Any]:
    """A recipe with some keys changed, each given by its path."""
    for path, value in settings.items():
        *above, last = path.split(".")
        section = document
        for key in above:
            section = section[key]
        section[last] = value
    return document
