from __future__ import annotations

from typing import get_args

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagetrain.recipe import PolicyName
from imagetrain.targets.policies import POLICIES, left_out, make_targets
from radprompter.errors import SchemaError
from radprompter.label_table import LabelTable
from radprompter.labels import Cell, FindingSpec, LabelSchema, LabelState

SCHEMA = LabelSchema("pair", (FindingSpec("fracture"), FindingSpec("effusion")))
ORDER = ("positive", "negative", "uncertain", "not_mentioned", "missing", "invalid", "failed", "skipped")

states = st.sampled_from(LabelState)
pairs = st.lists(st.tuples(states, states), min_size=1, max_size=12)
policies = st.sampled_from(tuple(POLICIES))


def table(rows: list[tuple[str, str]]) -> LabelTable:
    cells = [
        Cell(f"r{number}", name, LabelState(state))
        for number, row in enumerate(rows)
        for name, state in zip(SCHEMA.names, row, strict=True)
    ]
    return LabelTable.from_cells(cells, SCHEMA)


@pytest.mark.parametrize(
    ("policy", "not_mentioned", "expected"),
    [  # pos neg unc not-mentioned, then the four that are no labels; - is masked
        ("inclusive", "negative", "1 0 1 0 - - - -"),
        ("exclusive", "negative", "1 0 0 0 - - - -"),
        ("ignore", "negative", "1 0 - 0 - - - -"),
        ("inclusive", "ignore", "1 0 1 - - - - -"),
        ("exclusive", "ignore", "1 0 0 - - - - -"),
        ("ignore", "ignore", "1 0 - - - - - -"),
    ],
)
def test_each_state_becomes_its_target(policy: PolicyName, not_mentioned: str, expected: str) -> None:
    targets = make_targets(table([(state, state) for state in ORDER]), policy, not_mentioned=not_mentioned)
    for column in range(2):
        shown = [
            f"{value:.0f}" if known else "-"
            for value, known in zip(targets.values[:, column], targets.mask[:, column], strict=True)
        ]
        assert " ".join(shown) == expected


def test_a_finding_may_have_a_policy_of_its_own() -> None:
    targets = make_targets(table([("uncertain", "uncertain")]), "inclusive", per_finding={"effusion": "exclusive"})
    assert targets.values.tolist() == [[1.0, 0.0]]


def test_a_policy_for_an_unknown_finding_is_refused_with_a_suggestion() -> None:
    with pytest.raises(SchemaError, match="'fractur'; did you mean 'fracture'"):
        make_targets(table([("positive", "negative")]), per_finding={"fractur": "ignore"})


def test_the_recipe_knows_the_same_policies() -> None:
    assert set(POLICIES) == set(get_args(PolicyName))


@given(pairs, policies)
def test_a_policy_decides_nothing_but_uncertain_cells(rows: list[tuple[str, str]], policy: PolicyName) -> None:
    one, other = make_targets(table(rows), policy), make_targets(table(rows), "inclusive")
    uncertain = np.array([[state == "uncertain" for state in row] for row in rows])
    assert np.array_equal(one.values[~uncertain], other.values[~uncertain])
    assert np.array_equal(one.mask[~uncertain], other.mask[~uncertain])


@given(pairs, policies, st.sampled_from(("negative", "ignore")))
def test_what_is_no_label_is_always_masked_and_masked_values_are_zero(
    rows: list[tuple[str, str]], policy: PolicyName, not_mentioned: str
) -> None:
    targets = make_targets(table(rows), policy, not_mentioned=not_mentioned)
    unlabelled = np.array([[not LabelState(state).is_label for state in row] for row in rows])
    assert not targets.mask[unlabelled].any()
    assert (targets.values[~targets.mask] == 0).all()
    assert targets.values.dtype == np.float32


@given(pairs)
def test_inclusive_is_never_below_exclusive(rows: list[tuple[str, str]]) -> None:
    assert (make_targets(table(rows), "inclusive").values >= make_targets(table(rows), "exclusive").values).all()


def test_findings_that_cannot_be_trained_on_are_named_with_the_reason() -> None:
    targets = make_targets(table([("positive", "negative"), ("negative", "negative"), ("negative", "positive")]))
    training = np.array([True, True, False])
    assert left_out(targets, training) == {"effusion": "one class only: all 2 labels in training are negative"}
    assert left_out(targets, training, min_positives=2)["fracture"] == (
        "1 positives in training, fewer than min_positives: 2"
    )
    assert left_out(targets, np.array([False, False, False]))["fracture"] == "no label in training"
