"""What a region of the phantom can have, and the words for it: the typed form of the files in ``phrases/``.

``<region>.yaml`` says which findings there are, how often, and which follow from which; ``<region>.en.yaml`` and
``<region>.de.yaml`` say how radiologists write them.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field

from radprompter.typed_yaml import Section, read_yaml, validate

PHRASES = Path(__file__).parent / "phrases"
SITES = ("alpha", "beta")
Texts = tuple[str, ...]


class Finding(Section):
    """How often a finding is there and how it is reported."""

    prevalence: tuple[float, float] = Field((0.0, 0.0), description="chance in a first study at alpha, at beta")
    given: dict[str, float] = Field(default_factory=dict, description="chance instead, if that other finding is there")
    needs: Texts = Field((), description="only if one of these is there; the prevalence is then conditional")
    unless: Texts = Field((), description="not if one of these is there")
    implies: Texts = Field((), description="more general findings that are there by definition")
    denies: Texts = Field((), description="findings that a denial of this one denies as well")
    undenied: Texts = Field((), description="not denied beside these: nobody calls consolidated lungs clear")
    visible: bool = Field(False, description="whether the images show it")
    persists: float = Field(0.9, description="chance that it is still there in the patient's next study")
    denied: float = Field(0.04, description="chance that a report denies it when it is not there")
    hedged: float = Field(0.07, description="chance that a report hedges it when it is there")
    suspected: float = Field(0.01, description="chance that a report suspects it when it is not there")
    part: Literal["bone", "joint", "soft", "lung", "heart"] = "bone"


class Anatomy(Section):
    """A region: its views, its findings in the order of the schema."""

    title: dict[str, str]
    body_part: str = Field(description="DICOM Body Part Examined")
    views: dict[str, str] = Field(description="view -> DICOM View Position")
    sided: bool = Field(True, description="whether there is a left and a right one")
    no_finding: str | None = Field(None, description="the finding that says that there is none")
    harmless: Texts = Field((), description="findings beside which there can still be `no_finding`")
    findings: dict[str, Finding]


class Words(Section):
    """How one finding is written in one language.

    Nouns carry their indefinite article (``a joint effusion``, ``ein Gelenkerguss|eines Gelenkergusses``; the German
    genitive stands after the bar where it does not follow from the nominative).
    """

    nouns: Texts = Field((), description="put into the shared sentence patterns; {adj} takes the adjectives")
    denied: Texts | None = Field(None, description="nouns for enumerations of what is absent; `nouns` if null")
    positive: Texts = ()
    uncertain: Texts = ()
    negative: Texts = ()
    resolved: Texts = ()
    adjectives: Texts = Field((), description="said of the fracture instead of in a sentence of its own")
    negative_adjectives: Texts = ()


class Language(Section):
    """All words of a region in one language."""

    indication: Texts
    comparison: Texts
    follow_up: Texts = Field(description="comparison of a study that is not the patient's first")
    neutral: Texts = Field(description="sentences that say nothing about any finding")
    normal: Texts = Field(description="impressions without any finding")
    quirks: tuple[tuple[str, dict[str, str]], ...] = Field(
        (), description="sentences on several findings at once, written where they fit: text, finding -> state"
    )
    findings: dict[str, Words]


class Patterns(Section):
    """Sentence patterns of a language, shared by all regions; prose as alpha writes, terse as beta does."""

    positive: dict[str, Texts]
    uncertain: dict[str, Texts]
    negative: dict[str, Texts]
    follow_on: Texts = Field(description="sentences after the fractures, such as that there are no others")
    headings: dict[str, str]
    history: str = Field(description="how an indication is repeated inside the findings")


def load_anatomy(region: str) -> Anatomy:
    """The findings of a region."""
    return validate(Anatomy, read_yaml(PHRASES / f"{region}.yaml"))


def load_language(region: str, language: str) -> Language:
    """The words of a region."""
    return validate(Language, read_yaml(PHRASES / f"{region}.{language}.yaml"))


def load_patterns(language: str) -> Patterns:
    """The sentence patterns of a language."""
    return validate(Patterns, read_yaml(PHRASES / f"patterns.{language}.yaml"))


def closure(anatomy: Anatomy, names: tuple[str, ...]) -> tuple[str, ...]:
    """The findings and all more general ones that they imply, in schema order."""
    reached = list(names)
    for name in reached:
        reached.extend(other for other in anatomy.findings[name].implies if other not in reached)
    return tuple(name for name in anatomy.findings if name in reached)
