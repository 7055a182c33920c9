"""The shape of a sentence: its modifiers, and what divides it into clauses and enumerations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from radprompter.rules.lexicon import Category, Place
from radprompter.rules.phrases import Found
from radprompter.rules.vocabulary import Boundary, Mark, Modifier

_LONGEST_CHAIN = 8
_OUTLASTING: tuple[Category, ...] = ("hypothetical", "historical", "family")  # doubt: `could be advised to exclude`
_JOINTS = {",": "comma", ":": "colon", ";": "stop", "–": "stop", "—": "stop", "-": "stop"}


class Placed(NamedTuple):
    """A modifier in a sentence; `category` is what its chain of touching modifiers says."""

    start: int
    end: int
    modifier: Modifier
    category: Category
    touched: Placed | None = None  # the modifier right before it, whose category it takes over

    @property
    def chain(self) -> tuple[Placed, ...]:
        """The modifiers that act as one, in the order of the text; of very many, the last."""
        chain = [self]
        while (last := chain[-1].touched) and len(chain) < _LONGEST_CHAIN:
            chain.append(last)
        return tuple(reversed(chain))


class Separator(NamedTuple):
    """Something between two parts of a sentence.

    `names` are the boundaries that it is: those of the lexicon, or ``comma``, ``enumeration`` (a comma with an `or` to
    come), ``and``, ``or``.
    """

    start: int
    end: int
    names: frozenset[str]
    joins: str  # "comma", "and", "or", "colon" or ""


@dataclass(frozen=True, slots=True)
class Shape:
    """A sentence divided: its modifiers and separators, by start."""

    modifiers: tuple[Placed, ...]
    separators: tuple[Separator, ...]


def place_modifiers(found: Sequence[Found], mentions: Sequence[Found]) -> tuple[tuple[Placed, ...], frozenset[int]]:
    """Modifiers without overlap, longest first, and the tokens that they fill; pseudo-modifiers fill but do not act."""
    inside = {
        token: (mention.start, mention.end)
        for mention in mentions
        if mention.meaning.is_finding and mention.end - mention.start > 1
        for token in range(mention.start, mention.end)
    }
    filled: set[int] = set()
    spans: set[tuple[int, int]] = set()
    kept: list[Found] = []
    for item in sorted(found, key=lambda f: (f.start - f.end, f.meaning.category != "pseudo", f.start)):
        start, end = inside.get(item.start, (0, 0))
        if start <= item.start and item.end <= end and item.end - item.start < end - start:
            continue  # the "non" of "non union"
        if (item.start, item.end) in spans or filled.isdisjoint(range(item.start, item.end)):
            filled.update(range(item.start, item.end))
            if item.meaning.category != "pseudo":
                spans.add((item.start, item.end))  # a phrase may act in both directions, in two groups
            kept.append(item)
    kept.sort(key=lambda f: (f.start, f.end, f.meaning.place))
    placed: list[Placed] = []
    last: dict[tuple[int, Place], Placed] = {}  # by where it ends
    for item in kept:
        modifier: Modifier = item.meaning
        if modifier.category == "pseudo":
            continue
        touched = last.get((item.start, modifier.place)) if modifier.place != "around" else None
        outlasts = touched and touched.category == "uncertain" and modifier.category in _OUTLASTING
        category = touched.category if touched and not outlasts else modifier.category
        placed.append(Placed(item.start, item.end, modifier, category, touched))
        last[item.end, modifier.place] = placed[-1]
    return tuple(placed), frozenset(filled)


def divide(
    tokens: Sequence[str], found: Sequence[Found], mentions: Sequence[Found], modifiers: Sequence[Found]
) -> Shape:
    """Find what divides a sentence, and which of its commas and `and`s begin a new statement."""
    placed, filled = place_modifiers(modifiers, mentions)
    filled -= {one.start for one in placed if one.category == "negated" and one.end - one.start == 1}  # "nor"
    named = {token for m in mentions if m.meaning.is_finding for token in range(m.start, m.end)}
    kinds: dict[int, set[str]] = {}
    separators: list[Separator] = []
    for item in found:
        kind = type(item.meaning)
        if kind is Mark:
            at = kinds.setdefault(item.start, set())
            if item.meaning.kind not in ("or", "and") or (item.start not in filled and item.start not in named):
                at.add(item.meaning.kind)
        elif kind is Boundary and item.start not in filled and item.start not in named:
            separators.append(Separator(item.start, item.end, frozenset((item.meaning.name,)), ""))
    separators += _divisions(tokens, kinds, placed, mentions, {s.start for s in separators}, filled)
    return Shape(placed, tuple(sorted(separators)))


def _divisions(
    tokens: Sequence[str],
    kinds: Mapping[int, set[str]],
    placed: Sequence[Placed],
    mentions: Sequence[Found],
    fixed: set[int],
    filled: frozenset[int],
) -> list[Separator]:
    joints: list[tuple[int, int, str]] = []
    for position, word in enumerate(tokens):
        how = _JOINTS.get(word, "")
        kind = kinds.get(position)
        if kind and how != "stop":
            how = "or" if "or" in kind else "and" if "and" in kind else how
        if not how or (how == "comma" and position in filled):
            continue
        if joints and joints[-1][1] == position and how in ("or", "and") and joints[-1][2] == "comma":
            joints[-1] = (joints[-1][0], position + 1, how)  # ", and" is one
        else:
            joints.append((position, position + 1, how))
    modifier_starts = {item.start for item in placed}
    trailing = {item.start for item in placed if item.modifier.place == "after"}
    statement = {p for p, kind in kinds.items() if "predicate" in kind}
    findings = {m.start for m in mentions if m.meaning.is_finding}
    denials = {item.start for item in placed if item.modifier.place == "before" and item.category == "negated"}
    last_or = max((start for start, _, how in joints if how == "or"), default=-1)
    result: list[Separator] = []
    complete, here = False, 0
    for index, (start, end, how) in enumerate(joints):
        complete = complete or any(p in statement or p in modifier_starts for p in range(here, start))
        here = end
        stop = joints[index + 1][0] if index + 1 < len(joints) else len(tokens)
        opening = kinds.get(end, set())
        says = any(p in statement for p in range(end, stop))
        breaks = how == "stop"
        if how in ("comma", "and") and complete:
            bare = how == "and" and (end in findings or end in statement or end in trailing)
            anew = how == "comma" and end in denials and any(end < p < stop for p in findings)  # ", no fracture"
            breaks = anew or "opener" in opening or ("adjective" in opening and last_or < start) or (says and not bare)
        if breaks or start in fixed:
            complete = False
        name = "clause" if breaks else how if how != "comma" or last_or < start else "enumeration"
        result.append(Separator(start, end, frozenset((name,)), "" if breaks else how))
    return result
