"""Report to sentences: headings are obeyed, and abbreviations, numbers, lists and lost punctuation survived."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Literal, NamedTuple

MAX_SENTENCE = 2_000  # characters; a longer one is cut at a space, so that time stays linear in the length of a report
_LONGEST_WORD = 24
_LIST_MARKER = re.compile(r"[ \t]*(?:[-*•·–]|\d{1,2}[.)]|[a-z]\))[ \t]")
_ITEM = re.compile(r"\W{0,200}\d{1,2}")
_UNREMARKABLE = re.compile(r"\bo\. ?B$", re.IGNORECASE)  # "o. B." often ends a German sentence
_SEEN = re.compile(r"\S")
_LETTER = re.compile(r"[^\W\d_Xx]")
_WRAPPED = 55  # characters; a shorter line that ends without punctuation was ended on purpose


Part = Literal["body", "addendum"]


class Sentence(NamedTuple):
    """A sentence, where it stands in its section, and whether the report or an addendum to it says it."""

    text: str
    start: int
    part: Part = "body"


class Stretch(NamedTuple):
    """What stands under one heading: the heading's first character, then the words; `part` is ``None`` if not read."""

    heading: int
    start: int
    end: int
    part: Part | None


class Splitter:
    """Divides text into sentences, for one language.

    Parameters
    ----------
    abbreviations:
        Words before a full stop that does not end a sentence.
    starters:
        Capitalised words that begin a sentence even where the full stop before them was lost.
    headings:
        Heading -> the part of the report that begins under it; ``None`` if that is not read.
    before_ordinals:
        Words after which a number with a full stop is an ordinal: ``der 5. Rippe``.
    after_ordinals:
        Words before which a number with a full stop is an ordinal: ``Fraktur 5. Rippe``.
    """

    def __init__(
        self,
        abbreviations: Iterable[str],
        starters: Iterable[str],
        headings: Mapping[str, Part | None],
        before_ordinals: Iterable[str] = (),
        after_ordinals: Iterable[str] = (),
    ) -> None:
        self._before_ordinals = frozenset(before_ordinals)
        behind = "|".join(re.escape(word) for word in sorted(after_ordinals)) or r"(?!)"
        self._ordinal = re.compile(rf"\s+(?:{behind})\b", re.IGNORECASE)
        self._abbreviations = frozenset(word.rstrip(".").lower() for word in abbreviations)
        starting = "|".join(re.escape(word) for word in sorted(starters)) or r"(?!)"
        self._candidate = re.compile(rf"(?<![.!?])[.!?]++(?=[\s)\"A-ZÄÖÜ]|$)|;|\n|(?<=[a-zäöüß]) (?=(?:{starting})\b)")
        self._starter = re.compile(rf"\s*(?:{starting})\b")
        names = sorted(headings, key=len, reverse=True)
        self._parts = {" ".join(name.lower().split()): part for name, part in headings.items()}
        patterns = "|".join(r"[ \t]+".join(map(re.escape, name.split())) for name in names) or r"(?!)"
        number = r"(?:[ \t]*+(?:(?:#|no\.?|nr\.?|vom|of)[ \t]*+)?\d[\d./-]*+)?"
        heading = rf"(?:^|(?<=[.!?\n]))[ \t*]*({patterns}){number}[ \t*]*(?::|(?=\n|$))"
        self._heading = re.compile(heading, re.IGNORECASE)

    def split(self, text: str) -> Iterator[Sentence]:
        """The sentences of a section that are to be read, in order."""
        for stretch in self.stretches(text):
            if stretch.part:
                yield from self._sentences(text, stretch.start, stretch.end, stretch.part)

    def stretches(self, text: str) -> Iterator[Stretch]:
        """A section divided by the headings in it, in order; every character belongs to one stretch.

        Where no heading says that what follows is to be read, an unread part ends with the line that it began on: the
        report goes on below ``Comparison: none.``
        """
        divided = list(self._headed(text))
        is_ordered = any(one.part == "body" and one.heading < one.start for one in divided)
        for stretch in divided:
            end = stretch.end if stretch.part or is_ordered else self._first_line(text, stretch)
            yield stretch._replace(end=end)
            if end < stretch.end:
                yield Stretch(end, end, stretch.end, "body")

    def _first_line(self, text: str, stretch: Stretch) -> int:
        line_start, has_begun = stretch.start, False
        while (stop := text.find("\n", line_start, stretch.end)) >= 0:
            has_begun = has_begun or bool(text[line_start:stop].strip())
            if has_begun and self._line_ends(text, line_start, stop, stretch.end):
                return stop + 1
            line_start = stop + 1
        return stretch.end

    def _headed(self, text: str) -> Iterator[Stretch]:
        part: Part | None = "body"
        heading, here, is_addendum = 0, 0, False
        for match in self._heading.finditer(text):
            yield Stretch(heading, here, match.start(1), part)
            part = self._parts[" ".join(match[1].lower().split())]
            is_addendum = is_addendum or part == "addendum"
            part = "addendum" if part and is_addendum else part  # the addendum's own findings and impression
            heading, here = match.start(1), match.end()
        yield Stretch(heading, here, len(text), part)

    def _sentences(self, text: str, start: int, end: int, part: Part) -> Iterator[Sentence]:
        line_start = start
        for match in self._candidate.finditer(text, start, end):
            if match.start() < start:
                continue
            mark = match[0]
            if mark == "\n":
                ends = self._line_ends(text, line_start, match.start(), end)
                line_start = match.end()
            elif mark == "?" and text[max(start, match.start() - 1) : match.start()].strip() == "":
                ends = (
                    _SEEN.search(text, match.end(), end) is None
                )  # "? fracture" and "scar ? nodule" doubt what follows
            elif mark.startswith("."):
                ends = self._full_stop_ends(text, start, match.start(), match.end())
            else:
                ends = True
            if ends:
                yield from _cut(text, start, match.end(), part)
                start = match.end()
        yield from _cut(text, start, end, part)

    def _full_stop_ends(self, text: str, start: int, stop: int, after: int) -> bool:
        before = text[max(start, stop - _LONGEST_WORD) : stop]
        word = before.split()[-1] if before.split() else ""
        touching = after < len(text) and not text[after].isspace()
        if touching and text[after].isupper() and not (len(word) > 2 and word[-1].isalpha()):
            return False  # an abbreviation such as "z.B."; "contour.There" is a lost space
        if word.isdigit() and _ITEM.fullmatch(text, start, stop):
            return False  # "1." begins an item
        if word.isdigit() and len(word) <= 2:
            lead = before.split()[-2:-1]
            if text[after : after + 2].strip()[:1].islower() or (lead and lead[0].lower() in self._before_ordinals):
                return False
            if self._ordinal.match(text, after):
                return False
        bare = word.strip("([\"'").lower()
        if bare in self._abbreviations or bare.rsplit("/", 1)[-1] in self._abbreviations:
            return False
        if (len(bare) == 1 and bare.isalpha()) or (len(bare) > 2 and bare[-2] == "." and bare[-1].isalpha()):
            following = text[after : after + 3].strip()
            if word == "I" and following[:1].isupper():
                return True  # a numeral: "Os metacarpale I."
            return not following or (bool(_UNREMARKABLE.search(before)) and not following[0].islower())
        return True

    def _line_ends(self, text: str, line_start: int, line_end: int, end: int) -> bool:
        following = text[line_end + 1 : min(end, line_end + 40)]
        if not following.strip() or following[0] == "\n" or following.lstrip(" \t")[:1] == "\n":
            return True
        if _LIST_MARKER.match(following) or self._starter.match(following):
            return True
        short = line_end - line_start < _WRAPPED
        return short and not following.lstrip()[0].islower() and text[line_end - 1 : line_end] not in ",-"


def _cut(text: str, start: int, end: int, part: Part) -> Iterator[Sentence]:
    while end - start > MAX_SENTENCE:
        space = text.rfind(" ", start + MAX_SENTENCE // 2, start + MAX_SENTENCE)
        stop = space if space > start else start + MAX_SENTENCE
        yield from _trimmed(text, start, stop, part)
        start = stop
    yield from _trimmed(text, start, end, part)


def _trimmed(text: str, start: int, end: int, part: Part) -> Iterator[Sentence]:
    piece = text[start:end]
    bare = piece.strip()
    if bare:
        yield Sentence(bare, start + piece.index(bare), part)


def has_words(text: str) -> bool:
    """Whether a text says anything: letters other than the de-identification mask ``XXXX``."""
    return _LETTER.search(text) is not None
