"""From the words of a reply to a JSON object: strip the reasoning, parse, and mend syntax where parsing fails.

Only syntax is mended (see `mending`), and every edit is listed.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from radprompter.answers.braceless import read_braceless
from radprompter.answers.mending import TooDeepError, mend_object, merge_pairs

MAX_CHARACTERS = 200_000  # a longer reply is refused
MAX_SCAN_CHARACTERS = 1_000_000  # looked at in vain, over all attempts to read an object of one reply

_THINK = re.compile(
    r"(?:<|\[|◁)(/?)(?:seed:)?(?:think|thinking|thought|reasoning|analysis|scratchpad)(?:>|\]|▷)", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class Parsed:
    """A JSON object taken out of a reply.

    `values` has folded keys; a value may be `CONFLICT` or `UNSUPPORTED`. `failure` says in one word why there is no
    object, or is ``None``. `edits` lists what was done to get at it.
    """

    values: Mapping[str, Any] = field(default_factory=dict)
    edits: tuple[str, ...] = ()
    failure: str | None = None


def strip_reasoning(reply: str) -> tuple[str, bool]:
    """The reply without its thinking, and whether there was any.

    A closing tag without an opening one ends the thinking (some chat templates open it in the prompt); an opening tag
    that is never closed leaves no answer.
    """
    kept: list[str] = []
    start, inside = 0, False
    for tag in _THINK.finditer(reply):
        if tag.group(1):
            if not inside:
                kept.clear()
            start, inside = tag.end(), False
        elif not inside:
            kept.append(reply[start : tag.start()])
            inside = True
    if not inside:
        kept.append(reply[start:])
    text = " ".join(kept)
    return text, text != reply


def parse_answer(reply: str, keys: Collection[str]) -> Parsed:
    """The last JSON object of a reply that has at least one of the keys.

    Parameters
    ----------
    reply:
        The words of a model, with whatever stands around the object.
    keys:
        Folded names that an answer has; objects without any of them are passed over.
    """
    if len(reply) > MAX_CHARACTERS:
        return Parsed(failure="too_large")
    whole = _load(reply)
    if isinstance(whole, dict):
        return _accept(whole, keys, [])
    text, thought = strip_reasoning(reply)
    edits = ["reasoning stripped"] if thought else []
    try:
        objects, n_broken = _scan(text, keys)
    except TooDeepError:
        return Parsed(edits=tuple(edits), failure="unparsable")
    if not objects:
        braceless = read_braceless(text, keys)
        if braceless is not None:
            return Parsed(braceless, (*edits, "opening brace restored"))
        return Parsed(
            edits=tuple(edits), failure="unparsable" if n_broken else "no_answer" if text.strip() else "empty"
        )
    value, mended, start, end = objects[-1]
    if "```" in text:
        edits.append("code fence stripped")
    elif text[:start].strip() or text[end:].strip():
        edits.append("text around the answer stripped")
    if mended:
        edits.append("syntax repaired")
    if len(objects) > 1:
        edits.append(f"{len(objects)} objects: the last is read")
    return _accept(value, keys, edits)


def _accept(value: dict[str, Any], keys: Collection[str], edits: list[str]) -> Parsed:
    if _has_key(value, keys):
        return Parsed(value, tuple(edits))
    inner = [item for item in value.values() if isinstance(item, dict) and _has_key(item, keys)]
    if len(inner) == 1:
        return Parsed(inner[0], (*edits, "taken out of an outer object"))
    return Parsed(value, tuple(edits))


def _has_key(value: Mapping[str, Any], keys: Collection[str]) -> bool:
    return any(key in keys for key in value)


def _relevant(value: Any, keys: Collection[str]) -> bool:
    return isinstance(value, dict) and (
        _has_key(value, keys) or any(isinstance(v, dict) and _has_key(v, keys) for v in value.values())
    )


def _refuse(constant: str) -> Any:
    raise ValueError(f"{constant} is not JSON")


_DECODER = json.JSONDecoder(object_pairs_hook=merge_pairs, parse_constant=_refuse)


def _load(text: str) -> Any:
    """The JSON value that is the whole text, or ``None``."""
    try:
        return _DECODER.decode(text.strip())
    except (ValueError, RecursionError):
        return None


class _Found(NamedTuple):
    value: dict[str, Any]
    mended: bool
    start: int
    end: int


def _scan(text: str, keys: Collection[str]) -> tuple[list[_Found], int]:
    """Objects of a text that have a key, in order, and how many objects were broken."""
    objects: list[_Found] = []
    n_broken, in_vain = 0, 0
    start = text.find("{")
    while start >= 0:
        try:
            value, end = _DECODER.raw_decode(text, start)
            mended = False
        except (ValueError, RecursionError):
            in_vain += len(text) - start
            if in_vain > MAX_SCAN_CHARACTERS:
                raise TooDeepError from None
            value, end = mend_object(text, start)
            mended = True
            n_broken += 1
        if _relevant(value, keys):
            objects.append(_Found(value, mended, start, end))
        start = text.find("{", end)
    return objects, n_broken
