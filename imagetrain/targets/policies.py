"""Uncertainty policies: what a classifier is told about labels that are neither positive nor negative.

`inclusive` is the U-ones and `exclusive` the U-zeros of CheXpert (Irvin et al. 2019, arXiv 1901.07031); `ignore` is
its U-ignore. Which one is best differs by finding, so each finding may have its own.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Literal

import numpy as np

from imagetrain.recipe import PolicyName
from imagetrain.records import Targets
from radprompter.errors import SchemaError
from radprompter.labels import LabelSchema, LabelState

if TYPE_CHECKING:
    from radprompter.label_table import LabelTable

POLICIES: Mapping[PolicyName, float | None] = {"inclusive": 1.0, "exclusive": 0.0, "ignore": None}
"""Name of a policy -> the target of an uncertain label; ``None`` masks it."""

NOT_MENTIONED: Mapping[str, float | None] = {"negative": 0.0, "ignore": None}
"""Rule for findings that a report does not mention -> their target; ``None`` masks it."""


def make_targets(
    table: LabelTable,
    policy: PolicyName = "inclusive",
    *,
    not_mentioned: Literal["negative", "ignore"] = "negative",
    per_finding: Mapping[str, PolicyName] | None = None,
) -> Targets:
    """Targets and mask of every cell of a label table.

    Positive is 1, negative is 0, uncertain is what the policy says, not mentioned is what `not_mentioned` says.
    Cells without a label (missing, invalid, failed, skipped) are masked under every policy.

    Raises
    ------
    SchemaError
        If `per_finding` names a finding that the table does not have.
    """
    overrides = dict(per_finding or {})
    refuse_unknown(overrides, table.schema)
    wide = table.wide()
    values = np.full(wide.shape, np.nan, dtype=np.float32)
    for column, name in enumerate(table.schema.names):
        meaning: dict[LabelState, float | None] = {
            LabelState.POSITIVE: 1.0,
            LabelState.NEGATIVE: 0.0,
            LabelState.UNCERTAIN: POLICIES[overrides.get(name, policy)],
            LabelState.NOT_MENTIONED: NOT_MENTIONED[not_mentioned],
        }
        states = wide[name].to_numpy(dtype=object)
        for state, target in meaning.items():
            if target is not None:
                values[states == str(state), column] = target
    mask = ~np.isnan(values)
    return Targets(table.report_ids, table.schema.names, np.where(mask, values, np.float32(0)), mask)


def refuse_unknown(names: Iterable[str], schema: LabelSchema) -> None:
    """Raise a `SchemaError` that names the findings a schema does not have, with the ones probably meant."""
    for name in names:
        if name not in schema.names:
            close = difflib.get_close_matches(name, schema.names, n=1)
            meant = f"did you mean {close[0]!r}?" if close else f"it has: {', '.join(schema.names)}"
            raise SchemaError(f"the label table's schema {schema.name!r} has no finding {name!r}; {meant}")


def left_out(targets: Targets, training: np.ndarray, *, min_positives: int = 1) -> dict[str, str]:
    """Findings that cannot be trained on, each with the reason.

    Parameters
    ----------
    training:
        bool ``(n_studies,)``: the studies that are trained on.
    min_positives:
        Findings with fewer positive targets in training are left out; at least 1 is always needed.
    """
    reasons = {}
    for column, name in enumerate(targets.findings):
        known = targets.values[training, column][targets.mask[training, column]]
        positives = int((known > 0.5).sum())
        negatives = len(known) - positives
        if len(known) == 0:
            reasons[name] = "no label in training"
        elif positives == 0 or negatives == 0:
            kind = "negative" if positives == 0 else "positive"
            reasons[name] = f"one class only: all {len(known)} labels in training are {kind}"
        elif positives < min_positives:
            reasons[name] = f"{positives} positives in training, fewer than min_positives: {min_positives}"
    return reasons
