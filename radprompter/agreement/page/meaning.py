"""Definitions in words: what every part of their meaning does."""

from __future__ import annotations

from collections.abc import Mapping

from radprompter.agreement.definitions import Definition
from radprompter.agreement.measuring.titles import TITLES
from radprompter.agreement.page.shown import listed, worded
from radprompter.labels import LABELS, Projection

_OVER_TASKS: Mapping[str, str] = {
    "mean": "their mean",
    "support": "their mean, weighted by the cells that the reference has of each",
    "pooled": "the measure of their counts together",
}
_OVER_FINDINGS: Mapping[str, str] = {
    "mean": "mean of the findings' numbers",
    "pooled": "the measure of the counts of all findings together",
}
_UNLABELLED: Mapping[str, str] = {
    "wrong": "counts in every denominator of the reference, as no prediction",
    "left_out": "is left out",
}
_UNDEFINED: Mapping[str, str] = {"left_out": "is left out of means", "zero": "counts as 0 in means"}


def explain(definition: Definition) -> tuple[tuple[str, str], ...]:
    """Every part of what a definition means, as heading and words; parts that cannot matter are left out."""
    parts = [("Measures", listed([TITLES[name] for name in definition.measures]))]
    same = definition.measures == ("same",)
    if not same:
        parts.append(("Held against the rest", listed([worded(task) for task in definition.tasks])))
    parts.append(("In the reference", _states(definition.reference, "left out")))
    parts.append(("By the labeler", _states(definition.labeler, "no label")))
    parts.append(("No label by the labeler", _UNLABELLED[definition.unlabelled]))
    if len(definition.tasks) > 1:
        parts.append(("Of the states of a finding", _OVER_TASKS[definition.over_tasks]))
    parts.append(("Over all findings", _OVER_FINDINGS[definition.over_findings]))
    if definition.least_support:
        parts.append(("Counts in means", f"a state that the reference has at least {definition.least_support} of"))
    if not same:
        parts.append(("A measure without a value", _UNDEFINED[definition.undefined]))
    if definition.no_finding == "positive_only":
        parts.append(("The finding that says that there is none", "by its positives alone"))
    if definition.source:
        parts.append(("Source", definition.source))
    parts.append(("Digest of the meaning", definition.hash))
    return tuple(parts)


def _states(projection: Projection, masked: str) -> str:
    """What becomes of the states, those that share a target together."""
    by_target: dict[str, list[str]] = {}
    for state in LABELS:
        target = projection.states[state]
        by_target.setdefault(masked if target is None else worded(target), []).append(worded(state))
    if all(states == [target] for target, states in by_target.items()):
        return "the four labels as they are"
    return "; ".join(f"{listed(states)} → {target}" for target, states in by_target.items() if states != [target])
