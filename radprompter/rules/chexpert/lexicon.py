"""What `compat: chexpert` looks for: letters for each finding, and which modifiers are heard in which order.

The words are in ``templates/chest/lexicon.chexpert.yaml``, each with an example sentence, which is its test.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Literal, NamedTuple

from pydantic import Field

from radprompter.errors import TemplateError
from radprompter.region import Region
from radprompter.rules.lexicon import Headings, Language, ModifierGroup, Phrases
from radprompter.rules.vocabulary import ABNORMAL, Vocabulary, compile_language
from radprompter.typed_yaml import Section, read_yaml, validate

FILE = "lexicon.chexpert.yaml"
LANGUAGE = "en"

Rank = Literal["first", "denial", "last"]

_RANKS: Mapping[str, Rank] = {"negated": "denial", "resolved": "denial", "uncertain": "last"}
_KEY = 3  # letters by which a phrase is looked up
_PHRASE = re.compile(r"(?:\(([^)]*)\))?([^()]*)(?:\(([^)]*)\))?")


class ChexpertFinding(Section):
    """Letters that stand for a finding, wherever a sentence has them."""

    mentions: Phrases
    structures: Phrases = Field(
        default_factory=dict, description="organs that count as the finding, unless they are called normal"
    )
    not_by: Phrases = Field(
        default_factory=dict, alias="not", description="a mention that overlaps one of these is none"
    )


class ChexpertGroup(ModifierGroup):
    """Modifiers that are heard besides those of the language."""

    rank: Literal["first", "last"] = Field("last", description="whether a hedge is heard before denials, or after")
    only_structures: bool = Field(False, description="whether it says something of structures alone, such as `normal`")


class ChexpertLexicon(Section):
    """``lexicon.chexpert.yaml``."""

    findings: dict[str, ChexpertFinding]
    heart_failure: tuple[str, ...] = Field(description="mentions that also make cardiomegaly uncertain")
    blockers: Phrases = Field(description="what is no finding of its own, but forbids `no finding` unless denied")
    modifiers: dict[str, ChexpertGroup]

    @property
    def ranks(self) -> dict[str, Rank]:
        """Group of the file -> when it is heard."""
        return {
            name: "first" if group.rank == "first" else _RANKS[group.category] for name, group in self.modifiers.items()
        }


def load_chexpert_lexicon(region: Region) -> ChexpertLexicon:
    """The words for all findings of a region.

    Raises
    ------
    TemplateError
        If the region has other findings than those of CheXpert.
    RecipeError
        If the file is wrong.
    """
    path = region.file(FILE)
    lexicon = validate(ChexpertLexicon, read_yaml(path)) if path else None
    known = {*lexicon.findings, region.schema.no_finding} if lexicon else set()
    others = [name for name in region.findings if name not in known]
    if lexicon is None or others:
        raise TemplateError(
            f"compat chexpert knows the 14 findings of CheXpert alone, and region {region.name!r} has "
            f"{', '.join(others) if lexicon else 'other findings'}; use region `chest`, or take compat away"
        )
    return lexicon


class Letters(NamedTuple):
    """A phrase in a sentence: the finding that it stands for, and the characters that it fills."""

    name: str
    phrase: str
    start: int
    end: int
    is_structure: bool


class _Sought(NamedTuple):
    """A phrase to look for; of its `letters`, those from `start` to `end` are what is found."""

    letters: str
    name: str
    phrase: str
    start: int
    end: int
    kind: Literal["mention", "structure", "not"]


class Substrings:
    """Finds phrases wherever their letters stand, also within words, in time linear in the length of the text.

    What a phrase has in parentheses must stand there, and is no part of what is found: ``(normal )heart``.
    """

    def __init__(self, lexicon: ChexpertLexicon) -> None:
        self._by_key: dict[str, list[_Sought]] = {}
        for name, finding in lexicon.findings.items():
            self._add(name, finding.mentions, "mention")
            self._add(name, finding.structures, "structure")
            self._add(name, finding.not_by, "not")
        self._add(ABNORMAL, lexicon.blockers, "mention")

    def _add(self, name: str, phrases: Iterable[str], kind: Literal["mention", "structure", "not"]) -> None:
        for phrase in phrases:
            before, core, after = _PHRASE.fullmatch(phrase).groups("")  # type: ignore[union-attr]  # any text matches
            letters = before + core + after
            sought = _Sought(letters, name, phrase, len(before), len(before) + len(core), kind)
            self._by_key.setdefault(letters[:_KEY], []).append(sought)

    def find(self, sentence: str) -> list[Letters]:
        """The mentions of a cleaned sentence, by start; of those of one finding that overlap, the first and longest."""
        found: list[tuple[int, int, _Sought]] = []
        look_alikes: dict[str, list[tuple[int, int]]] = {}
        for at in range(len(sentence) - _KEY + 1):
            for sought in self._by_key.get(sentence[at : at + _KEY], ()):
                if not sentence.startswith(sought.letters, at):
                    continue
                if sought.kind == "not":
                    look_alikes.setdefault(sought.name, []).append((at, at + len(sought.letters)))
                else:
                    found.append((at + sought.start, at + sought.end, sought))
        found.sort(key=lambda item: (item[0], -item[1]))
        ends: dict[str, int] = {}
        mentions = []
        for start, end, sought in found:
            alike = look_alikes.get(sought.name, ())
            if start < ends.get(sought.name, 0) or any(first < end and start < last for first, last in alike):
                continue
            ends[sought.name] = end
            mentions.append(Letters(sought.name, sought.phrase, start, end, sought.kind == "structure"))
        return mentions


def compile_chexpert(lexicon: ChexpertLexicon, language: Language) -> tuple[Vocabulary, dict[str, Rank]]:
    """The modifiers that are heard, and group -> when; no heading is obeyed, and no history or condition is heard."""
    heard = {name: group for name, group in language.modifiers.items() if group.category in (*_RANKS, "pseudo")}
    ranks = {name: _RANKS[group.category] for name, group in heard.items() if group.category != "pseudo"}
    plain = {"terms": {}, "starters": {}, "headings": Headings(), "modifiers": {**heard, **lexicon.modifiers}}
    return compile_language(language.model_copy(update=plain)), {**ranks, **lexicon.ranks}
