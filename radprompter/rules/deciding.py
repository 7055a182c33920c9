"""What a report says of each finding, out of all that its sentences claim."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from radprompter.labels import LabelState
from radprompter.region import Region
from radprompter.rules.claims import Claim
from radprompter.rules.reading import ReadSentence
from radprompter.rules.vocabulary import implied_findings

_STRENGTH = {
    LabelState.NEGATIVE: 1,
    LabelState.NOT_MENTIONED: 2,  # a doubt that does not count in the region
    LabelState.UNCERTAIN: 3,
    LabelState.POSITIVE: 4,
}
_LONGEST_EVIDENCE = 240  # characters; of a longer sentence, the words around the mention


@dataclass(frozen=True, slots=True)
class Decision:
    """The state of one finding in one report, the id of the rule, and the claim that decided with its sentence."""

    state: LabelState
    rule: str = ""
    sentence: ReadSentence | None = None
    claim: Claim | None = None

    @property
    def evidence(self) -> str:
        """The sentence that decided, or the words of a long one around the claim: a verbatim slice of the report."""
        return _evidence(self.sentence.text, self.claim) if self.sentence and self.claim else ""


SILENT = Decision(LabelState.NOT_MENTIONED)
"""On a finding of which nothing is said."""


class Decider:
    """Decides for reports of one region.

    Doubts count as the region's ``hedges`` say. Claims that disagree: positive over uncertain over negative. What an
    addendum says of a finding replaces what the report said of it. A finding that is positive or uncertain makes those
    that it implies at least that. The region's ``no_finding`` is positive where nothing is present or suspected but
    what ``no_finding_despite`` names.
    """

    def __init__(self, region: Region) -> None:
        self._region = region
        self._implied = implied_findings(region)

    def decide(self, sentences: Iterable[ReadSentence]) -> dict[str, Decision]:
        """The decision on every finding of the region, in order."""
        body: dict[str, Decision] = {}
        addendum: dict[str, Decision] = {}
        for sentence in sentences:
            best = addendum if sentence.part == "addendum" else body
            for claim in sentence.claims:
                state = self._region.hedges.get(claim.hedge, claim.state) if claim.hedge else claim.state
                if state and _outweighs(state, best.get(claim.finding)):
                    decision = Decision(state, claim.name(sentence.text), sentence, claim)
                    counted = state is claim.state
                    best[claim.finding] = decision if counted else _renamed(decision, f"{claim.hedge}_is_{state}")
        best = body | {name: _renamed(decision, "addendum") for name, decision in addendum.items()}
        self._imply(best)
        if self._region.schema.no_finding is not None:
            best[self._region.schema.no_finding] = no_finding(best, despite=self._region.no_finding_despite)
        return {name: allow(self._region, name, best.get(name, SILENT)) for name in self._region.findings}

    def _imply(self, best: dict[str, Decision]) -> None:
        for name in self._region.findings:
            decision = best.get(name)
            if decision is None or decision.state is LabelState.NEGATIVE:
                continue
            for general in self._implied[name]:
                if _outweighs(decision.state, best.get(general)):
                    best[general] = _renamed(decision, f"implied:{name}")


def no_finding(best: Mapping[str, Decision], *, despite: Collection[str]) -> Decision:
    """Positive where nothing is positive or uncertain, apart from the findings named by `despite`."""
    if any(one.state is not LabelState.NEGATIVE for name, one in best.items() if name not in despite):
        return SILENT
    return Decision(LabelState.POSITIVE, "no_finding:nothing else is present")


def allow(region: Region, name: str, decision: Decision) -> Decision:
    """The decision in the states that a region allows: uncertain counts as positive, silence as negative."""
    allowed = region.allowed(name)
    if decision.state in allowed:
        return decision
    fallback = LabelState.POSITIVE if decision.state is LabelState.UNCERTAIN else LabelState.NEGATIVE
    if fallback not in allowed:
        return SILENT
    return Decision(fallback, decision.rule, decision.sentence, decision.claim)


def _outweighs(state: LabelState, known: Decision | None) -> bool:
    return known is None or _STRENGTH[state] > _STRENGTH[known.state]


def _renamed(decision: Decision, why: str) -> Decision:
    return Decision(decision.state, f"{why}/{decision.rule}", decision.sentence, decision.claim)


def _evidence(sentence: str, claim: Claim) -> str:
    if len(sentence) <= _LONGEST_EVIDENCE:
        return sentence
    start, end = max(0, claim.start - 100), min(len(sentence), max(claim.end, claim.start) + 100)
    start = sentence.find(" ", start, claim.start) + 1 if start else 0
    stop = sentence.rfind(" ", claim.end, end) if end < len(sentence) else end
    return sentence[start : stop if stop > claim.start else end].strip()
