"""Where the predictions of an evaluation come from: the trained runs of a recipe, or tables of scores."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from imagetrain.recipe import Data, StudyRecipe
from imagetrain.records import Predictions
from imagetrain.store import ScoredTable, read_manifest, read_predictions, read_scores
from radprompter.errors import InputError, TableError
from radprompter.files import sha256

BY_FINDING = ("per_finding",)


class ReadRuns(NamedTuple):
    """Predictions by run, and what somebody should know of where they come from."""

    runs: dict[str, Predictions]
    notes: tuple[str, ...]


def check_files(study: StudyRecipe) -> None:
    """Refuse a recipe whose `evaluate` names a file that does not exist, before what may take hours.

    Files are looked for where no stage of the recipe writes them.

    Raises
    ------
    TableError
        With every such file, and the key that names it.
    """
    recipe = study.evaluate
    named = {"reference.path": recipe.reference, "metadata.path": recipe.metadata}
    named |= {f"sites.{name}.path": one for name, one in recipe.sites.items()}
    named |= {f"references.{name}.path": one for name, one in recipe.references.items()}
    files = {key: one.path for key, one in named.items() if one is not None}
    files |= {f"scores.{name}": path for name, path in recipe.scores.items()}
    written = [study.out, *(Path(path) for path in [(study.phantom or {}).get("path")] if path)]
    absent = [
        f"{path}: no such file (evaluate.{key})"
        for key, path in files.items()
        if not path.is_file() and not any(path.is_relative_to(folder) for folder in written)
    ]
    if absent:
        raise TableError("\n".join(absent))


def files_of_runs(study: StudyRecipe) -> dict[str, Path]:
    """Run -> the file of its predictions: a table of scores, or what was trained.

    Raises
    ------
    InputError
        If a run has no file.
    """
    if study.evaluate.scores:
        return dict(study.evaluate.scores)
    files = {name: study.out / "train" / name / "predictions.parquet" for name in study.need_train().runs}
    for name, path in files.items():
        if not path.is_file():
            raise InputError(f"run {name!r} has no predictions ({path}); train it first: imagetrain train RECIPE")
        if changed := changed_since(study, name):
            raise InputError(
                f"run {name!r} was trained by another recipe than this one: {'; '.join(changed)}. "
                "Train it again: imagetrain train RECIPE; or give the recipe back what it had"
            )
    return files


def read_runs(study: StudyRecipe, files: Mapping[str, Path]) -> ReadRuns:
    """The predictions of every run.

    Raises
    ------
    InputError
        As `read_predictions` and `read_scores`, and if not all tables of scores have the same facts of their studies.
    """
    recipe = study.evaluate
    if not recipe.scores:
        return ReadRuns({name: read_predictions(path) for name, path in files.items()}, ())
    tables = {
        name: read_scores(path, recipe.columns, labelled=recipe.reference is None) for name, path in files.items()
    }
    _refuse_unlike(files, tables)
    notes = dict.fromkeys(note for table in tables.values() for note in table.notes)
    return ReadRuns({name: table.predictions for name, table in tables.items()}, tuple(notes))


def _refuse_unlike(files: Mapping[str, Path], tables: Mapping[str, ScoredTable]) -> None:
    """Refuse tables of which one says whose or where studies are and another does not: they could not be paired."""
    for fact in ("patient", "site", "part"):
        lacking = [files[name] for name, table in tables.items() if fact in table.absent]
        having = [files[name] for name in tables if files[name] not in lacking]
        if lacking and having:
            raise TableError(f"{lacking[0]}: says no {fact} of its studies, while {having[0]} does; add the column")


def changed_since(study: StudyRecipe, run: str) -> list[str]:
    """What a trained run was told otherwise than the recipe says now, such as ``train.epochs was 24, is 30``.

    Paths are not compared but the labels themselves; what does not change the outcome is not compared at all. Empty
    where the run has no manifest.
    """
    path, train = study.out / "train" / run / "manifest.json", study.need_train()
    manifest = read_manifest(path)
    told = {
        "train": train.model_dump(mode="json", exclude={"runs", "device", "checkpoint_minutes"}),
        f"train.runs.{run}": train.runs[run].model_dump(mode="json", exclude={"labels"}),
        "data": _told_of_data(study.data) if study.data else {},
    }
    before = dict(zip(told, (manifest.get(key, {}) for key in ("recipe", "policy", "data")), strict=True))
    changed = [text for where, now in told.items() for text in _changes(where, before[where], now)]
    labels = train.runs[run].labels or (study.data.labels if study.data else None)
    known = manifest.get("hashes", {}).get("labels")
    if known and labels is not None and labels.is_file() and sha256(labels) != known:
        changed.append(f"{labels} has other content")
    return changed


def _told_of_data(data: Data) -> dict[str, Any]:
    """What a training depends on but for its files."""
    files = ("bad_images", "labels", "studies", "images")
    return data.model_dump(mode="json", exclude=dict.fromkeys(files, True) | {"split": {"leakage", "file"}})


def _changes(where: str, before: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[str]:
    """What both know and say differently; a key that only one knows is of another version."""
    for key, value in now.items():
        if isinstance(value, dict) and isinstance(before.get(key), dict) and key not in BY_FINDING:
            yield from _changes(f"{where}.{key}", before[key], value)
        elif key in before and before[key] != value:
            yield f"{where}.{key} was {_shown(before[key])}, is {_shown(value)}"


def _shown(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)
