"""What each claim of a report came to: it decides, says the same, or lost, and to what."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from radprompter.errors import SchemaError
from radprompter.labels import Cell, LabelState
from radprompter.prompting.sections import suggest
from radprompter.records import Report
from radprompter.region import Region
from radprompter.rules.claims import Claim
from radprompter.rules.deciding import Decision
from radprompter.rules.labeler import Explanation, RuleLabeler
from radprompter.rules.reading import ReadSentence
from radprompter.rules.vocabulary import ABNORMAL

Outcome = Literal["decides", "same", "weaker", "corrected", "implied", "silent", "forbids"]

STRENGTH: Mapping[LabelState | None, int] = {
    None: 0, LabelState.NEGATIVE: 1, LabelState.UNCERTAIN: 2, LabelState.POSITIVE: 3,
}  # fmt: skip
"""The stronger of two claims decides; ``None`` says nothing of the present."""

UNNAMED = "nothing that is read names it"

_SILENT_BECAUSE = {
    "historical": "it is history",
    "hypothetical": "it is a condition or a question",
    "family": "it is said of the family",
}


@dataclass(frozen=True, slots=True)
class Weighed:
    """A claim in its sentence, numbered in the order of the report, and what it came to."""

    number: int
    sentence: ReadSentence
    claim: Claim
    outcome: Outcome
    why: str

    @property
    def words(self) -> str:
        """The report's own words that name the finding."""
        return " ".join(self.sentence.text[self.claim.start : self.claim.end].split())

    @property
    def chain(self) -> tuple[str, ...]:
        """The modifiers that made it: category and words, the outermost first."""
        text = self.sentence.text
        uses = self.claim.modifiers
        return tuple(f"{use.category} “{' '.join(text[use.start : use.end].split())}”" for use in uses)

    def content(self) -> dict[str, Any]:
        """The claim as plain data; characters count from the beginning of the section."""
        here = self.sentence.start
        return {
            "number": self.number,
            "finding": self.claim.finding,
            "state": self.claim.state,
            "rule": self.claim.name(self.sentence.text),
            "section": self.sentence.section,
            "part": self.sentence.part,
            "start": here + self.claim.start,
            "end": here + self.claim.end,
            "words": self.words,
            "phrases": list(self.claim.phrases),
            "modifiers": [
                {**use._asdict(), "start": here + use.start, "end": here + use.end} for use in self.claim.modifiers
            ],
            "outcome": self.outcome,
            "why": self.why,
        }


@dataclass(frozen=True, slots=True)
class Beside:
    """What another label table says of a finding."""

    labeler: str
    state: LabelState
    evidence: str

    @classmethod
    def of(cls, cell: Cell | None) -> Beside | None:
        """The part of a cell that is shown; none where there is no label."""
        return cls(cell.labeler, cell.state, cell.evidence or "") if cell and cell.state.is_label else None


@dataclass(frozen=True, slots=True)
class FindingAccount:
    """One finding: what was decided and why, all claims about it, and what another table says."""

    name: str
    title: str
    decision: Decision
    why: str
    claims: tuple[Weighed, ...]
    beside: Beside | None = None

    @property
    def is_told(self) -> bool:
        """Whether there is more to say of it than that nothing names it."""
        return self.why != UNNAMED or (self.beside is not None and self.beside.state is not self.decision.state)

    def content(self) -> dict[str, Any]:
        """The finding as plain data."""
        beside = self.beside
        return {
            "state": self.decision.state,
            "rule": self.decision.rule,
            "evidence": self.decision.evidence,
            "why": self.why,
            "claims": [weighed.content() for weighed in self.claims],
            "beside": None if beside is None else {"labeler": beside.labeler, "state": beside.state},
        }


@dataclass(frozen=True, slots=True)
class Account:
    """A report explained.

    `report` is what is read of it; `left_out` are sections that the recipe does not read. `explanation` is ``None``
    for a report without words. `unlabelled` are the findings of which the other table has a cell but no label.
    """

    report: Report
    rules: str  # their version
    left_out: Mapping[str, str]
    explanation: Explanation | None
    findings: tuple[FindingAccount, ...]
    unlabelled: tuple[str, ...] = ()

    @property
    def claims(self) -> tuple[Weighed, ...]:
        """All claims, in the order of the report."""
        return tuple(sorted((one for item in self.findings for one in item.claims), key=lambda one: one.number))

    def content(self) -> dict[str, Any]:
        """All of it as plain data."""
        outline = self.explanation.outline if self.explanation else None
        sections = [
            {
                "name": name,
                "words": words,
                "stretches": [stretch._asdict() for stretch in outline.stretches[name]] if outline else [],
            }
            for name, words in self.report.sections.items()
        ]
        return {
            "report_id": self.report.id,
            "rules": self.rules,
            "language": self.report.language,
            "has_words": self.explanation is not None,
            "sections": sections,
            "left_out": dict(self.left_out),
            "findings": {item.name: item.content() for item in self.findings},
            "unlabelled_beside": list(self.unlabelled),
        }


