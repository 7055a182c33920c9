"""Findings that two phrases of one clause say together: a fracture and its place, a heart and `enlarged`."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence

from radprompter.labels import LabelState
from radprompter.rules.lexicon import Combination
from radprompter.rules.namings import Naming, Said
from radprompter.rules.shapes import Separator, Shape
from radprompter.rules.vocabulary import ABNORMAL, Vocabulary

_POSITIVE, _NEGATIVE = LabelState.POSITIVE, LabelState.NEGATIVE
_WITH = frozenset(("with",))
_TOUCHING = 2  # words between a quality and the noun after it, as in "normal in size" or "clear both lungs"
_PREDICATE = 4  # words between a noun and what is said of it, as in "heart remains at most mildly enlarged"


def combine(named: Sequence[Naming], shape: Shape, vocabulary: Vocabulary) -> list[Said]:
    """Findings that two phrases of one clause say together; heads that deny only their special form fall silent."""
    places = [m for m in named if m.meaning.name in vocabulary.places]
    claims: list[Said] = []
    for head in named:
        rules = vocabulary.combinations.get(head.meaning.name)
        denied = head.affirmed is _NEGATIVE
        if denied and head.meaning.is_finding and _is_qualified(head, named, vocabulary):
            head.says = False
            continue
        if not rules:
            continue
        reachable = _near(head, places, rules, named, shape, vocabulary)
        for rule in rules:
            for place in reachable:
                if place.meaning.name not in rule.at or _gap(head, place) > rule.reach:
                    continue
                outcome = rule.state if head.meaning.outcome is _POSITIVE else head.meaning.outcome
                state = head.state(outcome)
                if state is None and head.affirmed is not None:
                    continue  # "not intact" denies no fracture, and affirms none
                if head.meaning.is_finding and head.meaning.name != rule.finding and (denied or rule.instead):
                    head.says = False
                name = f"combine:{head.meaning.name}+{place.meaning.name}"
                start, end = min(head.start, place.start), max(head.end, place.end)
                phrases = (head.meaning.phrase, place.meaning.phrase)
                claims.append(Said(rule.finding, state, name, head, start, end, phrases))
    return claims


def _is_qualified(head: Naming, named: Sequence[Naming], vocabulary: Vocabulary) -> bool:
    """Whether an attribute stands right before the head, as in `no displaced fracture`."""
    if head.meaning.name in vocabulary.attributes:
        return False
    return any(
        m.end == head.start and m.meaning.name in vocabulary.attributes and m.meaning.outcome is _POSITIVE
        for m in named
        if head.start - 8 <= m.start < head.start
    )


def _gap(one: Naming, other: Naming) -> int:
    return max(one.start, other.start) - min(one.end, other.end)


def _near(
    head: Naming,
    places: Sequence[Naming],
    rules: Sequence[Combination],
    named: Sequence[Naming],
    shape: Shape,
    vocabulary: Vocabulary,
) -> list[Naming]:
    """Places that the head may be at: in its clause, and not owned by another finding."""
    furthest = max(rule.reach for rule in rules)
    wanted = {name for rule in rules for name in rule.at}
    first = bisect_left(places, head.start - furthest - 8, key=lambda m: m.start)
    near: list[Naming] = []
    for place in places[first:]:
        if place.start > head.end + furthest:
            break
        if place.meaning.name not in wanted or place is head or _gap(head, place) > furthest or _gap(head, place) < 0:
            continue
        low, high = min(head.end, place.end), max(head.start, place.start)
        if _divided(shape, low, high, head) or _owned(head, place, named, shape, vocabulary):
            continue
        near.append(place)
    return near if head.meaning.is_finding else _on_its_side(head, near, named, shape)


def _divided(shape: Shape, low: int, high: int, head: Naming) -> bool:
    """Whether a statement ends between two tokens; in `low volumes but clear` none does, as no subject follows."""
    index = bisect_left(shape.separators, low, key=lambda s: s.start)
    for separator in shape.separators[index:]:
        if separator.start >= high:
            return False
        if "showing" in separator.names or (separator.names == _WITH and high == head.start):
            continue  # "the radial head shows a fracture", "a radial head with a fracture"
        if not separator.joins and (head.meaning.is_finding or separator.end != head.start):
            return True
    return False


def _owned(head: Naming, place: Naming, named: Sequence[Naming], shape: Shape, vocabulary: Vocabulary) -> bool:
    """Whether another finding stands between head and place, right behind the place, or leads up to it."""
    low, high = min(head.end, place.end), max(head.start, place.start)
    index = bisect_left(named, min(low, place.start) - 8, key=lambda m: m.start)
    for other in named[index:]:
        if other.start > place.end + 1:
            break
        name = other.meaning.name
        if other is head or other is place or name in vocabulary.attributes:
            continue
        rules = vocabulary.combinations.get(name, ())
        rival = (other.meaning.is_finding and other.says) or any(place.meaning.name in rule.at for rule in rules)
        if not rival or (other.start < head.end and head.start < other.end):
            continue
        between = low <= other.start and other.end <= high and name != ABNORMAL  # "lungs are hyperexpanded but clear"
        behind = other.start == place.end and head.end <= place.start
        ahead = head.start >= place.end and 0 <= place.start - other.end <= _TOUCHING and other.meaning.is_finding
        if between or behind or (ahead and not _apart(shape, other.end, place.start)):
            return True
    return False


def _apart(shape: Shape, low: int, high: int) -> bool:
    """Whether anything divides two tokens."""
    index = bisect_left(shape.separators, low, key=_start)
    return index < len(shape.separators) and shape.separators[index].start < high


def _start(separator: Separator) -> int:
    return separator.start


def _on_its_side(head: Naming, near: list[Naming], named: Sequence[Naming], shape: Shape) -> list[Naming]:
    """A quality is said of what stands before it (`the heart is normal`), or of the noun after it (`normal heart`)."""
    before = [m for m in near if m.end <= head.start]
    after = [m for m in near if m.start >= head.end]
    colon = max((s.end for s in shape.separators if s.joins == "colon" and s.end <= head.start), default=0)
    told = [m for m in before if m.start >= colon]  # "Heart and mediastinum: the heart is normal."
    labelled = not told and not any(colon <= m.start < head.start for m in named)  # "Heart: normal."
    before = told if colon and not labelled else before
    if any(head.start - m.end <= _PREDICATE and not _apart(shape, m.end, head.start) for m in before):
        return before
    if any(m.start - head.end <= _TOUCHING and not _apart(shape, head.end, m.start) for m in after):
        return after
    return before or after
