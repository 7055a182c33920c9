"""One report to one decision per finding, each with its evidence and the rule that made it."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from radprompter.files import digest, source_digest
from radprompter.records import Report
from radprompter.region import LANGUAGES, Region
from radprompter.rules.deciding import Decider, Decision
from radprompter.rules.lexicon import load_language, load_region_lexicon
from radprompter.rules.reading import Outline, Reader, ReadSentence
from radprompter.rules.vocabulary import compile_vocabulary

VERSION = "rules-2"


class Explanation(NamedTuple):
    """All that was read of a report, what was decided of each finding of the region, in order, and what shaped it."""

    sentences: list[ReadSentence]
    decisions: dict[str, Decision]
    outline: Outline


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
        lexicons = {
            code: (language, load_region_lexicon(region, code))
            for code in LANGUAGES
            if (language := load_language(code)) is not None
        }
        self._reader = Reader({c: compile_vocabulary(region, *both, code=c) for c, both in lexicons.items()})
        self._decider = Decider(region)
        content = {code: [one.model_dump(mode="json") for one in both] for code, both in lexicons.items()}
        self.hash = digest({"engine": source_digest(Path(__file__).parent), "region": region.hash, "lexicons": content})

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
