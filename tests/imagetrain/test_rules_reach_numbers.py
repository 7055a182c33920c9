"""Every rule of an evaluation reaches every number: level, wanted sensitivity, patients, resamples, each set's own."""

from __future__ import annotations

import zlib
from dataclasses import replace

import numpy as np
import pytest
from reference.predictions import make_predictions

from imagetrain.evaluation.auroc import auroc, average_precision
from imagetrain.evaluation.bootstrap import replicate, replicate_f1
from imagetrain.evaluation.comparison.side_by_side import compare_predictions
from imagetrain.evaluation.curves import GRID, band
from imagetrain.evaluation.decision import decision_curve
from imagetrain.evaluation.finding import PERMUTING
from imagetrain.evaluation.frozen import freeze_probabilities, freeze_thresholds
from imagetrain.evaluation.intervals import auroc_score_interval
from imagetrain.evaluation.numbers import Options
from imagetrain.evaluation.permutation import permutation_test
from imagetrain.evaluation.probabilities import DECISIONS
from imagetrain.evaluation.recalibration import Method
from imagetrain.evaluation.report import HALVING, evaluate, resample_set
from imagetrain.evaluation.shift import halves, margins_by_halves, newcombe_interval, prevalence_rate
from imagetrain.evaluation.subgroups import Attribute
from imagetrain.evaluation.testsets import evaluation_sets
from imagetrain.evaluation.thresholds import at_threshold
from radprompter.statistics import percentile_interval

OPTIONS = Options(resamples=50, permutations=0, alpha=0.2, wanted_sensitivity=0.9)
RUN = make_predictions(seed=1)
SET = next(one for one in evaluation_sets({"run": RUN}) if one.key == "external:beta")
OUTSIDE = SET.predictions["run"]
TARGETS, LOGITS = OUTSIDE.targets[:, 0], OUTSIDE.logits[:, 0]
GROUP = Attribute("sex", ("F", "M"), {study: "MF"[i % 8 < 3] for i, study in enumerate(RUN.study_ids)})


@pytest.fixture(scope="module")
def metrics():
    return evaluate({"run": RUN}, options=OPTIONS, attributes=[GROUP]).metrics


@pytest.fixture(scope="module")
def counts():
    return resample_set(SET, OPTIONS)


def row_of(metrics, where="external:beta"):
    return next(row for row in metrics["results"] if (row["set"], row["finding"]) == (where, "fracture"))


def limits(number):
    return pytest.approx((number["low"], number["high"]), abs=1e-9)


def test_intervals_by_resampling_are_of_their_own_number_at_the_asked_level(metrics, counts):
    row, drawn = row_of(metrics), replicate(TARGETS, LOGITS, counts)
    assert tuple(percentile_interval(drawn.auroc, alpha=0.2)[:2]) == limits(row["auroc_bootstrap"])
    assert tuple(percentile_interval(drawn.average_precision, alpha=0.2)[:2]) == limits(row["average_precision"])
    assert row["average_precision"]["value"] == pytest.approx(average_precision(TARGETS, LOGITS))
    assert row["average_precision"]["baseline"] == row["prevalence"] == pytest.approx(TARGETS.mean())


def test_a_band_has_the_asked_level():
    replicates = np.repeat(np.arange(101.0)[:, None], 2, axis=1)
    assert band(replicates, 0.2) == {"low": [10, 10], "high": [90, 90]}
    assert band(replicates[:1], 0.2) == {"low": [None, None], "high": [None, None]}


def test_a_curve_of_precision_has_a_step_only_where_recall_rises(metrics):
    curve = next(one for one in metrics["curves"] if (one["set"], one["finding"]) == ("external:beta", "fracture"))
    assert len(curve["recall"]) == TARGETS.sum() and (np.diff(curve["recall"]) > 0).all()
    assert len(curve["band"]["low"]) == len(GRID)


def test_decisions_are_of_the_probabilities_as_recalibrated_where_there_are_some(metrics):
    frozen = freeze_probabilities(RUN.part("validation"), OUTSIDE, Method.TEMPERATURE)[0]
    decision = row_of(metrics)["decision"]
    assert decision["from"] == "recalibrated"
    assert decision["classifier"] == pytest.approx(decision_curve(TARGETS, frozen, DECISIONS).classifier, abs=1e-5)
    plain = evaluate({"run": RUN}, options=replace(OPTIONS, resamples=0, recalibrate=Method.NONE)).metrics
    assert row_of(plain)["decision"]["from"] == "as_trained"


def test_a_threshold_of_the_site_is_chosen_and_tested_by_the_rules_of_all(metrics):
    shift = row_of(metrics)["shift"]
    inside = next(one for one in evaluation_sets({"run": RUN}) if one.key == "test").predictions["run"]
    rates = [prevalence_rate(run.targets[:, 0], run.patient_ids, alpha=0.2) for run in (OUTSIDE, inside)]
    assert tuple(newcombe_interval(*rates)) == limits(shift["prevalence_difference"])
    half = _half()
    margins = margins_by_halves(TARGETS, LOGITS, half, wanted_sensitivity=0.9)
    there = at_threshold(TARGETS, margins, 0, alpha=0.2, patient_ids=OUTSIDE.patient_ids)
    for name in ("sensitivity", "specificity"):
        rate = getattr(there, name)
        assert shift[f"{name}_here"]["value"] == rate.value and (rate.low, rate.high) == limits(shift[f"{name}_here"])


