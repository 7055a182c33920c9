"""A report to the sentences that are read of it, each with what it claims."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from radprompter.records import Report
from radprompter.rules.claims import Claim, Outdone, Scope, Unsaid
from radprompter.rules.engine import read_outdone, read_scopes, read_sentence, read_unsaid
from radprompter.rules.placing import Place, place_sentences, place_stretches
from radprompter.rules.rewriting import plain
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
    """What shapes a report, for each sentence, and the stretches of each section, none if it is not read."""

    scopes: list[tuple[Scope, ...]]
    unsaid: list[tuple[Unsaid, ...]]
    outdone: list[tuple[Outdone, ...]]
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
        splitter = self._vocabularies[report.language].splitter
        return [
            ReadSentence(name, place.start, words[place.start : place.end], place.part, self._claims(place, report))
            for name, words in _sections(report)
            for place in place_sentences(plain(words), splitter)
        ] or None

    def outline(self, report: Report) -> Outline:
        """How what `read` gives came about.

        Raises
        ------
        KeyError
            If there is no vocabulary for the report's language.
        """
        vocabulary = self._vocabularies[report.language]
        scopes, unsaid, outdone = [], [], []
        for _, words in _sections(report):
            for place in place_sentences(plain(words), vocabulary.splitter):
                scopes.append(tuple(map(place.scope, read_scopes(place.read, vocabulary))))
                unsaid.append(tuple(map(place.unsaid, read_unsaid(place.read, vocabulary))))
                outdone.append(tuple(map(place.outdone, read_outdone(place.read, vocabulary))))
        stretches: dict[str, tuple[Stretch, ...]] = {}
        for name, words in report.sections.items():
            found = place_stretches(plain(words), vocabulary.splitter, len(words)) if name in READ_SECTIONS else ()
            stretches[name] = tuple(found)
        return Outline(scopes, unsaid, outdone, stretches)

    def _claims(self, place: Place, report: Report) -> tuple[Claim, ...]:
        key = (report.language, place.read)
        claims = self._remembered.get(key)
        if claims is None:
            if len(self._remembered) >= MAX_REMEMBERED:
                self._remembered.clear()
            claims = self._remembered[key] = read_sentence(place.read, self._vocabularies[report.language])
        return claims if place.section.is_as_written else tuple(map(place.claim, claims))


def _sections(report: Report) -> list[tuple[str, str]]:
    """The sections that are read and have words, in order."""
    return [(name, words) for name, words in report.sections.items() if name in READ_SECTIONS and has_words(words)]
