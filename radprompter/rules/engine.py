"""One sentence to claims: mentions, the modifiers that reach them, and the combinations that they make."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

from radprompter.labels import LabelState
from radprompter.rules.lexicon import Category, Combination
from radprompter.rules.phrases import END, TOKEN, Found
from radprompter.rules.scopes import STATE_OF, Placed, Shape, divide, reach
from radprompter.rules.vocabulary import ABNORMAL, LookAlike, Mention, Modifier, Vocabulary

_POSITIVE, _NEGATIVE, _UNCERTAIN = LabelState.POSITIVE, LabelState.NEGATIVE, LabelState.UNCERTAIN
_TOUCHING = 2  # words between a quality and the noun after it, as in "normal in size" or "clear both lungs"
_PREDICATE = 4  # words between a noun and what is said of it, as in "heart remains at most mildly enlarged"
_ALTERNATIVE = 5  # words between the two sides of an "or"


class Given(NamedTuple):
    """A mention that the caller knows of: characters of the sentence, and what it means."""

    start: int
    end: int
    meaning: Mention


class Use(NamedTuple):
    """A modifier at work: its group, category and phrase in the lexicon, and the characters that it fills."""

    group: str
    category: Category
    phrase: str
    start: int
    end: int


class Claim(NamedTuple):
    """What one phrase of a sentence says of one finding.

    `state` is ``None`` where it says nothing of the present: history, a condition, the family. `phrases` are the
    entries of the lexicon that name the finding, `start` and `end` the characters that they fill; `modifiers` is the
    chain that decides.
    """

    finding: str
    state: LabelState | None
    rule: str
    start: int
    end: int
    phrases: tuple[str, ...]
    modifiers: tuple[Use, ...] = ()

    def name(self, sentence: str) -> str:
        """The id of all that made it: the rule, then each modifier's group with its words in the sentence."""
        words = (f"/{use.group}:{' '.join(sentence[use.start : use.end].split())}" for use in self.modifiers)
        return self.rule + "".join(words)


@dataclass(slots=True)
class _Mention:
    """A mention on its way to a claim."""

    start: int
    end: int
    meaning: Mention
    says: bool = True  # whether it makes a claim of its own
    by: Placed | None = None

    @property
    def affirmed(self) -> LabelState | None:
        """The state that the modifiers give it."""
        return STATE_OF[self.by.category] if self.by else _POSITIVE

    def state(self, outcome: LabelState) -> LabelState | None:
        """What it says where an unmodified mention says `outcome`."""
        affirmed = self.affirmed
        if affirmed is _POSITIVE or affirmed is None:
            return outcome if affirmed else None
        if affirmed is _UNCERTAIN or outcome is _UNCERTAIN:
            return _UNCERTAIN if affirmed is _UNCERTAIN else _NEGATIVE
        return _NEGATIVE if outcome is _POSITIVE else None


class _Said(NamedTuple):
    """A claim in tokens; `head` carries its state."""

    finding: str
    state: LabelState | None
    rule: str
    head: _Mention
    start: int
    end: int
    phrases: tuple[str, ...]


def read_sentence(text: str, vocabulary: Vocabulary, given: Sequence[Given] = ()) -> tuple[Claim, ...]:
    """What a sentence claims, phrase by phrase; `given` are mentions besides those that the vocabulary finds."""
    spans = [match.span() for match in TOKEN.finditer(text)]
    tokens = [text[start:end] for start, end in spans]
    found = _found(given, spans)
    tokens.append(END)
    spans.append((len(text), len(text)))
    found += vocabulary.trie.find(tokens)
    if not any(type(item.meaning) is Mention for item in found):
        return ()
    named = _mentions(found, vocabulary)
    if not named:
        return ()
    modifiers = [item for item in found if type(item.meaning) is Modifier]
    places = [Found(m.start, m.end, m.meaning) for m in named]
    shape = divide(tokens, found, places, modifiers)
    for mention, placed in zip(named, reach(shape, places), strict=True):
        mention.by = placed
    _weigh_alternatives(named, shape)
    combined = _combine(named, shape, vocabulary) if vocabulary.combinations else []
    for mention in named:
        if mention.meaning.name in vocabulary.attributes and mention.affirmed is _UNCERTAIN:
            mention.says = mention.says and mention.meaning.outcome is _POSITIVE  # a nondisplaced fracture is possible
    own = [
        _Said(m.meaning.name, m.state(m.meaning.outcome), m.meaning.rule, m, m.start, m.end, (m.meaning.phrase,))
        for m in named
        if m.says and m.meaning.is_finding
    ]
    return tuple(_claim(said, spans) for said in (*own, *combined))