def test_rates_at_the_frozen_threshold_have_the_asked_level_and_whole_patients(metrics):
    frozen = freeze_thresholds(RUN.part("validation"), OUTSIDE, wanted_sensitivity=0.9)[0]
    margins = LOGITS.astype(float) - frozen.cuts
    there = at_threshold(TARGETS, margins, 0, alpha=0.2, patient_ids=OUTSIDE.patient_ids)
    row = row_of(metrics)
    assert (there.sensitivity.low, there.sensitivity.high) == limits(row["sensitivity"])
    rows = np.flatnonzero([GROUP.group_of[study] == "F" for study in OUTSIDE.study_ids])
    patients = [OUTSIDE.patient_ids[i] for i in rows]
    there = at_threshold(TARGETS[rows], margins[rows], 0, alpha=0.2, patient_ids=patients)
    group = _group(metrics, "fracture")
    assert (there.specificity.low, there.specificity.high) == limits(group["specificity"])
    assert group["n_patients"] == len(set(patients)) < len(set(OUTSIDE.patient_ids)) < len(OUTSIDE.study_ids)


def test_the_macro_mean_of_a_group_is_resampled_with_its_own_studies(metrics, counts):
    rows = np.flatnonzero([GROUP.group_of[study] == "F" for study in OUTSIDE.study_ids])
    macro = _group(metrics, None)
    columns = [OUTSIDE.findings.index(name) for name in macro["findings"]]
    drawn = [replicate(OUTSIDE.targets[rows, f], OUTSIDE.logits[rows, f], counts[rows]).auroc for f in columns]
    assert tuple(percentile_interval(np.mean(drawn, axis=0), alpha=0.2)[:2]) == limits(macro["auroc"])


def test_positives_of_one_patient_are_one_for_the_score_interval():
    n = 200
    labels = (np.arange(n) < 60).astype(np.float32)[:, None]  # 20 patients with three positives each
    logits = (np.random.default_rng(0).normal(size=(n, 1)) + labels).astype(np.float32)
    names = tuple(f"s{i}" for i in range(n))
    patients = tuple(f"p{i // 3 if i < 60 else i}" for i in range(n))
    run = replace(RUN.take(range(n)), study_ids=names, patient_ids=patients, sites=("x",) * n, parts=("test",) * n)
    run = replace(run, findings=("a",), targets=labels, logits=logits)
    row = evaluate({"run": run}, options=replace(OPTIONS, resamples=0)).metrics["results"][0]
    score = auroc_score_interval(auroc(labels[:, 0], logits[:, 0]), 20, 140, alpha=0.2)
    assert row["auroc"]["method"] == "score" and (score.low, score.high) == limits(row["auroc"])
    assert not row["few_positives"]  # 60 of 30


def test_chance_is_drawn_among_patients_with_the_seed_of_the_set():
    row = row_of(evaluate({"run": RUN}, options=replace(OPTIONS, permutations=200, seed=3)).metrics)
    seed = [3, zlib.crc32(SET.key.encode()), PERMUTING]
    asked = {"permutations": 200, "seed": seed}
    assert row["permutation"]["value"] == permutation_test(TARGETS, LOGITS, OUTSIDE.patient_ids, **asked).p
    quiet = replace(RUN, logits=np.random.default_rng(5).normal(size=RUN.logits.shape).astype(np.float32))
    rows = evaluate({"run": quiet}, options=replace(OPTIONS, permutations=200, seed=3)).metrics["results"]
    found = [row["permutation"]["value"] for row in rows if row["set"] == "external:beta"][:3]
    logits = quiet.part("external").logits
    for f, p in enumerate(found):
        assert p == permutation_test(OUTSIDE.targets[:, f], logits[:, f], OUTSIDE.patient_ids, **asked).p


def test_a_finding_with_just_enough_positives_is_not_one_with_few():
    n_positive = int(TARGETS.sum())
    for least, is_scarce in ((n_positive, False), (n_positive + 1, True)):
        made = evaluate({"run": RUN}, options=replace(OPTIONS, resamples=0, few_positives=least)).metrics
        assert row_of(made)["few_positives"] is is_scarce


def test_a_score_at_the_threshold_is_called_positive_in_resamples_too(counts):
    cut = freeze_thresholds(RUN.part("validation"), OUTSIDE, wanted_sensitivity=0.9)[0].point.threshold
    outside = [i for i, part in enumerate(RUN.parts) if part == "external"]
    moved = RUN.logits.copy()
    near = [i for i in outside if abs(moved[i, 0] - cut) < 0.4]
    moved[near, 0] = np.float32(cut)
    made = row_of(evaluate({"run": replace(RUN, logits=moved)}, options=OPTIONS).metrics)
    called = moved[outside, 0] >= np.float32(cut)
    assert len(near) > 20 and made["sensitivity"]["numerator"] == (called & (TARGETS == 1)).sum()
    drawn = replicate_f1(TARGETS, called, counts)
    assert tuple(percentile_interval(drawn, alpha=0.2)[:2]) == limits(made["f1"])


def test_runs_side_by_side_are_called_by_the_same_rule_as_in_an_evaluation():
    runs = {"one": RUN, "other": make_predictions(seed=2, shift=-0.3)}
    whole = evaluate(runs, options=OPTIONS).metrics["comparisons"]
    alone = compare_predictions(runs, OPTIONS)["comparisons"]
    assert alone["calls"] == whole["calls"] and alone["runs"] == whole["runs"]


def _half():
    return halves(OUTSIDE.patient_ids, seed=[OPTIONS.seed, zlib.crc32(SET.key.encode()), HALVING])


def _group(metrics, finding):
    wanted = {"set": "external:beta", "attribute": "sex", "group": "F", "finding": finding}
    return next(row for row in metrics["subgroups"] if wanted.items() <= row.items())
