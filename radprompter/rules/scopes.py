"""Which modifier reaches which mention: ConText's directions and scopes, in one pass forwards and one backwards.

Chapman WW et al., "A simple algorithm for identifying negated findings and diseases in discharge summaries", J Biomed
Inform 2001; Harkema H et al., "ConText", J Biomed Inform 2009. Here the nearest modifier wins, modifiers that touch one
another act as one, and clauses and enumerations are told apart before reach is measured.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from typing import Literal, NamedTuple

from radprompter.labels import LabelState
from radprompter.rules.lexicon import Category
from radprompter.rules.phrases import Found
from radprompter.rules.shapes import Placed, Separator, Shape

_ASIDE = 4  # words between `bei` and the finding that it brings in
_ASIDES = frozenset(("circumstance",))
_KEPT = 4  # active modifiers; those farther back never matter

STATE_OF: Mapping[Category, LabelState | None] = {
    "negated": LabelState.NEGATIVE,
    "resolved": LabelState.NEGATIVE,
    "uncertain": LabelState.UNCERTAIN,
    "affirmed": LabelState.POSITIVE,
    "historical": None,
    "hypothetical": None,
    "family": None,
}
"""What a modifier makes of an affirmed mention; ``None`` says nothing of the present."""


class Reached(NamedTuple):
    """The modifier that decides a mention, and how many words are between them."""

    placed: Placed
    gap: int


def reach(shape: Shape, mentions: Sequence[Found]) -> list[Placed | None]:
    """The deciding modifier of every mention (sorted by start), or ``None``."""
    if not shape.modifiers:
        return [None] * len(mentions)
    commas = [s.start for s in shape.separators if s.joins == "comma" or (s.joins == "and" and s.end - s.start > 1)]
    starts = [s.start for s in shape.separators]
    decided = []
    for mention, before, after in zip(
        mentions, _sweep_forwards(shape, mentions), _sweep_backwards(shape, mentions), strict=True
    ):
        first = _foremost(before, shape.separators, starts) if before else None
        after = [m for m in after if m.category != "historical"] or after  # "the effusion seen before has resolved"
        if first is None or first.category != "historical":  # "the effusion is smaller and no longer seen"
            after = [m for m in after if m.category != "affirmed"] or after
        decided.append(
            _decide(
                Reached(first, max(0, mention.start - first.end)) if first else None,
                Reached(after[-1], max(0, after[-1].start - mention.end)) if after else None,
                commas,
            )
        )
    return decided


def _foremost(before: Sequence[Placed], separators: Sequence[Separator], starts: Sequence[int]) -> Placed:
    """The nearest modifier; a denial or doubt outlasts the past: `absence of the previously seen effusion`.

    A condition outlasts doubt, and a denial outlasts evidence: `if there is suspicion of a fracture`, `neither clinical
    nor radiographic signs of a fracture`.
    """
    *others, nearest = before
    if not others:
        return nearest
    other = others[-1].category
    past = nearest.category == "historical" and STATE_OF[other] is not None
    denied = nearest.modifier.is_evidence and other == "negated"
    if past or denied or (nearest.category == "uncertain" and other == "hypothetical"):
        between = separators[bisect_left(starts, others[-1].end) : bisect_left(starts, nearest.start)]
        if all(denied and separator.joins == "or" for separator in between):
            return others[-1]
    return nearest


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
            ahead = (s for s in shape.separators if s.start >= placed.end and s.names & stops)
            ends.append(_ended(placed, "after", next(ahead, None)))
        if place != "before":
            joined, found = False, None
            for separator in reversed(shape.separators):
                if separator.start >= placed.start:
                    continue
                joined = joined or separator.joins in ("and", "or")
                if (separator.names & stops and not _passes(placed, separator)) or (
                    separator.joins == "comma" and not joined
                ):
                    found = separator
                    break
            ends.append(_ended(placed, "before", found))
    return ends


def _ended(placed: Placed, direction: Literal["after", "before"], separator: Separator | None) -> Ended:
    names = sorted(separator.names & placed.modifier.stops_at) if separator else []
    return Ended(placed, direction, separator, names[0] if names else "comma" if separator else "")


def _sweep_forwards(shape: Shape, mentions: Sequence[Found]) -> list[list[Placed]]:
    acting = [m for m in shape.modifiers if m.modifier.place != "after"]
    if not acting:
        return [[]] * len(mentions)
    events: list[tuple[int, int, int]] = [(s.start, 0, i) for i, s in enumerate(shape.separators)]
    events += [(m.start, 1, i) for i, m in enumerate(acting)]
    events += [(m.start, 2, i) for i, m in enumerate(mentions)]
    active: list[Placed] = []
    result: list[list[Placed]] = [[]] * len(mentions)
    for _, kind, index in sorted(events):
        if kind == 0:
            names = shape.separators[index].names
            at = shape.separators[index].start
            active = [m for m in active if at < m.end or not names & m.modifier.stops_at] if names else active
        elif kind == 1:
            active = [*active[1 - _KEPT :], acting[index]]
        else:
            mention = mentions[index]
            result[index] = [
                m for m in active if m.start < mention.start < m.end + m.modifier.reach and not _holds(m, mention)
            ]
    return result


def _holds(placed: Placed, mention: Found) -> bool:
    """Whether a quality is one of the modifier's own words: the `borderline` of `is borderline`."""
    return not mention.meaning.is_finding and placed.start < mention.end and mention.start < placed.end