def _claim(said: _Said, spans: Sequence[tuple[int, int]]) -> Claim:
    by = said.head.by
    uses = tuple(
        Use(p.modifier.group, p.modifier.category, p.modifier.phrase, spans[p.start][0], spans[p.end - 1][1])
        for p in (by.chain if by else ())
    )
    start, end = spans[said.start][0], spans[said.end - 1][1]
    return Claim(said.finding, said.state, said.rule, start, end, said.phrases, uses)


def _found(given: Sequence[Given], spans: Sequence[tuple[int, int]]) -> list[Found]:
    """The given mentions in tokens; one that covers no token is left out."""
    found = []
    for start, end, meaning in given:
        inside = [token for token, (first, last) in enumerate(spans) if first < end and start < last]
        if inside:
            found.append(Found(inside[0], inside[-1] + 1, meaning))
    return found


def _mentions(found: Sequence[Found], vocabulary: Vocabulary) -> list[_Mention]:
    """Mentions without look-alikes; those inside a longer or more special one make no claim of their own."""
    covering: dict[int, list[Found]] = {}
    look_alikes: dict[int, list[Found]] = {}
    for item in found:
        kind = type(item.meaning)
        if kind is Mention or kind is LookAlike:
            table = covering if kind is Mention else look_alikes
            for token in range(item.start, item.end):
                table.setdefault(token, []).append(item)
    kept: dict[tuple[int, int, str], _Mention] = {}
    for item in sorted((i for i in found if type(i.meaning) is Mention), key=lambda i: (i.start, i.end)):
        meaning: Mention = item.meaning
        alike = look_alikes.get(item.start, ())
        if any(a.meaning.name == meaning.name and a.start <= item.start and item.end <= a.end for a in alike):
            continue
        says = True
        drop = False
        for other in covering[item.start]:
            if other.start > item.start:
                continue
            if other.meaning.name == meaning.name and other.meaning.outcome is not meaning.outcome is _POSITIVE:
                drop = True  # the "displaced fracture" of "non-displaced fracture"
            if other.end < item.end:
                continue
            longer = other.end - other.start > item.end - item.start
            if longer and (other.meaning.name == meaning.name or (other.meaning.is_finding and not meaning.is_finding)):
                drop = True
            elif (
                longer
                and not meaning.is_finding
                and {meaning.name, other.meaning.name} <= vocabulary.combinations.keys()
            ):
                drop = True  # the "large" of "normal large"
            elif other.meaning.is_finding and meaning.is_finding and other.meaning.name not in (meaning.name, ABNORMAL):
                special = meaning.name in vocabulary.implied.get(other.meaning.name, ())
                says = says and not (longer or special)
        if not drop:
            kept.setdefault((item.start, item.end, meaning.name), _Mention(item.start, item.end, meaning, says))
    return list(kept.values())


def _weigh_alternatives(named: Sequence[_Mention], shape: Shape) -> None:
    """`A or B`, with nothing else said, makes both uncertain."""
    ors = [s for s in shape.separators if s.joins == "or"]
    if not ors:
        return
    findings = [m for m in named if m.meaning.is_finding and m.says]
    for first, second in pairwise(findings):
        if (
            first.by
            or second.by
            or first.meaning.name == second.meaning.name
            or second.start - first.end > _ALTERNATIVE
        ):
            continue
        index = bisect_left(ors, first.end, key=lambda s: s.start)
        if index < len(ors) and ors[index].end <= second.start:
            doubt = Modifier("alternative", "uncertain", "around", frozenset(), _ALTERNATIVE)
            first.by = second.by = Placed(ors[index].start, ors[index].end, doubt, "uncertain")


