"""One report to one decision per finding, each with its evidence and the rule that made it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from radprompter.files import digest, source_digest
from radprompter.labels import LabelState
from radprompter.records import Report
from radprompter.region import Region
from radprompter.rules.engine import Claim, read_sentence
from radprompter.rules.lexicon import Language, load_language, load_region_lexicon
from radprompter.rules.sentences import has_words
from radprompter.rules.vocabulary import ABNORMAL, Vocabulary, compile_vocabulary, implied_findings

VERSION = "rules-1"
READ_SECTIONS = ("findings", "impression", "report")
_STRENGTH = {LabelState.NEGATIVE: 1, LabelState.UNCERTAIN: 2, LabelState.POSITIVE: 3}
_LONGEST_EVIDENCE = 240  # characters; of a longer sentence, the words around the mention
_REMEMBERED = 20_000  # sentences whose claims are kept: reports repeat themselves


@dataclass(frozen=True, slots=True)
class Decision:
    """The state of one finding in one report; `evidence` is a verbatim slice of the report's text."""

    state: LabelState
    evidence: str = ""
    rule: str = ""


_SILENT = Decision(LabelState.NOT_MENTIONED)


class RuleLabeler:
    """Reads reports of one region, in every language that has a lexicon.

    Raises
    ------
    RecipeError
        If a lexicon file is wrong.
    TemplateError
        If a region's lexicon names a finding that the region lacks.
    """

    def __init__(self, region: Region) -> None:
        self._region = region
        self._implied = implied_findings(region)
        self._languages: dict[str, Vocabulary | None] = {}
        self._remembered: dict[tuple[str, str], tuple[Claim, ...]] = {}
        lexicons = {code: (load_language(code), load_region_lexicon(region, code)) for code in ("en", "de")}
        content = {code: [_plain(words), lexicon.model_dump()] for code, (words, lexicon) in lexicons.items()}
        self.hash = digest({"engine": source_digest(Path(__file__).parent), "region": region.hash, "lexicons": content})
        for code, (language, lexicon) in lexicons.items():
            if language is not None:
                self._languages[code] = compile_vocabulary(region, language, lexicon, code=code)

    def knows(self, language: str) -> bool:
        """Whether there is a lexicon for a language."""
        return self._languages.get(language) is not None

    def label(self, report: Report) -> dict[str, Decision] | None:
        """The decision on every finding of the region, in order; ``None`` for a report without words.

        Mentions that disagree: positive over uncertain over negative. A finding that is positive or uncertain makes the
        findings that it implies at least that.

        Raises
        ------
        KeyError
            If there is no lexicon for the report's language.
        """
        vocabulary = self._languages[report.language]
        assert vocabulary is not None
        sections = [words for name, words in report.sections.items() if name in READ_SECTIONS and has_words(words)]
        if not sections:
            return None
        best: dict[str, Decision] = {}
        for section in sections:
            for sentence in vocabulary.splitter.split(section):
                for claim in self._claims(sentence.text, report.language, vocabulary):
                    known = best.get(claim.finding)
                    if known is None or _STRENGTH[claim.state] > _STRENGTH[known.state]:
                        best[claim.finding] = Decision(claim.state, _evidence(sentence.text, claim), claim.rule)
        self._imply(best)
        abnormal = best.pop(ABNORMAL, None)
        if self._region.schema.no_finding is not None:
            best[self._region.schema.no_finding] = self._no_finding(best, abnormal)
        return {name: self._allowed(name, best.get(name, _SILENT)) for name in self._region.findings}

    def _claims(self, text: str, language: str, vocabulary: Vocabulary) -> tuple[Claim, ...]:
        key = (language, text)
        claims = self._remembered.get(key)
        if claims is None:
            if len(self._remembered) >= _REMEMBERED:
                self._remembered.clear()
            claims = self._remembered[key] = read_sentence(text, vocabulary)
        return claims

    def _imply(self, best: dict[str, Decision]) -> None:
        for name in self._region.findings:
            decision = best.get(name)
            if decision is None or decision.state is LabelState.NEGATIVE:
                continue
            for general in self._implied[name]:
                known = best.get(general)
                if known is None or _STRENGTH[decision.state] > _STRENGTH[known.state]:
                    best[general] = Decision(decision.state, decision.evidence, f"implied:{name}/{decision.rule}")

    def _no_finding(self, best: Mapping[str, Decision], abnormal: Decision | None) -> Decision:
        """Positive where nothing but devices is present or suspected (the CheXpert convention)."""
        speaking = [abnormal] if abnormal else []
        speaking += [decision for name, decision in best.items() if name != "support_devices"]
        if any(decision.state is not LabelState.NEGATIVE for decision in speaking):
            return _SILENT
        return Decision(LabelState.POSITIVE, rule="no_finding:nothing else is present")

    def _allowed(self, name: str, decision: Decision) -> Decision:
        """The decision in the states that the region allows: uncertain counts as positive, silence as negative."""
        allowed = self._region.allowed(name)
        if decision.state in allowed:
            return decision
        fallback = LabelState.POSITIVE if decision.state is LabelState.UNCERTAIN else LabelState.NEGATIVE
        if fallback not in allowed:
            return _SILENT
        return Decision(fallback, decision.evidence, decision.rule)


def _plain(language: Language | None) -> object:
    return language.model_dump(mode="json") if language else None


def _evidence(sentence: str, claim: Claim) -> str:
    """The sentence, or the words of it around the claim."""
    if len(sentence) <= _LONGEST_EVIDENCE:
        return sentence
    start, end = max(0, claim.start - 100), min(len(sentence), max(claim.end, claim.start) + 100)
    start = sentence.find(" ", start, claim.start) + 1 if start else 0
    stop = sentence.rfind(" ", claim.end, end) if end < len(sentence) else end
    return sentence[start : stop if stop > claim.start else end].strip()
