"""A report's words as the rules read them, with the way back to the characters as written."""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_right
from collections.abc import Callable
from typing import NamedTuple

_BREAKS = "\\r\\x0b\\x0c\\x1c-\\x1f\\x85\u2028\u2029"
_UNSEEN = "\\x00-\\x08\\x0e-\\x1b\\x7f\u00ad\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u2069\ufeff"
_MARKS = "\u0300-\u036f"
_FORMS = "\ufb00-\ufb06\uff01-\uff5e"  # ligatures, and letters of full width
_ALIKE = str.maketrans(
    "\u0410\u0412\u0415\u041a\u041c\u041d\u041e\u0420\u0421\u0422\u0425\u0430\u0435\u043e\u0440\u0441\u0443\u0445"
    "\u0405\u0406\u0408\u0455\u0456\u0458\u0391\u0392\u0395\u0396\u0397\u0399\u039a\u039c\u039d\u039f\u03a1\u03a4"
    "\u03a5\u03a7\u03bf",
    "ABEKMHOPCTXaeopcyxSIJsijABEZHIKMNOPTYXo",
)  # Cyrillic and Greek letters that look like Latin ones
_ODD = re.compile(f"[{_BREAKS}{_UNSEEN}{_MARKS}{_FORMS}{''.join(map(chr, _ALIKE))}]")
_CHANGED = re.compile(rf"\r\n|[^\W\d_][{_MARKS}]+|[{_UNSEEN}]+|{_ODD.pattern}")


class _Piece(NamedTuple):
    """Where a piece begins in the new text, and what it was made from."""

    start: int
    origin: int
    end: int


class Rewritten:
    """A text in which some stretches were replaced; `text` is the new one."""

    def __init__(self, text: str, pieces: list[_Piece] | None = None, before: Rewritten | None = None) -> None:
        self.text = text
        self._pieces = pieces or []
        self._starts = [piece.start for piece in self._pieces]
        self._before = before

    @property
    def is_as_written(self) -> bool:
        """Whether nothing was replaced."""
        return self._before is None

    def back(self, start: int, end: int) -> tuple[int, int]:
        """The characters as written, from which the characters from `start` to `end` were made; at least one."""
        if self._before is None:
            return start, end
        first = self._piece(start)
        last = self._piece(end - 1)
        whole = end == (self._starts[last + 1] if last + 1 < len(self._starts) else len(self.text))
        stop = self._pieces[last].end if whole else min(self._origin(end - 1, last) + 1, self._pieces[last].end)
        return self._before.back(self._origin(start, first), stop)

    def rewrite(self, pattern: re.Pattern[str], replace: Callable[[str], str]) -> Rewritten:
        """The text with each match of a pattern replaced by what `replace` makes of it."""
        texts: list[str] = []
        pieces: list[_Piece] = []
        length = here = 0

        def add(text: str, origin: int, end: int) -> None:
            nonlocal length
            if text:
                texts.append(text)
                pieces.append(_Piece(length, origin, end))
                length += len(text)

        for match in pattern.finditer(self.text):
            add(self.text[here : match.start()], here, match.start())
            add(replace(match[0]), match.start(), match.end())
            here = match.end()
        add(self.text[here:], here, len(self.text))
        return Rewritten("".join(texts), pieces, self)

    def spell(self, text: str) -> Rewritten:
        """The same text in other letters, one for one."""
        assert len(text) == len(self.text), "letters were added or lost"
        return Rewritten(text, self._pieces, self._before)

    def _piece(self, position: int) -> int:
        return bisect_right(self._starts, position) - 1

    def _origin(self, position: int, piece: int) -> int:
        start, origin, end = self._pieces[piece]
        return min(origin + position - start, end - 1)


def plain(written: str) -> Rewritten:
    """What a reader sees: no character that is not seen, one character a letter, and one kind of line break.

    Soft hyphens, zero-width and direction marks and control characters are left out, decomposed letters (as macOS
    writes them) and ligatures are joined or divided, Cyrillic and Greek letters that look like Latin ones are those.
    """
    if _ODD.search(written) is None:
        return Rewritten(written)
    return Rewritten(written).rewrite(_CHANGED, _plain)


def _plain(piece: str) -> str:
    if piece[0] in "\r\x0b\x0c\x1c\x1d\x1e\x1f\x85\u2028\u2029":
        return "\n"
    letters = unicodedata.normalize("NFKC", piece).translate(_ALIKE)
    return "".join(one for one in letters if not unicodedata.combining(one) and unicodedata.category(one)[0] != "C")
