"""Labels in the order, and with the quirks, of the CheXpert labeler, for studies that must compare with it.

Irvin J et al., "CheXpert: A Large Chest Radiograph Dataset with Uncertainty Labels and Expert Comparison", AAAI 2019.
Its behaviour as described, with words of our own; its patterns over a parse of the sentence are approximated by the
scopes of `radprompter.rules.scopes`. ``docs/compat_chexpert.md`` says what differs from the default, and from it.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from radprompter.labels import LabelState
from radprompter.records import Report
from radprompter.region import Region
from radprompter.rules.chexpert.cleaning import clean
from radprompter.rules.chexpert.lexicon import (
    LANGUAGE,
    ChexpertLexicon,
    Letters,
    Rank,
    Substrings,
    compile_chexpert,
)
from radprompter.rules.claims import Claim, Scope
from radprompter.rules.deciding import SILENT, Decision, allow, no_finding
from radprompter.rules.engine import scope_of, use_of
from radprompter.rules.lexicon import Language
from radprompter.rules.phrases import Found
from radprompter.rules.placing import Place, place_sentences
from radprompter.rules.reading import MAX_REMEMBERED, Outline, ReadSentence
from radprompter.rules.scopes import find_ends, reach_all
from radprompter.rules.sentences import Stretch, has_words
from radprompter.rules.shapes import Placed, Shape, divide
from radprompter.rules.vocabulary import Mention, Modifier
from radprompter.rules.words import Spans, divide_words

_POSITIVE, _NEGATIVE, _UNCERTAIN = LabelState.POSITIVE, LabelState.NEGATIVE, LabelState.UNCERTAIN

_ORDER: tuple[tuple[Rank, LabelState], ...] = (("first", _UNCERTAIN), ("denial", _NEGATIVE), ("last", _UNCERTAIN))
"""What is heard first decides: doubt that holds against denial, denial, doubt; a mention without any is positive."""

_DEVICES = "support_devices"
_CARDIOMEGALY = "cardiomegaly"


class _Understood(NamedTuple):
    """A sentence in tokens: their characters, what is named, the same as places, and what divides it."""

    spans: Spans
    mentions: list[Letters]
    places: list[Found]
    shape: Shape


class ChexpertReader:
    """Reads all that a report has, its indication and comparison too; only in English.

    A mention counts on its own, whatever stands around or over it, and modifiers are weighed by rank, not by nearness.
    """

    def __init__(self, lexicon: ChexpertLexicon, language: Language) -> None:
        self._substrings = Substrings(lexicon)
        self._vocabulary, self._ranks = compile_chexpert(lexicon, language)
        self._for_structures = {name for name, group in lexicon.modifiers.items() if group.only_structures}
        self._remembered: dict[str, tuple[Claim, ...]] = {}

    def knows(self, language: str) -> bool:
        """Whether it is English."""
        return language == LANGUAGE

    def read(self, report: Report) -> list[ReadSentence] | None:
        """What the report says, sentence by sentence; ``None`` for a report without words."""
        return [
            ReadSentence(name, place.start, words[place.start : place.end], "body", self._claims(place))
            for name, words in report.sections.items()
            for place in self._places(words)
        ] or None

    def outline(self, report: Report) -> Outline:
        """How what `read` gives came about: no part of the report is left out."""
        places = [place for words in report.sections.values() for place in self._places(words)]
        scopes = [tuple(map(place.scope, self._scopes(place.read))) for place in places]
        stretches: dict[str, tuple[Stretch, ...]] = {
            name: (Stretch(0, 0, len(words), "body"),) for name, words in report.sections.items()
        }
        return Outline(scopes, [()] * len(places), [()] * len(places), stretches)

    def _places(self, words: str) -> Iterable[Place]:
        return place_sentences(clean(words), self._vocabulary.splitter) if has_words(words) else ()

    def _claims(self, place: Place) -> tuple[Claim, ...]:
        claims = self._remembered.get(place.read)
        if claims is None:
            if len(self._remembered) >= MAX_REMEMBERED:
                self._remembered.clear()
            claims = self._remembered[place.read] = tuple(self._classify(place.read))
        return tuple(map(place.claim, claims))

    def _scopes(self, sentence: str) -> list[Scope]:
        understood = self._understand(sentence)
        return [scope_of(one, understood.spans) for one in find_ends(understood.shape)] if understood else []

    def _understand(self, sentence: str) -> _Understood | None:
        mentions = self._substrings.find(sentence)
        if not mentions:
            return None
        tokens, spans = divide_words(sentence, None, [])
        starts = [start for start, _ in spans]
        places = [
            Found(
                max(0, bisect_right(starts, mention.start) - 1),
                bisect_left(starts, mention.end),
                Mention(mention.name, True, _POSITIVE, mention.phrase),
            )
            for mention in mentions
        ]
        found = [*places, *self._vocabulary.trie.find(tokens)]
        modifiers = [item for item in found if type(item.meaning) is Modifier]
        return _Understood(spans, mentions, places, divide(tokens, found, places, modifiers))

    def _classify(self, sentence: str) -> Iterator[Claim]:
        understood = self._understand(sentence)
        if understood is None:
            return
        spans, mentions, places, shape = understood
        for mention, place, reaching in zip(mentions, places, reach_all(shape, places), strict=True):
            heard = [one for one in reaching if mention.is_structure or one.modifier.group not in self._for_structures]
            if any(one.end <= place.start for one in heard):  # "no effusion, and pneumonia is not excluded"
                beyond = min((other.start for other in places if other.start >= place.end), default=len(spans))
                heard = [one for one in heard if one.start < beyond]
            state, deciding = self._decide(place, heard)
            uses = (use_of(deciding, spans),) if deciding else ()
            rule = f"{'structure' if mention.is_structure else 'letters'}:{mention.phrase}"
            yield Claim(mention.name, state, rule, mention.start, mention.end, (mention.phrase,), uses)

    def _decide(self, place: Found, heard: Sequence[Placed]) -> tuple[LabelState, Placed | None]:
        for rank, state in _ORDER:
            ranked = [one for one in heard if self._ranks[one.modifier.group] == rank]
            if ranked:
                return state, min(ranked, key=lambda one: max(place.start - one.end, one.start - place.end))
        return _POSITIVE, None


class ChexpertDecider:
    """Decides for reports of one region, finding by finding; neither addenda nor what a finding implies are known.

    {negative, uncertain}, also beside positive, is uncertain; else positive, uncertain, negative. Heart failure makes
    cardiomegaly uncertain. `no_finding` is positive where nothing but devices is positive or uncertain.
    """

    def __init__(self, lexicon: ChexpertLexicon, region: Region) -> None:
        self._region = region
        self._heart_failure = frozenset(lexicon.heart_failure)

    def decide(self, sentences: Iterable[ReadSentence]) -> dict[str, Decision]:
        """The decision on every finding of the region, in order."""
        said: dict[str, dict[LabelState, Decision]] = {}
        for sentence in sentences:
            for claim in sentence.claims:
                state = claim.state or _POSITIVE
                states = said.setdefault(claim.finding, {})
                if state not in states:
                    states[state] = Decision(state, claim.name(sentence.text), sentence, claim)
                if state is not _NEGATIVE and not self._heart_failure.isdisjoint(claim.phrases):
                    rule = f"implied:{claim.finding}/{claim.name(sentence.text)}"
                    said.setdefault(_CARDIOMEGALY, {}).setdefault(
                        _UNCERTAIN, Decision(_UNCERTAIN, rule, sentence, claim)
                    )
        best = {name: _weigh(states) for name, states in said.items()}
        if self._region.schema.no_finding is not None:
            best[self._region.schema.no_finding] = no_finding(best, despite=(_DEVICES,))
        return {name: allow(self._region, name, best.get(name, SILENT)) for name in self._region.findings}


def _weigh(states: Mapping[LabelState, Decision]) -> Decision:
    if _NEGATIVE in states and _UNCERTAIN in states:
        return states[_UNCERTAIN]
    return next(states[state] for state in (_POSITIVE, _UNCERTAIN, _NEGATIVE) if state in states)
