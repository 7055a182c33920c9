from __future__ import annotations

from typing import get_args

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from imagetrain.recipe import PolicyName, PolicyRecipe
from imagetrain.records import Targets
from imagetrain.targets.policies import left_out, make_targets
from radprompter.errors import SchemaError, TableError
from radprompter.label_table import LabelTable
from radprompter.labels import Cell, FindingSpec, LabelSchema, LabelState

SCHEMA = LabelSchema("pair", (FindingSpec("fracture"), FindingSpec("effusion")))
ORDER = ("positive", "negative", "uncertain", "not_mentioned", "missing", "invalid", "failed", "skipped")

states = st.sampled_from(LabelState)
pairs = st.lists(st.tuples(states, states), min_size=1, max_size=12)
policies = st.sampled_from(get_args(PolicyName))
shares = st.floats(0, 1)
intervals = st.tuples(shares, shares).map(sorted).map(tuple)
few = settings(max_examples=40)  # each makes several tables in pandas


def table(rows: list[tuple[str, str]], *, names: list[str] | None = None, **measured: float) -> LabelTable:
    cells = [
        Cell(report, name, LabelState(state), **measured)
        for report, row in zip(names or [f"r{number}" for number in range(len(rows))], rows, strict=True)
        for name, state in zip(SCHEMA.names, row, strict=True)
    ]
    return LabelTable.from_cells(cells, SCHEMA)


def told(rows: list[tuple[str, str]], policy: PolicyName = "inclusive", **keys: object) -> Targets:
    return make_targets(table(rows), PolicyRecipe.model_validate({"policy": policy, **keys}))


@pytest.mark.parametrize(
    ("policy", "not_mentioned", "expected"),
    [  # pos neg unc not-mentioned, then the four that are no labels; - is masked
        ("inclusive", "negative", "1 0 1 0 - - - -"),
        ("exclusive", "negative", "1 0 0 0 - - - -"),
        ("ignore", "negative", "1 0 - 0 - - - -"),
        ("inclusive", "ignore", "1 0 1 - - - - -"),
        ("exclusive", "ignore", "1 0 0 - - - - -"),
        ("ignore", "ignore", "1 0 - - - - - -"),
        ("soft", "negative", "1 0 0.7 0 - - - -"),
        ("soft", "ignore", "1 0 0.7 - - - - -"),
    ],
)
def test_each_state_becomes_its_target(policy: PolicyName, not_mentioned: str, expected: str) -> None:
    targets = told([(state, state) for state in ORDER], policy, soft=[0.7, 0.7], not_mentioned=not_mentioned)
    for column in range(2):
        shown = [
            f"{value:.1g}" if known else "-"
            for value, known in zip(targets.values[:, column], targets.mask[:, column], strict=True)
        ]
        assert " ".join(shown) == expected


@pytest.mark.parametrize(
    ("own", "expected", "known"),
    [  # effusion: uncertain in the first row, not mentioned in the second; fracture is as the run has it
        ("exclusive", [0, 0], [True, True]),
        ({"not_mentioned": "ignore"}, [1, 0], [True, False]),
        ({"policy": "soft", "soft": [0.2, 0.2]}, [0.2, 0], [True, True]),
        ({"policy": "ignore", "not_mentioned": "ignore"}, [0, 0], [False, False]),
    ],
)
def test_a_finding_may_have_keys_of_its_own(own: object, expected: list[float], known: list[bool]) -> None:
    targets = told([("uncertain", "uncertain"), ("not_mentioned", "not_mentioned")], per_finding={"effusion": own})
    assert targets.values[:, 0].tolist() == [1, 0]
    assert targets.mask[:, 0].all()
    assert targets.values[:, 1].tolist() == pytest.approx(expected)
    assert targets.mask[:, 1].tolist() == known


def test_a_policy_for_an_unknown_finding_is_refused_with_a_suggestion() -> None:
    with pytest.raises(SchemaError, match="'fractur'; did you mean 'fracture'"):
        told([("positive", "negative")], per_finding={"fractur": "ignore"})


