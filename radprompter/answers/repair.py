"""From the words of a reply to a JSON object: strip the reasoning, parse, and mend syntax where parsing fails.

Only syntax is mended, and every edit is listed. A mended value counts only where the reply itself has it beside its
key, so that mending cannot invent an answer (json_repair may otherwise move, cut or complete values).
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from types import NoneType
from typing import Any, Final

MAX_CHARACTERS = 200_000  # a longer reply is refused
MAX_SCAN_CHARACTERS = 1_000_000  # looked at in vain, over all attempts to read an object of one reply
MAX_REPAIR_CHARACTERS = 8_000  # json_repair takes quadratic time on some texts

CONFLICT: Final = object()
"""The value of a key that a reply gives twice with different values."""

UNSUPPORTED: Final = object()
"""The value of a key that the reply itself does not have beside it; mending put it there."""

_THINK = re.compile(
    r"(?:<|\[|◁)(/?)(?:seed:)?(?:think|thinking|thought|reasoning|analysis|scratchpad)(?:>|\]|▷)", re.IGNORECASE
)
_QUOTE = "[\"'`“”„‘’]"
_SPACE = r"\s{0,40}"  # bounded, so that no text takes quadratic time
_END = rf"{_SPACE}(?:{_QUOTE}|[,}}\]\n]|/[/*]|#)"


@dataclass(frozen=True, slots=True)
class Parsed:
    """A JSON object taken out of a reply.

    `values` has folded keys; a value may be `CONFLICT` or `UNSUPPORTED`. `failure` says in one word why there is no
    object, or is ``None``. `edits` lists what was done to get at it.
    """

    values: Mapping[str, Any] = field(default_factory=dict)
    edits: tuple[str, ...] = ()
    failure: str | None = None


def fold(text: str) -> str:
    """Text without outer white space and case."""
    return text.strip().casefold()


def fold_key(text: str) -> str:
    """The name of a finding however it is written: without case, and with one underscore for spaces and hyphens."""
    return re.sub(r"[\s_-]+", "_", fold(text))


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
        objects, rest = _scan(text, keys)
    except _TooMuchError:
        return Parsed(edits=tuple(edits), failure="unparsable")
    if rest is not None:
        return _mend(rest, keys, edits, n_before=len(objects))
    if not objects:
        return Parsed(edits=tuple(edits), failure="no_answer" if text.strip() else "empty")
    if "```" in text:
        edits.append("code fence stripped")
    elif _surrounded(text):
        edits.append("text around the answer stripped")
    if len(objects) > 1:
        edits.append(f"{len(objects)} objects: the last is read")
    return _accept(objects[-1], keys, edits)


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


def _surrounded(text: str) -> bool:
    text = text.strip()
    return not (text.startswith("{") and text.endswith("}"))


def _pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object with folded keys; a key that disagrees with itself holds `CONFLICT`."""
    merged: dict[str, Any] = {}
    for name, value in pairs:
        key = fold_key(name)
        if key in merged and not (type(merged[key]) is type(value) and merged[key] == value):
            merged[key] = CONFLICT
        else:
            merged[key] = value
    return merged


def _refuse(constant: str) -> Any:
    raise ValueError(f"{constant} is not JSON")


_DECODER = json.JSONDecoder(object_pairs_hook=_pairs, parse_constant=_refuse)


def _load(text: str) -> Any:
    """The JSON value that is the whole text, or ``None``."""
    try:
        return _DECODER.decode(text.strip())
    except (ValueError, RecursionError):
        return None


class _TooMuchError(Exception):
    """A reply has more beginnings of objects than can be tried."""


def _scan(text: str, keys: Collection[str]) -> tuple[list[dict[str, Any]], str | None]:
    """Whole objects of a text that have a key, in order, and the broken one after them, if any."""
    objects: list[dict[str, Any]] = []
    broken: int | None = None
    in_vain = 0
    start = text.find("{")
    while start >= 0:
        try:
            value, end = _DECODER.raw_decode(text, start)
        except (ValueError, RecursionError):
            broken = start if broken is None else broken
            end = start + 1
            in_vain += len(text) - start
            if in_vain > MAX_SCAN_CHARACTERS:
                raise _TooMuchError from None
        else:
            if _relevant(value, keys):
                objects.append(value)
                broken = None
        start = text.find("{", end)
    if broken is None:
        return objects, None
    rest = text[broken:]
    return objects, rest if any(_positions(rest.casefold(), key) for key in keys) else None


