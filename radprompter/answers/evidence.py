"""Whether the words that an answer quotes are in the report."""

from __future__ import annotations

import re

_SHOWN = str.maketrans("‹＜﹤⟦［﹇⟧］﹈", "<<<[[[]]]")
"""Characters that a prompt shows for others, so that the words of a report stay words; made one on both sides."""

_UNSEEN = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ud800-\udfff\ufffd\U000e0000-\U000e007f]")
"""Characters that a prompt replaces by U+FFFD, and that one; a quote may leave them out."""


def is_quoted(quote: str, text: str) -> bool:
    """Whether a text has the words of a quote: exactly, or but for case, white space and what prompts replace."""
    quote = quote.strip().strip("\"'“”„").strip()
    if not quote or quote in text:
        return bool(quote)
    words = _folded(quote)
    return bool(words) and words in _folded(text)


def _folded(text: str) -> str:
    return " ".join(_UNSEEN.sub("", text.translate(_SHOWN)).split()).casefold()
