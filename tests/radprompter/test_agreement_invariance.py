"""What must not change a number of agreement, and what must change it in a known way."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from random_cells import random_cells, random_definitions

from radprompter.agreement.definitions import DEFINITIONS, Definition
from radprompter.agreement.measuring.cells import UNLABELLED, Cells, count
from radprompter.agreement.measuring.numbers import ALL, Number, measure
from radprompter.agreement.measuring.resampling import Bootstrap

SETTINGS = settings(deadline=None, max_examples=60)
MIRROR = {"sensitivity": "ppv", "ppv": "sensitivity", "f1": "f1", "accuracy": "accuracy"}


def _values(cells: Cells, definition: Definition) -> dict[tuple[str, ...], tuple[object, ...]]:
    """The value of each number, and its n, support and reason."""
    numbers = measure(cells, [definition], Bootstrap(rounds=0)).numbers
    return {_place(number): (number.n, number.support, number.value, number.reason) for number in numbers}


def _place(number: Number) -> tuple[str, ...]:
    return number.labeler, number.finding, number.task, number.measure


def _assert_same(found: dict, expected: dict) -> None:  # type: ignore[type-arg]
    assert found.keys() == expected.keys()
    for place, row in found.items():
        assert row == pytest.approx(expected[place], abs=1e-12), place


@given(random_cells(), random_definitions(), st.randoms(use_true_random=False))
@SETTINGS
def test_the_order_of_the_reports_says_nothing(cells: Cells, definition: Definition, random: object) -> None:
    order = np.array(random.sample(range(cells.n_reports), cells.n_reports), dtype=np.intp)  # type: ignore[attr-defined]
    _assert_same(_values(cells.of(order), definition), _values(cells, definition))


@given(random_cells(), random_definitions(), st.randoms(use_true_random=False))
@SETTINGS
def test_the_order_of_the_findings_says_nothing(cells: Cells, definition: Definition, random: object) -> None:
    order = random.sample(range(len(cells.findings)), len(cells.findings))  # type: ignore[attr-defined]
    shuffled = replace(
        cells,
        findings=tuple(cells.findings[column] for column in order),
        reference=cells.reference[:, order],
        labels=cells.labels[..., order],
        no_finding=None if cells.no_finding is None else order.index(cells.no_finding),
    )
    _assert_same(_values(shuffled, definition), _values(cells, definition))


@given(random_cells(), random_definitions())
@SETTINGS
def test_labelers_at_once_are_labelers_one_at_a_time(cells: Cells, definition: Definition) -> None:
    one_by_one: dict = {}  # type: ignore[type-arg]
    for labeler in cells.labelers:
        one_by_one |= _values(cells.only((labeler,)), definition)
    _assert_same(_values(cells, definition), one_by_one)


@given(random_cells(), random_definitions())
@SETTINGS
def test_reports_twice_over_have_twice_the_counts_and_the_same_values(cells: Cells, definition: Definition) -> None:
    definition = replace(definition, least_support=min(definition.least_support, 1))  # 2 of 2 where there was 1 of 1
    twice = cells.of(np.concatenate([np.arange(cells.n_reports)] * 2))
    assert (count(twice) == 2 * count(cells)).all()
    expected = {
        place: (2 * n, None if support is None else 2 * support, value, reason)  # type: ignore[operator]
        for place, (n, support, value, reason) in _values(cells, definition).items()
    }
    _assert_same(_values(twice, definition), expected)


@given(random_cells(), st.sampled_from(["uncertain_is_negative", "uncertain_is_positive", "mention"]))
@SETTINGS
def test_reference_and_labeler_that_change_places_change_sensitivity_and_ppv(cells: Cells, name: str) -> None:
    complete = cells.of((cells.reference >= 0).all(axis=1) & (cells.labels[0] != UNLABELLED).all(axis=1))
    complete = complete.only(complete.labelers[:1])
    changed = replace(complete, reference=complete.labels[0], labels=complete.reference[None])
    here, there = (_values(each, DEFINITIONS[name]) for each in (complete, changed))
    for (labeler, finding, task, of), (_, _, value, _) in here.items():
        if of in MIRROR and finding != ALL:
            assert value == pytest.approx(there[labeler, finding, task, MIRROR[of]][2], abs=1e-12), of
        if of == "errors_per_report":
            assert value == pytest.approx(there[labeler, finding, task, of][2], abs=1e-12)


@given(random_cells(), random_definitions(), st.lists(st.integers(0, 3), min_size=3, max_size=3))
@SETTINGS
def test_a_report_that_all_label_alike_adds_no_error(cells: Cells, definition: Definition, codes: list[int]) -> None:
    definition = replace(definition, labeler=definition.reference)
    alike = np.array([codes[: len(cells.findings)]], dtype=np.int8)
    said = np.broadcast_to(alike, (len(cells.labelers), *alike.shape))
    more = replace(
        cells,
        report_ids=(*cells.report_ids, "alike"),
        reference=np.vstack([cells.reference, alike]),
        labels=np.concatenate([cells.labels, said], axis=1),
        units=np.append(cells.units, cells.n_units),
        weights=np.append(cells.weights, 1.0),
        strata=np.append(cells.strata, 0),
    )
    before, after = _values(cells, definition), _values(more, definition)
    for labeler in cells.labelers:
        place = (labeler, ALL, ALL, "errors_per_report")
        errors = [n * (value or 0.0) for n, _, value, _ in (before[place], after[place])]  # type: ignore[operator]
        assert errors[1] == pytest.approx(errors[0], abs=1e-9)
        perfect = (labeler, ALL, ALL, "report_accuracy")
        assert (after[perfect][2] or 0) >= (before[perfect][2] or 0) - 1e-12  # type: ignore[operator]


@given(random_cells(), st.permutations(range(4)))
@SETTINGS
def test_other_names_for_the_states_move_the_numbers_to_those_names(cells: Cells, order: list[int]) -> None:
    """A task is a state against the rest, so what the other states are called says nothing."""
    renamed = np.array([*order, UNLABELLED, -1], dtype=np.int8)
    other = replace(cells, reference=renamed[cells.reference], labels=renamed[cells.labels])
    names = ("positive", "negative", "uncertain", "not_mentioned")
    every = replace(DEFINITIONS["four_class_weighted"], measures=("f1", "accuracy", "same"))
    here, there = _values(cells, every), _values(other, every)
    for (labeler, finding, task, of), row in here.items():
        if of in every.measures:
            place = names[order[names.index(task)]] if task else ALL
            assert row[:3] == pytest.approx(there[labeler, finding, place, of][:3], abs=1e-12)


@given(random_cells())
@SETTINGS
def test_a_labeler_that_says_what_the_reference_says_is_right_in_everything(cells: Cells) -> None:
    said = np.where(cells.reference >= 0, cells.reference, 0).astype(np.int8)
    twin = replace(cells, labelers=("twin",), labels=said[None])
    for name, definition in DEFINITIONS.items():
        if name in ("macro_zero", "definite_answer"):  # there nobody's state is 0; and masking is not being right
            continue
        for (_, _, _, of), (_, _, value, _) in _values(twin, definition).items():
            if of == "errors_per_report":
                assert value in (None, 0.0)
            elif not of.startswith("uncertain_reports"):
                assert value is None or value == pytest.approx(1.0), (name, of)