def _positions(text: str, key: str) -> list[int]:
    """Where a key stands as the key of something: quoted, or after a brace or comma, and before a colon."""
    word = _key_pattern(key)
    pattern = rf"(?:{_QUOTE}\s{{0,9}}(?P<quoted>{word})\s{{0,9}}{_QUOTE}|[{{,\n]{_SPACE}(?P<bare>{word})){_SPACE}[:=]"
    return [max(match.start("quoted"), match.start("bare")) for match in re.finditer(pattern, text)]


def _mend(text: str, keys: Collection[str], edits: list[str], *, n_before: int) -> Parsed:
    """An object that json_repair makes of broken text, without the values that are not in the text."""
    from json_repair import repair_json

    failed = Parsed(edits=tuple(edits), failure="unparsable")
    if len(text) > MAX_REPAIR_CHARACTERS:
        return failed
    try:
        mended, log = repair_json(text, return_objects=True, skip_json_loads=True, logging=True)
    except (ValueError, RecursionError, IndexError, TypeError):
        return failed
    found = [value for value in _dicts(mended) if _relevant(value, keys)]
    if not found:
        return failed
    steps = [str(step.get("text", "")).split(",")[0] for step in log] if isinstance(log, list) else []
    edits = [*edits, "syntax repaired" + (f" ({len(steps)} edits)" if steps else "")]
    if n_before + len(found) > 1:
        edits.append(f"{n_before + len(found)} objects: the last is read")
    accepted = _accept(found[-1], keys, edits)
    folded = text.casefold()
    values = {key: _supported(value, key, folded) if key in keys else value for key, value in accepted.values.items()}
    return Parsed(values, accepted.edits)


def _dicts(value: Any) -> Iterator[dict[str, Any]]:
    for item in value if isinstance(value, list) else [value]:
        if isinstance(item, dict):
            yield _folded(item)


def _folded(value: Any) -> Any:
    if isinstance(value, dict):
        return _pairs([(str(key), _folded(item)) for key, item in value.items()])
    return value


def _supported(value: Any, key: str, text: str) -> Any:
    """The value, if the folded text has it beside the key; the sentinel that says why not otherwise.

    `repair_json` keeps the last of several equal keys without a word, so all places of a key must say the same.
    """
    places = _positions(text, key)
    nested = isinstance(value, dict)
    if nested and "state" not in value:
        return value if len(places) == 1 else CONFLICT
    state = value["state"] if nested else value
    if not isinstance(state, (str, int, bool, NoneType)):
        return value
    supported = [_stands(state, text, place, _key_pattern(key), nested=nested) for place in places]
    if supported and all(supported):
        return value
    return CONFLICT if len(places) > 1 or None in supported else UNSUPPORTED


def _stands(state: str | int | None, text: str, place: int, key: str, *, nested: bool) -> bool | None:
    """Whether a state stands beside the key at a place; ``None`` if an object there has several states."""
    opening = re.compile(rf"{key}{_SPACE}{_QUOTE}?{_SPACE}[:=]{_SPACE}").match(text, place)
    start = opening.end() if opening else place
    if nested:
        inside = re.compile(r"\{[^{}]*").match(text, start)
        states = _positions(inside.group(), "state") if inside else []
        if len(states) != 1:
            return None if states else False
        return _stands(state, text, start + states[0], "state", nested=False)
    word = r"(?:null|none)" if state is None else re.escape(str(state).strip().casefold())
    quoted = rf"{_QUOTE}{_SPACE}{word}"
    if not word:
        return re.compile(rf"{quoted}{_QUOTE}").match(text, start) is not None
    return re.compile(rf"(?:{quoted}|{word}){_END}").match(text, start) is not None


def _key_pattern(key: str) -> str:
    return r"[\s_-]{1,9}".join(map(re.escape, key.split("_")))
