"""What templates see: plain texts in one language, and the report's words quoted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from radprompter.attributes import MAX_CHARACTERS, MAX_ITEMS
from radprompter.prompting.quoting import quote
from radprompter.prompting.sections import section_title
from radprompter.records import Report
from radprompter.region import LANGUAGES, Region

VARIABLES: Mapping[str, str] = {
    "region": "name, title and schema of the region",
    "findings": "list of findings: name, title, definition, values, restricted, implies, typed, evidence, attributes, "
    "conditions, otherwise",
    "names": "names of the findings",
    "spelling": "state -> how an answer writes it, for the states that the region allows",
    "language": "language of the prompt",
    "persona": "who the model is told to be, as text",
    "examples": "list of examples: report (as below), why, answer; empty where none are shown",
    "report": "sections (name, title, text), text and language of the report; in user messages only",
    "finding": "the finding that is asked about, where that is one; in user messages only",
    "implied_by": "titles of the findings that imply it",
    "others": "titles of all other findings, where it is the one that says that there is none of them",
    "example_values": "its value in each of the examples",
    "letters": "letter -> how an answer writes the state that it stands for",
    "faults": "what is wrong with an answer: list of key, fault (missing, invalid, unreadable), values; in `ask_again`",
    "claim": "the words that an answer quoted for a positive finding, or nothing; in `verification`",
}
"""Name of a variable -> what a template finds in it."""


@dataclass(frozen=True, slots=True)
class AttributeView:
    """An attribute of a finding in one language."""

    name: str
    title: str
    description: str
    kind: str  # what one value is: choice, number or text
    several: bool  # whether it is a list of such values
    values: Mapping[str, str]  # allowed value -> its words
    units: tuple[str, ...]
    when: tuple[str, ...]  # spellings of the states in which it is asked; empty where that is all
    max_characters: int = MAX_CHARACTERS
    max_items: int = MAX_ITEMS


@dataclass(frozen=True, slots=True)
class ConditionView:
    """Another finding, and the spellings of which it must have one."""

    name: str
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class FindingView:
    """A finding in one language."""

    name: str
    title: str
    definition: str
    values: tuple[str, ...]  # allowed spellings
    restricted: bool  # whether it allows fewer values than the region
    implies: tuple[str, ...]
    typed: bool  # whether its answer is an object
    evidence: bool  # whether a quote is asked
    attributes: tuple[AttributeView, ...]
    conditions: tuple[ConditionView, ...]  # all must hold
    otherwise: str  # its value where they do not
    max_characters: int = MAX_CHARACTERS


@dataclass(frozen=True, slots=True)
class RegionView:
    """A region in one language."""

    name: str
    title: str
    schema: str


@dataclass(frozen=True, slots=True)
class SectionView:
    """A section of a report; `title` is empty over undivided text."""

    name: str
    title: str
    text: str


@dataclass(frozen=True, slots=True)
class ReportView:
    """A report: the sections that have words."""

    sections: tuple[SectionView, ...]
    language: str

    @property
    def text(self) -> str:
        """The words of all sections, divided by an empty line."""
        return "\n\n".join(section.text for section in self.sections)


def view_region(region: Region, language: str) -> dict[str, Any]:
    """What templates see of a region, whatever the report."""
    return {
        "region": RegionView(region.name, region.title[language], region.schema.name),
        "findings": tuple(_finding(region, name, language) for name in region.schema.names),
        "names": region.schema.names,
        "spelling": {str(state): word for state, word in region.spelling.items()},
        "language": language,
    }


def view_question(region: Region, name: str, language: str) -> dict[str, Any]:
    """What templates see of one finding that is asked about: nothing that the wording of another can change.

    Titles are the exception: those of findings that imply it, or that ``no_finding`` excludes.
    """
    titles = {other: finding.title[language] for other, finding in region.findings.items() if other != name}
    return {
        "finding": _finding(region, name, language),
        "implied_by": tuple(title for other, title in titles.items() if name in region.findings[other].implies),
        "others": tuple(titles.values()) if name == region.schema.no_finding else (),
        "letters": {letter: region.spelling[state] for letter, state in region.letters(name).items()},
    }


def view_report(report: Report, language: str) -> ReportView:
    """The report with its words quoted and its headings in the language of the prompt."""
    sections = (
        SectionView(quote(name), quote(section_title(name, language)), quote(words))
        for name, words in report.sections.items()
        if words.strip()
    )
    return ReportView(tuple(sections), report.language)


def languages(region: Region) -> tuple[str, ...]:
    """Languages in which a prompt for the region can be written: those of all of its titles and definitions."""
    return tuple(language for language in LANGUAGES if not untranslated(region, language))


def untranslated(region: Region, language: str) -> list[str]:
    """Places of a region's texts that lack a language, such as ``findings.effusion.title``."""
    texts: dict[str, Mapping[str, str]] = {"title": region.title}
    for name, finding in region.findings.items():
        texts |= {f"findings.{name}.title": finding.title, f"findings.{name}.definition": finding.definition}
        for key, attribute in finding.attributes.items():
            texts[f"findings.{name}.attributes.{key}.title"] = attribute.titles
    return [place for place, text in texts.items() if not text.get(language, "").strip()]


def _finding(region: Region, name: str, language: str) -> FindingView:
    finding, allowed = region.findings[name], region.allowed(name)
    return FindingView(
        name=name,
        title=finding.title[language],
        definition=" ".join(finding.definition[language].split()),
        values=tuple(region.spelling[state] for state in allowed),
        restricted=len(allowed) < len(region.states),
        implies=finding.implies,
        typed=finding.is_typed,
        evidence=bool(finding.evidence),
        attributes=tuple(_attribute(region, name, key, language) for key in finding.attributes),
        conditions=tuple(
            ConditionView(parent, tuple(region.spelling[state] for state in states if state in region.spelling))
            for parent, states in finding.depends_on.items()
        ),
        otherwise=region.spelling.get(finding.otherwise, ""),
    )


def _attribute(region: Region, name: str, key: str, language: str) -> AttributeView:
    attribute, allowed = region.findings[name].attributes[key], region.allowed(name)
    everywhere = set(allowed) <= set(attribute.when)
    return AttributeView(
        name=key,
        title=attribute.titles[language],
        description=" ".join(attribute.description.get(language, "").split()),
        kind=attribute.item_kind,
        several=attribute.kind == "list",
        values={value: texts.get(language, value) for value, texts in attribute.choices.items()},
        units=attribute.units,
        when=() if everywhere else tuple(region.spelling[state] for state in allowed if state in attribute.when),
    )
