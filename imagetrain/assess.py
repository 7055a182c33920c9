"""From predictions to numbers and page: the stages ``evaluate`` and ``report`` of a recipe."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from imagetrain.evaluation.numbers import Options
from imagetrain.evaluation.report import FORMAT, evaluate
from imagetrain.evaluation.tables import TABLES
from imagetrain.page.render import HERE, plots, render
from imagetrain.recipe import Reference, StudyRecipe
from imagetrain.records import EXTERNAL, PARTS, TEST, EvaluationReport, Predictions
from imagetrain.store import read_predictions
from imagetrain.tracked import track_evaluation, track_page
from radprompter.errors import InputError, TableError
from radprompter.files import (
    is_up_to_date,
    read_json,
    read_table,
    sha256,
    source_digest,
    stamp_inputs,
    write_json,
    write_stamp,
    write_text,
)
from radprompter.pages import PLOTS
from radprompter.terminal import Track, quiet
from radprompter.version import __version__

METRICS, PAGE = "metrics.json", "report.html"
UNCERTAIN = {
    "inclusive": "uncertain counts as positive",
    "exclusive": "uncertain counts as negative",
    "ignore": "uncertain does not count",
    "soft": "uncertain counts as something in between",
}


def run_evaluate(study: StudyRecipe, *, track: Track = quiet) -> dict[str, Any]:
    """Evaluate every run of a recipe, unless that is up to date; the summary of the stage.

    Writes ``evaluate/metrics.json`` and its tables as CSV. Test and external studies are held against the recipe's
    reference if it has one; thresholds are chosen on the validation studies' labels either way.

    Raises
    ------
    InputError
        If a run has no predictions yet, or predictions and reference cannot be used together.
    """
    folder = study.out / "evaluate"
    files = {name: study.out / "train" / name / "predictions.parquet" for name in study.need_train().runs}
    for name, path in files.items():
        if not path.is_file():
            raise InputError(f"run {name!r} has no predictions ({path}); train it first: imagetrain train RECIPE")
    reference = study.evaluate.reference
    inputs = [*files.values(), *([reference.path] if reference else [])]
    settings = {"evaluate": study.evaluate.model_dump(mode="json"), "name": study.name, "format": FORMAT}
    made_from = stamp_inputs(settings | {"version": __version__}, inputs)
    if is_up_to_date(folder, made_from):
        track_evaluation(study, folder / METRICS)
        return _summary(read_json(folder / METRICS), folder, up_to_date=True)
    runs = {name: read_predictions(path) for name, path in files.items()}
    if reference is not None:
        runs = {name: hold_against(run, reference) for name, run in runs.items()}
    recipe = study.evaluate
    options = Options(
        min_positives=recipe.min_positives, resamples=recipe.bootstrap, seed=recipe.seed, alpha=recipe.alpha
    )
    titles = _titles(study)
    report = evaluate(runs, titles=titles, options=options, track=track)
    metrics = dict(report.metrics) | {"study": _describe(study, inputs, titles)}
    write_json(folder / METRICS, metrics)
    for name, table in TABLES.items():
        write_text(folder / name, table(metrics))
    write_stamp(folder, made_from, [METRICS, *TABLES])
    track_evaluation(study, folder / METRICS)
    return _summary(metrics, folder, up_to_date=False)


def run_report(study: StudyRecipe, *, track: Track = quiet) -> dict[str, Any]:
    """Write the page of an evaluation, unless it is up to date; the summary of the stage.

    Raises
    ------
    InputError
        If the recipe has not been evaluated yet.
    """
    source, folder = study.out / "evaluate" / METRICS, study.out / "page"
    if not source.is_file():
        raise InputError(f"{source}: no such file; evaluate first: imagetrain evaluate RECIPE")
    made_from = stamp_inputs({"version": __version__, "format": FORMAT, "design": _design()}, [source])
    up_to_date = is_up_to_date(folder, made_from)
    if not up_to_date:
        report = EvaluationReport(read_json(source))
        write_text(folder / PAGE, render(report))
        drawings = plots(report)
        for name, drawing in track(drawings.items(), "draw", len(drawings)):
            write_text(folder / "plots" / name, drawing)
        write_stamp(folder, made_from, [PAGE, *(f"plots/{name}" for name in drawings)])
    track_page(study, folder / PAGE)
    return {"up_to_date": up_to_date, "n_failed": 0, "page": str(folder / PAGE), "line": str(folder / PAGE)}


def hold_against(predictions: Predictions, reference: Reference) -> Predictions:
    """Predictions whose test and external targets come from a reference table; blank cells are not known.

    Raises
    ------
    TableError
        If the reference lacks the id column, every finding, or a tested study; repeats a study; or has another value
        than 1, 0 and blank.
    """
    frame = read_table(reference.path, required=[reference.id]).astype(str)
    ids = list(frame[reference.id])
    place = {study: i for i, study in enumerate(ids)}
    if len(place) != len(ids):
        twice = next(study for study in place if ids.count(study) > 1)
        raise TableError(f"{reference.path}: study {twice!r} has more than one row")
    covered = [f for f, finding in enumerate(predictions.findings) if finding in frame.columns]
    if not covered:
        raise TableError(
            f"{reference.path}: has none of the findings ({', '.join(predictions.findings)}); "
            f"its columns are {', '.join(frame.columns)}"
        )
    tested = [i for i, part in enumerate(predictions.parts) if part in (TEST, EXTERNAL)]
    absent = [predictions.study_ids[i] for i in tested if predictions.study_ids[i] not in place]
    if absent:
        raise TableError(
            f"{reference.path}: {len(absent)} of {len(tested)} tested studies have no row, such as {absent[0]!r}"
        )
    targets = predictions.targets.copy()
    targets[tested] = np.nan
    rows = [place[predictions.study_ids[i]] for i in tested]
    for f in covered:
        finding = predictions.findings[f]
        targets[tested, f] = [_cell(frame[finding].iloc[row], reference.path, ids[row], finding) for row in rows]
    return replace(predictions, targets=targets)


def _cell(text: str, path: Path, study: str, finding: str) -> float:
    known = {"1": 1.0, "1.0": 1.0, "0": 0.0, "0.0": 0.0, "": np.nan, "nan": np.nan, "None": np.nan, "<NA>": np.nan}
    if text.strip() not in known:
        raise TableError(f"{path}: study {study!r}, {finding}: expected 1, 0 or blank, found another value")
    return known[text.strip()]


def _titles(study: StudyRecipe) -> dict[str, str]:
    """Titles of the findings, where the label table is there and has them."""
    from imagetrain.store import read_labels

    if study.data is None or not study.data.labels.is_file():
        return {}
    return {finding.name: finding.title for finding in read_labels(study.data).schema.findings}


def _describe(study: StudyRecipe, inputs: list[Path], titles: Mapping[str, str]) -> dict[str, Any]:
    """What, where, when and from what: texts for the page, found in the recipe and in the runs' manifests."""
    train = study.need_train()
    manifests = {name: _manifest(study.out / "train" / name / "manifest.json") for name in train.runs}
    first = next(iter(manifests.values()))
    left_out = first.get("left_out") or {}
    reference = study.evaluate.reference
    seeds = {"training": train.seed, "bootstrap": study.evaluate.seed}
    settings: list[tuple[str, Any]] = [
        ("Model", f"{train.model}, {'pretrained' if train.pretrained else 'from scratch'}"),
        (
            "Training",
            f"{train.epochs} epochs, batch {train.batch_size}, {train.optimiser}, rate {train.learning_rate:g}",
        ),
    ]
    if study.data is not None:
        seeds = {"split": study.data.split.seed} | seeds
        settings.append(("Images", f"{', '.join(study.data.views)}; {study.data.size} x {study.data.size} pixels"))
        settings.append(
            ("Labels", f"{_within(study.data.labels, study.out)}; schema {first.get('label_schema', 'not recorded')}")
        )
    settings.append(("Seeds", ", ".join(f"{name} {seed}" for name, seed in seeds.items())))
    n_studies = first.get("n_studies", {})
    settings.append(("Studies", ", ".join(f"{n_studies[part]} {part}" for part in PARTS if part in n_studies)))
    runs = []
    for name, policy in train.runs.items():
        text = f"labels {_within(policy.labels, study.out)}; " if policy.labels else ""
        rule = policy.rule_for_all
        text += f"{rule.name}: {UNCERTAIN[rule.policy]}; not mentioned: {rule.not_mentioned}"
        for finding in policy.per_finding:
            text += f"; {finding}: {policy.rule(finding).name}, not mentioned {policy.rule(finding).not_mentioned}"
        best = manifests[name].get("validation_auroc")
        epoch, folds = manifests[name].get("best_epoch"), manifests[name].get("folds")
        where = f"on average over {len(folds)} folds" if folds else f"at epoch {epoch}"
        text += "" if best is None else f"; validation AUROC {best:.3f} {where}"
        runs.append((name, text))
    hashes = [(_within(path, study.out), sha256(path)) for path in inputs]
    versions = {"imagetrain": __version__, "numpy": version("numpy"), "scipy": version("scipy")}
    return {
        "title": study.name,
        "created": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "synthetic": study.phantom is not None,
        "reference": (
            f"Test sets are held against the reference {reference.path.name}; training and validation, and so the "
            "thresholds, use the labels that were read from the reports."
            if reference
            else "All sets, the test sets too, are held against the labels that were read from the reports."
        ),
        "runs": runs,
        "settings": [(name, text) for name, text in settings if text],
        "not_trained": [
            (titles.get(finding) or finding.replace("_", " ").capitalize(), reason)
            for finding, reason in left_out.items()
        ],
        "hashes": hashes,
        "versions": sorted({**first.get("versions", {}), **versions}.items()),
    }


