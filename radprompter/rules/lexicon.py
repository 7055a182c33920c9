"""Lexicons: what the rule labeler knows, as data. One file per language here, and at most one per region and language.

The language file says how findings are negated, hedged and told apart from history. A region needs no lexicon: the
synonyms of its ``region.yaml`` are enough; ``templates/<region>/lexicon.<language>.yaml`` adds what they cannot say.
Every phrase stands with an example sentence, which is its test: see `radprompter.rules.examples`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from radprompter.errors import TemplateError
from radprompter.labels import LabelState
from radprompter.region import Region
from radprompter.typed_yaml import Section, read_yaml, validate

Category = Literal["negated", "resolved", "uncertain", "affirmed", "historical", "hypothetical", "family", "pseudo"]
Place = Literal["before", "after", "around"]
Outcome = Literal[LabelState.POSITIVE, LabelState.NEGATIVE, LabelState.UNCERTAIN]


def _with_examples(phrases: object) -> object:
    bare = phrases if isinstance(phrases, list) else ()
    if isinstance(phrases, dict):
        bare = [phrase for phrase, example in phrases.items() if not example]
    if bare:
        raise ValueError(f"{bare[0]!r} needs an example sentence, which is its test: `{bare[0]}: A sentence with it.`")
    return phrases


Phrases = Annotated[dict[str, str], BeforeValidator(_with_examples)]
"""Phrase -> an example sentence in which it does its work."""

FOLDER = Path(__file__).parent / "lexicon"


class ModifierGroup(Section):
    """Phrases that change what is said of the findings around them."""

    category: Category
    place: Place = Field("before", description="where the phrase stands: `before` the finding, `after` it, or either")
    stops_at: tuple[str, ...] = Field((), description="boundaries that end its reach, besides `clause`")
    reach: int = Field(60, ge=1, description="how many words away a finding may be")
    evidence: bool = Field(
        False,
        description="whether they name evidence, which a denial may deny from afar: `no direct or other sign`",
    )
    phrases: Phrases


class Headings(Section):
    """Headings inside free text."""

    read: tuple[str, ...] = Field((), description="what stands below these is read")
    addendum: tuple[str, ...] = Field((), description="what stands below these was added later, and corrects the rest")
    skip: tuple[str, ...] = Field(
        (), description="what stands below these is left out: indication, comparison, technique"
    )


class Language(Section):
    """A language file."""

    modifiers: dict[str, ModifierGroup]
    boundaries: dict[str, Phrases] = Field(description="what ends the reach of modifiers; `clause` ends that of all")
    or_words: Phrases = Field(description="join alternatives: `A or B` is uncertain where both are else unmodified")
    probable_words: Phrases = Field(
        default_factory=dict, description="words of a hedge that holds the finding for more likely than not"
    )
    possible_words: Phrases = Field(default_factory=dict, description="words that weaken such a hedge: `less likely`")
    and_words: Phrases = Field(default_factory=dict)
    predicates: Phrases = Field(default_factory=dict, description="words that make a statement out of a subject")
    openers: Phrases = Field(default_factory=dict, description="words that begin a new statement after a comma")
    adjectives: Phrases = Field(
        default_factory=dict, description="words that begin a new statement after a comma, unless `or` follows"
    )
    presupposing: Phrases = Field(
        default_factory=dict,
        description="what joins a finding to one that is there all the same: `no displacement of the fracture`",
    )
    terms: dict[str, Phrases] = Field(default_factory=dict, description="word groups for `combine`")
    abbreviations: Phrases = Field(default_factory=dict)
    starters: Phrases = Field(default_factory=dict)
    before_ordinals: Phrases = Field(default_factory=dict)
    after_ordinals: Phrases = Field(default_factory=dict)
    headings: Headings = Headings()
    endings: tuple[str, ...] = Field(("",), description="what may follow the words of a synonym")
    compound_length: int | None = Field(
        None, description="a synonym of at least so many letters also matches compounds that end in it"
    )
    compound_not_after: tuple[str, ...] = Field(
        (),
        description="what makes another word of a compound, as in `Subluxation` or `Pseudarthrose`",
    )
    compound_tails: Phrases = Field(
        default_factory=dict,
        description="last parts of compounds that say nothing of the first: `Ergusszeichen`; `word*` may be longer",
    )


class FindingWords(Section):
    """What a lexicon says of one finding, beyond its synonyms."""

    mentions: Phrases = Field(default_factory=dict, description="more words for it")
    denied_by: Phrases = Field(default_factory=dict, description="statements that deny it by themselves")
    uncertain_by: Phrases = Field(default_factory=dict, description="statements that make it uncertain by themselves")
    not_by: Phrases = Field(
        default_factory=dict, alias="not", description="look-alikes: a mention inside one of these is none"
    )


class Combination(Section):
    """A finding that is said with two things in one clause: a fracture and a place, a heart and `enlarged`."""

    finding: str
    of: tuple[str, ...] = Field(description="findings or terms that carry the state, such as `fracture` or `enlarged`")
    at: tuple[str, ...] = Field(description="terms that must stand in the same clause, such as `radial_head`")
    state: Outcome = Field(LabelState.POSITIVE, description="what the combination says where `of` is affirmed")
    reach: int = Field(8, ge=1, description="how many words may be between the two")
    example: str = Field(min_length=1, description="a sentence that says it, which is its test")
    instead: bool = Field(False, description="whether `of` then says nothing of its own finding")


class RegionLexicon(Section):
    """A region's lexicon in one language."""

    terms: dict[str, Phrases] = Field(default_factory=dict)
    findings: dict[str, FindingWords] = Field(default_factory=dict)
    combine: tuple[Combination, ...] = ()
    attributes: tuple[str, ...] = Field(
        (), description="findings that qualify another: `no displaced fracture` denies the displacement alone"
    )
    abnormal: Phrases = Field(
        default_factory=dict, description="what is no finding of the region, but forbids `no finding`"
    )


