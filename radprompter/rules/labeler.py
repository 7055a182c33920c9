"""One report to one decision per finding, each with its evidence and the rule that made it."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal, NamedTuple

from radprompter.files import digest, source_digest
from radprompter.records import Report
from radprompter.region import LANGUAGES, Region
from radprompter.rules.chexpert.lexicon import LANGUAGE, load_chexpert_lexicon
from radprompter.rules.chexpert.quirks import ChexpertDecider, ChexpertReader
from radprompter.rules.deciding import Decider, Decision
from radprompter.rules.lexicon import load_language, load_region_lexicon
from radprompter.rules.reading import Outline, Reader, ReadSentence
from radprompter.rules.vocabulary import compile_vocabulary

VERSION = "rules-2"

Compat = Literal["chexpert"]
"""Labelers whose order and quirks the rules can reproduce."""


class Explanation(NamedTuple):
    """All that was read of a report, what was decided of each finding of the region, in order, and what shaped it."""

    sentences: list[ReadSentence]
    decisions: dict[str, Decision]
    outline: Outline


class RuleLabeler:
    """Reads reports of one region, in every language that has a lexicon; with `compat`, as another labeler would.

    Raises
    ------
    RecipeError
        If a lexicon file is wrong.
    TemplateError
        If a region's lexicon names a finding that the region lacks, or `compat` does not know the region's findings.
    """

    def __init__(self, region: Region, *, compat: Compat | None = None) -> None:
        self._reader: Reader | ChexpertReader
        self._decider: Decider | ChexpertDecider
        content: dict[str, Any]
        if compat == "chexpert":
            self._reader, self._decider, content = _chexpert(region)
        else:
            self._reader, self._decider, content = _default(region)
        engine = source_digest(Path(__file__).parent)
        self.version = f"{VERSION}+{compat}" if compat else VERSION
        self.hash = digest({"engine": engine, "region": region.hash, "compat": compat, "lexicons": content})

    def knows(self, language: str) -> bool:
        """Whether there is a lexicon for a language."""
        return self._reader.knows(language)

    def label(self, report: Report) -> dict[str, Decision] | None:
        """The decision on every finding of the region, in order; ``None`` for a report without words.

        Raises
        ------
        KeyError
            If there is no lexicon for the report's language.
        """
        sentences = self._reader.read(report)
        return None if sentences is None else self._decider.decide(sentences)

    def explain(self, report: Report) -> Explanation | None:
        """What `label` decides, with all that was read; ``None`` for a report without words."""
        sentences = self._reader.read(report)
        if sentences is None:
            return None
        return Explanation(sentences, self._decider.decide(sentences), self._reader.outline(report))


def _default(region: Region) -> tuple[Reader, Decider, dict[str, Any]]:
    lexicons = {
        code: (language, load_region_lexicon(region, code))
        for code in LANGUAGES
        if (language := load_language(code)) is not None
    }
    reader = Reader({c: compile_vocabulary(region, *both, code=c) for c, both in lexicons.items()})
    content = {code: [one.model_dump(mode="json") for one in both] for code, both in lexicons.items()}
    return reader, Decider(region), content


def _chexpert(region: Region) -> tuple[ChexpertReader, ChexpertDecider, dict[str, Any]]:
    lexicon, language = load_chexpert_lexicon(region), load_language(LANGUAGE)
    assert language is not None, f"no lexicon of language {LANGUAGE}"
    reader = ChexpertReader(lexicon, language)
    content = {"chexpert": lexicon.model_dump(mode="json"), LANGUAGE: language.model_dump(mode="json")}
    return reader, ChexpertDecider(lexicon, region), content
