"""Every number that R's pROC, irrCAC and glm, scikit-learn and statsmodels gave is met to 1e-9, or explained."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from reference.closed_form import closed_form
from reference.oracles import leaves, unmet
from scipy.special import expit, logit, ndtri
from scipy.stats import norm

from imagetrain.evaluation.auroc import auroc, average_precision, roc_curve
from imagetrain.evaluation.calibration import brier_score, calibration_in_the_large, calibration_line
from imagetrain.evaluation.delong import DelongStatus, delong, delong_covariance, paired_test, unpaired_test
from imagetrain.evaluation.thresholds import at_threshold, youden
from radprompter.agreement.comparing.significance import mcnemar, paired_t, wilcoxon
from radprompter.agreement.raters.coefficients import Coefficient, Reason, coefficient
from radprompter.agreement.raters.ratings import Ratings
from radprompter.statistics import benjamini_hochberg, wilson_interval

MARKERS = ("ndka", "wfns", "s100b")
FIVE = ("1", "2", "3", "4", "5")


@pytest.fixture
def oracles(shared: Path) -> Path:
    return shared / "data/oracles"


def test_the_subarachnoid_study_by_proc(oracles: Path):
    frame = pd.read_csv(oracles / "asah.csv")
    poor, male = (frame["outcome"] == "Poor").to_numpy(), (frame["gender"] == "Male").to_numpy()
    scores = {marker: frame[marker].to_numpy() for marker in MARKERS}
    ours: dict[str, Any] = {"n/n": len(poor), "n/pos_Poor": poor.sum(), "n/neg_Good": (~poor).sum()}
    ours |= {"n/gender/Male": male.sum(), "n/gender/Female": (~male).sum()}
    for marker, values in scores.items():
        ours |= {f"single/{marker}/{key}": value for key, value in single(poor, values).items()}
        first, second = delong(poor[male], values[male]), delong(poor[~male], values[~male])
        test = unpaired_test(poor[male], values[male], poor[~male], values[~male])
        told = {"auc_male": first.auroc, "auc_female": second.auroc, "var_male": first.variance}
        told |= {"var_female": second.variance, "statistic_D": test.statistic, "df": test.df, "p": test.p}
        told["p_normal"] = 2 * norm.sf(abs(test.difference) / (first.variance + second.variance) ** 0.5)
        ours |= {f"unpaired_male_vs_female/{marker}/{key}": value for key, value in told.items()}
    for a, b in (("wfns", "s100b"), ("wfns", "ndka"), ("s100b", "ndka")):
        test = paired_test(poor, scores[a], scores[b])
        told = {"statistic_Z": test.statistic, "p": test.p, "auc1": test.auroc_a, "auc2": test.auroc_b}
        told |= {"cov": delong_covariance(poor, [scores[a], scores[b]])[0, 1]}
        told |= {"conf_int/0": test.low, "conf_int/1": test.high}
        ours |= {f"paired/{a}_vs_{b}/{key}": value for key, value in told.items()}
    forced = unpaired_test(poor, scores["wfns"], poor, scores["s100b"])
    ours |= {f"unpaired_forced_wfns_vs_s100b/{k}": v for k, v in zip(["D", "df", "p"], forced[5:8], strict=True)}
    partial = area_up_to(0.1, poor, scores["s100b"])
    ours |= {"partial/s100b_spec_1_0.9": partial}
    ours |= {"partial/s100b_spec_corrected": (1 + (partial - 0.005) / (0.1 - 0.005)) / 2}
    not_ours = {"versions/*": "not a number", "edge/*": "see the test of edge cases"}
    assert unmet(oracles / "asah_pROC_oracle.json", ours, not_ours) == []


def single(poor: np.ndarray, values: np.ndarray) -> dict[str, Any]:
    """One marker, named as pROC does."""
    found, ninety = delong(poor, values), delong(poor, values, alpha=0.1)
    told: dict[str, Any] = {"auc": found.auroc, "var": found.variance, "se": found.variance**0.5, "n_best": 1}
    told |= {f"ci95/{i}": value for i, value in enumerate((found.low, found.auroc, found.high))}
    told |= {f"ci90/{i}": value for i, value in enumerate((ninety.low, ninety.auroc, ninety.high))}
    point = youden(poor, values)
    there = at_threshold(poor, values, point.threshold)
    right, ppv, npv = (there.true_positive + there.true_negative) / poor.size, there.ppv.value, there.npv.value
    sensitivity, specificity = there.sensitivity.value, there.specificity.value
    assert (sensitivity, specificity) == (point.sensitivity, pytest.approx(point.specificity, abs=1e-15))
    best = {
        "threshold": (point.threshold + values[values < point.threshold].max()) / 2,  # pROC cuts halfway
        "tp": there.true_positive, "fp": there.false_positive, "tn": there.true_negative, "fn": there.false_negative,
        "sensitivity": sensitivity, "tpr": sensitivity, "recall": sensitivity,
        "1-sensitivity": 1 - sensitivity, "fnr": 1 - sensitivity,
        "specificity": specificity, "tnr": specificity, "1-specificity": 1 - specificity, "fpr": 1 - specificity,
        "accuracy": right, "1-accuracy": 1 - right, "youden": sensitivity + specificity,
        "ppv": ppv, "precision": ppv, "1-ppv": 1 - ppv, "fdr": 1 - ppv, "npv": npv, "1-npv": 1 - npv,
        "closest.topleft": (1 - sensitivity) ** 2 + (1 - specificity) ** 2,
    }  # fmt: skip
    return told | {f"youden/{key}": value for key, value in best.items()}


def area_up_to(highest: float, targets: np.ndarray, scores: np.ndarray) -> float:
    """Area under the ROC curve to the left of a false positive rate."""
    curve = roc_curve(targets, scores)
    inside = curve.false_positive_rate < highest
    rates = np.append(curve.false_positive_rate[inside], highest)
    end = np.interp(highest, curve.false_positive_rate, curve.true_positive_rate)
    return float(np.trapezoid(np.append(curve.true_positive_rate[inside], end), rates))


def test_edge_cases_of_proc_have_our_status(oracles: Path):
    edge = json.loads((oracles / "asah_pROC_oracle.json").read_text())["edge"]
    perfect = delong([0, 0, 0, 1, 1, 1], [1, 2, 3, 4, 5, 6])
    assert (perfect.auroc, perfect.variance, perfect.low, perfect.high) == (
        edge["perfect"]["auc"], edge["perfect"]["var"], edge["perfect"]["ci"][0], edge["perfect"]["ci"][2],
    )  # fmt: skip
    assert edge["perfect"]["warnings"] and perfect.status is DelongStatus.ZERO_VARIANCE
    wfns = pd.read_csv(oracles / "asah.csv")["wfns"]
    same = paired_test(wfns > 2, wfns, wfns)
    assert (same.statistic, same.p) == (edge["identical"]["Z"], edge["identical"]["p"]) == (0, 1)
    assert edge["single_class"].startswith("ERROR") and delong([1, 1, 1], [1, 2, 3]).status is DelongStatus.ONE_CLASS
    alone = delong([0, 0, 0, 1], [1, 2, 3, 2.5])
    assert alone.auroc == pytest.approx(edge["one_pos"]["auc"], abs=1e-12)
    assert edge["one_pos"]["var"] == "NA" and np.isnan([alone.variance, alone.low, alone.high]).all()
    assert alone.status is DelongStatus.ONE_POSITIVE
    tied = delong([0, 0, 0, 1, 1], [1] * 5)
    assert [tied.auroc, tied.variance, tied.low, tied.high] == [0.5, edge["all_tied"]["var"], 0.5, 0.5]
    assert edge["all_tied"]["ci"] == [0.5] * 3 and tied.status is DelongStatus.ZERO_VARIANCE
    both = paired_test([0, 0, 0, 1, 1, 1], [1, 2, 3, 4, 5, 6], [1, 2, 3, 7, 8, 9])
    assert (both.statistic, both.p) == (edge["both_perfect"]["Z"], edge["both_perfect"]["p"])
    tested = {"perfect", "identical", "single_class", "one_pos", "all_tied", "both_perfect", "both_perfect_warn"}
    assert set(edge) == tested


def test_the_closed_form_data_by_proc(oracles: Path):
    ours: dict[str, Any] = {}
    for n, p in ((n, p) for n in (2000, 20000, 100000) for p in (40, 1500)):
        y, first, second = closed_form(n, p)
        one, two, test = delong(y, first), delong(y, second), paired_test(y, first, second)
        even = np.arange(n) % 2 == 0
        apart = unpaired_test(y[even], first[even], y[~even], first[~even])
        told = {"n": n, "pos": y.sum(), "sum_s1": first.sum(), "sum_s2": second.sum(), "auc1": one.auroc}
        told |= {"auc2": two.auroc, "var1": one.variance, "var2": two.variance, "Z": test.statistic, "p": test.p}
        told |= {"cov": delong_covariance(y, [first, second])[0, 1], "diff_ci/0": test.low, "diff_ci/1": test.high}
        told |= {"ci1/0": one.low, "ci1/1": one.auroc, "ci1/2": one.high}
        told |= {f"unpaired_even_odd/{k}": v for k, v in zip(["D", "df", "p"], apart[5:8], strict=True)}
        ours |= {f"N{n}_p{p}/{key}": value for key, value in told.items()}
    assert unmet(oracles / "synthetic_delong_pROC_oracle.json", ours, {"recipe": "words"}) == []


def test_average_precision_by_scikit_learn(oracles: Path):
    frame = pd.read_csv(oracles / "asah.csv")
    ours = {f"average_precision/{m}": average_precision(frame["outcome"] == "Poor", frame[m]) for m in MARKERS}
    assert unmet(oracles / "asah_auprc_sklearn.json", ours, {}) == []
    assert auroc(frame["outcome"] == "Poor", frame["wfns"]) > 0.8


def test_calibration_by_glm(oracles: Path):
    frame = pd.read_csv(oracles / "asah.csv")
    poor = (frame["outcome"] == "Poor").to_numpy(dtype=float)
    line = calibration_line(poor, frame["s100b"])
    fitted = expit(line.intercept.value + line.slope.value * frame["s100b"])
    logits = 0.5 * logit(fitted) + 0.3
    again, large = calibration_line(poor, logits), calibration_in_the_large(poor, logits)
    ours = {
        "glm_s100b/intercept": line.intercept.value, "glm_s100b/slope": line.slope.value,
        "glm_s100b/brier": brier_score(poor, fitted), "glm_s100b/mean_p": fitted.mean(),
        "recalibration/slope": again.slope.value, "recalibration/slope_intercept": again.intercept.value,
        "recalibration/citl": large.value, "recalibration/brier": brier_score(poor, expit(logits)),
        "recalibration/slope_se": again.slope.error, "recalibration/citl_se": large.error,
    }  # fmt: skip
    assert ours.pop("recalibration/slope_se") == pytest.approx(0.48827345162646, abs=1e-12)
    assert ours.pop("recalibration/citl_se") == pytest.approx(0.20358865582071, abs=1e-12)
    last_step = "glm's own are of the step before its last; above is what it gives with epsilon=1e-15"
    not_ours = {"recalibration/lp": "words", "recalibration/*_se": last_step}
    assert unmet(oracles / "calibration_glm_oracle.json", ours, not_ours) == []


def entry(found: Coefficient, saved: Mapping[str, Any], n_ratings: int) -> dict[str, Any]:
    """A coefficient as irrCAC names its parts; its p is one-sided, and its interval a text."""
    p = found.p / 2 if found.value > 0 else 1 - found.p / 2
    told = {"pa": found.pa, "pe": found.pe, "coeff.val": found.value, "coeff.se": found.se, "tot.obs": n_ratings}
    told |= {"p.value": 0.0 if found.reason is Reason.ZERO_VARIANCE else p}
    for key in ("conf.int", "coeff.ci"):
        if key in saved:
            low, high = (float(limit) for limit in saved[key].strip("()").split(","))
            assert (found.low, found.high) == pytest.approx((low, high), abs=1e-9, nan_ok=True)
            told[key] = saved[key]
    return {key: value for key, value in told.items() if key in saved}


KINDS = {
    "gwet": "gwet", "kappa": "cohen", "scott": "fleiss", "bp": "brennan_prediger", "fleiss": "fleiss",
    "conger": "conger", "kripp": "krippendorff", "pa": "percent",
}  # fmt: skip


def test_agreement_by_irrcac(oracles: Path):
    saved = json.loads((oracles / "irrcac_oracle_fullprec.json").read_text())
    raw = pd.read_csv(oracles / "irrcac_raw4raters.csv").iloc[:, -4:]
    four = Ratings((raw.fillna(0).to_numpy() - 1).astype(np.int64), FIVE)
    ours: dict[str, Any] = {}

    def put(path: str, found: Coefficient, said: Mapping[str, Any], n_ratings: int) -> None:
        ours.update({f"{path}/{key}": value for key, value in entry(found, said, n_ratings).items()})

    for weights, said in saved["raw4raters_gwet"].items():
        found = coefficient("gwet", four, weights="identity" if weights == "unweighted" else weights)
        put(f"raw4raters_gwet/{weights}", found, said, 41)
    for key in ("fleiss", "conger", "kripp", "bp", "pa"):
        put(f"raw4raters_{key}", coefficient(KINDS[key], four), saved[f"raw4raters_{key}"], 41)
    for table in ("cont3x3abstractors", "cont4x4diagnosis", "paradox_2x2", "paradox_raw"):
        rows = saved["paradox_2x2" if table == "paradox_raw" else table]["table"]
        of_table = Ratings.from_table(rows, FIVE[: len(rows)])
        for key, said in saved[table].items():
            if key != "table":
                found = coefficient(KINDS[key], of_table, ddof=1 if table == "paradox_raw" else 0)
                put(f"{table}/{key}", found, said, 2 * int(np.sum(rows)))
    perfect = Ratings(np.array([[0, 0], [0, 0], [1, 1]]), FIVE[:2])
    put("edge_perfect", coefficient("gwet", perfect), saved["edge_perfect"], 6)
    not_ours = {
        "source": "words", "raw4raters_columns/*": "words", "*/coeff.name": "words", "*/w.name": "words",
        "*/table/*": "what is counted", "*/coeff.pval": "one-sided, printed to three digits: tests of raters have them",
        "edge_single_category/*": "the category that nobody used is not counted there; ours is tested below",
    }  # fmt: skip
    assert unmet(oracles / "irrcac_oracle_fullprec.json", ours, not_ours) == []
    one = coefficient("gwet", Ratings(np.zeros((3, 2), dtype=np.int64), FIVE[:2]))
    assert (one.value, one.pa) == (saved["edge_single_category"]["coeff.val"], saved["edge_single_category"]["pa"])
    assert np.isnan(one.p) and one.reason is Reason.ZERO_VARIANCE


def test_the_other_tests_by_scipy_and_statsmodels(oracles: Path):
    saved = json.loads((oracles / "misc_oracle.json").read_text())
    family, paired = saved["BH1995"], saved["paired"]
    adjusted = benjamini_hochberg(family["p"])
    ours: dict[str, Any] = {f"BH1995/bh_adj_{who}/{i}": p for who in ("scipy", "sm") for i, p in enumerate(adjusted.p)}
    ours |= {f"BH1995/reject_05/{i}": bool(p <= 0.05) for i, p in enumerate(adjusted.p)}
    for exact, corrected, method in (
        ("True", "True", "exact"), ("False", "True", "chi_squared_corrected"), ("False", "False", "chi_squared"),
    ):  # fmt: skip
        test = mcnemar(121, 59, n=314, method=method)
        name = f"mcnemar_101_121_59_33_exact{exact}_cc{corrected}"
        ours |= {f"{name}/0": test.statistic, f"{name}/1": test.p}
    table = Ratings.from_table([[13, 0, 0], [0, 20, 7], [0, 4, 56]], FIVE[:3])
    kappa = coefficient("cohen", table, ddof=0)
    ours |= {"cohen_3x3/sk": kappa.value, "cohen_3x3/sm_kappa": kappa.value, "cohen_3x3/sm_se": kappa.se}
    ours |= {f"cohen_3x3/sm_ci/{i}": kappa.value + ndtri(q) * kappa.se for i, q in enumerate((0.025, 0.975))}
    ours["cohen_const"] = coefficient("cohen", Ratings(np.zeros((3, 2), dtype=np.int64), FIVE[:2])).value
    counts = np.array(saved["fleiss_10x5"]["table"])
    fourteen = Ratings(np.array([np.repeat(np.arange(5), row) for row in counts]), FIVE)
    ours["fleiss_10x5/kappa"] = coefficient("fleiss", fourteen).value
    ours["fleiss_10x5/randolph"] = coefficient("brennan_prediger", fourteen).value
    student, ranks = paired_t(paired["x"], paired["y"]), wilcoxon(paired["x"], paired["y"], method="exact")
    ours |= {"paired/t/0": student.statistic, "paired/t/1": student.p, "paired/t/2": student.n - 1}
    ours |= {"paired/wilcoxon_exact/0": ranks.statistic, "paired/wilcoxon_exact/1": ranks.p}
    for name, successes in (("wilson_8_of_10", 8), ("wilson_0_of_10", 0)):
        ours |= {f"{name}/{i}": limit for i, limit in enumerate(wilson_interval(successes, 10))}
    not_ours = {
        "versions/*": "words", "BH1995/p/*": "what is adjusted", "fleiss_10x5/table/*": "what is counted",
        "paired/[xy]/*": "what is tested", "BH1995/by/*": "the correction of 2001 is not offered",
        "BH_nan_*": "undefined tests are dropped first, and m says how many are left",
        "paired/wilcoxon_a*": "near-ties of binary numbers: differences are rounded first, see the tests of Wilcoxon's",
        "paired/ci/*": "an interval of the mean over findings is not offered: findings are no sample",
        "cp_8_of_10/*": "Clopper and Pearson's interval is not offered: Wilson's is", "cohen_sk_3x3": "null",
    }  # fmt: skip
    assert unmet(oracles / "misc_oracle.json", ours, not_ours) == []


def test_the_walk_sees_what_is_not_met(tmp_path: Path):
    (tmp_path / "saved.json").write_text('{"a": [1.0, 2.0], "b": {"c": "NA"}, "d": 3}')
    assert dict(leaves({"a": [1, {"b": 2}]})) == {"a/0": 1, "a/1/b": 2}
    ours = {"a/0": 1 + 1e-8, "a/1": 2.0, "b/c": np.nan, "e": 1}
    assert unmet(tmp_path / "saved.json", ours, {"f*": "nothing"}) == [
        "a/0: 1.0 against our 1.00000001",
        "d: 3 is neither met nor explained",
        "e: there is no such leaf",
        "f*: explains nothing",
    ]
