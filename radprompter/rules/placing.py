"""Sentences of a report as they are read, and where they stand as they were written."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from radprompter.rules.claims import Claim, Outdone, Scope, Span, Unsaid, Use
from radprompter.rules.rewriting import Rewritten
from radprompter.rules.sentences import Part, Splitter, Stretch


class Place(NamedTuple):
    """A sentence as it is read, and the characters of the section, as written, that it was made from."""

    read: str
    start: int
    end: int
    part: Part
    first: int  # its first character in the section as it is read
    section: Rewritten

    def claim(self, claim: Claim) -> Claim:
        """A claim of the sentence as read, in characters of the sentence as written."""
        if self.section.is_as_written:
            return claim
        start, end = self._back(claim.start, claim.end)
        return claim._replace(start=start, end=end, modifiers=tuple(self._use(use) for use in claim.modifiers))

    def scope(self, scope: Scope) -> Scope:
        """A scope in characters of the sentence as written."""
        return scope._replace(use=self._use(scope.use), end=scope.end and Span(*self._back(*scope.end)))

    def unsaid(self, unsaid: Unsaid) -> Unsaid:
        """Silent words in characters of the sentence as written."""
        start, end = self._back(unsaid.start, unsaid.end)
        return unsaid._replace(start=start, end=end)

    def outdone(self, outdone: Outdone) -> Outdone:
        """Modifiers that do not decide, in characters of the sentence as written."""
        start, end = self._back(outdone.start, outdone.end)
        return outdone._replace(start=start, end=end, uses=tuple(map(self._use, outdone.uses)))

    def _use(self, use: Use) -> Use:
        start, end = self._back(use.start, use.end)
        return use._replace(start=start, end=end)

    def _back(self, start: int, end: int) -> tuple[int, int]:
        first, last = self.section.back(self.first + start, self.first + end)
        return first - self.start, last - self.start


def place_sentences(section: Rewritten, splitter: Splitter) -> Iterator[Place]:
    """The sentences of a section that are to be read, in order."""
    for sentence in splitter.split(section.text):
        start, end = section.back(sentence.start, sentence.start + len(sentence.text))
        yield Place(sentence.text, start, end, sentence.part, sentence.start, section)


def place_stretches(section: Rewritten, splitter: Splitter, length: int) -> Iterator[Stretch]:
    """A section of `length` characters, as written, divided by the headings in it."""

    def back(position: int) -> int:
        if position in (0, len(section.text)):
            return length if position else 0
        return section.back(position, position + 1)[0]

    for heading, start, end, part in splitter.stretches(section.text):
        yield Stretch(back(heading), back(start), back(end), part)
