"""A report's text as `compat: chexpert` reads it."""

from __future__ import annotations

import re

from radprompter.rules.rewriting import Rewritten, plain

_CHANGED = re.compile(r"\band/or\b|(?<=[^\W\d_])/(?=[^\W\d_])|\.+\s*|,\s*|\s+")


def clean(written: str) -> Rewritten:
    """Small letters; ``and/or`` and ``a/b`` are ``or``; one space after a full stop and a comma, and one at most.

    A line break is a space, and ends nothing; a space also goes into ``2.5``.
    """
    seen = plain(written)
    return seen.spell(_small(seen.text)).rewrite(_CHANGED, _cleaned)


def _small(text: str) -> str:
    """The text in small letters; those that are two in small stay as they are."""
    small = text.lower()
    if len(small) == len(text):
        return small
    return "".join(letter.lower() if len(letter.lower()) == 1 else letter for letter in text)


def _cleaned(piece: str) -> str:
    if piece[0] in ".,":
        return piece[0] + " "
    if piece == "/":
        return " or "
    return "or" if piece == "and/or" else " "