def load_language(language: str) -> Language | None:
    """The language file, or ``None`` for a language that the rules do not know."""
    path = FOLDER / f"{language}.yaml"
    return validate(Language, read_yaml(path)) if language.isalpha() and path.is_file() else None


def load_region_lexicon(region: Region, language: str) -> RegionLexicon:
    """The region's lexicon in a language: its own, joined with those of the regions that it extends.

    Raises
    ------
    RecipeError
        If a lexicon file is wrong.
    TemplateError
        If the region's own lexicon names a finding that the region lacks.
    """
    joined = load_own_lexicon(region, language)
    for folder in region.folders[1:]:
        joined = _joined(joined, _read_lexicon(folder, language), known=set(region.findings))
    return joined


def load_own_lexicon(region: Region, language: str) -> RegionLexicon:
    """The lexicon in the region's own folder, without those of the regions that it extends; it may be empty.

    Raises
    ------
    RecipeError
        If the file is wrong.
    TemplateError
        If it names a finding that the region lacks.
    """
    lexicon = _read_lexicon(region.folders[0], language)
    named = {*lexicon.findings, *lexicon.attributes, *(rule.finding for rule in lexicon.combine)}
    if unknown := sorted(named - set(region.findings)):
        path = region.folders[0] / f"lexicon.{language}.yaml"
        raise TemplateError(f"{path}: names findings that region {region.name!r} lacks: {', '.join(unknown)}")
    return lexicon


def _read_lexicon(folder: Path, language: str) -> RegionLexicon:
    path = folder / f"lexicon.{language}.yaml"
    return validate(RegionLexicon, read_yaml(path)) if path.is_file() else RegionLexicon()


def _joined(own: RegionLexicon, inherited: RegionLexicon, *, known: set[str]) -> RegionLexicon:
    findings = {name: words for name, words in inherited.findings.items() if name in known}
    return RegionLexicon(
        terms={**inherited.terms, **own.terms},
        findings={**findings, **own.findings},
        combine=(*own.combine, *(rule for rule in inherited.combine if rule.finding in known)),
        attributes=tuple(dict.fromkeys((*own.attributes, *(name for name in inherited.attributes if name in known)))),
        abnormal={**inherited.abnormal, **own.abnormal},
    )