def _within(path: Path, folder: Path) -> str:
    """A path as seen from a folder, if it is inside."""
    return str(path.relative_to(folder)) if path.is_relative_to(folder) else str(path)


def _manifest(path: Path) -> Mapping[str, Any]:
    try:
        manifest: Mapping[str, Any] = read_json(path) if path.is_file() else {}
    except ValueError:
        raise InputError(f"{path}: damaged; run the training again: imagetrain train RECIPE") from None
    return manifest


def _design() -> list[str]:
    """Hashes of what draws the page, so that a new design is a reason to write the page again."""
    return [source_digest(HERE), source_digest(PLOTS.parent)]


def _summary(metrics: Mapping[str, Any], folder: Path, *, up_to_date: bool) -> dict[str, Any]:
    shown = []
    for one in metrics["sets"]:
        scores = []
        for macro in (m for m in metrics["macro"] if m["set"] == one["key"]):
            number = macro["auroc"]
            value = "undefined" if number["value"] is None else f"{number['value']:.3f}"
            limits = "" if number["low"] is None else f" ({number['low']:.3f}–{number['high']:.3f})"
            scores.append(f"{macro['run']} {value}{limits}")
        shown.append(f"{one['title']}: {', '.join(scores)}")
    undefined = all(macro["auroc"]["value"] is None for macro in metrics["macro"])
    return {
        "up_to_date": up_to_date,
        "n_failed": int(undefined),
        "metrics": str(folder / METRICS),
        "macro_auroc": {f"{m['set']}/{m['run']}": m["auroc"]["value"] for m in metrics["macro"]},
        "notes": metrics["notes"],
        "line": "macro AUROC " + "; ".join(shown),
    }
