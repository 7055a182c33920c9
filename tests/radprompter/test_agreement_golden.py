"""Published measures on small tables whose numbers were worked out by hand: M1 to M7, M14 and M16, a sentence each."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from random_cells import make_cells, random_cells

from radprompter.agreement.definitions import DEFINITIONS
from radprompter.agreement.measuring.cells import Cells, count
from radprompter.agreement.measuring.numbers import ALL, Number, measure
from radprompter.agreement.measuring.resampling import Bootstrap
from radprompter.agreement.measuring.scores import score

P, N, U, M, SILENT = 0, 1, 2, 3, 4

# Reference in rows: positive, negative, uncertain, not mentioned; the labeler in columns, the last for no label.
BUSY = [[20, 1, 2, 1, 0], [0, 15, 1, 2, 0], [3, 1, 7, 1, 0], [2, 3, 1, 40, 0]]
QUIET = [[3, 0, 0, 1, 0], [2, 0, 0, 0, 0], [0, 0, 0, 0, 0], [1, 0, 0, 8, 0]]  # nobody is uncertain
COUNTS = np.array([BUSY, QUIET], dtype=np.float64)


def _scores(name: str, counts: np.ndarray = COUNTS, *, no_finding: int | None = None) -> tuple[float, list[float]]:
    """Over all findings, and of each."""
    definition = DEFINITIONS[name]
    found = score(definition, definition.measures[0], counts, no_finding=no_finding)
    return float(found.overall), found.by_finding.tolist()


def _numbers(cells: Cells, name: str, rounds: int = 0) -> dict[str, Number]:
    found = measure(cells, [DEFINITIONS[name]], Bootstrap(rounds=rounds)).numbers
    return {number.measure: number for number in found if number.finding == ALL}


def _value(number: Number) -> float:
    assert number.value is not None, number.reason
    return number.value


def test_jmirs_tables_are_means_over_tasks_and_then_over_findings() -> None:
    """M1: a finding that nobody is uncertain of has 1.0 in the uncertain task."""
    assert _scores("jmir_three_task")[1] == pytest.approx([0.913510, (0.746667 + 0.804762 + 1) / 3], abs=1e-6)
    assert _scores("jmir_two_task")[1] == pytest.approx([0.916116, (0.746667 + 0.804762) / 2], abs=1e-6)
    assert _scores("jmir_three_task")[0] == pytest.approx((0.913510 + 0.850476) / 2, abs=1e-6)


def test_three_times_the_first_table_less_twice_the_second_is_the_uncertain_task() -> None:
    """M1: by this the definition was recovered from the printed tables."""
    three, two = DEFINITIONS["jmir_three_task"], DEFINITIONS["jmir_two_task"]
    by_task = score(three, "weighted_f1", COUNTS).by_task
    first, second = (score(each, "weighted_f1", COUNTS).by_finding for each in (three, two))
    assert 3 * first - 2 * second == pytest.approx(by_task[:, 2])
    assert by_task[1, 2] == 1.0


def test_true_negatives_count_in_jmirs_f1_and_do_not_in_the_f1_of_positive() -> None:
    """M1: why those values exceed .9."""
    more = COUNTS[:1].copy()
    more[0, 3, 3] += 900
    assert _scores("jmir_three_task", more)[0] > 0.98
    assert _scores("positive", more) == _scores("positive", COUNTS[:1])


def test_chexberts_f1_is_weighted_by_support_and_takes_no_finding_by_positive() -> None:
    """M2."""
    assert _scores("chexbert")[1] == pytest.approx([0.761235, (0.6 * 4 + 0 * 2) / 6], abs=1e-6)
    assert _scores("chexbert", no_finding=0)[1] == pytest.approx([0.816327, 0.4], abs=1e-6)
    assert _scores("chexbert", no_finding=0)[0] == pytest.approx((0.816327 + 0.4) / 2, abs=1e-6)


def test_macro_f1_leaves_out_what_the_reference_lacks_or_takes_it_for_zero_or_pools() -> None:
    """M3: three numbers that are all called macro F1."""
    assert _scores("macro")[1] == pytest.approx([0.738165, (0.6 + 0) / 2], abs=1e-6)
    assert _scores("macro_zero")[1] == pytest.approx([0.738165, (0.6 + 0 + 0) / 3], abs=1e-6)
    positive, negative, uncertain = 2 * 23 / (28 + 31), 2 * 15 / (20 + 20), 2 * 7 / (12 + 11)
    assert _scores("macro_pooled")[0] == pytest.approx((positive + negative + uncertain) / 3)
    assert _scores("micro")[0] == pytest.approx(2 * (23 + 15 + 7) / (28 + 20 + 12 + 31 + 20 + 11))


@pytest.mark.parametrize(
    ("state", "of_findings", "pooled"),
    [
        ("positive", (0.816327 + 0.6) / 2, 46 / 59),
        ("negative", (0.789474 + 0.0) / 2, 30 / 40),
        ("uncertain", 0.608696, 14 / 23),
    ],
)
def test_the_f1_of_a_certainty_is_a_mean_of_findings_that_have_it_or_pooled(
    state: str, of_findings: float, pooled: float
) -> None:
    """M4."""
    assert _scores(state)[0] == pytest.approx(of_findings, abs=1e-6)
    assert _scores(f"{state}_pooled")[0] == pytest.approx(pooled)


def test_macro_f1_of_a_third_of_the_reports_is_that_of_those_reports_alone() -> None:
    """M5: groups are measured apart, and their counts add up to those of all."""
    generator = np.random.default_rng(2)
    reference = generator.integers(0, 4, size=(500, 3))
    labels = np.where(generator.random((1, 500, 3)) < 0.3, generator.integers(0, 4, size=(1, 500, 3)), reference)
    cells = make_cells(reference, labels)
    thirds = [cells.of(np.arange(*limits)) for limits in ((0, 167), (167, 334), (334, 500))]
    assert (sum(count(third) for third in thirds) == count(cells)).all()
    of_reports = [_value(_numbers(third, "macro")["f1"]) for third in thirds]
    assert min(of_reports) < _value(_numbers(cells, "macro")["f1"]) < max(of_reports)


def test_label_level_accuracy_counts_cells_and_report_level_accuracy_whole_reports() -> None:
    """M6: 10 of 12 cells, 2 of 4 reports; an uncertain answer to a definite question is wrong."""
    reference = [[P, N, N], [N, N, P], [M, M, N], [P, N, M]]
    labels = [[P, N, N], [U, N, P], [N, M, M], [P, P, M]]
    found = _numbers(make_cells(reference, [labels]), "definite_answer")
    assert (found["same"].value, found["same"].n) == (10 / 12, 12)
    assert (found["report_accuracy"].value, found["report_accuracy"].n) == (2 / 4, 4)
    assert found["errors_per_report"].value == 2 / 4


def test_a_mean_of_resamples_is_printed_beside_a_value_and_is_not_it() -> None:
    """M7: 21 of 41 positives are .512, for which a paper prints the mean of its resamples, .508."""
    truth = [P] * 41 + [N] * 959
    called = [P] * 21 + [N] * 20 + [P] * 27 + [N] * 932
    found = _numbers(make_cells(np.reshape(truth, (-1, 1)), np.reshape(called, (1, -1, 1))), "definite_reference", 1000)
    sensitivity, ppv = found["sensitivity"], found["ppv"]
    assert (sensitivity.value, ppv.value) == (21 / 41, 21 / 48)
    assert sensitivity.mean != sensitivity.value and sensitivity.mean == pytest.approx(0.512, abs=0.006)
    assert (sensitivity.low, sensitivity.high) == pytest.approx((0.355, 0.661), abs=0.02)
    assert found["f1"].value == pytest.approx(2 * 21 / (41 + 48))


def test_one_minus_ppv_is_no_false_positive_rate() -> None:
    """M7: 14 wrong of 41 calls are 34 % of the calls; the false positive rate is 1 - specificity."""
    truth, called = [P] * 27 + [N] * 973, [P] * 27 + [P] * 14 + [N] * 959
    found = _numbers(make_cells(np.reshape(truth, (-1, 1)), np.reshape(called, (1, -1, 1))), "definite_reference")
    assert 1 - _value(found["ppv"]) == pytest.approx(14 / 41)
    assert 1 - _value(found["specificity"]) == pytest.approx(14 / 973)


def test_errors_and_perfect_reports_are_of_whole_reports() -> None:
    """M14: three errors in two of four reports."""
    reference = [[P, N], [N, U], [M, M], [P, P]]
    labels = [[P, N], [U, N], [M, M], [P, SILENT]]
    found = _numbers(make_cells(reference, [labels]), "cell_accuracy")
    assert (found["errors_per_report"].value, found["report_accuracy"].value) == (3 / 4, 2 / 4)


@given(random_cells())
@settings(deadline=None, max_examples=50)
def test_there_are_at_least_as_many_errors_as_reports_that_are_not_perfect(cells: Cells) -> None:
    """M14: so .12 errors a report and 85.0 % perfect, as a paper prints, cannot both be of the same labels."""
    found = measure(cells, [DEFINITIONS["cell_accuracy"]], Bootstrap(rounds=0)).numbers
    for labeler in cells.labelers:
        of = {number.measure: number.value for number in found if number.labeler == labeler and not number.finding}
        if of["report_accuracy"] is not None and of["errors_per_report"] is not None:
            assert of["errors_per_report"] >= 1 - of["report_accuracy"] - 1e-12


def test_uncertainty_capture_is_the_share_of_doubted_reports_that_the_labeler_doubts_too() -> None:
    """M16: 3.9 % by hand and 0.9 % automatically are at best 9 of 39, so 77 % are missed."""
    reference = [[U, N]] * 39 + [[N, N]] * 961
    labels = [[N, U]] * 9 + [[N, N]] * 991
    found = _numbers(make_cells(reference, [labels]), "cell_accuracy")
    shares = [found[f"uncertain_reports_{side}"].value for side in ("reference", "labeler")]
    assert shares == [0.039, 0.009]
    assert 1 - _value(found["uncertainty_capture"]) == pytest.approx(0.77, abs=0.005)
    assert found["uncertainty_capture"].n == 39
