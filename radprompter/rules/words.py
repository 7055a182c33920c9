"""The words of a sentence; where a language joins them, its compounds are opened and its cut-off words completed.

``Stauungsfreie Lunge`` has the words `Stauungs`, `-freie` and `Lunge`: the last part of a compound may say something of
the finding before it, or nothing at all as in ``Ergusszeichen``. In ``Pleura- und Perikarderguss`` the first word is
read as `Pleuraerguss`.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Collection, Sequence

from radprompter.rules.phrases import END, TOKEN, Trie, fold

_LOOKED_AT = 8  # words behind a cut-off one, of which one may have the part that both share
_SHORTEST = 3  # letters of a part
_LONGEST = 80  # letters of a compound
_MAX_REMEMBERED = 50_000  # words whose opening is kept

Spans = list[tuple[int, int]]


class Compounds:
    """Compounds of words in a trie. `tails` are last parts to open them at; those that end in ``*`` may be longer."""

    def __init__(self, trie: Trie, tails: Collection[str]) -> None:
        self._trie = trie
        self._whole = frozenset(fold(tail) for tail in tails if not tail.endswith("*"))
        self._beginnings = tuple(fold(tail[:-1]) for tail in tails if tail.endswith("*"))
        self._words = sorted(trie.words)
        self._openings: dict[str, int] = {}
        self._shared: dict[str, tuple[tuple[int, bool], ...]] = {}

    def is_tail(self, word: str) -> bool:
        """Whether a word may be the last part of a compound, apart from what it is joined to."""
        folded = fold(word)
        return folded in self._whole or folded.startswith(self._beginnings)

    def opening(self, word: str) -> int:
        """The letters before the last part of a compound, if that has a meaning of its own; else 0."""
        cut = self._openings.get(word)
        if cut is None:
            if len(self._openings) >= _MAX_REMEMBERED:
                self._openings.clear()
            cut = self._openings[word] = self._open(word) if len(word) <= _LONGEST else 0
        return cut

    def _open(self, word: str) -> int:
        for cut in range(_SHORTEST, len(word) - _SHORTEST + 1):
            if self.is_tail(word[cut:]) and self._names(word[:cut]) and not self._is_listed(word, beyond=cut):
                return cut
        return 0

    def complete(self, beginning: str, partner: str) -> str:
        """A word that was cut off, with the part that it shares with a later one; empty if they share none."""
        if len(beginning) < _SHORTEST or len(beginning) + len(partner) > _LONGEST:
            return ""  # the "AC-" of "AC- und SC-Gelenk" is whole
        if self._is_begun(fold(beginning)):
            for cut in range(_SHORTEST, len(partner) - _SHORTEST):
                whole = beginning + partner[cut:]
                folded = fold(whole)
                keys = [key for key in self._trie.keys(whole) if self._reaches(key, len(beginning), folded)]
                if any(folded.startswith(key.strip("=~*")) for key in keys):
                    return whole
        for cut, is_named in self._shareable(partner):
            if is_named or self._names(beginning):
                return beginning + partner[cut:]
        return ""

    def _is_begun(self, letters: str) -> bool:
        """Whether a word of the trie begins with these letters."""
        index = bisect_left(self._words, letters)
        return index < len(self._words) and self._words[index].startswith(letters)

    def _shareable(self, partner: str) -> tuple[tuple[int, bool], ...]:
        """Where a word may be cut for a part to share: before a tail, or, with true, before what the trie names."""
        shareable = self._shared.get(partner)
        if shareable is None:
            if len(self._shared) >= _MAX_REMEMBERED:
                self._shared.clear()
            tails = ((cut, fold(partner[cut:])) for cut in range(_SHORTEST, len(partner) - _SHORTEST))
            named = ((cut, self._trie.has_stem(tail), tail) for cut, tail in tails)
            shareable = tuple((cut, is_named) for cut, is_named, tail in named if is_named or self.is_tail(tail))
            self._shared[partner] = shareable
        return shareable

    def _names(self, word: str) -> bool:
        """Whether a word may stand for something that a report tells."""
        return any(not key.startswith("=") for key in self._trie.keys(word))

    def _is_listed(self, word: str, *, beyond: int) -> bool:
        """Whether the trie has a word that is more than the beginning of this one."""
        return any(self._reaches(key, beyond, fold(word)) for key in self._trie.keys(word))

    @staticmethod
    def _reaches(key: str, letters: int, word: str) -> bool:
        if key.startswith("*") and key.endswith("*"):
            return word.rfind(key.strip("*")) + len(key) - 2 > letters
        return key.startswith("*") or not key.endswith("*") or len(key) - 1 > letters


def divide_words(text: str, compounds: Compounds | None, ends: Collection[int] = ()) -> tuple[list[str], Spans]:
    """The words of a sentence with the end mark, and the characters that each fills.

    A compound is also opened at `ends`, where findings that the caller knows of end.
    """
    spans = [match.span() for match in TOKEN.finditer(text)]
    words = [text[start:end] for start, end in spans]
    if compounds:
        words = [_completed(text, index, words, spans, compounds) for index in range(len(words))]
        words, spans = _opened(words, spans, compounds, ends)
    return [*words, END], [*spans, (len(text), len(text))]


def _completed(text: str, index: int, words: Sequence[str], spans: Spans, compounds: Compounds) -> str:
    """A word with what a hyphen stands for, and with a hyphen where it is the last part of a compound."""
    start, end = spans[index]
    word = words[index]
    if start > 1 and text[start - 1] == "-" and text[start - 2].isalnum() and compounds.is_tail(word):
        return "-" + word
    if text[end : end + 1] != "-" or text[end + 1 : end + 2].isalnum():
        return word
    partners = (compounds.complete(word, partner) for partner in words[index + 1 : index + _LOOKED_AT])
    return next(filter(None, partners), word)


def _opened(words: Sequence[str], spans: Spans, compounds: Compounds, ends: Collection[int]) -> tuple[list[str], Spans]:
    opened: list[str] = []
    places: Spans = []
    for word, (start, end) in zip(words, spans, strict=True):
        known = next((at - start for at in ends if start + _SHORTEST <= at < end), 0)
        cut = known if known and compounds.is_tail(word[known:]) else compounds.opening(word)
        if cut:
            middle = min(start + cut, end)
            opened += [word[:cut], "-" + word[cut:]]
            places += [(start, middle), (middle, end)]
        else:
            opened.append(word)
            places.append((start, end))
    return opened, places
