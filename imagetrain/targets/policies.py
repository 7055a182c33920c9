"""Uncertainty policies: what a classifier is told about labels that are neither positive nor negative.

`inclusive` is the U-ones and `exclusive` the U-zeros of CheXpert (Irvin et al. 2019, arXiv 1901.07031); `ignore` is
its U-ignore. `soft` is something in between: a target drawn from an interval, such as the U-ones with label smoothing
(0.55 to 0.85) and U-zeros with label smoothing (0 to 0.3) of Pham et al. 2019 (arXiv 1911.06475), or what the labeler
measured. Which one is best differs by finding, so each finding may have its own.
"""

from __future__ import annotations

import difflib
import hashlib
from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from imagetrain.recipe import PolicyRecipe, Rule
from imagetrain.records import Targets
from radprompter.errors import SchemaError, TableError
from radprompter.labels import LabelSchema, LabelState

if TYPE_CHECKING:
    import pandas as pd

    from radprompter.label_table import LabelTable

UNCERTAIN = {"inclusive": 1.0, "exclusive": 0.0, "ignore": np.nan}
"""Name of a policy that knows one target of uncertain labels -> that target; NaN masks it."""

NOT_MENTIONED = {"negative": 0.0, "ignore": np.nan}
"""Rule for findings that a report does not mention -> their target; NaN masks it."""


def make_targets(table: LabelTable, recipe: PolicyRecipe, *, seed: int = 0) -> Targets:
    """Targets and mask of every cell of a label table.

    Positive is 1, negative is 0, uncertain is what the policy says, not mentioned is what `not_mentioned` says.
    Cells without a label (missing, invalid, failed, skipped) are masked under every policy. A target that is drawn
    depends on seed, study and finding alone: it is the same in every epoch and in any order of the rows.

    Raises
    ------
    SchemaError
        If `per_finding` names a finding that the table does not have.
    TableError
        If measured probabilities are wanted that the table does not have.
    """
    refuse_unknown(recipe.per_finding, table.schema)
    rules = {name: recipe.rule(name) for name in table.schema.names}
    _refuse_unmeasured(table, rules)
    wide = table.wide()
    values = np.full(wide.shape, np.nan, dtype=np.float32)
    for column, (name, rule) in enumerate(rules.items()):
        states = wide[name].to_numpy(dtype=object)
        is_uncertain = states == str(LabelState.UNCERTAIN)
        values[states == str(LabelState.POSITIVE), column] = 1
        values[states == str(LabelState.NEGATIVE), column] = 0
        values[states == str(LabelState.NOT_MENTIONED), column] = NOT_MENTIONED[rule.not_mentioned]
        values[is_uncertain, column] = _uncertain_targets(table, name, rule, is_uncertain, seed)
    mask = ~np.isnan(values)
    return Targets(table.report_ids, table.schema.names, np.where(mask, values, np.float32(0)), mask)


def _uncertain_targets(
    table: LabelTable, finding: str, rule: Rule, is_uncertain: NDArray[np.bool_], seed: int
) -> NDArray[np.float64] | float:
    if rule.policy != "soft":
        return UNCERTAIN[rule.policy]
    if rule.soft == "measured":
        measured = _measured(table, finding)[is_uncertain]
        return (measured["p_positive"] + measured["p_uncertain"] / 2).to_numpy(np.float64)
    low, high = rule.soft
    studies = [study for study, uncertain in zip(table.report_ids, is_uncertain, strict=True) if uncertain]
    return low + (high - low) * np.array([_chance(seed, study, finding) for study in studies], dtype=np.float64)


def _measured(table: LabelTable, finding: str) -> pd.DataFrame:
    """What the labeler measured of a finding, a row a report in the order of the table."""
    return table.frame[table.frame["finding"] == finding][["state", "p_positive", "p_uncertain"]]


def _refuse_unmeasured(table: LabelTable, rules: dict[str, Rule]) -> None:
    lacking = {}
    for name, rule in rules.items():
        if (rule.policy, rule.soft) == ("soft", "measured"):
            cells = _measured(table, name)
            uncertain = cells[cells["state"] == str(LabelState.UNCERTAIN)]
            if n_lacking := int(uncertain[["p_positive", "p_uncertain"]].isna().any(axis=1).sum()):
                lacking[name] = f"{name} {n_lacking} of {len(uncertain)}"
    if lacking:
        raise TableError(
            f"soft: measured needs the labeler's probabilities of uncertain labels, but some have none "
            f"({', '.join(lacking.values())}); label with `plan: label_read` or `samples`, or set `soft` to an interval"
        )


def _chance(seed: int, study: str, finding: str) -> float:
    """A number in [0, 1) that depends on nothing else, on any machine."""
    drawn = hashlib.blake2b("\0".join((str(seed), study, finding)).encode(), digest_size=8).digest()
    return int.from_bytes(drawn, "big") / 2**64


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
        Findings with fewer positive targets in training are left out; at least 1 is always needed. Targets between 0
        and 1 are neither positive nor negative.
    """
    reasons = {}
    for column, name in enumerate(targets.findings):
        known = targets.definitive[training, column]
        positives, negatives = int((known == 1).sum()), int((known == 0).sum())
        if positives + negatives == 0:
            reasons[name] = "no label in training"
        elif positives == 0 or negatives == 0:
            kind = "negative" if positives == 0 else "positive"
            reasons[name] = f"one class only: all {positives + negatives} labels in training are {kind}"
        elif positives < min_positives:
            reasons[name] = f"{positives} positives in training, fewer than min_positives: {min_positives}"
    return reasons
