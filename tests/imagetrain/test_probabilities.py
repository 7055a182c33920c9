"""Calibration, decision curves, bands, chance and shift, as an evaluation reports them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from reference.predictions import FINDINGS, make_predictions, two_runs
from scipy.special import expit

from imagetrain.evaluation import bootstrap
from imagetrain.evaluation.calibration import brier_score, calibration_line
from imagetrain.evaluation.frozen import freeze_probabilities, freeze_thresholds
from imagetrain.evaluation.numbers import Options
from imagetrain.evaluation.recalibration import Method, fit_temperature, recalibrate
from imagetrain.evaluation.report import evaluate
from imagetrain.evaluation.shift import halves, margins_by_halves, newcombe_interval, recalibrated_by_halves
from imagetrain.evaluation.thresholds import Rate, rate_of, with_sensitivity, youden
from imagetrain.records import Predictions

SAME = ("auroc", "auroc_bootstrap", "average_precision", "f1", "permutation", "decision", "shift")
OPTIONS = Options(resamples=100, permutations=99)
RUN = make_predictions(seed=1)
OUTSIDE = RUN.part("external")


@pytest.fixture(scope="module")
def metrics():
    return evaluate(two_runs(), options=OPTIONS).metrics


def row_of(metrics, where="external:beta", finding="fracture", run="inclusive"):
    return next(r for r in metrics["results"] if (r["run"], r["set"], r["finding"]) == (run, where, finding))


def test_calibration_is_that_of_the_probabilities_as_they_are_and_as_validation_recalibrates_them(metrics):
    validation = RUN.part("validation")
    temperature = fit_temperature(validation.targets[:, 0], validation.logits[:, 0].astype(float))
    made = row_of(metrics)["calibration"]
    for kind, scale in (("as_trained", 1.0), ("recalibrated", temperature)):
        logits = OUTSIDE.logits[:, 0].astype(float) / scale
        line = calibration_line(OUTSIDE.targets[:, 0], logits, patient_ids=OUTSIDE.patient_ids)
        assert made[kind]["slope"]["value"] == pytest.approx(line.slope.value, abs=1e-6)
        assert made[kind]["intercept"]["low"] == pytest.approx(line.intercept.low, abs=1e-6)
        assert made[kind]["brier"]["value"] == pytest.approx(brier_score(OUTSIDE.targets[:, 0], expit(logits)))
        assert sum(one["n"] for one in made[kind]["curve"]) == made[kind]["brier"]["n"] == 240
    assert (made["as_trained"]["method"], made["recalibrated"]["method"]) == ("none", "temperature")


def test_the_number_of_threads_and_of_resamples_at_once_changes_no_number(metrics, monkeypatch):
    monkeypatch.setattr(bootstrap, "MOST_THREADS", 1)
    monkeypatch.setattr(bootstrap, "_CELLS_AT_ONCE", 3_000)
    again = evaluate(two_runs(), options=OPTIONS).metrics
    assert again["curves"] == metrics["curves"] and again["macro"] == metrics["macro"]
    for one, other in zip(again["results"], metrics["results"], strict=True):
        assert [one[name] for name in SAME] == [other[name] for name in SAME]


def test_only_an_external_set_is_recalibrated_at_its_site_and_has_a_shift(metrics):
    inside, outside = row_of(metrics, "test"), row_of(metrics)
    assert inside["calibration"]["at_site"] is None and inside["shift"] is None
    assert outside["calibration"]["at_site"]["method"] == "logistic"
    slopes = {kind: abs(1 - outside["calibration"][kind]["slope"]["value"]) for kind in ("recalibrated", "at_site")}
    assert slopes["at_site"] < slopes["recalibrated"]


@pytest.mark.parametrize("method", list(Method))
def test_every_way_to_recalibrate_gives_numbers_or_reasons(method):
    made = evaluate({"one": RUN}, options=Options(resamples=20, permutations=0, recalibrate=method)).metrics
    row = next(r for r in made["results"] if (r["set"], r["finding"]) == ("external:beta", "fracture"))
    found = row["calibration"]["recalibrated"]
    if method is Method.NONE:
        assert found is None and row["decision"]["from"] == "as_trained"
        return
    assert found["method"] == method and row["decision"]["from"] == "recalibrated"
    assert found["brier"]["low"] <= found["brier"]["value"] <= found["brier"]["high"]
    if method is Method.ISOTONIC:
        assert found["slope"]["value"] is None and "0 or 1" in found["slope"]["reason"]
    unknown = next(r for r in made["results"] if r["finding"] == "osteopenia")["calibration"]["recalibrated"]
    assert "on validation" in unknown["reason"] and unknown["ece"]["value"] is None and unknown["curve"] == []


def test_where_no_temperature_fits_the_reason_is_not_that_the_ranking_is_worse_than_chance():
    raised = replace(RUN, logits=RUN.logits + 6)  # as training with weighted positives does
    made = evaluate({"one": raised}, options=Options(resamples=0, permutations=0)).metrics
    row = next(r for r in made["results"] if (r["set"], r["finding"]) == ("test", "fracture"))
    found = row["calibration"]["recalibrated"]
    assert row["auroc"]["value"] > 0.6 and found["brier"]["value"] is None
    assert "no slope (temperature) above 0" in found["reason"] and "worse than chance" not in found["reason"]


def test_a_decision_curve_has_its_limits_and_that_of_everybody(metrics):
    row = row_of(metrics)
    curve = row["decision"]
    assert len({len(curve[name]) for name in ("thresholds", "classifier", "low", "high", "everybody")}) == 1
    prevalence = row["prevalence"]
    for t, all_of_them in zip(curve["thresholds"], curve["everybody"], strict=True):
        assert all_of_them == pytest.approx(prevalence - t / (1 - t) * (1 - prevalence), abs=1e-5)
    half = curve["thresholds"].index(0.5)
    assert curve["low"][half] <= curve["classifier"][half] <= curve["high"][half]
    assert curve["classifier"][half] > max(0, curve["everybody"][half])


def test_chance_is_rejected_for_a_classifier_that_knows_and_not_for_one_that_does_not(metrics):
    assert row_of(metrics)["permutation"]["value"] == pytest.approx(1 / 100)
    blind = replace(RUN, logits=np.random.default_rng(3).normal(size=RUN.logits.shape).astype(np.float32))
    made = evaluate({"blind": blind}, options=replace(OPTIONS, resamples=0)).metrics
    p = [row["permutation"]["value"] for row in made["results"] if row["permutation"]["value"] is not None]
    assert min(p) > 0.01 and all(row["permutation"]["n_permutations"] == 99 for row in made["results"])
    nothing = evaluate({"blind": blind}, options=Options(resamples=0, permutations=0)).metrics["results"][0]
    assert nothing["permutation"]["value"] is None and "no permutations" in nothing["permutation"]["reason"]


def test_bands_lie_about_their_curves_and_are_absent_without_resamples(metrics):
    curve = next(c for c in metrics["curves"] if (c["set"], c["finding"]) == ("external:beta", "fracture"))
    band, pr_band = curve["band"], curve["pr_band"]
    assert len(band["false_positive_rate"]) == len(band["low"]) == len(band["high"]) == 101
    heights = np.interp(band["false_positive_rate"], curve["false_positive_rate"], curve["true_positive_rate"])
    inside = (np.array(band["low"]) <= heights + 0.02) & (heights - 0.02 <= np.array(band["high"]))
    assert inside.all() and max(np.subtract(band["high"], band["low"])) > 0.05
    assert all(low <= high for low, high in zip(pr_band["low"], pr_band["high"], strict=True))
    assert curve["recall"] == sorted(curve["recall"]) and curve["recall"][-1] == 1
    bare = evaluate({"one": RUN}, options=Options(resamples=0, permutations=0)).metrics["curves"][0]
    assert bare["band"]["low"] == [None] * 101


def test_the_threshold_counts_the_validation_studies_that_it_was_chosen_on(metrics):
    assert row_of(metrics)["threshold"]["n"] == len(RUN.part("validation").study_ids) == 60


def test_a_wanted_sensitivity_is_had_on_validation_and_said_in_the_definition():
    made = evaluate({"one": RUN}, options=Options(resamples=0, permutations=0, wanted_sensitivity=0.9)).metrics
    validation = RUN.part("validation")
    expected = with_sensitivity(validation.targets[:, 0], validation.logits[:, 0], 0.9)
    found = row_of(made, run="one")["threshold"]
    assert found["value"] == expected.threshold and found["validation_sensitivity"] >= 0.9
    assert "sensitivity of at least 0.9" in found["definition"] and "Youden" not in found["definition"]


def test_the_shift_has_the_prevalences_and_a_threshold_of_the_sites_own(metrics):
    row, inside = row_of(metrics), row_of(metrics, "test")
    shift = row["shift"]
    assert shift["prevalence_difference"]["value"] == pytest.approx(row["prevalence"] - inside["prevalence"])
    assert shift["prevalence_difference"]["n"] == row["n"] + inside["n"]
    assert shift["threshold_inside"]["value"] == inside["threshold"]["value"]
    assert shift["threshold_here"]["value"] == youden(OUTSIDE.targets[:, 0], OUTSIDE.logits[:, 0]).threshold
    lost = row_of(metrics, finding="osteopenia")["shift"]
    assert "half" in lost["sensitivity_here"]["reason"] and lost["threshold_here"]["value"] is None


def test_without_an_internal_test_set_the_shift_says_so():
    rows = [i for i, part in enumerate(RUN.parts) if part in ("validation", "external")]
    made = evaluate({"one": RUN.take(rows)}, options=Options(resamples=0, permutations=0)).metrics
    shift = row_of(made, run="one")["shift"]
    assert "no internal test set" in shift["prevalence_difference"]["reason"]
    assert shift["sensitivity_here"]["value"] is not None


def test_prevalences_take_patients_for_independent():
    """Three studies of one patient with the same label say no more than one of them."""
    once = replace(RUN, patient_ids=RUN.study_ids)
    thrice = once.take(np.repeat(np.arange(len(RUN.study_ids)), 3))
    thrice = replace(thrice, study_ids=tuple(f"{study}-{i}" for i, study in enumerate(thrice.study_ids)))
    options = Options(resamples=0, permutations=0)
    made = [evaluate({"one": run}, options=options).metrics for run in (once, thrice)]
    one, other = (row_of(metrics, run="one")["shift"] for metrics in made)
    for name in ("prevalence_inside", "prevalence_here", "prevalence_difference"):
        limits = [[found[name][key] for key in ("value", "low", "high")] for found in (one, other)]
        assert limits[0] == pytest.approx(limits[1], abs=0.004)
        assert other[name]["n"] == 3 * one[name]["n"] and "independent" not in one[name]["definition"]


def test_halves_part_no_patient():
    half = halves(OUTSIDE.patient_ids, seed=0)
    assert half.sum() == len(OUTSIDE.patient_ids) / 2
    of_patient = {}
    for patient, side in zip(OUTSIDE.patient_ids, half.tolist(), strict=True):
        of_patient.setdefault(patient, set()).add(side)
    assert all(len(sides) == 1 for sides in of_patient.values())


def test_what_is_chosen_at_a_site_never_saw_the_label_that_it_is_tested_with():
    """Changing the labels of one half changes what is called in the other half alone."""
    targets, logits = OUTSIDE.targets[:, 0], OUTSIDE.logits[:, 0]
    half = halves(OUTSIDE.patient_ids, seed=0)
    turned = np.where(half, 1 - targets, targets)
    before, after = (margins_by_halves(y, logits, half, wanted_sensitivity=None) for y in (targets, turned))
    assert (before[half] == after[half]).all() and (before[~half] != after[~half]).all()
    some_turned = np.where(half & (logits > np.median(logits) + 1), 1 - targets, targets)
    p, q = (recalibrated_by_halves(y, logits, half) for y in (targets, some_turned))
    assert (p[half] == q[half]).all() and (p[~half] != q[~half]).all()


def share(number: int, total: int) -> Rate:
    return rate_of(np.arange(total) < number)


@pytest.mark.parametrize(
    ("first", "second", "low", "high"),
    [
        ((56, 70), (48, 80), 0.0524, 0.3339),  # Newcombe 1998, table II, method 10
        ((9, 10), (3, 10), 0.1705, 0.8090),
        ((6, 7), (2, 7), 0.0582, 0.8062),
        ((5, 56), (0, 29), -0.0381, 0.1926),
        ((0, 10), (0, 20), -0.1611, 0.2775),
        ((10, 10), (0, 10), 0.6075, 1.0),
    ],
)
def test_the_interval_of_a_difference_is_newcombes(first, second, low, high):
    assert newcombe_interval(share(*first), share(*second)) == pytest.approx((low, high), abs=5e-5)


@given(st.tuples(st.integers(0, 20), st.integers(1, 20)), st.tuples(st.integers(0, 20), st.integers(1, 20)))
def test_differences_turned_around_have_their_limits_turned_around(first, second):
    first, second = ((min(number, total), total) for number, total in (first, second))
    low, high = newcombe_interval(share(*first), share(*second))
    again = newcombe_interval(share(*second), share(*first))
    assert (low, high) == pytest.approx((-again.high, -again.low), abs=1e-12)
    assert low - 1e-12 <= first[0] / first[1] - second[0] / second[1] <= high + 1e-12


def test_each_fold_is_recalibrated_by_its_own_validation_and_outside_by_the_mean_of_all():
    folded = _folded()
    (inside,) = freeze_probabilities(folded.part("validation"), folded.part("test"), Method.LOGISTIC)
    (outside,) = freeze_probabilities(folded.part("validation"), folded.part("external"), Method.LOGISTIC)
    maps = {}
    for fold in (1, 2):
        own = folded.part("validation").take([i for i, f in enumerate(folded.part("validation").folds) if f == fold])
        maps[fold] = recalibrate(Method.LOGISTIC, own.targets[:, 0], own.logits[:, 0])
    tested = folded.part("test")
    expected = [maps[fold](tested.logits[i : i + 1, 0])[0] for i, fold in enumerate(tested.folds)]
    assert inside == pytest.approx(expected, abs=1e-9)
    logits = folded.part("external").logits[:, 0]
    assert outside == pytest.approx((maps[1](logits) + maps[2](logits)) / 2, abs=1e-9)


def test_a_mean_over_folds_stands_beside_the_pooled_auroc_inside_and_not_outside():
    folded = _folded()
    made = evaluate({"one": folded}, options=OPTIONS).metrics
    tested = folded.part("test")
    of_folds = row_of(made, "test", "a", "one")["auroc_folds"]
    assert of_folds["value"] == pytest.approx(np.mean(of_folds["folds"])) and len(of_folds["folds"]) == 2
    assert of_folds["low"] <= of_folds["value"] <= of_folds["high"]
    assert of_folds["value"] > row_of(made, "test", "a", "one")["auroc"]["value"]  # the folds are calibrated apart
    macro = next(m for m in made["macro"] if m["set"] == "test")
    assert macro["auroc_folds"]["value"] == of_folds["value"] and macro["auroc_folds"]["n"] == len(tested.study_ids)
    assert row_of(made, "external:beta", "a", "one")["auroc_folds"] is None
    (frozen,) = freeze_thresholds(folded.part("validation"), tested)
    assert frozen.n == 40


def _folded() -> Predictions:
    """Two folds of one finding, the logits of the second 3 higher."""
    generator = np.random.default_rng(0)
    parts = ("validation",) * 80 + ("test",) * 80 + ("external",) * 60
    folds = (1, 2) * 80 + (0,) * 60
    studies = (
        tuple(f"v{i // 2}" for i in range(80)) + tuple(f"t{i}" for i in range(80)) + tuple(f"e{i}" for i in range(60))
    )
    targets = np.repeat(generator.random(110) < 0.4, 2)[:220].astype(np.float32)[:, None]
    logits = (generator.normal(size=220) + 1.5 * targets[:, 0] + 3 * (np.array(folds) == 2)).astype(np.float32)[:, None]
    sites = tuple("beta" if part == "external" else "alpha" for part in parts)
    return Predictions(studies, studies, sites, parts, ("a",), logits, targets, folds)


def test_findings_without_a_class_stay_undefined_everywhere(metrics):
    row = row_of(metrics, finding=FINDINGS[4])
    assert row["calibration"]["as_trained"]["slope"]["reason"] == "positives or negatives are absent"
    assert row["calibration"]["as_trained"]["brier"]["value"] is not None
    assert row["permutation"]["value"] is None
