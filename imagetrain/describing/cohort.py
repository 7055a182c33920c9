"""What the stages of a study have left, read for the flow of exclusions and the prevalence by label table."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from imagetrain.describing.flow import flow_notes, flow_of
from imagetrain.describing.prevalence import Row, prevalence_of, prevalence_of_counts, prevalence_of_matrix
from imagetrain.recipe import StudyRecipe
from imagetrain.records import EXTERNAL, TEST, Split
from imagetrain.store import read_label_table
from radprompter.files import read_table, sha256
from radprompter.label_table import LabelTable

CHANGED = "The label table is another than when the runs were trained; it is not counted here."


def describe_cohort(study: StudyRecipe, manifest: Mapping[str, Any], metrics: Mapping[str, Any]) -> dict[str, Any]:
    """The keys ``flow``, ``flow_notes`` and ``prevalence`` of what ``metrics.json`` says of a study.

    Parameters
    ----------
    manifest:
        Of the first training run; empty where scores were made elsewhere.
    metrics:
        Of the evaluation.
    """
    tables, notes = _label_tables(study), []
    if "labels" in tables and _changed(study, manifest):
        del tables["labels"]
        notes.append(CHANGED)
    labels = tables.get("labels")
    split = _split(study.out / "train" / "split.csv")
    findings = [finding["name"] for finding in metrics["findings"]]
    prevalence = [
        row
        for name, table in tables.items()
        if split is not None
        for row in prevalence_of(name, table, split, findings)
    ]
    prevalence += _with_scores(study, metrics) if study.evaluate.scores else []
    if metrics.get("matrix"):
        prevalence += prevalence_of_matrix(metrics)
    else:
        for name, rows in _references(study, metrics).items():
            prevalence += prevalence_of_counts(name, rows)
    return {
        "flow": flow_of(manifest, labels, metrics),
        "flow_notes": notes + flow_notes(manifest, labels),
        "prevalence": prevalence,
    }


def _with_scores(study: StudyRecipe, metrics: Mapping[str, Any]) -> list[Row]:
    """The labels that came with scores, where nothing else is held against them; once if all runs have the same."""
    counts = [row for row in metrics["label_counts"] if _reference_of(study, row) is None]
    of_runs = [prevalence_of_counts("", [row for row in counts if row["run"] == run]) for run in metrics["runs"]]
    if all(rows == of_runs[0] for rows in of_runs):
        return [row | {"schema": "labels with the scores"} for row in of_runs[0]]
    named = zip(metrics["runs"], of_runs, strict=True)
    return [row | {"schema": f"labels with {run}"} for run, rows in named for row in rows]


def _references(study: StudyRecipe, metrics: Mapping[str, Any]) -> dict[str, list[Row]]:
    """Reference -> the counts of the studies that are held against it."""
    made: dict[str, list[Row]] = {}
    for row in metrics["label_counts"]:
        if (name := _reference_of(study, row)) is not None:
            made.setdefault(name, []).append(row)
    return made


def _reference_of(study: StudyRecipe, row: Mapping[str, Any]) -> str | None:
    """What the studies of some part and site are held against; None if it is their labels."""
    recipe = study.evaluate
    own = recipe.sites.get(row["site"]) or recipe.reference
    return None if own is None or row["part"] not in (TEST, EXTERNAL) else f"reference {own.path.name}"


def _label_tables(study: StudyRecipe) -> dict[str, LabelTable]:
    """The recipe's label table, then those of runs that have their own; what is no longer there is left out.

    Of scores that were made elsewhere it is not known which table they learned from.
    """
    data = study.data
    if data is None or study.evaluate.scores:
        return {}
    files = {"labels": data.labels}
    if study.train is not None:
        files |= {f"run {name}": run.labels for name, run in study.train.runs.items() if run.labels is not None}
    return {
        name: read_label_table(path, data.findings, id_column=data.studies.id)
        for name, path in files.items()
        if path.is_file()
    }


def _changed(study: StudyRecipe, manifest: Mapping[str, Any]) -> bool:
    """Whether the recipe's label table is another than the first run learned from; not known if that had its own."""
    trained = manifest.get("hashes", {}).get("labels")
    own = study.train is not None and next(iter(study.train.runs.values())).labels is not None
    return study.data is not None and trained is not None and not own and sha256(study.data.labels) != trained


def _split(path: Path) -> Split | None:
    """The split that was trained on; with folds, all internal studies are tested."""
    if not path.is_file():
        return None
    frame = read_table(path, required=("study_id", "patient_id", "site", "part")).astype(str)
    parts = frame["part"]
    if "fold" in frame.columns:
        frame = frame[frame["fold"] == frame["fold"].iloc[0]]
        parts = frame["part"].where(frame["part"] == EXTERNAL, TEST)
    return Split(tuple(frame["study_id"]), tuple(frame["patient_id"]), tuple(frame["site"]), tuple(parts))
