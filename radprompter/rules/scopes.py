"""Which modifier reaches which mention: ConText's directions and scopes, in one pass forwards and one backwards.

Chapman WW et al., "A simple algorithm for identifying negated findings and diseases in discharge summaries", J Biomed
Inform 2001; Harkema H et al., "ConText", J Biomed Inform 2009. Here the nearest modifier wins, modifiers that touch one
another act as one, and clauses and enumerations are told apart before reach is measured.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

from radprompter.labels import LabelState
from radprompter.rules.lexicon import Category
from radprompter.rules.phrases import Found
from radprompter.rules.vocabulary import Boundary, Mark, Modifier

_LONGEST_CHAIN = 8
_KEPT = 4  # active modifiers; those farther back never matter

STATE_OF: Mapping[Category, LabelState | None] = {
    "negated": LabelState.NEGATIVE,
    "resolved": LabelState.NEGATIVE,
    "uncertain": LabelState.UNCERTAIN,
    "historical": None,
    "hypothetical": None,
    "family": None,
}
"""What a modifier makes of an affirmed mention; ``None`` says nothing of the present."""


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
            spans.add((item.start, item.end))  # a phrase may act in both directions, in two groups
            kept.append(item)
    kept.sort(key=lambda f: (f.start, f.end, f.meaning.place))
    placed: list[Placed] = []
    for item in kept:
        modifier: Modifier = item.meaning
        last = placed[-1] if placed else None
        if modifier.category == "pseudo":
            continue
        touches = last is not None and item.start == last.end and last.modifier.place == modifier.place != "around"
        touched = last if touches else None
        placed.append(Placed(item.start, item.end, modifier, (touched or item.meaning).category, touched))
    return tuple(placed), frozenset(filled)


def divide(
    tokens: Sequence[str], found: Sequence[Found], mentions: Sequence[Found], modifiers: Sequence[Found]
) -> Shape:
    """Find what divides a sentence, and which of its commas and `and`s begin a new statement."""
    placed, filled = place_modifiers(modifiers, mentions)
    named = {token for m in mentions if m.meaning.is_finding for token in range(m.start, m.end)}
    kinds: dict[int, set[str]] = {}
    separators: list[Separator] = []
    for item in found:
        if isinstance(item.meaning, Mark):
            at = kinds.setdefault(item.start, set())
            if item.meaning.kind not in ("or", "and") or item.start not in filled | named:
                at.add(item.meaning.kind)
        elif isinstance(item.meaning, Boundary) and item.start not in filled and item.start not in named:
            separators.append(Separator(item.start, item.end, frozenset((item.meaning.name,)), ""))
    separators += _divisions(tokens, kinds, placed, mentions, {s.start for s in separators})
    return Shape(placed, tuple(sorted(separators)))


def _divisions(
    tokens: Sequence[str],
    kinds: Mapping[int, set[str]],
    placed: Sequence[Placed],
    mentions: Sequence[Found],
    fixed: set[int],
) -> list[Separator]:
    joints: list[tuple[int, int, str]] = []
    for position, word in enumerate(tokens):
        kind = kinds.get(position, set())
        how = (
            "or"
            if "or" in kind
            else "and"
            if "and" in kind
            else "comma"
            if word == ","
            else "colon"
            if word == ":"
            else ""
        )
        if word in (";", "–", "—", "-"):
            how = "stop"
        if not how:
            continue
        if joints and joints[-1][1] == position and how in ("or", "and") and joints[-1][2] == "comma":
            joints[-1] = (joints[-1][0], position + 1, how)  # ", and" is one
        else:
            joints.append((position, position + 1, how))
    modifier_starts = {item.start for item in placed}
    trailing = {item.start for item in placed if item.modifier.place == "after"}
    statement = {p for p, kind in kinds.items() if "predicate" in kind}
    findings = {m.start for m in mentions if m.meaning.is_finding}
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
            breaks = "opener" in opening or ("adjective" in opening and last_or < start) or (says and not bare)
        if breaks or start in fixed:
            complete = False
        name = "clause" if breaks else how if how != "comma" or last_or < start else "enumeration"
        result.append(Separator(start, end, frozenset((name,)), "" if breaks else how))
    return result


class Reached(NamedTuple):
    """The modifier that decides a mention, and how many words are between them."""

    placed: Placed
    gap: int


def reach(shape: Shape, mentions: Sequence[Found]) -> list[Placed | None]:
    """The deciding modifier of every mention (sorted by start), or ``None``."""
    commas = [s.start for s in shape.separators if s.joins == "comma"]
    ways = zip(mentions, _sweep_forwards(shape, mentions), _sweep_backwards(shape, mentions), strict=True)
    return [
        _decide(
            Reached(before[-1], max(0, mention.start - before[-1].end)) if before else None,
            Reached(after[-1], max(0, after[-1].start - mention.end)) if after else None,
            commas,
        )
        for mention, before, after in ways
    ]


def reach_all(shape: Shape, mentions: Sequence[Found]) -> list[tuple[Placed, ...]]:
    """Every modifier that reaches a mention (sorted by start), in the order of the text; of very many, the nearest."""
    ways = zip(_sweep_forwards(shape, mentions), _sweep_backwards(shape, mentions), strict=True)
    return [(*before, *reversed(after)) for before, after in ways]


class Ended(NamedTuple):
    """Where a modifier stops reaching in one direction, and that boundary's name; ``None`` if no separator ends it."""

    placed: Placed
    direction: Literal["after", "before"]
    separator: Separator | None
    name: str


