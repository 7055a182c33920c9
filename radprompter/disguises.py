"""Reports that do not say to a program what they show to a reader: hidden characters, letters of another alphabet."""

from __future__ import annotations

import re

_HIDDEN = re.compile("[\u00ad\u034f\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u2069\ufeff]")
_LATIN = "A-Za-zÀ-ÖØ-öø-ɏ"
_OTHER = "ΑΒΕΖΗΙΚΜΝΟΡΤΥΧο\u0400-\u052f"  # Greek that looks like Latin, which TNFα and Δp do not; Cyrillic
_MIXED = re.compile(f"[{_LATIN}][{_OTHER}]|[{_OTHER}][{_LATIN}]")


def is_disguised(text: str) -> bool:
    """Whether characters are hidden in a text (of zero width or for direction), or one word mixes two alphabets."""
    if text.isascii():
        return False
    hidden = _HIDDEN.search(text, 1 if text.startswith("\ufeff") else 0)  # a byte order mark begins many files
    return hidden is not None or _MIXED.search(text) is not None
