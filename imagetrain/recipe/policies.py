"""What a run makes of labels that are neither positive nor negative."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal, NamedTuple

from pydantic import Field, field_validator

from radprompter.typed_yaml import Section

PolicyName = Literal["inclusive", "exclusive", "ignore", "soft"]
NotMentioned = Literal["negative", "ignore"]

Share = Annotated[float, Field(ge=0, le=1)]
Soft = Literal["measured"] | tuple[Share, Share]
"""Where the target of an uncertain label is drawn from, or that the labeler's probabilities say it."""


class Rule(NamedTuple):
    """What holds for one finding."""

    policy: PolicyName
    soft: Soft
    not_mentioned: NotMentioned

    @property
    def name(self) -> str:
        """The policy, with the interval of a soft one."""
        if self.policy != "soft":
            return self.policy
        return f"soft {self.soft if self.soft == 'measured' else _interval(self.soft)}"


class FindingPolicy(Section):
    """What holds for one finding; what is null is as for all."""

    policy: PolicyName | None = None
    soft: Soft | None = None
    not_mentioned: NotMentioned | None = None

    @field_validator("soft")
    @classmethod
    def _in_order(cls, soft: Soft | None) -> Soft | None:
        return None if soft is None else _ordered(soft)


class PolicyRecipe(Section):
    """What a classifier is told: whose labels, and what becomes of those that are neither positive nor negative."""

    labels: Path | None = Field(
        None,
        description="label table that this run is taught from; data.labels if null, and that is what every run is "
        "tested against",
    )
    policy: PolicyName = Field(
        "inclusive", description="uncertain counts as positive, as negative, not at all, or as something in between"
    )
    soft: Soft = Field(
        (0.55, 0.85),
        description="policy soft: the interval that the target of an uncertain label is drawn from, once for all "
        "epochs; or `measured`, the labeler's p_positive with half of its p_uncertain",
    )
    not_mentioned: NotMentioned = "negative"
    per_finding: dict[str, PolicyName | FindingPolicy] = Field(
        default_factory=dict, description="another policy for some findings, or any of these keys"
    )

    @field_validator("soft")
    @classmethod
    def _in_order(cls, soft: Soft) -> Soft:
        return _ordered(soft)

    @property
    def rule_for_all(self) -> Rule:
        """What holds for findings that have no policy of their own."""
        return Rule(self.policy, self.soft, self.not_mentioned)

    def rule(self, finding: str) -> Rule:
        """What holds for a finding."""
        own = self.per_finding.get(finding, FindingPolicy())
        if isinstance(own, str):
            own = FindingPolicy(policy=own)
        return Rule(own.policy or self.policy, own.soft or self.soft, own.not_mentioned or self.not_mentioned)

    def ignoring_uncertain(self) -> PolicyRecipe:
        """The same with uncertain labels masked: what a classifier is tested against is definitive."""
        findings = {name: FindingPolicy(not_mentioned=self.rule(name).not_mentioned) for name in self.per_finding}
        return PolicyRecipe(policy="ignore", not_mentioned=self.not_mentioned, per_finding=findings)


def _ordered(soft: Soft) -> Soft:
    if soft != "measured" and soft[0] > soft[1]:
        raise ValueError(f"expected [lowest, highest] within 0 and 1, found {_interval(soft)}")
    return soft


def _interval(soft: tuple[float, float]) -> str:
    return f"[{soft[0]:g}, {soft[1]:g}]"
