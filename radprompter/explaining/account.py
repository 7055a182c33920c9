"""The values of an explained report: each claim and what it came to, each finding and why it has its state."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from radprompter.labels import Cell, LabelState
from radprompter.records import Report
from radprompter.rules.claims import Claim, Unsaid, Use
from radprompter.rules.deciding import Decision
from radprompter.rules.labeler import Explanation
from radprompter.rules.reading import ReadSentence

Outcome = Literal["decides", "same", "weaker", "corrected", "implied", "silent", "forbids"]

STRENGTH: Mapping[LabelState | None, int] = {
    None: 0, LabelState.NEGATIVE: 1, LabelState.UNCERTAIN: 2, LabelState.POSITIVE: 3,
}  # fmt: skip
"""The stronger of two claims decides; ``None`` says nothing of the present."""

UNNAMED = "nothing that is read names it"
"""Why there is no label where no sentence has a word for the finding."""


@dataclass(frozen=True, slots=True)
class Weighed:
    """A claim in its sentence, numbered in the order of the report, and what it came to."""

    number: int
    sentence: ReadSentence
    claim: Claim
    outcome: Outcome
    why: str
    outdone: tuple[Use, ...] = ()  # modifiers that reach it and do not decide

    @property
    def words(self) -> str:
        """The report's own words that name the finding."""
        return " ".join(self.sentence.text[self.claim.start : self.claim.end].split())

    @property
    def chain(self) -> tuple[str, ...]:
        """The modifiers that made it: category and words, the outermost first."""
        return tuple(map(self._told, self.claim.modifiers))

    @property
    def others(self) -> tuple[str, ...]:
        """The modifiers that reach it and do not decide: category and words."""
        return tuple(map(self._told, self.outdone))

    def _told(self, use: Use) -> str:
        return f"{use.category} “{' '.join(self.sentence.text[use.start : use.end].split())}”"

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
            "outdone": [{**use._asdict(), "start": here + use.start, "end": here + use.end} for use in self.outdone],
            "outcome": self.outcome,
            "why": self.why,
        }


@dataclass(frozen=True, slots=True)
class Silent:
    """Words of a sentence that name a finding and claim nothing of it, and why."""

    sentence: ReadSentence
    unsaid: Unsaid
    why: str

    @property
    def words(self) -> str:
        """The report's own words."""
        return " ".join(self.sentence.text[self.unsaid.start : self.unsaid.end].split())

    def content(self) -> dict[str, Any]:
        """The words as plain data; characters count from the beginning of the section."""
        here = self.sentence.start
        at = {"start": here + self.unsaid.start, "end": here + self.unsaid.end}
        return {"section": self.sentence.section, **at, "words": self.words, "why": self.why}


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
    """One finding: what was decided and why, all claims about it, what else names it, and what another table says."""

    name: str
    title: str
    decision: Decision
    why: str
    claims: tuple[Weighed, ...]
    silent: tuple[Silent, ...] = ()
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
            "silent": [one.content() for one in self.silent],
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