def find_ends(shape: Shape) -> list[Ended]:
    """The first separator that ends each modifier, in each direction in which it acts: what the sweeps obey."""
    ends: list[Ended] = []
    for placed in shape.modifiers:
        stops, place = placed.modifier.stops_at, placed.modifier.place
        if place != "after":
            ahead = (s for s in shape.separators if s.start > placed.start and s.names & stops)
            ends.append(_ended(placed, "after", next(ahead, None)))
        if place != "before":
            joined, found = False, None
            for separator in reversed(shape.separators):
                if separator.end > placed.end:
                    continue
                joined = joined or separator.joins in ("and", "or")
                if separator.names & stops or (separator.joins == "comma" and not joined):
                    found = separator
                    break
            ends.append(_ended(placed, "before", found))
    return ends


def _ended(placed: Placed, direction: Literal["after", "before"], separator: Separator | None) -> Ended:
    names = sorted(separator.names & placed.modifier.stops_at) if separator else []
    return Ended(placed, direction, separator, names[0] if names else "comma" if separator else "")


def _sweep_forwards(shape: Shape, mentions: Sequence[Found]) -> list[list[Placed]]:
    acting = [m for m in shape.modifiers if m.modifier.place != "after"]
    events: list[tuple[int, int, int]] = [(s.start, 0, i) for i, s in enumerate(shape.separators)]
    events += [(m.start, 1, i) for i, m in enumerate(acting)]
    events += [(m.start, 2, i) for i, m in enumerate(mentions)]
    active: list[Placed] = []
    result: list[list[Placed]] = [[]] * len(mentions)
    for _, kind, index in sorted(events):
        if kind == 0:
            names = shape.separators[index].names
            active = [m for m in active if not names & m.modifier.stops_at] if names else active
        elif kind == 1:
            active = [*active[1 - _KEPT :], acting[index]]
        else:
            mention = mentions[index]
            result[index] = [m for m in active if m.start < mention.start < m.end + m.modifier.reach]
    return result


def _sweep_backwards(shape: Shape, mentions: Sequence[Found]) -> list[list[Placed]]:
    acting = [m for m in shape.modifiers if m.modifier.place != "before"]
    events: list[tuple[int, int, int]] = [(s.end, 0, i) for i, s in enumerate(shape.separators)]
    events += [(m.end, 1, i) for i, m in enumerate(acting)]
    events += [(m.end, 2, i) for i, m in enumerate(mentions)]
    active: list[Placed] = []
    joined = False  # an `and` or `or` since the modifier: then commas before it enumerate
    result: list[list[Placed]] = [[]] * len(mentions)
    for _, kind, index in sorted(events, reverse=True):
        if kind == 0:
            separator = shape.separators[index]
            if separator.joins in ("and", "or"):
                joined = True
            elif separator.joins == "comma" and not joined:
                active = []
            active = [m for m in active if not separator.names & m.modifier.stops_at]
        elif kind == 1:
            active = [*active[1 - _KEPT :], acting[index]]
            joined = False
        else:
            mention = mentions[index]
            result[index] = [m for m in active if m.end > mention.end > m.start - m.modifier.reach]
    return result


def _decide(before: Reached | None, after: Reached | None, commas: Iterable[int]) -> Placed | None:
    if before is None or after is None:
        return before.placed if before else after.placed if after else None
    if after.placed.category == "resolved":
        return after.placed
    if STATE_OF[before.placed.category] is None and after.placed.category == "negated":
        return after.placed
    if before.placed.category == "negated" and after.placed.category == "uncertain":
        start = before.placed.end
        return after.placed if any(start <= c < start + before.gap for c in commas) else before.placed
    return before.placed if before.gap <= after.gap else after.placed
