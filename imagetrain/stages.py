"""The stages of a training run by name, for whoever runs a whole recipe; a stage's module is imported when it runs."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import Any

from imagetrain.recipe import StudyRecipe
from imagetrain.watching import SILENT, Watch
from radprompter.terminal import Track, quiet

STAGES: Mapping[str, str] = {
    "cache": "imagetrain.run:run_cache",
    "train": "imagetrain.run:run_train",
    "evaluate": "imagetrain.assess:run_evaluate",
    "report": "imagetrain.assess:run_report",
}
"""Name of a stage -> where its function is, in the order in which they run."""


def stages_of(study: StudyRecipe) -> tuple[str, ...]:
    """Names of the stages that a recipe asks for: all with data to train on, the last for tables of scores."""
    if study.evaluate.scores:
        return tuple(name for name in STAGES if name not in ("cache", "train"))
    return tuple(STAGES) if study.data is not None else ()


def run_stage(name: str, study: StudyRecipe, *, track: Track = quiet, watch: Watch = SILENT) -> dict[str, Any]:
    """Run one stage of a recipe and give its summary; a training tells `watch` how it goes."""
    module, _, function = STAGES[name].partition(":")
    told = {"watch": watch} if name == "train" else {}
    summary: dict[str, Any] = getattr(importlib.import_module(module), function)(study, track=track, **told)
    return summary
