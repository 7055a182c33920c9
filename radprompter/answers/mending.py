"""Reading an object whose JSON is broken, in one pass and without guessing.

Mended are quotes (single, typographic, absent, not escaped), commas (absent, trailing), comments, Python's literals and
absent closing brackets. A value is always the text that stands beside its key: none is moved, completed or made up, and
one that is cut off is `UNSUPPORTED`. Every step moves on through the text, so that time is in proportion to its length.

A general repairer does not come first, since it completes cut values and takes seconds on some texts of 8000
characters; `braceless` uses one where its work is bounded and its values can be confirmed.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Any, Final

MAX_DEPTH = 16

CONFLICT: Final = object()
"""The value of a key that a reply gives twice with different values."""

UNSUPPORTED: Final = object()
"""The value of a key beside which the reply has none, or one that is cut off."""

_QUOTES = {'"': '"', "'": "'", "`": "`", "“": '”“"', "”": "”", "„": '“”"', "‘": "’‘'", "’": "’", "‚": "‘’'"}
_SPACE = r"\s{0,40}"  # bounded, so that no text takes quadratic time
_STRINGS = {
    opening: re.compile(
        rf"(?:[^\\{re.escape(closing)}]|\\.|[{re.escape(closing)}](?!{_SPACE}(?:[:=,;}}\]{''.join(_QUOTES)}#]|//|/\*|\Z)))*"
        rf"(?P<end>[{re.escape(closing)}])?",
        re.DOTALL,
    )
    for opening, closing in _QUOTES.items()
}
_BARE_KEY = re.compile(r"\w(?:[\w \t.-]{0,80}\w)?")
_BARE_VALUE = re.compile(r"(?:(?!//|/\*)[^,;{}\[\]\n#\"“”„])+")
# 2,5 as German writes it, with all behind it up to the next pair: 5 is no key.
_DECIMAL = re.compile(r"[+-]?\d{1,15}(?:,\d[^,;:={}\[\]\n#\"“”„]{0,80}){1,4}(?=[,;}\]\n]|\Z)")
_COLON = re.compile(rf"{_SPACE}(?::|=>?){_SPACE}")
_FILLING = re.compile(r"(?:[\s,;]|//[^\n]*|#[^\n]*|/\*(?:[^*]|\*(?!/))*(?:\*/)?)+")
_LITERALS = {"null": None, "none": None, "true": True, "false": False}


class TooDeepError(ValueError):
    """A text nests deeper than any answer does."""


def fold(text: str) -> str:
    """Text without outer white space and case."""
    return text.strip().casefold()


@lru_cache(maxsize=1024)
def fold_key(text: str) -> str:
    """The name of a finding however it is written: without case, and with one underscore for spaces and hyphens."""
    return re.sub(r"[ _-]+", "_", fold(text))


def merge_pairs(pairs: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    """An object with folded keys; a key that disagrees with itself holds `CONFLICT`."""
    merged: dict[str, Any] = {}
    for name, value in pairs:
        key = fold_key(name)
        if key in merged and not (type(merged[key]) is type(value) and merged[key] == value):
            merged[key] = CONFLICT
        else:
            merged[key] = value
    return merged


def mend_object(text: str, start: int) -> tuple[dict[str, Any], int]:
    """The object that begins at a brace, with folded keys, and the position after it.

    An opening brace where a key should be ends the object before it.

    Raises
    ------
    TooDeepError
        If it nests deeper than `MAX_DEPTH`.
    """
    return _object(text, start + 1, depth=1)


def _object(text: str, at: int, *, depth: int) -> tuple[dict[str, Any], int]:
    if depth > MAX_DEPTH:
        raise TooDeepError
    pairs: list[tuple[str, Any]] = []
    while (at := _fill(text, at)) < len(text) and text[at] != "{":
        if text[at] == "}":
            return merge_pairs(pairs), at + 1
        key, at = _key(text, at)
        colon = _COLON.match(text, at)
        if key is not None and colon is not None:
            value, at = _value(text, colon.end(), depth=depth, decimal=_DECIMAL.match(text, colon.end()))
            pairs.append((key, value))
    return merge_pairs(pairs), at


def _list(text: str, at: int, *, depth: int) -> tuple[list[Any], int]:
    if depth > MAX_DEPTH:
        raise TooDeepError
    items: list[Any] = []
    while (at := _fill(text, at)) < len(text) and text[at] != "}":
        if text[at] == "]":
            return items, at + 1
        before = at
        value, at = _value(text, at, depth=depth)
        items.append(value)
        at = max(at, before + 1)
    return items, at


def _key(text: str, at: int) -> tuple[str | None, int]:
    """What stands where a key should, and the position after it; ``None`` for what is no key."""
    if text[at] in _QUOTES:
        key, at = _string(text, at)
        return (key if isinstance(key, str) else None), at
    bare = _BARE_KEY.match(text, at)
    return (bare.group(), bare.end()) if bare else (None, at + 1)


def _value(text: str, at: int, *, depth: int, decimal: re.Match[str] | None = None) -> tuple[Any, int]:
    if text[at : at + 1] == "{":
        return _object(text, at + 1, depth=depth + 1)
    if text[at : at + 1] == "[":
        return _list(text, at + 1, depth=depth + 1)
    if text[at : at + 1] in _QUOTES:
        return _string(text, at)
    bare = decimal or _BARE_VALUE.match(text, at)
    if bare is None or bare.end() == len(text):
        return UNSUPPORTED, at if bare is None else bare.end()
    word = bare.group().strip()
    return _LITERALS.get(word.casefold(), word), bare.end()


def _string(text: str, at: int) -> tuple[Any, int]:
    """A quoted text, which ends at a quote that something of JSON follows; `UNSUPPORTED` if it never ends."""
    found = _STRINGS[text[at]].match(text, at + 1)
    if found is None or found.group("end") is None:
        return UNSUPPORTED, len(text)
    words = text[at + 1 : found.end() - 1]
    try:
        return (str(json.loads(f'"{words}"', strict=False)) if "\\" in words else words), found.end()
    except ValueError:
        return words, found.end()


def _fill(text: str, at: int) -> int:
    found = _FILLING.match(text, at)
    return found.end() if found else at
