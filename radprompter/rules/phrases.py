"""Phrases of a lexicon, compiled into one trie over words: every phrase is found in a single pass over the tokens.

Phrase language: words divided by spaces; ``a|b`` is either word, ``(a|b c)`` either phrase; ``[a]`` and ``[a|b c]`` may
be absent; ``_`` is any word; ``...`` is up to three words; ``$`` is the end of the sentence; ``word*``, ``*word`` and
``*word*`` also match longer words; ``-word`` is the last part of a compound. Other hyphens count as spaces, and case,
accents, umlaut spellings (``ö``, ``oe``) and ``ß`` do not matter.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from functools import cache
from itertools import product
from typing import Any, NamedTuple

from radprompter.errors import TemplateError
from radprompter.rules.parts import Parts

TOKEN = re.compile(
    r"(?<![^\s(])[-+][Vv][Ee]\b|[^\W\d_]\.\s{0,3}[^\W\d_]\b\.?|[^\W_]+(?:['’]s\b)?|[,;:()/?!&$]|(?<=\s)[-–—](?=\s)"
)
MAX_READINGS = 5_000  # of one phrase, after its alternatives are multiplied out
MAX_REMEMBERED = 50_000  # words whose keys are kept

_SIGNED = {"-ve": "negative", "+ve": "positive"}
_LONGEST_WORD = 80  # letters; longer ones mean nothing
_SHORTEST_TYPO = 8  # letters; in shorter words a swap may make another word
_SHORTEST_ADJECTIVE = 5  # letters; a longer word before the last of a phrase may have any ending
ANY = "_"
END = "$"
"""Stands after the last word of a sentence."""

_UMLAUTS = re.compile(r"([aou])e")


class Found(NamedTuple):
    """One phrase in a row of tokens: `start` and `end` are token positions, `meaning` is what was added with it."""

    start: int
    end: int
    meaning: Any


class Inflection(NamedTuple):
    """How a language lengthens words.

    `endings` may follow a word. A compound ends in a word of at least `compound_length` letters, and what stands before
    that word ends in none of `not_after`.
    """

    endings: tuple[str, ...] = ("",)
    compound_length: int | None = None
    not_after: tuple[str, ...] = ()


def fold(word: str) -> str:
    """A word without case, accents, umlaut spelling, possessive ``'s`` and the dots of an abbreviation's end."""
    folded = word.lower().replace("ß", "ss")
    folded = _SIGNED.get(folded, folded)
    if not folded.isascii():
        parts = unicodedata.normalize("NFKD", folded)
        folded = "".join(letter for letter in parts if not unicodedata.combining(letter)).replace("’", "'")
    if folded.endswith("'s"):
        folded = folded[:-2]
    if "." in folded:
        return "".join(folded.split()).rstrip(".") + "."
    return _UMLAUTS.sub(r"\1", folded)


class _Node:
    """What may follow the words so far, and what they mean; `order` is the node's place among those beside it."""

    __slots__ = ("following", "meanings", "order")

    def __init__(self, order: int = 0) -> None:
        self.following: dict[str, _Node] = {}
        self.meanings: list[Any] = []
        self.order = order

    def after(self, key: str) -> _Node:
        """The node behind a key, made where there is none."""
        node = self.following.get(key)
        if node is None:
            node = self.following[key] = _Node(len(self.following))
        return node


class _Reading(NamedTuple):
    """What a word of a text may stand for, and the nodes of the phrases that it may begin."""

    keys: tuple[str, ...]
    begun: tuple[_Node, ...]


def _order(open_node: tuple[_Node, int]) -> int:
    return open_node[0].order


_MEANINGLESS = _Reading((), ())


