"""A region's words and a language's modifiers, compiled into one trie: what a word in a report may mean."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

from radprompter.labels import LabelState
from radprompter.region import Region
from radprompter.rules.lexicon import Category, Combination, Language, Place, RegionLexicon
from radprompter.rules.phrases import Inflection, Trie, readings
from radprompter.rules.sentences import Part, Splitter
from radprompter.rules.words import Compounds

ABNORMAL = "abnormal"
"""Name under which the phrases of `abnormal` are found, as if it were a finding."""


class Mention(NamedTuple):
    """A phrase that names a finding or a term."""

    name: str
    is_finding: bool
    outcome: LabelState  # what the phrase says where nothing modifies it
    phrase: str  # as the lexicon has it
    kind: str = "mention"  # or "denied_by", "uncertain_by", "abnormal", "term"

    @property
    def rule(self) -> str:
        """The rule's id: kind and phrase."""
        return f"{self.kind}:{self.phrase}"


class LookAlike(NamedTuple):
    """A phrase in which a mention of a finding is none."""

    name: str


@dataclass(frozen=True, slots=True)
class Modifier:
    """A phrase that changes what is said of the findings around it; `group` and `phrase` are the lexicon's."""

    group: str
    category: Category
    place: Place
    stops_at: frozenset[str]
    reach: int
    phrase: str = ""
    is_evidence: bool = False


class Boundary(NamedTuple):
    """A phrase that ends the reach of modifiers."""

    name: str


class Mark(NamedTuple):
    """A word that shapes a sentence."""

    kind: Literal["or", "and", "predicate", "opener", "adjective", "presupposing"]


class DoubtWords(NamedTuple):
    """Words, as texts are compared, that tell the kinds of doubt apart."""

    alternative: frozenset[str] = frozenset()
    probable: frozenset[str] = frozenset()
    possible: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """All that the engine looks for, in one language."""

    trie: Trie
    splitter: Splitter
    combinations: dict[str, tuple[Combination, ...]]  # by the name that carries the state
    places: frozenset[str]  # terms that some combination looks for
    attributes: frozenset[str]
    implied: dict[str, frozenset[str]]  # finding -> every more general finding
    compounds: Compounds | None  # for a language that joins words
    doubts: DoubtWords


def implied_findings(region: Region) -> dict[str, frozenset[str]]:
    """Every finding that a finding implies, directly or by way of another."""
    implied: dict[str, frozenset[str]] = {}
    for name in region.findings:
        seen: set[str] = set()
        open_names = list(region.findings[name].implies)
        while open_names:
            general = open_names.pop()
            if general in region.findings and general not in seen and general != name:
                seen.add(general)
                open_names += region.findings[general].implies
        implied[name] = frozenset(seen)
    return implied


def compile_vocabulary(region: Region, language: Language, lexicon: RegionLexicon, *, code: str) -> Vocabulary:
    """The vocabulary of a region in a language; `code` is the language's key in ``region.yaml``."""
    trie = _trie(language)
    _add_findings(trie, region, lexicon, code=code)
    _add_terms(trie, {**language.terms, **lexicon.terms}, lexicon.combine)
    _add_language(trie, language)
    return Vocabulary(
        trie,
        splitter_of(language),
        _by_head(lexicon.combine),
        frozenset(name for rule in lexicon.combine for name in rule.at),
        frozenset(lexicon.attributes),
        implied_findings(region),
        _compounds(trie, language),
        _doubt_words(language),
    )


def compile_language(language: Language, combine: Sequence[Combination] = ()) -> Vocabulary:
    """The vocabulary of a language alone, for findings that the caller knows of."""
    trie = _trie(language)
    _add_terms(trie, language.terms, combine)
    _add_language(trie, language)
    places = frozenset(name for rule in combine for name in rule.at)
    compounds = _compounds(trie, language)
    doubts = _doubt_words(language)
    return Vocabulary(trie, splitter_of(language), _by_head(combine), places, frozenset(), {}, compounds, doubts)


