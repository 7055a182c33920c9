"""Whether the words that an answer quotes are in the report."""

from __future__ import annotations


def is_quoted(quote: str, text: str) -> bool:
    """Whether a text has the words of a quote: exactly, or but for case and white space."""
    quote = quote.strip().strip("\"'“”„").strip()
    return bool(quote) and (quote in text or _folded(quote) in _folded(text))


def _folded(text: str) -> str:
    return " ".join(text.split()).casefold()