def test_an_interval_that_is_none_is_refused() -> None:
    with pytest.raises(ValidationError, match=r"expected \[lowest, highest\] within 0 and 1, found \[0\.8, 0\.2\]"):
        PolicyRecipe(policy="soft", soft=(0.8, 0.2))


def test_drawn_targets_fill_their_interval_and_differ_by_study_finding_and_seed() -> None:
    uncertain = table([("uncertain", "uncertain")] * 2000)
    recipe = PolicyRecipe.model_validate({"policy": "soft", "per_finding": {"effusion": {"soft": [0.0, 0.3]}}})
    values = make_targets(uncertain, recipe).values
    for column, (low, high) in enumerate([(0.55, 0.85), (0.0, 0.3)]):
        drawn = values[:, column]
        assert low <= drawn.min() < low + 0.01
        assert high - 0.01 < drawn.max() <= high
        assert abs(drawn.mean() - (low + high) / 2) < 0.01
        assert len(np.unique(drawn)) > 1990
    assert abs(np.corrcoef(values.T)[0, 1]) < 0.1
    assert np.array_equal(make_targets(uncertain, recipe).values, values)  # the same in every epoch and process
    assert not np.array_equal(make_targets(uncertain, recipe, seed=1).values, values)


def test_a_drawn_target_is_the_same_on_every_machine() -> None:
    recipe = PolicyRecipe(policy="soft", soft=(0, 1))
    drawn = make_targets(table([("uncertain", "uncertain")], names=["s1"]), recipe, seed=7).values
    assert drawn.tolist() == [pytest.approx([0.295550, 0.239092], abs=1e-6)]


def test_measured_targets_are_the_share_of_positive_with_half_of_uncertain() -> None:
    recipe = PolicyRecipe(policy="soft", soft="measured")
    cells = table([("uncertain", "positive")], p_positive=0.3, p_negative=0.1, p_uncertain=0.6)
    assert make_targets(cells, recipe).values[0].tolist() == pytest.approx([0.6, 1.0])


def test_a_measured_target_is_that_of_its_own_report_in_any_order() -> None:
    states = [("r2", "positive", 0.9), ("r0", "uncertain", 0.1), ("r3", "uncertain", 0.7), ("r1", "negative", 0.0)]
    cells = [
        Cell(report, name, LabelState(state), p_positive=share + extra, p_negative=0.1, p_uncertain=0.2)
        for name, extra in (("effusion", 0.0), ("fracture", 0.05))
        for report, state, share in states
    ]
    targets = make_targets(LabelTable.from_cells(cells, SCHEMA), PolicyRecipe(policy="soft", soft="measured"))
    assert targets.study_ids == ("r2", "r0", "r3", "r1")
    assert targets.values[:, 0].tolist() == pytest.approx([1, 0.25, 0.85, 0])
    assert targets.values[:, 1].tolist() == pytest.approx([1, 0.2, 0.8, 0])


def test_measured_targets_are_refused_where_nothing_was_measured() -> None:
    recipe = PolicyRecipe.model_validate({"per_finding": {"fracture": {"policy": "soft", "soft": "measured"}}})
    rows = [("uncertain", "uncertain"), ("uncertain", "positive"), ("positive", "uncertain")]
    with pytest.raises(TableError, match=r"some have none \(fracture 2 of 2\); label with `plan: label_read`"):
        make_targets(table(rows), recipe)
    make_targets(table([("positive", "uncertain")]), recipe)  # nothing uncertain, nothing needed


@few
@given(pairs, policies, intervals)
def test_order_of_rows_does_not_matter(rows: list[tuple[str, str]], policy: PolicyName, soft: object) -> None:
    names = [f"r{number}" for number in range(len(rows))]
    recipe = PolicyRecipe.model_validate({"policy": policy, "soft": soft})
    one, other = make_targets(table(rows), recipe), make_targets(table(rows[::-1], names=names[::-1]), recipe)
    assert np.array_equal(one.values, other.values[::-1])
    assert np.array_equal(one.mask, other.mask[::-1])