class Trie:
    """Phrases to look for; add all of them, then `find`."""

    def __init__(self, inflection: Inflection = Inflection()) -> None:  # noqa: B008 - immutable
        self._inflection = inflection
        self._root = _Node()
        self._exact: set[str] = set()
        self._stems: set[str] = set()
        self._parts = Parts()
        self._remembered: dict[str, _Reading] = {}

    def add(self, phrase: str, meaning: Any, *, inflect: bool = False) -> None:
        """Look for a phrase; `inflect` also accepts its words with the endings of the language, and compounds.

        Raises
        ------
        TemplateError
            If the phrase has no words, or too many readings.
        """
        for words in readings(phrase):
            node = self._root
            for position, word in enumerate(words, start=1):
                node = node.after(self._key(word, inflect, is_last=position == len(words)))
            node.meanings.append(meaning)
        self._remembered.clear()

    def _key(self, word: str, inflect: bool, *, is_last: bool) -> str:
        if word == ANY:
            return ANY
        if "*" in word:
            self._parts.add(word)
            return word
        if inflect and len(word) > 3:
            if not is_last and len(word) > _SHORTEST_ADJECTIVE:
                endings = [ending for ending in self._inflection.endings if word.endswith(ending)]
                word = word[: len(word) - len(max(endings, key=len, default=""))]
            self._stems.add(word)
            return "~" + word
        self._exact.add(word)
        return "=" + word

    def keys(self, word: str) -> tuple[str, ...]:
        """What a word of a text may stand for in the phrases."""
        return self._read(word).keys

    def _read(self, word: str) -> _Reading:
        reading = self._remembered.get(word)
        if reading is None:
            if len(self._remembered) >= MAX_REMEMBERED:
                self._remembered.clear()
            reading = self._remembered[word] = self._begin(word) if len(word) <= _LONGEST_WORD else _MEANINGLESS
        return reading

    def _begin(self, word: str) -> _Reading:
        keys, first = self._understand(fold(word)), self._root.following
        return _Reading(keys, tuple(first[key] for key in keys if key in first))

    def _understand(self, word: str) -> tuple[str, ...]:
        """The keys of a word, or of what it was meant to be where two neighbouring letters were swapped in typing."""
        keys = self._look_up(word)
        if keys or len(word) < _SHORTEST_TYPO or not word.isalpha():
            return keys
        for i in range(1, len(word) - 2):
            swapped = word[:i] + word[i + 1] + word[i] + word[i + 2 :]
            if meant := tuple(key for key in self._look_up(swapped, compounds=False) if len(key) >= _SHORTEST_TYPO):
                return meant
        return ()

    def _look_up(self, word: str, *, compounds: bool = True) -> tuple[str, ...]:
        keys = ["=" + word] if word in self._exact else []
        shortest, not_after = self._inflection.compound_length, self._inflection.not_after
        for ending in self._inflection.endings:
            if not word.endswith(ending):
                continue
            stem = word[: len(word) - len(ending)]
            starts = range(len(stem)) if compounds and shortest is not None else range(1)
            keys += [
                "~" + stem[start:]
                for start in starts
                if stem[start:] in self._stems
                and (start == 0 or (len(stem) - start >= (shortest or 0) and not stem[:start].endswith(not_after)))
            ]
        keys += self._parts.matching(word)
        return tuple(dict.fromkeys(keys))

    @property
    def words(self) -> set[str]:
        """Every word of a phrase, or the letters of it that are told."""
        return {*self._exact, *self._stems, *self._parts.letters}

    def has_stem(self, word: str) -> bool:
        """Whether a folded word, without one of the language's endings, is one that may be inflected."""
        endings = (ending for ending in self._inflection.endings if word.endswith(ending))
        return any(word[: len(word) - len(ending)] in self._stems for ending in endings)

    def find(self, tokens: Sequence[str]) -> list[Found]:
        """Every phrase in a row of tokens, by start."""
        read = [self._remembered.get(token) or self._read(token) for token in tokens]
        found: list[Found] = []
        for start, (_, begun) in enumerate(read):
            for node in reversed(begun):
                if node.following:
                    _follow(node, start, tokens, read, found)
                else:
                    for meaning in node.meanings:
                        found.append(Found(start, start + 1, meaning))
        return found


def _follow(begun: _Node, start: int, tokens: Sequence[str], read: Sequence[_Reading], found: list[Found]) -> None:
    """Add every phrase that begins with a node; this runs for most words, so nothing is made that is not kept."""
    open_nodes = [(begun, start + 1)]
    while open_nodes:
        node, here = open_nodes.pop()
        for meaning in node.meanings:
            found.append(Found(start, here, meaning))
        following = node.following
        if not following or here == len(tokens):
            continue
        n_open = len(open_nodes)
        for key in read[here][0]:
            if key in following:
                open_nodes.append((following[key], here + 1))
        if ANY in following and tokens[here] not in ",;:":
            open_nodes.append((following[ANY], here + 1))
        if len(open_nodes) > n_open + 1:
            open_nodes[n_open:] = sorted(open_nodes[n_open:], key=_order)


@cache
def readings(phrase: str) -> tuple[tuple[str, ...], ...]:
    """Every row of folded words that a phrase stands for.

    Raises
    ------
    TemplateError
        If there is none, or more than `MAX_READINGS`.
    """
    slots: list[tuple[tuple[str, ...], ...]] = []
    n_readings = 1
    for slot in _slots(phrase):
        if slot == "...":
            choices: tuple[tuple[str, ...], ...] = ((), (ANY,), (ANY, ANY), (ANY, ANY, ANY))
        else:
            optional = slot.startswith("[") and slot.endswith("]")
            inner = slot[1:-1] if optional or (slot.startswith("(") and slot.endswith(")")) else slot
            choices = tuple(tuple(_words(choice)) for choice in inner.split("|"))
            choices += ((),) if optional else ()
        slots.append(choices)
        n_readings *= len(choices)
    if n_readings > MAX_READINGS:
        raise TemplateError(f"phrase {phrase!r} has {n_readings} readings; at most {MAX_READINGS} are allowed")
    rows = tuple(dict.fromkeys(tuple(word for part in parts for word in part) for parts in product(*slots)))
    rows = tuple(row for row in rows if row and row[0] != ANY and row[-1] != ANY)
    if not rows:
        raise TemplateError(f"phrase {phrase!r} has no words to look for")
    return rows


def _slots(phrase: str) -> Iterable[str]:
    return re.findall(r"\[[^\]]*\]|\([^)]*\)|\.\.\.|[^\s\[(]+", _joined_abbreviations(phrase))


def _joined_abbreviations(phrase: str) -> str:
    """``V. a.`` as one word, as in a text."""
    return re.sub(r"\b[^\W\d_]\.\s?[^\W\d_]\b\.?", lambda match: "".join(match[0].split()), phrase)


def _words(choice: str) -> Iterable[str]:
    if choice in (ANY, "-", "–", "—"):
        return (choice,)
    pieces = re.findall(r"(?:(?<!\S)-(?=\w))?\*?" + f"(?:{TOKEN.pattern})" + r"\*?", choice)
    return (_fold_pattern(piece) for piece in pieces)


def _fold_pattern(piece: str) -> str:
    head, tail = ("*" if piece.startswith("*") else ""), ("*" if piece.endswith("*") else "")
    return head + fold(piece.strip("*")) + tail
