"""What the rules say of a text: decisions, and the findings that they name with a sign."""

from __future__ import annotations

import functools

from radprompter.labels import LabelState
from radprompter.records import Report
from radprompter.region import load_region
from radprompter.rules.deciding import Decision
from radprompter.rules.labeler import RuleLabeler

SIGN = {LabelState.POSITIVE: "+", LabelState.NEGATIVE: "-", LabelState.UNCERTAIN: "?"}


@functools.cache
def labeler(region: str) -> RuleLabeler:
    """The labeler of a shipped region, made once."""
    return RuleLabeler(load_region(region))


def decide(region: str, language: str, text: str) -> dict[str, Decision]:
    """The decision on every finding of the region."""
    decisions = labeler(region).label(Report("r", {"report": text}, language))
    assert decisions is not None
    return decisions


def said(region: str, language: str, text: str) -> set[str]:
    """Every finding that is mentioned, with a sign; the summary finding `no_finding` is left out."""
    decisions = decide(region, language, text)
    return {
        name + SIGN[decision.state]
        for name, decision in decisions.items()
        if decision.state is not LabelState.NOT_MENTIONED and name != "no_finding"
    }