def explain(
    report: Report,
    labeler: RuleLabeler,
    region: Region,
    *,
    finding: str | None = None,
    left_out: Mapping[str, str] | None = None,
    beside: Mapping[str, Cell] | None = None,
) -> Account:
    """What the rules make of a report, of all findings or of one; `beside` are another table's cells by finding.

    Raises
    ------
    SchemaError
        If the region lacks the finding.
    """
    names = list(region.findings)
    if finding is not None and finding not in names:
        raise SchemaError(f"region {region.name!r} has no finding {finding!r}{suggest(finding, names)}")
    explanation = labeler.explain(report)
    if explanation is None:
        return Account(report, labeler.version, left_out or {}, None, ())
    wanted = names if finding is None else [finding]
    by_finding: dict[str, list[tuple[int, ReadSentence, Claim]]] = {name: [] for name in wanted}
    no_finding = region.schema.no_finding
    number = 0
    for sentence in explanation.sentences:
        for claim in sorted(sentence.claims, key=lambda claim: (claim.start, claim.end)):
            about = no_finding if claim.finding == ABNORMAL else claim.finding
            if about in by_finding:
                number += 1
                by_finding[about].append((number, sentence, claim))
    accounts, cells = [], beside or {}
    for name in wanted:
        decision, title = explanation.decisions[name], region.findings[name].title
        weighed = tuple(Weighed(n, s, c, *_weigh(s, c, decision, region)) for n, s, c in by_finding[name])
        if name == no_finding and decision.state is not LabelState.POSITIVE:
            why = _no_finding_why(explanation, weighed, region)
        else:
            why = "nothing is present or suspected" if name == no_finding else _why(decision, weighed, region)
        shown = title.get(report.language) or title.get("en") or name
        accounts.append(FindingAccount(name, shown, decision, why, weighed, Beside.of(cells.get(name))))
    unlabelled = tuple(name for name in wanted if name in cells and not cells[name].state.is_label)
    return Account(report, labeler.version, left_out or {}, explanation, tuple(accounts), unlabelled)


def _weigh(sentence: ReadSentence, claim: Claim, decision: Decision, region: Region) -> tuple[Outcome, str]:
    """What became of a claim, and why."""
    if claim.state is None:
        categories = dict.fromkeys(use.category for use in claim.modifiers)
        reasons = [_SILENT_BECAUSE[category] for category in categories if category in _SILENT_BECAUSE]
        return (
            "silent",
            f"says nothing of the present: {reasons[-1] if reasons else 'a denial that is denied affirms nothing'}",
        )
    if claim.finding == ABNORMAL:
        if claim.state is LabelState.NEGATIVE:
            return "same", "another abnormality, denied"
        return "forbids", "another abnormality, beside which this is not so"
    counts = _counts(claim, region)
    doubt = "" if counts is claim.state else f"; a {claim.hedge} doubt counts as {_plain(counts)} here"
    if claim is decision.claim and sentence is decision.sentence:
        return "decides", f"decides{doubt}"
    decided = decision.claim
    if decided is None:
        return "weaker", f"lost: this finding has no state for it{doubt}"
    if decided.finding != claim.finding:
        return "implied", f"lost: {decided.finding} is {decided.state}, and implies it{doubt}"
    if decision.rule.startswith("addendum/") and sentence.part != "addendum":
        return "corrected", f"lost: the addendum replaces what the report says{doubt}"
    decisive = _counts(decided, region)
    if counts is decisive:
        return "same", f"says the same{doubt}"
    return "weaker", f"lost: {_plain(decisive)} goes over {_plain(counts)}{doubt}"


def _counts(claim: Claim, region: Region) -> LabelState | None:
    """The state that a claim counts as: doubts of some kinds are no doubts in some regions."""
    return region.hedges.get(claim.hedge, claim.state) if claim.hedge else claim.state


def _plain(state: LabelState | None) -> str:
    return "nothing" if state is None else state.replace("_", " ")


def _why(decision: Decision, weighed: Sequence[Weighed], region: Region) -> str:
    claim, rule = decision.claim, decision.rule
    if claim is None:
        silence = "named, but nothing is said of the present" if weighed else UNNAMED
        if decision.state is LabelState.NOT_MENTIONED:
            return silence
        return f"{silence}, which counts as {_plain(decision.state)} here"
    reason = "said by the report"
    if rule.startswith("implied:"):
        return f"implied: {claim.finding} is {claim.state}"
    if rule.startswith("addendum/"):
        reason = "said by the addendum, which replaces what the report says"
    counts = _counts(claim, region)
    if counts is not claim.state:
        reason += f"; a {claim.hedge} doubt counts as {_plain(counts)} here"
    if counts is not decision.state:
        reason += f"; {_plain(counts)} counts as {_plain(decision.state)} here"
    return reason


def _no_finding_why(explanation: Explanation, weighed: Sequence[Weighed], region: Region) -> str:
    despite = {*region.no_finding_despite, region.schema.no_finding}
    present = [
        f"{name} is {decision.state}"
        for name, decision in explanation.decisions.items()
        if STRENGTH.get(decision.state, 0) > 1 and name not in despite
    ]
    present += [
        f"{name} is doubted"
        for name, decision in explanation.decisions.items()
        if decision.claim and decision.state is LabelState.NOT_MENTIONED and name not in despite
    ]
    others = dict.fromkeys(f"“{one.words.lower()}”" for one in weighed if one.outcome == "forbids")
    present += [f"another abnormality: {', '.join(others)}"] if others else []
    return f"not so: {'; '.join(present)}"
