"""One sentence to claims: mentions, the modifiers that reach them, and the combinations that they make."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

from radprompter.labels import Hedge, LabelState
from radprompter.rules.claims import Claim, Given, Outdone, Scope, Span, Unsaid, Use
from radprompter.rules.combining import combine
from radprompter.rules.namings import Naming, Said, find_namings, presupposed
from radprompter.rules.phrases import TOKEN, Found, fold
from radprompter.rules.scopes import Ended, find_ends, reach, reach_all
from radprompter.rules.shapes import Placed, Shape, divide
from radprompter.rules.vocabulary import DoubtWords, LookAlike, Mention, Modifier, Vocabulary
from radprompter.rules.words import divide_words

_WEAKEST: tuple[Hedge, ...] = ("possible", "probable", "alternative")
_ALTERNATIVE = 5  # words between the two sides of an "or"


def read_sentence(text: str, vocabulary: Vocabulary, given: Sequence[Given] = ()) -> tuple[Claim, ...]:
    """What a sentence claims, phrase by phrase; `given` are mentions besides those that the vocabulary finds."""
    understood = _understand(text, vocabulary, given)
    if understood is None:
        return ()
    return tuple(_claim(said, understood, text, vocabulary) for said in _say(understood, vocabulary))


def _say(understood: _Understood, vocabulary: Vocabulary) -> list[Said]:
    """All claims of a sentence; says of each naming whether it makes one of its own, and which modifier decides it."""
    _, named, places, shape, spared = understood
    for mention, placed in zip(named, reach(shape, places), strict=True):
        mention.by = None if mention.start in spared and mention.meaning.is_finding else placed
    _deny_likenesses(named)
    _weigh_alternatives(named, shape, vocabulary)
    combined = combine(named, shape, vocabulary) if vocabulary.combinations else []
    for mention in named:
        if mention.meaning.name in vocabulary.attributes and mention.affirmed is LabelState.UNCERTAIN:
            # a nondisplaced fracture is possible
            mention.says = mention.says and mention.meaning.outcome is LabelState.POSITIVE
    own = [
        Said(m.meaning.name, m.state(m.meaning.outcome), m.meaning.rule, m, m.start, m.end, (m.meaning.phrase,))
        for m in named
        if m.says and m.meaning.is_finding
    ]
    return [*own, *combined]


def read_scopes(text: str, vocabulary: Vocabulary) -> tuple[Scope, ...]:
    """How far each modifier of a sentence reaches, also of those that reach nothing; none where nothing is named."""
    understood = _understand(text, vocabulary, ())
    if understood is None:
        return ()
    scopes = (scope_of(ended, understood.spans) for ended in find_ends(understood.shape))
    seen = {(s.use.start, s.use.end, s.use.category, s.direction, s.end): s for s in scopes}  # some are in two phrases
    return tuple(seen.values())


def read_unsaid(text: str, vocabulary: Vocabulary) -> tuple[Unsaid, ...]:
    """The findings that a sentence names without a claim about them, by start."""
    tokens, spans = divide_words(text, vocabulary.compounds, [])
    found = vocabulary.trie.find(tokens)
    alike = [
        Unsaid(item.meaning.name, spans[item.start][0], spans[item.end - 1][1], is_look_alike=True)
        for item in found
        if type(item.meaning) is LookAlike and any(_is_inside(other, item) for other in found)
    ]
    understood = _understand(text, vocabulary, ())
    if understood is None:
        return tuple(alike)
    heads = {id(said.head) for said in _say(understood, vocabulary)}
    silent = [
        Unsaid(one.meaning.name, spans[one.start][0], spans[one.end - 1][1])
        for one in understood.named
        if one.meaning.is_finding and not one.says and id(one) not in heads
    ]
    return tuple(dict.fromkeys(sorted([*alike, *silent], key=lambda one: (one.start, one.end))))


def read_outdone(text: str, vocabulary: Vocabulary) -> tuple[Outdone, ...]:
    """The modifiers that reach the findings of a sentence and do not decide, where others do."""
    understood = _understand(text, vocabulary, ())
    if understood is None:
        return ()
    _say(understood, vocabulary)
    spans, found = understood.spans, []
    for one, reaching in zip(understood.named, reach_all(understood.shape, understood.places), strict=True):
        own = [(placed.start, placed.end) for placed in (one.by.chain if one.by else ())]
        others = [r for r in reaching if not any(start <= r.start and r.end <= end for start, end in own)]
        if one.meaning.is_finding and own and others:
            uses = dict.fromkeys(use_of(placed, spans) for placed in others)
            found.append(Outdone(one.meaning.name, spans[one.start][0], spans[one.end - 1][1], tuple(uses)))
    return tuple(found)


def _is_inside(mention: Found, alike: Found) -> bool:
    return (
        type(mention.meaning) is Mention
        and mention.meaning.name == alike.meaning.name
        and alike.start <= mention.start
        and mention.end <= alike.end
    )


class _Understood(NamedTuple):
    """A sentence in tokens: their characters, what is named, the same as places, what divides it, what is spared."""

    spans: list[tuple[int, int]]
    named: list[Naming]
    places: list[Found]
    shape: Shape
    spared: set[int]


def _understand(text: str, vocabulary: Vocabulary, given: Sequence[Given]) -> _Understood | None:
    tokens, spans = divide_words(text, vocabulary.compounds, [one.end for one in given])
    found = _found(given, spans)
    found += vocabulary.trie.find(tokens)
    if not any(type(item.meaning) is Mention for item in found):
        return None
    named = find_namings(found, vocabulary)
    if not named:
        return None
    modifiers = [item for item in found if type(item.meaning) is Modifier]
    places = [Found(m.start, m.end, m.meaning) for m in named]
    shape = divide(tokens, found, places, modifiers)
    return _Understood(spans, named, places, shape, presupposed(named, found))


def scope_of(ended: Ended, spans: Sequence[tuple[int, int]]) -> Scope:
    """Where a modifier ends, in characters; `spans` are those of the tokens."""
    stop = ended.separator
    at = None if stop is None else Span(spans[stop.start][0], spans[stop.end - 1][1])
    return Scope(use_of(ended.placed, spans), ended.direction, at, ended.name)


def use_of(placed: Placed, spans: Sequence[tuple[int, int]]) -> Use:
    """A modifier at work, in characters; `spans` are those of the tokens."""
    modifier = placed.modifier
    start, end = spans[placed.start][0], spans[placed.end - 1][1]
    return Use(modifier.group, modifier.category, modifier.phrase, start, end)


def _claim(said: Said, understood: _Understood, text: str, vocabulary: Vocabulary) -> Claim:
    spans, by = understood.spans, said.head.by
    uses = tuple(use_of(placed, spans) for placed in (by.chain if by else ()))
    start, end = spans[said.start][0], spans[said.end - 1][1]
    hedge = _hedge(said.head, understood, text, vocabulary.doubts) if said.state is LabelState.UNCERTAIN else None
    return Claim(said.finding, said.state, said.rule, start, end, said.phrases, uses, hedge)


def _hedge(head: Naming, understood: _Understood, text: str, doubts: DoubtWords) -> Hedge:
    """The kind of doubt of an uncertain statement: the weakest of those that touch one another.

    An `or` says nothing of how likely its sides are: in `may be A or B` the other doubt that reaches them decides.
    """
    if head.by is None or head.meaning.outcome is LabelState.UNCERTAIN:
        return "borderline"
    kinds = {_kind(placed, understood.spans, text, doubts) for placed in head.by.chain}
    if kinds == {"alternative"}:
        reaching = reach_all(understood.shape, understood.places)[understood.named.index(head)]
        others = [placed for placed in reaching if placed.modifier.category == "uncertain"]
        kinds |= {_kind(placed, understood.spans, text, doubts) for placed in others}
    return next(kind for kind in _WEAKEST if kind in kinds)


def _kind(placed: Placed, spans: Sequence[tuple[int, int]], text: str, doubts: DoubtWords) -> Hedge:
    words = {fold(match[0]) for match in TOKEN.finditer(text[spans[placed.start][0] : spans[placed.end - 1][1]])}
    if words <= doubts.alternative or placed.modifier.group == "alternative":
        return "alternative"
    return "probable" if words & doubts.probable and not words & doubts.possible else "possible"


def _found(given: Sequence[Given], spans: Sequence[tuple[int, int]]) -> list[Found]:
    """The given mentions in tokens; one that covers no token is left out."""
    found = []
    for start, end, meaning in given:
        inside = [token for token, (first, last) in enumerate(spans) if first < end and start < last]
        if inside:
            found.append(Found(inside[0], inside[-1] + 1, meaning))
    return found


def _deny_likenesses(named: Sequence[Naming]) -> None:
    """`No opacity suspicious for pneumonia` denies both: the hedge right behind a denied finding tells its likeness."""
    denials = {m.end: m.by for m in named if m.meaning.is_finding and m.by and m.by.category == "negated"}
    for mention in named if denials else ():
        if mention.by and mention.by.category == "uncertain" and mention.by.modifier.place == "before":
            denial = denials.get(mention.by.chain[0].start)
            if denial and denial.modifier.place == "before":
                mention.by = denial


def _weigh_alternatives(named: Sequence[Naming], shape: Shape, vocabulary: Vocabulary) -> None:
    """`A or B`, with nothing else said, makes both uncertain."""
    ors = [s for s in shape.separators if s.joins == "or"]
    if not ors:
        return
    sides = [m for m in named if (m.meaning.is_finding or m.meaning.name in vocabulary.combinations) and m.says]
    for first, second in pairwise(sides):
        if (
            first.by
            or second.by
            or not _named(first, vocabulary).isdisjoint(_named(second, vocabulary))
            or second.start - first.end > _ALTERNATIVE
        ):
            continue
        index = bisect_left(ors, first.end, key=lambda s: s.start)
        if index < len(ors) and ors[index].end <= second.start:
            doubt = Modifier("alternative", "uncertain", "around", frozenset(), _ALTERNATIVE)
            first.by = second.by = Placed(ors[index].start, ors[index].end, doubt, "uncertain")


def _named(mention: Naming, vocabulary: Vocabulary) -> set[str]:
    """The findings that a mention may say, alone or with its place."""
    combined = {rule.finding for rule in vocabulary.combinations.get(mention.meaning.name, ())}
    return combined | {mention.meaning.name} if mention.meaning.is_finding else combined
