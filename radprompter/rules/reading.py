"""A report to the sentences that are read of it, each with what it claims."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from radprompter.records import Report
from radprompter.rules.claims import Claim, Scope, Unsaid
from radprompter.rules.engine import read_scopes, read_sentence, read_unsaid
from radprompter.rules.sentences import Part, Stretch, has_words
from radprompter.rules.vocabulary import Vocabulary

READ_SECTIONS = ("findings", "impression", "report")
MAX_REMEMBERED = 20_000  # sentences whose claims are kept: reports repeat themselves


class ReadSentence(NamedTuple):
    """A sentence of a report: `start` counts the characters of its section, and its claims those of the sentence."""

    section: str
    start: int
    text: str
    part: Part
    claims: tuple[Claim, ...]


class Outline(NamedTuple):
    """What shapes a report: scopes and silent names of each sentence; stretches of each section, none if not read."""

    scopes: list[tuple[Scope, ...]]
    unsaid: list[tuple[Unsaid, ...]]
    stretches: dict[str, tuple[Stretch, ...]]


class Reader:
    """Reads reports in every language that it has a vocabulary for."""

    def __init__(self, vocabularies: Mapping[str, Vocabulary]) -> None:
        self._vocabularies = vocabularies
        self._remembered: dict[tuple[str, str], tuple[Claim, ...]] = {}

    def knows(self, language: str) -> bool:
        """Whether there is a vocabulary for a language."""
        return language in self._vocabularies

    def read(self, report: Report) -> list[ReadSentence] | None:
        """What the report says, sentence by sentence; ``None`` for a report without words.

        Raises
        ------
        KeyError
            If there is no vocabulary for the report's language.
        """
        vocabulary = self._vocabularies[report.language]
        sections = [(name, report.sections[name]) for name in report.sections if name in READ_SECTIONS]
        sections = [(name, words) for name, words in sections if has_words(words)]
        if not sections:
            return None
        return [one for name, words in sections for one in self._read(name, words, report.language, vocabulary)]

    def outline(self, report: Report) -> Outline:
        """How what `read` gives came about.

        Raises
        ------
        KeyError
            If there is no vocabulary for the report's language.
        """
        vocabulary = self._vocabularies[report.language]
        sentences = self.read(report) or []
        scopes = [read_scopes(sentence.text, vocabulary) for sentence in sentences]
        stretches = {
            name: tuple(vocabulary.splitter.stretches(words)) if name in READ_SECTIONS else ()
            for name, words in report.sections.items()
        }
        return Outline(scopes, [read_unsaid(sentence.text, vocabulary) for sentence in sentences], stretches)

    def _read(self, section: str, words: str, language: str, vocabulary: Vocabulary) -> Iterator[ReadSentence]:
        for sentence in vocabulary.splitter.split(words):
            key = (language, sentence.text)
            claims = self._remembered.get(key)
            if claims is None:
                if len(self._remembered) >= MAX_REMEMBERED:
                    self._remembered.clear()
                claims = self._remembered[key] = read_sentence(sentence.text, vocabulary)
            yield ReadSentence(section, sentence.start, sentence.text, sentence.part, claims)
