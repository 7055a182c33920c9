"""What a reader is told before the numbers: patients on both sides, sets of one patient; what findings are called."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from reference.predictions import make_predictions

from imagetrain.evaluation.bootstrap import patient_counts
from imagetrain.evaluation.notes import notes_on_patients
from imagetrain.evaluation.numbers import Options
from imagetrain.evaluation.report import evaluate
from imagetrain.records import ALL_FOLDS, Predictions, name_findings


def made_of(*rows: tuple[str, str], folds: tuple[int, ...] | None = None) -> Predictions:
    """Studies as (patient, part)."""
    patients, parts = zip(*rows, strict=True)
    blank = np.zeros((len(rows), 1), dtype=np.float32)
    return Predictions(
        tuple(map(str, range(len(rows)))), patients, ("x",) * len(rows), parts, ("f",), blank, blank, folds
    )


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ([("a", "validation"), ("b", "test"), ("c", "test"), ("d", "external"), ("e", "external")], []),
        ([("a", "validation"), ("a", "test"), ("b", "test")], ["Tested patients who also have studies in"]),
        ([("a", "train"), ("a", "external"), ("b", "external")], ["Tested patients who also have studies in"]),
        (
            [("a", "test"), ("b", "test"), ("a", "external"), ("b", "external")],
            ["Patients who are tested both inside and"],
        ),
        ([("a", "test"), ("a", "test")], ["All studies of part test are of one patient"]),
    ],
)
def test_patients_on_both_sides_are_told(rows, words):
    notes = notes_on_patients({"run": made_of(*rows)})
    assert [note[: len(word)] for note, word in zip(notes, words, strict=True)] == words


def test_a_patient_who_validates_another_folds_network_is_on_one_side():
    apart = made_of(("a", "validation"), ("a", "test"), ("b", "test"), folds=(1, 2, 1))
    assert notes_on_patients({"run": apart}) == []
    same = made_of(("a", "validation"), ("a", "test"), ("b", "test"), folds=(1, 1, 1))
    assert len(notes_on_patients({"run": same})) == 1
    outside = made_of(("a", "validation"), ("a", "external"), ("b", "external"), folds=(1, ALL_FOLDS, ALL_FOLDS))
    assert len(notes_on_patients({"run": outside})) == 1


def test_one_patient_gives_no_interval_rather_than_one_without_width():
    assert patient_counts(["p", "p"], resamples=3, seed=0).sum() == 0
    run = make_predictions(n_external=0)
    alone = replace(run, patient_ids=("p",) * len(run.patient_ids))
    metrics = evaluate({"run": alone}, options=Options(resamples=20, permutations=0)).metrics
    assert metrics["macro"][0]["auroc"]["value"] is not None
    numbers = [metrics["macro"][0]["auroc"], *(metrics["results"][0][name] for name in ("auroc_bootstrap", "f1"))]
    assert [(number["low"], number["high"]) for number in numbers] == [(None, None)] * 3
    assert any("one patient" in note for note in metrics["notes"])


@pytest.mark.parametrize(
    ("names", "titles", "shown"),
    [
        (["ac_joint_dislocation"], {}, ["Ac joint dislocation"]),
        (["Lung Opacity", "ECG"], {}, ["Lung Opacity", "ECG"]),
        (["effusion"], {"effusion": "Joint effusion"}, ["Joint effusion"]),
        (["a", "A", "b"], {}, ["a", "A", "B"]),
        (["x", "y"], {"x": "Same", "y": "Same"}, ["x", "y"]),
    ],
)
def test_findings_are_called_so_that_they_can_be_told_apart(names, titles, shown):
    assert list(name_findings(names, titles).values()) == shown
