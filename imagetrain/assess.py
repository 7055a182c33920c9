"""From predictions to numbers and page: the stages ``evaluate`` and ``report`` of a recipe."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from imagetrain.describing.identity import identify
from imagetrain.describing.study import describe_study, titles_of
from imagetrain.evaluated import read_metrics
from imagetrain.evaluation.matrix.tables import MATRIX_TABLES
from imagetrain.evaluation.numbers import Options
from imagetrain.evaluation.recalibration import Method
from imagetrain.evaluation.report import FORMAT, evaluate
from imagetrain.evaluation.tables import TABLES
from imagetrain.exports.files import HERE as EXPORTS
from imagetrain.exports.files import LINKS, exported
from imagetrain.gathering.attributes import metadata_of, read_attributes
from imagetrain.gathering.reference_columns import reference_columns
from imagetrain.gathering.references import explain_references, hold_against
from imagetrain.gathering.sources import files_of_runs, read_runs
from imagetrain.page.render import HERE, plots, render
from imagetrain.pictured import drawn_maps, shown_maps
from imagetrain.recipe import EvaluateRecipe, StudyRecipe
from imagetrain.records import EvaluationReport
from imagetrain.store import save_predictions
from imagetrain.tracked import track_evaluation, track_page
from radprompter.files import (
    is_up_to_date,
    read_json,
    source_digest,
    stamp_inputs,
    write_bytes,
    write_json,
    write_stamp,
    write_text,
)
from radprompter.ownership import remove_former
from radprompter.pages import PLOTS
from radprompter.terminal import Track, quiet
from radprompter.version import __version__

METRICS, PAGE, TESTED = "metrics.json", "report.html", "tested"


def run_evaluate(study: StudyRecipe, *, track: Track = quiet) -> dict[str, Any]:
    """Evaluate every run of a recipe, unless that is up to date; the summary of the stage.

    Writes ``evaluate/metrics.json``, its tables as CSV, and ``evaluate/tested/<run>.parquet``: the predictions with the
    labels that they were tested against. Test and external studies are held against the recipe's references if it has
    any; thresholds are chosen on the validation studies' labels either way.

    Raises
    ------
    InputError
        If a run has no predictions yet, or predictions and reference cannot be used together.
    """
    folder = study.out / "evaluate"
    files = files_of_runs(study)
    recipe = study.evaluate
    named = [one.path for one in (recipe.reference, *recipe.sites.values(), *recipe.references.values()) if one]
    metadata = metadata_of(study)
    named += [metadata.path] if metadata else []
    inputs = [*files.values(), *dict.fromkeys(named)]
    settings = {"evaluate": study.evaluate.model_dump(mode="json"), "name": study.name, "format": FORMAT}
    made_from = stamp_inputs(settings | {"version": __version__}, inputs)
    if is_up_to_date(folder, made_from):
        track_evaluation(study, folder / METRICS)
        return _summary(read_json(folder / METRICS), folder, up_to_date=True)
    read = read_runs(study, files)
    runs, held = hold_against(read.runs, recipe.reference, recipe.sites)
    options, titles = options_of(recipe), titles_of(study)
    references, attributes = reference_columns(study, runs), read_attributes(metadata, recipe.subgroups)
    report = evaluate(runs, titles=titles, references=references, options=options, attributes=attributes, track=track)
    metrics = dict(report.metrics) | {"study": describe_study(study, inputs, titles, report.metrics)}
    metrics["identity"] = identify(study, runs, options)
    explain_references(metrics, held)
    metrics["notes"] = [*read.notes, *metrics["notes"]]
    for name, run in runs.items():
        save_predictions(folder / TESTED / f"{name}.parquet", run)
    write_json(folder / METRICS, metrics)
    tables = {**TABLES, **(MATRIX_TABLES if references else {})}
    for name, table in tables.items():
        write_text(folder / name, table(metrics))
    for name in MATRIX_TABLES.keys() - tables.keys():
        (folder / name).unlink(missing_ok=True)  # of an evaluation that had references
    write_stamp(folder, made_from, [METRICS, *tables, *(f"{TESTED}/{name}.parquet" for name in runs)])
    track_evaluation(study, folder / METRICS)
    return _summary(metrics, folder, up_to_date=False)


def options_of(recipe: EvaluateRecipe) -> Options:
    """How a recipe has its runs evaluated."""
    rule = recipe.threshold
    return Options(
        min_positives=recipe.min_positives,
        resamples=recipe.bootstrap,
        seed=recipe.seed,
        alpha=recipe.alpha,
        wanted_sensitivity=None if rule == "youden" else rule.sensitivity,
        recalibrate=Method(recipe.recalibrate),
        permutations=recipe.permutations,
    )


def run_report(study: StudyRecipe, *, track: Track = quiet) -> dict[str, Any]:
    """Write the page of an evaluation and what goes into a paper, unless that is up to date; the summary of the stage.

    Writes ``page/report.html``; each plot as ``plots/NAME.svg`` with its data as CSV; each table as ``tables/NAME.tex``
    and ``.docx``, and all of them in ``tables/tables.md``; the checklists. What an earlier evaluation left there and
    this one does not have is removed.

    Raises
    ------
    InputError
        If the recipe has not been evaluated yet, or the numbers were changed by hand.
    """
    source, folder = study.out / "evaluate" / METRICS, study.out / "page"
    report = EvaluationReport(read_metrics(source))
    if study.report.saliency is not None:
        from imagetrain.salience import draw_wanted

        draw_wanted(study)
    maps = drawn_maps(study)
    settings = {"version": __version__, "format": FORMAT, "design": _design(), "maps": [one.about for one in maps]}
    made_from = stamp_inputs(settings, [source, *(file for one in maps for file in one.files)])
    up_to_date = is_up_to_date(folder, made_from)
    if not up_to_date:
        write_text(folder / PAGE, render(report, pictures=shown_maps(maps), links=LINKS))
        files = exported(report.metrics, plots(report))
        remove_former(folder, [PAGE, *files])
        for name, make in track(files.items(), "export", len(files)):
            content = make()
            write_bytes(folder / name, content if isinstance(content, bytes) else content.encode())
        write_stamp(folder, made_from, [PAGE, *files])
    track_page(study, folder / PAGE)
    return {"up_to_date": up_to_date, "n_failed": 0, "page": str(folder / PAGE), "line": str(folder / PAGE)}


def _design() -> list[str]:
    """Hashes of what draws the page, so that a new design is a reason to write the page again."""
    return [source_digest(folder) for folder in (HERE, EXPORTS, PLOTS.parent)]


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