def _combine(named: Sequence[_Mention], shape: Shape, vocabulary: Vocabulary) -> list[_Said]:
    """Findings that two phrases of one clause say together; heads that deny only their special form fall silent."""
    places = [m for m in named if m.meaning.name in vocabulary.places]
    claims: list[_Said] = []
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
                claims.append(_Said(rule.finding, state, name, head, start, end, phrases))
    return claims


def _is_qualified(head: _Mention, named: Sequence[_Mention], vocabulary: Vocabulary) -> bool:
    """Whether an attribute stands right before the head, as in `no displaced fracture`."""
    if head.meaning.name in vocabulary.attributes:
        return False
    return any(
        m.end == head.start and m.meaning.name in vocabulary.attributes and m.meaning.outcome is _POSITIVE
        for m in named
        if head.start - 8 <= m.start < head.start
    )


def _gap(one: _Mention, other: _Mention) -> int:
    return max(one.start, other.start) - min(one.end, other.end)


def _near(
    head: _Mention,
    places: Sequence[_Mention],
    rules: Sequence[Combination],
    named: Sequence[_Mention],
    shape: Shape,
    vocabulary: Vocabulary,
) -> list[_Mention]:
    """Places that the head may be at: in its clause, and not owned by another finding."""
    furthest = max(rule.reach for rule in rules)
    wanted = {name for rule in rules for name in rule.at}
    first = bisect_left(places, head.start - furthest - 8, key=lambda m: m.start)
    near: list[_Mention] = []
    for place in places[first:]:
        if place.start > head.end + furthest:
            break
        if place.meaning.name not in wanted or place is head or _gap(head, place) > furthest or _gap(head, place) < 0:
            continue
        low, high = min(head.end, place.end), max(head.start, place.start)
        if _divided(shape, low, high, head) or _owned(head, place, low, high, named, vocabulary):
            continue
        near.append(place)
    return near if head.meaning.is_finding else _on_its_side(head, near, named, shape)


def _divided(shape: Shape, low: int, high: int, head: _Mention) -> bool:
    """Whether a statement ends between two tokens; in `low volumes but clear` none does, as no subject follows."""
    index = bisect_left(shape.separators, low, key=lambda s: s.start)
    for separator in shape.separators[index:]:
        if separator.start >= high:
            return False
        if not separator.joins and (head.meaning.is_finding or separator.end != head.start):
            return True
    return False


def _owned(
    head: _Mention, place: _Mention, low: int, high: int, named: Sequence[_Mention], vocabulary: Vocabulary
) -> bool:
    """Whether another finding stands between head and place, right behind the place, or leads up to it."""
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
        between = low <= other.start and other.end <= high
        behind = other.start == place.end and head.end <= place.start
        ahead = head.start >= place.end and 0 <= place.start - other.end <= _TOUCHING and other.meaning.is_finding
        if between or behind or ahead:
            return True
    return False


def _on_its_side(head: _Mention, near: list[_Mention], named: Sequence[_Mention], shape: Shape) -> list[_Mention]:
    """A quality is said of what stands before it (`the heart is normal`), or of the noun after it (`normal heart`)."""
    joints = [s.start for s in shape.separators]

    def apart(low: int, high: int) -> bool:
        index = bisect_left(joints, low)
        return index < len(joints) and joints[index] < high

    before = [m for m in near if m.end <= head.start]
    after = [m for m in near if m.start >= head.end]
    colon = max((s.end for s in shape.separators if s.joins == "colon" and s.end <= head.start), default=0)
    told = [m for m in before if m.start >= colon]  # "Heart and mediastinum: the heart is normal."
    labelled = not told and not any(colon <= m.start < head.start for m in named)  # "Heart: normal."
    before = told if colon and not labelled else before
    if any(head.start - m.end <= _PREDICATE and not apart(m.end, head.start) for m in before):
        return before
    if any(m.start - head.end <= _TOUCHING and not apart(head.end, m.start) for m in after):
        return after
    return before or after
