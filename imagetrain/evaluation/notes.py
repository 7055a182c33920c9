"""What a reader of an evaluation must know before its numbers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from imagetrain.records import ALL_FOLDS, EXTERNAL, TEST, TRAIN, VALIDATION, Predictions


def notes_on(metrics: Mapping[str, Any]) -> list[str]:
    """Notes on what is undefined, untested or held against other labels."""
    notes = []
    if all(row["auroc"]["value"] is None for row in metrics["results"]):
        notes.append(
            "No AUROC is defined: no finding has both positives and negatives in any test set. "
            "The test labels need studies with and without the finding."
        )
    left_out = sum(row["n_left_out"] for row in metrics["comparisons"]["runs"]["rows"])
    if left_out:
        notes.append(
            f"The runs are tested against different labels in {left_out} cells (uncertain labels follow each run's "
            "policy); paired comparisons leave these cells out. A definitive reference avoids this."
        )
    for item in metrics["attributes"]:
        if item["n_not_in_table"]:
            n, name = item["n_not_in_table"], item["attribute"]
            notes.append(f"Subgroups by {name}, {item['set']}: {n} studies have no row in the table, so not recorded.")
    if not any(one["part"] != TEST for one in metrics["sets"]):
        notes.append("There is no external site: nothing is known about how the classifiers do elsewhere.")
    return notes


def notes_on_patients(runs: Mapping[str, Predictions]) -> list[str]:
    """Notes on patients who are on both sides of what should be apart, and on sets that are one patient."""
    first = next(iter(runs.values()))
    folds = first.folds or (ALL_FOLDS,) * len(first.parts)
    rows = list(zip(first.patient_ids, first.parts, folds, strict=True))
    taught = {(patient, fold) for patient, part, fold in rows if part in (TRAIN, VALIDATION)}
    ever = {patient for patient, _ in taught}
    inside = {patient for patient, part, _ in rows if part == TEST}
    outside = {patient for patient, part, _ in rows if part == EXTERNAL}
    seen = {patient for patient, part, fold in rows if part == TEST and (patient, fold) in taught} | outside & ever
    notes = []
    if seen:
        notes.append(
            f"Tested patients who also have studies in training or validation: {len(seen)}. Thresholds and "
            "recalibration, or more, have seen them. If ids are equal by chance, at two hospitals, change them."
        )
    if both := inside & outside:
        notes.append(
            f"Patients who are tested both inside and outside: {len(both)}. Tests between sites take them for "
            "different ones."
        )
    alone = [part for part, patients in ((TEST, inside), (EXTERNAL, outside)) if len(patients) == 1]
    notes += [f"All studies of part {part} are of one patient: there is nobody to resample." for part in alone]
    return notes


def notes_on_folds(runs: Mapping[str, Predictions]) -> list[str]:
    """Notes on networks of several folds that are tested together."""
    n_folds = max((fold for run in runs.values() for fold in run.folds or ()), default=0)
    if not n_folds:
        return []
    return [
        f"Inside, the predictions of {n_folds} networks are pooled, each on the studies of its own fold. Their logits "
        "are ranked together although the networks may be calibrated apart, which tends to lower an AUROC. Intervals "
        "and tests take the pool for one fixed classifier: they say nothing of networks trained on other data.",
        f"Outside, a study has the mean of the {n_folds} networks' logits.",
    ]