def _passes(placed: Placed, separator: Separator) -> bool:
    """Whether a separator is a modifier's own, or joins what it says to its subject: `seen before but now resolved`."""
    joins = not separator.joins and placed.start == separator.end and placed.category in ("negated", "resolved")
    return joins or placed.start <= separator.start


def _linking(shape: Shape, mentions: Sequence[Found]) -> set[tuple[int, int]]:
    """Where doubt links what is seen with what it may be: `opacities could be atelectasis` doubts the latter."""
    findings = [m.start for m in mentions if m.meaning.is_finding]
    starts = [s.start for s in shape.separators]
    linking = set()
    for placed in shape.modifiers:
        if placed.modifier.place != "before" or placed.modifier.category != "uncertain":
            continue
        index, stop = bisect_left(findings, placed.end), bisect_left(starts, placed.end)
        follows = index < len(findings) and findings[index] < placed.start + placed.modifier.reach
        if follows and (stop == len(starts) or starts[stop] > findings[index]):
            linking.add((placed.start, placed.end))
    return linking


def _sweep_backwards(shape: Shape, mentions: Sequence[Found]) -> list[list[Placed]]:
    linking = _linking(shape, mentions)
    acting = [m for m in shape.modifiers if m.modifier.place != "before" and (m.start, m.end) not in linking]
    if not acting:
        return [[]] * len(mentions)
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
                active = [m for m in active if m.start <= separator.start]  # a comma of its own
            active = [m for m in active if _passes(m, separator) or not separator.names & m.modifier.stops_at]
        elif kind == 1:
            active = [*active[1 - _KEPT :], acting[index]]
            joined = False
        else:
            mention = mentions[index]
            result[index] = [
                m for m in active if m.end > mention.end > m.start - m.modifier.reach and not _holds(m, mention)
            ]
    asides = _asides(shape, mentions)
    told = {
        (m.start, m.end)
        for index, row in enumerate(result)
        if row and index not in asides and mentions[index].meaning.is_finding
        for m in row
    }
    for index in asides:
        result[index] = [m for m in result[index] if (m.start, m.end) not in told]
    return result


def _asides(shape: Shape, mentions: Sequence[Found]) -> set[int]:
    """What only goes with a finding: of `Fraktur bei Erguss nicht auszuschließen`, the effusion is not doubted."""
    starts = [m.start for m in mentions]
    asides = set()
    for separator in shape.separators:
        limit = separator.end + _ASIDE
        for index in range(bisect_left(starts, separator.end), len(mentions)) if _ASIDES & separator.names else ():
            mention = mentions[index]
            if mention.start > limit:
                break
            asides.add(index)
            limit = mention.end - mention.meaning.is_finding
    return asides


def _decide(before: Reached | None, after: Reached | None, commas: Iterable[int]) -> Placed | None:
    if before is None or after is None:
        return before.placed if before else after.placed if after else None
    if after.placed.category == "resolved":
        return after.placed
    if after.placed.category == "affirmed":  # "the effusion that was seen before persists"
        return after.placed if before.placed.category == "historical" else before.placed
    if before.placed.category == "hypothetical" and after.placed.category == "uncertain":
        return before.placed  # "if a fracture is suspected"
    if STATE_OF[before.placed.category] is None and after.placed.category == "negated":
        return after.placed
    if before.placed.category == "negated" and after.placed.category == "uncertain":
        start = before.placed.end
        return after.placed if any(start <= c < start + before.gap for c in commas) else before.placed
    return before.placed if before.gap <= after.gap else after.placed
