"""Runs with folds: what is chosen, and what is averaged, network by network."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from reference.predictions import make_predictions

from imagetrain.evaluation.bootstrap import replicate
from imagetrain.evaluation.frozen import freeze_probabilities, freeze_thresholds
from imagetrain.evaluation.numbers import Options
from imagetrain.evaluation.recalibration import Method
from imagetrain.evaluation.report import evaluate, resample_set
from imagetrain.evaluation.testsets import evaluation_sets
from imagetrain.records import Predictions
from radprompter.statistics import percentile_interval

OPTIONS = Options(resamples=60, permutations=0, alpha=0.2)
FRACTURE, EFFUSION, DISLOCATION = range(3)


def folded(seed: int = 1) -> Predictions:
    """Two networks inside, each with its own studies; a study has its two validations in different networks."""
    run = make_predictions(seed=seed)
    twice = [*range(len(run.parts)), *(i for i, part in enumerate(run.parts) if part == "validation")]
    folds = [0 if run.parts[i] == "external" else 1 + i // 2 % 2 for i in range(len(run.parts))]
    folds += [3 - folds[i] for i in twice[len(folds) :]]
    return replace(run.take(twice), folds=tuple(folds))


def without_positives(run: Predictions, finding: int, part: str, fold: int) -> Predictions:
    """The same, where one network has no positive of a finding in a part."""
    there = [i for i, place in enumerate(zip(run.parts, run.folds or (), strict=True)) if place == (part, fold)]
    targets = run.targets.copy()
    targets[there, finding] = 0
    return replace(run, targets=targets)


def test_a_threshold_counts_each_validation_study_once_however_many_networks_it_validated():
    run = folded()
    validation = run.part("validation")
    assert len(validation.study_ids) == 2 * len(set(validation.study_ids))
    assert freeze_thresholds(validation, run.part("test"))[FRACTURE].n == len(set(validation.study_ids))


def test_a_finding_for_which_one_network_has_no_map_has_no_recalibrated_probabilities():
    run = without_positives(folded(), EFFUSION, "validation", 2)
    made = freeze_probabilities(run.part("validation"), run.part("test"), Method.LOGISTIC)
    assert made[EFFUSION] is None and made[FRACTURE] is not None
    threshold = freeze_thresholds(run.part("validation"), run.part("test"))[EFFUSION]
    assert np.isnan(threshold.point.threshold)


def test_the_interval_of_the_mean_over_folds_is_of_the_mean_over_folds_in_each_resample():
    run = folded()
    (inside,) = (one for one in evaluation_sets({"run": run}) if one.key == "test")
    counts, tested = resample_set(inside, OPTIONS), inside.predictions["run"]
    rows = [np.array(tested.folds) == fold for fold in (1, 2)]
    columns = {
        finding: np.mean(
            [replicate(tested.targets[r, finding], tested.logits[r, finding], counts[r]).auroc for r in rows], axis=0
        )
        for finding in (FRACTURE, EFFUSION, DISLOCATION)
    }
    metrics = evaluate({"run": run}, options=OPTIONS).metrics
    row = next(row for row in metrics["results"] if (row["set"], row["finding"]) == ("test", "fracture"))
    assert (row["auroc_folds"]["low"], row["auroc_folds"]["high"]) == pytest.approx(
        tuple(percentile_interval(columns[FRACTURE], alpha=0.2)[:2]), abs=1e-12
    )
    macro = next(macro for macro in metrics["macro"] if macro["set"] == "test")
    assert macro["findings"] == ["fracture", "effusion", "dislocation"]
    assert (macro["auroc_folds"]["low"], macro["auroc_folds"]["high"]) == pytest.approx(
        tuple(percentile_interval(np.mean(list(columns.values()), axis=0), alpha=0.2)[:2]), abs=1e-12
    )


def test_a_finding_that_a_fold_lacks_leaves_the_macro_mean_over_folds_undefined_and_is_named():
    run = without_positives(folded(), EFFUSION, "test", 1)
    metrics = evaluate({"run": run}, options=OPTIONS).metrics
    macro = next(macro for macro in metrics["macro"] if macro["set"] == "test")
    assert "effusion" in macro["findings"] and macro["auroc"]["value"] is not None
    number = macro["auroc_folds"]
    assert number["value"] is None and number["reason"].endswith("in some fold for effusion")
