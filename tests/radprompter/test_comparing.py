"""Labelers against each other: paired differences, McNemar, tests over findings, and what may not be compared."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reference.comparing import difference, discordant, weighted_f1
from reference.roc import step_up
from reference.significance import exact_mcnemar_p
from scipy import stats

from radprompter.agreement.comparing.comparability import basis_of, check_comparable, why_not
from radprompter.agreement.comparing.content import DIFFERENCE_FIELDS, describe_comparison, difference_rows
from radprompter.agreement.comparing.labelers import (
    NOT_RESAMPLED,
    TOO_RARE,
    UNEQUAL_WEIGHTS,
    LabelerComparison,
    Methods,
    compare_agreement,
    compare_labelers,
)
from radprompter.agreement.comparing.score_tables import labelers_by_findings, labelers_by_measures, p_values
from radprompter.agreement.definitions import DEFINITIONS
from radprompter.agreement.measuring.cells import UNLABELLED, Cells
from radprompter.agreement.measuring.numbers import measure
from radprompter.agreement.measuring.resampling import Bootstrap
from radprompter.agreement.report import Agreement, Matching
from radprompter.errors import DefinitionError, InputError
from radprompter.labels import LABELS, LabelState

POSITIVE, NEGATIVE = LABELS.index(LabelState.POSITIVE), LABELS.index(LabelState.NEGATIVE)
JMIR, BINARY = DEFINITIONS["jmir_three_task"], DEFINITIONS["uncertain_is_negative"]


def make_cells(seed: int, *, labelers: int = 3, reports: int = 60, findings: int = 4, labelled: bool = True) -> Cells:
    """Labelers that are right in seven cells of ten, and more often the later they come."""
    generator = np.random.default_rng(seed)
    reference = generator.integers(4, size=(reports, findings)).astype(np.int8)
    noise = generator.integers(4 if labelled else 5, size=(labelers, reports, findings))
    right = generator.random((labelers, reports, findings)) < np.linspace(0.55, 0.85, labelers)[:, None, None]
    if not labelled:
        reference[generator.random(reference.shape) < 0.1] = -1
    return Cells(
        report_ids=tuple(f"r{i:03}" for i in range(reports)),
        findings=tuple(f"finding_{i}" for i in range(findings)),
        labelers=tuple(f"labeler_{i}" for i in range(labelers)),
        reference=reference,
        labels=np.where(right & (reference >= 0), reference, noise).astype(np.int8),
        no_finding=None,
        units=np.arange(reports),
        weights=np.ones(reports),
        strata=np.zeros(reports, dtype=np.intp),
    )


def compare(cells: Cells, definition=JMIR, methods: Methods | None = None, rounds: int = 200) -> LabelerComparison:
    return compare_labelers(cells, measure(cells, [definition], Bootstrap(rounds)), definition, methods)


@given(st.integers(0, 10_000))
@settings(max_examples=8, deadline=None)
def test_differences_are_those_of_scikit_learn_on_each_resample(seed: int) -> None:
    cells = make_cells(seed, labelers=2, reports=25, findings=2)
    measured = measure(cells, [JMIR], Bootstrap(rounds=12, seed=seed))
    found = compare_labelers(cells, measured, JMIR).differences
    for column, row in enumerate(found[1:]):
        one, other = (
            [weighted_f1(counts[labeler, column], JMIR.tasks) for counts in measured.replicates.counts]
            for labeler in (0, 1)
        )
        assert (row.mean, row.low, row.high, row.p) == pytest.approx(difference(one, other), abs=1e-9)
        points = [weighted_f1(measured.counts[labeler, column], JMIR.tasks) for labeler in (0, 1)]
        assert row.value == pytest.approx(points[0] - points[1])


@given(st.integers(0, 10_000), st.sampled_from(sorted(DEFINITIONS)))
@settings(max_examples=30, deadline=None)
def test_mcnemar_counts_the_cells_that_one_alone_has_right(seed: int, name: str) -> None:
    cells, definition = make_cells(seed, labelled=False), DEFINITIONS[name]
    rows = compare(cells, definition, Methods(mcnemar="exact"), rounds=2).differences
    for row in rows:
        if row.finding:
            column = cells.findings.index(row.finding)
            codes = [cells.labels[cells.labelers.index(who), :, column] for who in (row.first, row.second)]
            expected = discordant(cells.reference[:, column], *codes, (definition.reference, definition.labeler))
            assert (row.only_first_right, row.only_second_right, row.mcnemar.n) == expected
            assert row.mcnemar.p == pytest.approx(exact_mcnemar_p(*expected[:2]) if sum(expected[:2]) else 1)


def test_families_are_adjusted_apart_and_by_name() -> None:
    compared = compare(make_cells(1))
    assert {name: family.m for name, family in compared.families.items()} == {
        "bootstrap of weighted f1: every pair of labelers × every finding": 12,
        "McNemar: every pair of labelers × every finding": 12,
        "bootstrap of weighted f1: every pair of labelers × all findings together": 3,
        "McNemar: every pair of labelers × whole reports": 3,
        "paired t over findings: every pair of labelers": 3,
        "Wilcoxon over findings: every pair of labelers": 3,
    }
    rows = [row for row in compared.differences if row.finding]
    assert [row.p_adjusted for row in rows] == pytest.approx(step_up([row.p for row in rows]))
    assert [row.mcnemar_adjusted for row in rows] == pytest.approx(step_up([row.mcnemar.p for row in rows]))


def test_over_findings_the_tests_are_scipys() -> None:
    compared = compare(make_cells(2, findings=9))
    values = {(row.first, row.second): [] for row in compared.differences}
    for row in compared.differences:
        if row.finding:
            values[row.first, row.second].append(row.value)
    for over in compared.over_findings:
        differences = values[over.first, over.second]
        assert over.paired_t.p == pytest.approx(stats.ttest_1samp(differences, 0).pvalue)
        assert (over.wilcoxon.method, over.wilcoxon.p) == ("exact", pytest.approx(stats.wilcoxon(differences).pvalue))


def test_a_labeler_against_its_copy_differs_nowhere_and_every_resample_says_so() -> None:
    cells = make_cells(3, labelers=1)
    twice = replace(cells, labelers=("one", "copy"), labels=np.concatenate([cells.labels, cells.labels]))
    compared = compare(twice)
    for row in compared.differences:
        assert (row.value, row.mean, row.low, row.high, row.p, row.p_adjusted) == (0, 0, 0, 0, 1, 1)
        assert (row.mcnemar.p, row.mcnemar.reason) == (1, "no discordant pair")
    assert compared.over_findings[0].paired_t.reason == "every difference is zero"


def test_the_order_of_the_labelers_turns_the_sign() -> None:
    cells = make_cells(4, labelers=2)
    back = replace(cells, labelers=cells.labelers[::-1], labels=cells.labels[::-1])
    for row, turned in zip(compare(cells).differences, compare(back).differences, strict=True):
        assert (row.value, row.low, row.high) == pytest.approx((-turned.value, -turned.high, -turned.low))
        assert row.p == pytest.approx(turned.p)
        assert (row.only_first_right, row.mcnemar.p) == (turned.only_second_right, turned.mcnemar.p)


def test_pairing_makes_intervals_narrower_than_those_of_two_independent_samples() -> None:
    generator = np.random.default_rng(0)
    cells = make_cells(5, labelers=1, reports=400)
    nearly = np.where(generator.random(cells.labels.shape) < 0.05, 0, cells.labels).astype(np.int8)
    both = replace(cells, labelers=("one", "nearly"), labels=np.concatenate([cells.labels, nearly]))
    measured = measure(both, [JMIR], Bootstrap(400))
    row = compare_labelers(both, measured, JMIR).differences[0]
    apart = [n for n in measured.numbers if not n.finding and not n.task and n.measure == "weighted_f1"]
    assert row.high - row.low < 0.5 * math.hypot(*(number.high - number.low for number in apart))


def test_of_equally_good_labelers_about_five_in_a_hundred_pairs_are_called_different() -> None:
    generator = np.random.default_rng(1)
    rejected, covered = [], []
    for seed in range(50):
        cells = make_cells(seed, labelers=2, reports=200, findings=10)
        truth = (generator.random(cells.reference.shape) >= 0.2).astype(np.int8)  # 0 is positive, 1 negative
        base = np.where(generator.random(truth.shape) < 0.06, 1 - truth, truth)
        labels = np.where(generator.random(cells.labels.shape) < 0.06, 1 - base, base).astype(np.int8)
        rows = compare(replace(cells, reference=truth, labels=labels), BINARY, rounds=300).differences[1:]
        rejected += [(row.p <= 0.05, row.mcnemar.p <= 0.05) for row in rows]
        covered += [row.low <= 0 <= row.high for row in rows]
    by_bootstrap, by_mcnemar = np.mean(rejected, axis=0)
    assert 0.03 < by_bootstrap < 0.075 and 0.01 < by_mcnemar < 0.06  # the exact test keeps below 5 in 100
    assert 0.92 < np.mean(covered) < 0.97


def test_a_finding_that_a_labeler_has_no_score_of_says_whose_it_is() -> None:
    cells = make_cells(6, labelers=2, findings=3)
    positive = 0
    cells.reference[:, 1] = 1
    cells.labels[0, :, 1], cells.labels[1, :, 1] = 1, 1
    cells.labels[1, 0, 1] = positive
    compared = compare(cells, BINARY)
    row = next(row for row in compared.differences if row.finding == "finding_1")
    assert (row.value, row.p, row.low, row.reason) == (None, None, None, "no score of labeler_0")
    assert row.second_value == 0 and (row.only_first_right, row.only_second_right) == (1, 0)
    assert compared.over_findings[0].paired_t[4:7] == (2, 0, 1)
    assert compared.families["bootstrap of f1: every pair of labelers × every finding"].n_undefined == 1


def test_where_there_is_nothing_to_resample_the_difference_has_no_interval() -> None:
    row, *_ = compare(replace(make_cells(15, reports=6), units=np.zeros(6, dtype=np.intp))).differences
    assert row.value is not None and (row.low, row.p, row.reason) == (None, None, NOT_RESAMPLED)


def test_reports_that_weigh_unequally_have_no_mcnemar() -> None:
    cells = make_cells(7, labelers=2)
    row = compare(replace(cells, weights=np.linspace(1, 2, cells.n_reports))).differences[1]
    assert math.isnan(row.mcnemar.p) and row.mcnemar.reason == UNEQUAL_WEIGHTS and row.p is not None
    assert row.mcnemar_adjusted is None
    assert compare(replace(cells, weights=np.full(cells.n_reports, 3.5))).differences[1].mcnemar == (
        compare(cells).differences[1].mcnemar
    )


def test_caveats_name_patients_and_too_few_rounds() -> None:
    cells = make_cells(8)
    by_patient = replace(cells, units=np.arange(cells.n_reports) // 2)
    caveats = compare(by_patient, rounds=50).caveats
    assert len(caveats) == 3 and "reports of one patient" in caveats[1] and "the smallest p of 50" in caveats[2]
    assert len(compare(cells, rounds=1000).caveats) == 1


def test_one_case_that_one_labeler_has_right_is_no_significant_difference() -> None:
    """Each resample without the case has no F1 of either, and says nothing; with it, the difference is always 1."""
    cells = make_cells(22, labelers=2)
    reference, labels = np.full_like(cells.reference, NEGATIVE), np.full_like(cells.labels, NEGATIVE)
    reference[0, 0] = labels[0, 0, 0] = POSITIVE
    row = compare(replace(cells, reference=reference, labels=labels), BINARY, rounds=1000).differences[1]
    assert (row.value, row.low, row.high, row.mcnemar.p, row.reason) == (1.0, 1.0, 1.0, 1.0, TOO_RARE)
    assert row.p == pytest.approx(2 * (1 + row.n_undefined) / 1001) and row.p > 0.5


def test_means_over_other_findings_are_said_to_be_so() -> None:
    """Nobody has finding_1, and one labeler alone calls it: a score of 0 to that one, and none to the other."""
    cells = make_cells(21, labelers=2)
    reference, labels = cells.reference.copy(), cells.labels.copy()
    for codes in (reference, *labels):
        codes[codes[:, 1] == POSITIVE, 1] = NEGATIVE
    alike = replace(cells, reference=reference, labels=labels.copy())
    labels[1, 0, 1] = POSITIVE
    unlike = replace(cells, reference=reference, labels=labels)
    assert len(compare(alike, BINARY).caveats) == 1
    found = compare(unlike, BINARY)
    assert "no score of finding_1:" in found.caveats[-1] and found.over_findings[0].paired_t.n_left_out == 1
    assert len(compare(unlike, DEFINITIONS["cell_accuracy"]).caveats) == 1


def test_cells_without_a_label_are_wrong_and_count() -> None:
    cells = make_cells(9, labelers=2, findings=1)
    cells.labels[0], cells.labels[1] = cells.reference, cells.reference
    cells.labels[1, :7, 0] = UNLABELLED
    row = compare(cells).differences[1]
    assert (row.only_first_right, row.only_second_right, row.mcnemar.n) == (7, 0, cells.n_reports)


def test_what_cannot_be_compared_is_one_message() -> None:
    with pytest.raises(InputError, match="needs two labelers; there is labeler_0"):
        compare(make_cells(1, labelers=1))
    cells = make_cells(1)
    with pytest.raises(InputError, match="'kappa': definition jmir_three_task has weighted_f1"):
        compare_labelers(cells, measure(cells, [JMIR], Bootstrap(2)), JMIR, measure="kappa")


def test_tables_are_laid_out_as_the_papers_do() -> None:
    cells = make_cells(10)
    measured = measure(cells, [JMIR, BINARY], Bootstrap(50))
    table = labelers_by_findings(measured.numbers, JMIR)
    assert (table.columns, [row.name for row in table.rows]) == (cells.labelers, [*cells.findings, "average"])
    *findings, average = [[number.value for number in row.numbers] for row in table.rows]
    assert average == pytest.approx(np.mean(findings, axis=0))
    second = labelers_by_measures(measured.numbers, BINARY, "finding_2")
    assert second.columns == ("F1", "Accuracy", "Sensitivity", "Specificity", "PPV", "NPV")
    assert [row.name for row in second.rows] == list(cells.labelers)
    assert all(number.low <= number.mean <= number.high for row in second.rows for number in row.numbers)
    header, *rows = p_values(compare_labelers(cells, measured, JMIR))
    assert len(rows) == 3 and all(len(row) == len(header) for row in rows)
    assert rows[0][0] == "labeler_0 – labeler_1" and rows[0][5:] == ("exact", "4", "0")


def test_plain_data_has_a_reason_for_each_null_and_rows_an_empty_cell() -> None:
    cells = make_cells(16, labelers=2, findings=2)
    cells.reference[:, 1] = cells.labels[:, :, 1] = 1
    compared = compare(cells, BINARY)
    data = json.loads(json.dumps(describe_comparison(compared), allow_nan=False))
    row = next(item for item in data["differences"] if item["finding"] == "finding_1")
    assert (row["value"], row["p"], row["reason"]) == (None, None, "no score of labeler_0 and labeler_1")
    assert (row["mcnemar"]["statistic"], row["mcnemar"]["p"], row["mcnemar"]["reason"]) == (
        None,
        1,
        "no discordant pair",
    )
    assert data["over_findings"][0]["wilcoxon"]["reason"] == "fewer than 2 pairs"
    assert {"name", "m", "n_undefined", "alpha", "correction"} <= data["families"][0].keys()
    rows = list(difference_rows([compared]))
    assert len(rows) == 3 and all(len(row) == len(DIFFERENCE_FIELDS) for row in rows)
    assert dict(zip(DIFFERENCE_FIELDS, rows[2], strict=True))["difference"] == ""


def test_an_agreement_is_compared_under_each_definition_that_it_reports_in_detail() -> None:
    cells = make_cells(17)
    bootstrap = Bootstrap(100, level=0.9)
    matching = Matching((), (), {}, {})
    measured = measure(cells, [JMIR, BINARY], bootstrap)
    agreement = Agreement("truth", cells, matching, (JMIR, BINARY), (), {}, bootstrap, "report", measured)
    found = compare_agreement(agreement)
    assert [(one.definition, one.measure, one.methods.level) for one in found] == [
        (JMIR, "weighted_f1", 0.9),
        (BINARY, "f1", 0.9),
    ]
    only = replace(agreement, cells=cells.only(("labeler_0",)))
    assert compare_agreement(only) == ()


def test_numbers_of_the_same_cells_and_definition_may_be_compared_in_any_order() -> None:
    cells = make_cells(11)
    turned = replace(
        cells,
        report_ids=cells.report_ids[::-1],
        findings=cells.findings[::-1],
        reference=cells.reference[::-1, ::-1],
        labels=cells.labels[:, ::-1, ::-1],
    )
    check_comparable(basis_of(cells, JMIR, name="one"), basis_of(turned, JMIR, name="other"))


def test_what_differs_is_refused_with_every_reason() -> None:
    cells = make_cells(12)
    one = basis_of(cells, JMIR, name="A")
    two_task = basis_of(cells.of(np.arange(59)), DEFINITIONS["jmir_two_task"], name="B")
    with pytest.raises(DefinitionError) as refused:
        check_comparable(one, two_task)
    said = str(refused.value)
    assert said.startswith("A and B may not be compared: ")
    assert "tasks: positive, negative, uncertain in jmir_three_task, positive, negative in jmir_two_task" in said
    assert "other reports (60 reports" in said


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda cells: replace(cells, reference=(cells.reference + 1) % 4), "other reference (of finding_0, finding_1"),
        (
            lambda cells: replace(cells, findings=("a", *cells.findings[1:])),
            "other findings (A alone has finding_0; B alone has a)",
        ),
        (lambda cells: replace(cells, weights=np.linspace(1, 2, 60)), "other reports"),
    ],
)
def test_another_reference_finding_or_weight_is_refused(change, reason: str) -> None:
    cells = make_cells(13)
    one, other = basis_of(cells, BINARY, name="A"), basis_of(change(cells), BINARY, name="B")
    (found,) = why_not(one, other)
    assert found.startswith(reason)


def test_a_number_whose_definition_nobody_states_is_compared_with_none() -> None:
    cells = make_cells(14)
    known = basis_of(cells, JMIR, name="ours")
    assert why_not(known, known._replace(name="a paper", definition=None)) == ("a paper does not state its definition",)
    assert why_not(known, known._replace(measure="f1")) == ("other measure (weighted_f1, f1)",)
