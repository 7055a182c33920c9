"""A region's words and a language's modifiers, compiled into one trie: what a word in a report may mean."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple

from radprompter.labels import LabelState
from radprompter.region import Region
from radprompter.rules.lexicon import Category, Combination, Language, Place, RegionLexicon
from radprompter.rules.phrases import Inflection, Trie
from radprompter.rules.sentences import Splitter

ABNORMAL = "abnormal"
"""Name under which the phrases of `abnormal` are found, as if it were a finding."""


class Mention(NamedTuple):
    """A phrase that names a finding or a term."""

    name: str
    is_finding: bool
    outcome: LabelState  # what the phrase says where nothing modifies it
    rule: str


class LookAlike(NamedTuple):
    """A phrase in which a mention of a finding is none."""

    name: str


@dataclass(frozen=True, slots=True)
class Modifier:
    """A phrase that changes what is said of the findings around it."""

    rule: str
    category: Category
    place: Place
    stops_at: frozenset[str]
    reach: int


class Boundary(NamedTuple):
    """A phrase that ends the reach of modifiers."""

    name: str


class Mark(NamedTuple):
    """A word that shapes a sentence."""

    kind: Literal["or", "and", "predicate", "opener", "adjective"]


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """All that the engine looks for, in one language."""

    trie: Trie
    splitter: Splitter
    combinations: dict[str, tuple[Combination, ...]]  # by the name that carries the state
    places: frozenset[str]  # terms that some combination looks for
    attributes: frozenset[str]
    implied: dict[str, frozenset[str]]  # finding -> every more general finding


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
    trie = Trie(Inflection(language.endings, language.compound_length, language.compound_not_after))
    _add_findings(trie, region, lexicon, code=code)
    terms = {**language.terms, **lexicon.terms}
    used = {name for rule in lexicon.combine for name in (*rule.of, *rule.at)}
    for name in sorted(used & set(terms)):
        for phrase in terms[name]:
            trie.add(phrase, Mention(name, False, LabelState.POSITIVE, name), inflect=True)
    for key, group in language.modifiers.items():
        for phrase in group.phrases:
            stops_at = frozenset(("clause", *group.stops_at))
            trie.add(phrase, Modifier(key, group.category, group.place, stops_at, group.reach))
    for name, phrases in language.boundaries.items():
        for phrase in phrases:
            trie.add(phrase, Boundary(name))
    for kind, phrases in (
        ("or", language.or_words),
        ("and", language.and_words),
        ("predicate", language.predicates),
        ("opener", language.openers),
        ("adjective", language.adjectives),
    ):
        for phrase in phrases:
            trie.add(phrase, Mark(kind))  # type: ignore[arg-type]
    combinations: dict[str, tuple[Combination, ...]] = {}
    for rule in lexicon.combine:
        for name in rule.of:
            combinations[name] = (*combinations.get(name, ()), rule)
    headings = {**dict.fromkeys(language.headings.read, True), **dict.fromkeys(language.headings.skip, False)}
    return Vocabulary(
        trie,
        Splitter(language.abbreviations, language.starters, headings, language.before_ordinals),
        combinations,
        frozenset(name for rule in lexicon.combine for name in rule.at),
        frozenset(lexicon.attributes),
        implied_findings(region),
    )


def _add_findings(trie: Trie, region: Region, lexicon: RegionLexicon, *, code: str) -> None:
    for name, finding in region.findings.items():
        if name == region.schema.no_finding:
            continue
        words = lexicon.findings.get(name)
        titles = (finding.title[code],) if code in finding.title else ()
        mentions = (*titles, *finding.synonyms.get(code, ()), *(words.mentions if words else ()))
        for phrase in dict.fromkeys(mentions):
            trie.add(phrase, Mention(name, True, LabelState.POSITIVE, f"mention:{phrase}"), inflect=True)
        for phrase in words.denied_by if words else ():
            trie.add(phrase, Mention(name, True, LabelState.NEGATIVE, f"denied_by:{phrase}"), inflect=True)
        for phrase in words.uncertain_by if words else ():
            trie.add(phrase, Mention(name, True, LabelState.UNCERTAIN, f"uncertain_by:{phrase}"), inflect=True)
        for phrase in words.not_by if words else ():
            trie.add(phrase, LookAlike(name), inflect=True)
    for phrase in lexicon.abnormal:
        trie.add(phrase, Mention(ABNORMAL, True, LabelState.POSITIVE, f"abnormal:{phrase}"), inflect=True)