def _trie(language: Language) -> Trie:
    return Trie(Inflection(language.endings, language.compound_length, language.compound_not_after))


def _compounds(trie: Trie, language: Language) -> Compounds | None:
    acting = {
        word[1:]
        for group in language.modifiers.values()
        for phrase in group.phrases
        for words in readings(phrase)
        for word in words
        if word.startswith("-") and len(word) > 1
    }
    tails = {*acting, *language.compound_tails}
    return Compounds(trie, sorted(tails)) if tails else None


def splitter_of(language: Language) -> Splitter:
    """What divides reports of a language into sentences."""
    headings: dict[str, Part | None] = dict.fromkeys(language.headings.read, "body")
    headings |= dict.fromkeys(language.headings.addendum, "addendum")
    headings |= dict.fromkeys(language.headings.skip, None)
    ordinals = language.before_ordinals, language.after_ordinals
    return Splitter(language.abbreviations, language.starters, headings, *ordinals)


def _doubt_words(language: Language) -> DoubtWords:
    groups = (language.or_words, language.probable_words, language.possible_words)
    return DoubtWords(*(frozenset(w for phrase in group for row in readings(phrase) for w in row) for group in groups))


def _by_head(combine: Iterable[Combination]) -> dict[str, tuple[Combination, ...]]:
    rules: dict[str, tuple[Combination, ...]] = {}
    for rule in combine:
        for name in rule.of:
            rules[name] = (*rules.get(name, ()), rule)
    return rules


def _add_terms(trie: Trie, terms: Mapping[str, Iterable[str]], combine: Iterable[Combination]) -> None:
    used = {name for rule in combine for name in (*rule.of, *rule.at)}
    for name in sorted(used & set(terms)):
        for phrase in terms[name]:
            trie.add(phrase, Mention(name, False, LabelState.POSITIVE, phrase, "term"), inflect=True)


def _add_language(trie: Trie, language: Language) -> None:
    for key, group in language.modifiers.items():
        for phrase in group.phrases:
            stops_at = frozenset(("clause", *group.stops_at))
            trie.add(phrase, Modifier(key, group.category, group.place, stops_at, group.reach, phrase, group.evidence))
    for name, phrases in language.boundaries.items():
        for phrase in phrases:
            trie.add(phrase, Boundary(name))
    for kind, phrases in (
        ("or", language.or_words),
        ("and", language.and_words),
        ("predicate", language.predicates),
        ("opener", language.openers),
        ("adjective", language.adjectives),
        ("presupposing", language.presupposing),
    ):
        for phrase in phrases:
            trie.add(phrase, Mark(kind))  # type: ignore[arg-type]


def _add_findings(trie: Trie, region: Region, lexicon: RegionLexicon, *, code: str) -> None:
    for name, finding in region.findings.items():
        if name == region.schema.no_finding:
            continue
        words = lexicon.findings.get(name)
        titles = (finding.title[code],) if code in finding.title else ()
        mentions = (*titles, *finding.synonyms.get(code, ()), *(words.mentions if words else ()))
        for phrase in dict.fromkeys(mentions):
            trie.add(phrase, Mention(name, True, LabelState.POSITIVE, phrase), inflect=True)
        for phrase in words.denied_by if words else ():
            trie.add(phrase, Mention(name, True, LabelState.NEGATIVE, phrase, "denied_by"), inflect=True)
        for phrase in words.uncertain_by if words else ():
            trie.add(phrase, Mention(name, True, LabelState.UNCERTAIN, phrase, "uncertain_by"), inflect=True)
        for phrase in words.not_by if words else ():
            trie.add(phrase, LookAlike(name), inflect=True)
    for phrase in lexicon.abnormal:
        trie.add(phrase, Mention(ABNORMAL, True, LabelState.POSITIVE, phrase, "abnormal"), inflect=True)
