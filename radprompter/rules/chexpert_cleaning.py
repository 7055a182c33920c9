"""A report's text as `compat: chexpert` reads it, with the way back to the characters that it was made from."""

from __future__ import annotations

import re
from bisect import bisect_right

_CHANGED = re.compile(r"\band/or\b|(?<=[^\W\d_])/(?=[^\W\d_])|\.+\s*|,\s*|\s+")
_AND_OR, _OR = "or", " or "


class Cleaned:
    """Small letters; ``and/or`` and ``a/b`` are ``or``; one space after a full stop and a comma, and one at most.

    `text` is the cleaned text. A line break is a space, and ends nothing; a space also goes into ``2.5``.
    """

    def __init__(self, written: str) -> None:
        small = written.lower()
        if len(small) != len(written):  # some letters are two in small
            small = "".join(letter if len(letter.lower()) != 1 else letter.lower() for letter in written)
        pieces: list[str] = []
        self._starts: list[int] = []  # of each piece, in the cleaned text
        self._origins: list[int] = []  # of each piece, in the text as written
        length = here = 0
        for match in _CHANGED.finditer(small):
            for piece, origin in ((small[here : match.start()], here), (_cleaned(match[0]), match.start())):
                if piece:
                    pieces.append(piece)
                    self._starts.append(length)
                    self._origins.append(origin)
                    length += len(piece)
            here = match.end()
        pieces.append(small[here:])
        self._starts.append(length)
        self._origins += (here, len(written))
        self.text = "".join(pieces)

    def back(self, start: int, end: int) -> tuple[int, int]:
        """The characters as written that some characters of the cleaned text were made from."""
        return self._origin(start), self._origin(end - 1) + 1

    def _origin(self, position: int) -> int:
        piece = bisect_right(self._starts, position) - 1
        here = self._origins[piece] + position - self._starts[piece]
        return min(here, max(self._origins[piece], self._origins[piece + 1] - 1))


def _cleaned(piece: str) -> str:
    if piece[0] in ".,":
        return piece[0] + " "
    if piece == "/":
        return _OR
    return _AND_OR if piece == "and/or" else " "