@few
@given(pairs, policies, policies)
def test_a_policy_of_its_own_changes_its_column_only(
    rows: list[tuple[str, str]], policy: PolicyName, own: PolicyName
) -> None:
    one, other = told(rows, policy, per_finding={"effusion": own}), told(rows, own)
    assert np.array_equal(one.values[:, 0], told(rows, policy).values[:, 0])
    assert np.array_equal(one.values[:, 1], other.values[:, 1])
    assert np.array_equal(one.mask[:, 1], other.mask[:, 1])


@few
@given(pairs, policies)
def test_positive_is_one_and_negative_zero_under_every_policy(rows: list[tuple[str, str]], policy: PolicyName) -> None:
    targets = told(rows, policy)
    for state, value in (("positive", 1), ("negative", 0)):
        where = np.array([[cell == state for cell in row] for row in rows])
        assert (targets.values[where] == value).all()
        assert targets.mask[where].all()


@few
@given(pairs, intervals)
def test_soft_lies_between_exclusive_and_inclusive(rows: list[tuple[str, str]], soft: object) -> None:
    low, middle, high = told(rows, "exclusive"), told(rows, "soft", soft=soft), told(rows, "inclusive")
    assert (low.values <= middle.values).all()
    assert (middle.values <= high.values).all()
    assert np.array_equal(low.mask, middle.mask)


@few
@given(pairs)
def test_ignore_only_masks(rows: list[tuple[str, str]]) -> None:
    ignoring, inclusive = told(rows, "ignore"), told(rows, "inclusive")
    assert not (ignoring.mask & ~inclusive.mask).any()
    assert np.array_equal(ignoring.values[ignoring.mask], inclusive.values[ignoring.mask])


@few
@given(pairs, policies)
def test_what_is_definitive_is_not_what_was_drawn(rows: list[tuple[str, str]], policy: PolicyName) -> None:
    targets = told(rows, policy, soft=[0.4, 0.6])
    between = targets.mask & (targets.values > 0) & (targets.values < 1)
    assert np.array_equal(np.isnan(targets.definitive), ~targets.mask | between)
    tested = make_targets(table(rows), PolicyRecipe(policy=policy).ignoring_uncertain())
    assert np.array_equal(tested.mask, told(rows, "ignore").mask)


@few
@given(pairs, policies)
def test_a_policy_decides_nothing_but_uncertain_cells(rows: list[tuple[str, str]], policy: PolicyName) -> None:
    one, other = told(rows, policy), told(rows, "inclusive")
    uncertain = np.array([[state == "uncertain" for state in row] for row in rows])
    assert np.array_equal(one.values[~uncertain], other.values[~uncertain])
    assert np.array_equal(one.mask[~uncertain], other.mask[~uncertain])


@few
@given(pairs, policies, st.sampled_from(("negative", "ignore")))
def test_what_is_no_label_is_always_masked_and_masked_values_are_zero(
    rows: list[tuple[str, str]], policy: PolicyName, not_mentioned: str
) -> None:
    targets = told(rows, policy, not_mentioned=not_mentioned)
    unlabelled = np.array([[not LabelState(state).is_label for state in row] for row in rows])
    assert not targets.mask[unlabelled].any()
    assert (targets.values[~targets.mask] == 0).all()
    assert targets.values.dtype == np.float32


def test_findings_that_cannot_be_trained_on_are_named_with_the_reason() -> None:
    targets = told([("positive", "negative"), ("negative", "negative"), ("negative", "positive")])
    training = np.array([True, True, False])
    assert left_out(targets, training) == {"effusion": "one class only: all 2 labels in training are negative"}
    assert left_out(targets, training, min_positives=2)["fracture"] == (
        "1 positives in training, fewer than min_positives: 2"
    )
    assert left_out(targets, np.array([False, False, False]))["fracture"] == "no label in training"


def test_targets_in_between_are_neither_class() -> None:
    targets = told([("positive", "positive"), ("uncertain", "uncertain")], "soft", soft=[0.1, 0.9])
    assert left_out(targets, np.array([True, True]))["fracture"] == (
        "one class only: all 1 labels in training are positive"
    )
