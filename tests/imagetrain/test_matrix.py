"""Every run against every reference: cells, tests of rows and columns, and what weak labels do to an AUROC."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reference.attenuated import mislabelled, standard_error_of_difference
from reference.predictions import FINDINGS, make_predictions, two_runs

from imagetrain.evaluation.auroc import auroc, average_precision
from imagetrain.evaluation.matrix.labelers import agree, attenuation
from imagetrain.evaluation.matrix.tables import MATRIX_TABLES
from imagetrain.evaluation.numbers import Options
from imagetrain.evaluation.report import evaluate
from imagetrain.records import Predictions, ReferenceLabels
from radprompter.errors import InputError

OPTIONS = Options(resamples=200)
TARGETS = two_runs()["inclusive"].targets


def labels(targets: np.ndarray, title: str = "") -> ReferenceLabels:
    return ReferenceLabels(two_runs()["inclusive"].study_ids, targets.astype(np.float32), title)


def flipped(share: float, seed: int = 0) -> np.ndarray:
    return np.where(np.random.default_rng(seed).random(TARGETS.shape) < share, 1 - TARGETS, TARGETS)


@pytest.fixture(scope="module")
def matrix() -> dict:
    references = {"truth": labels(TARGETS), "same": labels(TARGETS, "The same"), "weak": labels(flipped(0.15))}
    return evaluate(two_runs(), references=references, options=OPTIONS).metrics["matrix"]


def cell(matrix: dict, reference: str, finding: str | None, run: str = "inclusive", where: str = "test") -> dict:
    wanted = (where, run, reference, finding)
    return next(c for c in matrix["cells"] if (c["set"], c["run"], c["reference"], c["finding"]) == wanted)


def column(rows: list[dict], reference: str, where: str = "test", run: str = "inclusive", finding=None) -> dict:
    return next(
        row
        for row in rows
        if (row["set"], row["run"], row["reference_a"], row.get("finding")) == (where, run, reference, finding)
    )


def test_there_is_a_cell_for_every_set_run_reference_and_finding_and_one_for_the_mean(matrix):
    assert len(matrix["cells"]) == 2 * 2 * 3 * (len(FINDINGS) + 1)
    assert [(one["name"], one["title"]) for one in matrix["references"]] == [
        ("truth", "truth"),
        ("same", "The same"),
        ("weak", "weak"),
    ]
    assert matrix["sets"] == ["test", "external:beta"]


def test_a_cell_has_the_numbers_of_its_run_against_its_reference(matrix):
    run = two_runs()["inclusive"]
    weak = replace(run, targets=labels(flipped(0.15)).targets).part("test")
    found = cell(matrix, "weak", "effusion")
    assert found["auroc"]["value"] == auroc(weak.targets[:, 1], weak.logits[:, 1])
    assert found["average_precision"]["value"] == average_precision(weak.targets[:, 1], weak.logits[:, 1])
    assert found["auroc"]["low"] < found["auroc"]["value"] < found["auroc"]["high"]
    assert found["average_precision"]["baseline"] == weak.targets[:, 1].mean() == pytest.approx(found["prevalence"])


def test_against_the_labels_of_the_evaluation_itself_the_cells_are_its_results(matrix):
    metrics = evaluate(two_runs(), options=OPTIONS).metrics
    assert metrics["matrix"] is None
    for row in metrics["results"]:
        found = cell(matrix, "truth", row["finding"], row["run"], row["set"])
        assert (found["auroc"], found["average_precision"]) == (row["auroc"], row["average_precision"])
    rows = [{**row} for row in matrix["rows"]["rows"] if row["reference"] == "truth"]
    for row, expected in zip(rows, metrics["comparisons"]["runs"]["rows"], strict=True):
        assert (row["p"], row["difference"], row["set"]) == (expected["p"], expected["difference"], expected["set"])


def test_macro_means_are_over_findings_that_count_for_every_reference(matrix):
    assert cell(matrix, "weak", "foreign_body")["in_macro"]  # wrong labels have made positives of it
    for reference in ("truth", "weak"):
        whole = cell(matrix, reference, None)
        assert whole["findings"] == list(FINDINGS[:3]) and whole["n_findings"] == 3
        values = [cell(matrix, reference, name)["auroc"]["value"] for name in FINDINGS[:3]]
        assert whole["auroc"]["value"] == pytest.approx(np.mean(values))
        assert whole["auroc"]["low"] < whole["auroc"]["value"] < whole["auroc"]["high"]
    left_out = {item["finding"]: item["reasons"] for item in matrix["left_out"] if item["set"] == "test"}
    assert left_out == {
        "foreign_body": "truth: 2 positives, fewer than 10; same: 2 positives, fewer than 10",
        "osteopenia": "truth: no positives; same: no positives",
    }
    macro = column(matrix["columns"]["macro"], "weak")
    assert macro["findings"] == list(FINDINGS[:3])
    assert macro["auroc_a"] == cell(matrix, "weak", None)["auroc"]["value"]
    assert macro["auroc_b"] == cell(matrix, "truth", None)["auroc"]["value"]


def test_a_weak_labeler_of_the_test_set_understates_the_same_classifier(matrix):
    for where in matrix["sets"]:
        for run in ("inclusive", "exclusive"):
            macro = column(matrix["columns"]["macro"], "weak", where, run)
            assert macro["difference"]["high"] < 0 and macro["p"] < 0.05
    row = column(matrix["columns"]["rows"], "weak", finding="fracture")
    assert row["difference"]["value"] == row["auroc_a"] - row["auroc_b"] < 0 and row["significant"]
    assert row["n_differing"] > 0 == row["n_left_out"]


def test_references_that_say_the_same_differ_nowhere(matrix):
    for row in matrix["columns"]["rows"]:
        if row["reference_a"] == "same" and row["p"] is not None:
            assert (row["difference"]["value"], row["p"], row["p_adjusted"], row["n_differing"]) == (0, 1, 1, 0)
    assert all(
        row["kappa"]["value"] == row["attenuation"]["value"] == 1
        for row in matrix["agreement"]
        if row["reference"] == "same" and row["kappa"]["value"] is not None
    )


def test_agreement_of_references_takes_patients_for_independent():
    run = make_predictions(seed=1)
    alone = replace(run, patient_ids=run.study_ids)
    of_patients = replace(run, patient_ids=tuple(f"p{int(study[1:]) // 8}" for study in run.study_ids))
    weak = np.where((np.arange(len(TARGETS)) // 8 % 4 == 0)[:, None], 1 - TARGETS, TARGETS)  # errs on whole patients
    references = {"truth": labels(TARGETS), "weak": labels(weak)}
    found = []
    for one in (alone, of_patients):
        made = evaluate({"run": one}, references=references, options=Options(resamples=0, permutations=0)).metrics
        found.append(made["matrix"]["agreement"][0]["specificity"])
    studies, patients = found
    assert (studies["value"], studies["n"]) == (patients["value"], patients["n"])
    assert patients["high"] - patients["low"] > 1.5 * (studies["high"] - studies["low"])
    assert "design effect" in patients["definition"]


def test_families_are_declared_and_adjusted_over_both_directions(matrix):
    rows, columns = matrix["rows"], matrix["columns"]
    assert len(rows["rows"]) == 2 * 1 * 3 * len(FINDINGS) and len(columns["rows"]) == 2 * 2 * 2 * len(FINDINGS)
    for family in (rows, columns):
        assert family["m"] + family["n_undefined"] == len(family["rows"])
        assert all(row["p_adjusted"] >= row["p"] for row in family["rows"] if row["p"] is not None)
        assert all(row["difference"]["reason"] for row in family["rows"] if row["p"] is None)
    assert "every other reference against truth" in columns["family"]
    assert "every pair of runs × every reference" in rows["family"]


def test_the_test_of_two_references_has_the_spread_that_influence_gives():
    run = make_predictions(seed=3, n_internal=1200)
    single = replace(run, patient_ids=run.study_ids)
    weak = np.where(np.random.default_rng(1).random(run.targets.shape) < 0.1, 1 - run.targets, run.targets)
    references = {"truth": ReferenceLabels(run.study_ids, run.targets), "weak": ReferenceLabels(run.study_ids, weak)}
    metrics = evaluate({"run": single}, references=references, options=Options(resamples=1000)).metrics
    test = np.array(run.parts) == "test"
    for f, finding in enumerate(FINDINGS[:3]):
        number = column(metrics["matrix"]["columns"]["rows"], "weak", run="run", finding=finding)["difference"]
        expected = standard_error_of_difference(weak[test, f], run.targets[test, f], run.logits[test, f])
        assert (number["high"] - number["low"]) / 2 / 1.96 == pytest.approx(expected, rel=0.1)


def test_studies_that_one_of_two_references_does_not_know_are_left_out_of_their_test():
    partly = TARGETS.copy()
    partly[::3, 0] = np.nan
    matrix = evaluate(
        two_runs(), references={"truth": labels(TARGETS), "partly": labels(partly)}, options=OPTIONS
    ).metrics["matrix"]
    row = column(matrix["columns"]["rows"], "partly", finding="fracture")
    known = 140 - row["n_left_out"]
    assert row["difference"]["n"] == known == cell(matrix, "partly", "fracture")["n"] and 40 < row["n_left_out"] < 50
    assert (row["difference"]["value"], row["n_differing"]) == (0, 0)  # on the same studies they say the same
    assert row["auroc_b"] != cell(matrix, "truth", "fracture")["auroc"]["value"]


def test_studies_and_findings_that_a_reference_lacks_are_not_known_to_it():
    run = two_runs()["inclusive"]
    some = [i for i, study in enumerate(run.study_ids) if int(study[1:]) % 2]
    targets = run.targets[some].copy()
    targets[:, 1] = np.nan
    half = ReferenceLabels(tuple(run.study_ids[i] for i in some), targets)
    matrix = evaluate(two_runs(), references={"truth": labels(TARGETS), "half": half}, options=OPTIONS).metrics[
        "matrix"
    ]
    assert cell(matrix, "half", "fracture")["n"] == 70
    lacking = cell(matrix, "half", "effusion")
    assert (lacking["n"], lacking["auroc"]["value"], lacking["auroc"]["reason"]) == (
        0,
        None,
        "no study with a known label",
    )
    assert column(matrix["columns"]["rows"], "half", finding="effusion")["difference"]["reason"] == (
        "half: no study with a known label; truth: no study with a known label"
    )
    assert cell(matrix, "truth", None)["findings"] == ["fracture"]  # 9 positives are left of dislocation


@pytest.mark.parametrize(
    ("targets", "spoilt", "reason"),
    [
        (np.zeros_like(TARGETS), ("truth", "nothing"), "no finding has 10 positives and a negative to every reference"),
        (np.full_like(TARGETS, np.nan), ("nothing",), "no study with a known label"),
    ],
)
def test_a_reference_of_one_class_gives_null_with_reasons(targets, spoilt, reason):
    references = {"truth": labels(TARGETS), "nothing": labels(targets)}
    metrics = evaluate(two_runs(), references=references, options=OPTIONS).metrics
    matrix = metrics["matrix"]
    for name in ("truth", "nothing"):
        number = cell(matrix, name, None)["auroc"]
        assert (number["value"] is None, number.get("reason")) == ((True, reason) if name in spoilt else (False, None))
    assert all(row["p"] is None and row["difference"]["reason"] for row in matrix["columns"]["rows"])
    assert all(row["difference"]["value"] is None for row in matrix["columns"]["macro"])
    assert json.loads(orjson.dumps(metrics)) == metrics
    assert all(table(metrics) for table in MATRIX_TABLES.values())


def test_references_that_share_no_study_have_no_agreement_for_that_reason():
    half = np.arange(len(TARGETS))[:, None] % 2 == 0
    references = {"one": labels(np.where(half, TARGETS, np.nan)), "other": labels(np.where(half, np.nan, TARGETS))}
    agreement = evaluate(two_runs(), references=references, options=OPTIONS).metrics["matrix"]["agreement"]
    for row in agreement:
        for name in ("sensitivity", "specificity", "kappa", "attenuation"):
            assert row[name]["value"] is None
            assert row["finding"] is None or row[name]["reason"] == "no study whose label both know"
        assert "both say the same" not in row["kappa"]["reason"]


def test_without_resamples_there_are_no_tests_of_references():
    references = {"truth": labels(TARGETS), "weak": labels(flipped(0.1))}
    matrix = evaluate(two_runs(), references=references, options=Options(resamples=0)).metrics["matrix"]
    row = column(matrix["columns"]["rows"], "weak", finding="fracture")
    assert row["difference"]["value"] < 0 and row["p"] is row["difference"]["low"] is None
    assert matrix["rows"]["m"] > 0


CELLS = st.sampled_from([0.0, 1.0, np.nan])


@given(
    st.lists(st.tuples(CELLS, CELLS, CELLS, st.integers(0, 3)), min_size=1, max_size=25),
    st.integers(1, 3),
    st.sampled_from([0, 20]),
)
@settings(max_examples=20, deadline=None)
def test_whatever_references_say_each_number_has_a_value_or_a_reason(rows, min_positives, resamples):
    *said, scores = (np.array(column, dtype=np.float32)[:, None] for column in zip(*rows, strict=True))
    ids = tuple(str(i) for i in range(len(rows)))
    patients = tuple(str(i // 2) for i in range(len(rows)))
    run = Predictions(ids, patients, ("a",) * len(ids), ("test",) * len(ids), ("fracture",), scores, said[0])
    references = {name: ReferenceLabels(ids, targets) for name, targets in zip("abc", said, strict=True)}
    options = Options(min_positives=min_positives, resamples=resamples, permutations=0)
    metrics = evaluate(
        {"one": run, "two": replace(run, logits=-scores)}, references=references, options=options
    ).metrics
    matrix = metrics["matrix"]
    assert json.loads(orjson.dumps(matrix)) == matrix
    for found in (*matrix["cells"], *matrix["agreement"], *matrix["rows"]["rows"], *matrix["columns"]["rows"]):
        for number in (value for value in found.values() if isinstance(value, dict)):
            assert (number["value"] is None) == ("reason" in number)
    assert all(table(metrics) for table in MATRIX_TABLES.values())


def test_targets_that_do_not_fit_are_refused():
    with pytest.raises(InputError, match=r"expected targets of a reference as \(640, 5\), found \(640, 2\)"):
        evaluate(two_runs(), references={"odd": labels(TARGETS[:, :2])}, options=OPTIONS)


def test_the_first_reference_may_be_any_and_the_order_of_its_studies_is_free():
    run = two_runs()["inclusive"]
    order = np.random.default_rng(0).permutation(len(run.study_ids))
    shuffled = ReferenceLabels(tuple(run.study_ids[i] for i in order), run.targets[order])
    first, second = (
        evaluate(two_runs(), references={"truth": one}, options=OPTIONS).metrics["matrix"]
        for one in (labels(TARGETS), shuffled)
    )
    assert first == second and first["columns"]["rows"] == first["agreement"] == []


@pytest.mark.parametrize(("missed", "invented"), [(0, 0), (2, 2), (3, 1), (0, 4), (5, 5), (6, 7)])
def test_errors_that_do_not_depend_on_the_scores_bring_an_auroc_nearer_to_one_half(missed, invented):
    generator = np.random.default_rng(5)
    targets = (generator.random(120) < 0.3).astype(float)
    scores = np.round(generator.normal(size=120) + 1.5 * targets, 1)  # with ties
    wrong, truth, repeated = mislabelled(targets, scores, copies=10, missed=missed, invented=invented)
    kept = attenuation(prevalence=truth.mean(), sensitivity=1 - missed / 10, specificity=1 - invented / 10)
    expected = 0.5 + (auroc(targets, scores) - 0.5) * kept
    assert auroc(wrong, repeated) == pytest.approx(expected, abs=1e-12)
    if missed == invented:
        p, e = truth.mean(), missed / 10
        share = p * (1 - e) + (1 - p) * e
        assert kept == pytest.approx(p * (1 - p) * (1 - 2 * e) / (share * (1 - share)), abs=1e-12)


def test_the_matrix_says_what_is_left_of_an_auroc_against_a_labeler_of_known_error():
    """Binormal scores, 20 % positives, 8 % of the labels wrong: 1/2 + (AUROC - 1/2) 0.16 x 0.84 / (0.248 x 0.752)."""
    n = 20_000
    generator = np.random.default_rng(11)
    truth = (generator.random((n, 1)) < 0.2).astype(np.float32)
    logits = (generator.normal(size=(n, 1)) + 2 * truth).astype(np.float32)
    weak = np.where(generator.random((n, 1)) < 0.08, 1 - truth, truth)
    ids = tuple(str(i) for i in range(n))
    run = Predictions(ids, ids, ("a",) * n, ("test",) * n, ("fracture",), logits, truth)
    references = {"truth": ReferenceLabels(ids, truth), "weak": ReferenceLabels(ids, weak)}
    matrix = evaluate({"run": run}, references=references, options=Options(resamples=50)).metrics["matrix"]
    row = matrix["columns"]["rows"][0]
    kept = 0.2 * 0.8 * (1 - 2 * 0.08) / (0.248 * (1 - 0.248))
    assert attenuation(prevalence=0.2, sensitivity=0.92, specificity=0.92) == pytest.approx(kept)
    seen = matrix["agreement"][0]["attenuation"]
    assert seen["low"] < kept < seen["high"]
    assert row["auroc_b"] == pytest.approx(0.9214, abs=0.01)  # Phi(2 / sqrt 2)
    assert row["auroc_a"] == pytest.approx(0.5 + (row["auroc_b"] - 0.5) * kept, abs=0.01)
    seen_kept = matrix["agreement"][0]["attenuation"]["value"]
    assert row["auroc_expected"] == pytest.approx(0.5 + (row["auroc_b"] - 0.5) * seen_kept, abs=1e-12)
    assert matrix["columns"]["macro"][0]["auroc_expected"] == row["auroc_expected"]
    assert row["difference"]["high"] < -0.1


def test_agreement_of_labels_is_that_of_a_table_of_two_by_two():
    """The textbook table 20, 5, 10, 15: observed 0.7, by chance 0.5."""
    found = agree(20, 5, 10, 15)
    assert found.sensitivity == pytest.approx(20 / 30) and found.specificity == pytest.approx(15 / 20)
    assert found.kappa == pytest.approx((0.7 - 0.5) / (1 - 0.5))
    assert found.attenuation == pytest.approx(20 / 25 + 15 / 25 - 1)


@given(st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1, max_size=40))
@settings(max_examples=60, deadline=None)
def test_kappa_is_that_of_scikit_learn(pairs):
    from sklearn.metrics import cohen_kappa_score

    said, real = np.array(pairs).T
    cells = (said & real, said & ~real, ~said & real, ~said & ~real)
    found = agree(*(mask.sum() for mask in cells))
    if len({*said.tolist(), *real.tolist()}) == 1:
        assert np.isnan(found.kappa)
    else:
        assert found.kappa == pytest.approx(cohen_kappa_score(said, real), abs=1e-12)


def test_a_table_of_labels_of_one_class_has_no_kappa_and_no_attenuation():
    nothing = agree(0, 0, 0, 8)
    assert np.isnan(nothing.kappa) and np.isnan(nothing.sensitivity) and np.isnan(nothing.attenuation)
    assert np.isnan(agree(0, 0, 0, 0).kappa) and nothing.specificity == 1
    assert np.isnan(attenuation(prevalence=0.0, sensitivity=0.9, specificity=1.0))
