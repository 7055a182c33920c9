"""Where the words that an answer quotes stand in the report."""

from __future__ import annotations

import re

_SHOWN = str.maketrans("‹＜﹤⟦［﹇⟧］﹈", "<<<[[[]]]")
"""Characters that a prompt shows for others, so that the words of a report stay words; made one on both sides."""

_UNSEEN = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ud800-\udfff\ufffd\U000e0000-\U000e007f]")
"""Characters that a prompt replaces by U+FFFD, and that one; a quote may leave them out."""


def is_quoted(quote: str, text: str) -> bool:
    """Whether a text has the words of a quote: exactly, or but for case, white space and what prompts replace."""
    return find_quote(quote, text) is not None


def find_quote(quote: str, text: str) -> tuple[int, int] | None:
    """Where the words of a quote begin and end in a text, first where they stand exactly; ``None`` if nowhere."""
    quote = quote.strip().strip("\"'“”„").strip()
    if not quote:
        return None
    start = text.find(quote)
    if start >= 0:
        return start, start + len(quote)
    wanted, _ = _folded(quote)
    folded, places = _folded(text)
    start = folded.find(wanted) if wanted else -1
    return (places[start], places[start + len(wanted) - 1] + 1) if start >= 0 else None


def _folded(text: str) -> tuple[str, list[int]]:
    """The text without case, with one space for each white space, and the place that each character came from."""
    characters: list[str] = []
    places: list[int] = []
    for place, character in enumerate(text):
        if character.isspace():
            folded = " " if characters and characters[-1] != " " else ""
        else:
            folded = "" if _UNSEEN.match(character) else character.translate(_SHOWN).casefold()
        characters += folded
        places += [place] * len(folded)
    if characters and characters[-1] == " ":
        characters.pop()
        places.pop()
    return "".join(characters), places
