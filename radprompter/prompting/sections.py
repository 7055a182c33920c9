"""Which part of a report is read: the whole, its findings or its impression, as a recorded choice.

Reports come divided (a column a section) or as one free text. `split_sections` finds the headings of free text, in
English and German; nothing is lost: every character belongs to exactly one part.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Protocol, get_args

from radprompter.errors import TemplateError
from radprompter.recipe import SectionChoice
from radprompter.records import Report

CHOICES: tuple[SectionChoice, ...] = get_args(SectionChoice)

UNDIVIDED = "report"
BOTH = "findings_impression"  # one section that is findings and impression at once

HEADINGS: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "en": {
        "examination": ("examination", "exam", "study", "procedure"),
        "indication": (
            "indication", "indications", "clinical indication", "history", "clinical history", "clinical information",
            "reason for exam", "reason for examination", "reason for study",
        ),
        "technique": ("technique", "views"),
        "comparison": ("comparison", "comparisons", "comparison study", "prior studies"),
        "findings": ("findings", "finding", "report"),
        "impression": ("impression", "impressions", "conclusion", "conclusions", "opinion", "summary"),
        BOTH: ("findings and impression", "findings/impression", "impression and findings"),
    },
    "de": {
        "examination": ("untersuchung", "untersuchungsart"),
        "indication": (
            "indikation", "klinische angaben", "klinik", "fragestellung", "klinische fragestellung", "anamnese",
            "klinische information", "rechtfertigende indikation",
        ),
        "technique": ("technik", "methode", "untersuchungstechnik", "ebenen"),
        "comparison": ("voraufnahmen", "voraufnahme", "voruntersuchung", "voruntersuchungen", "vergleich"),
        "findings": ("befund", "befunde"),
        "impression": ("beurteilung", "zusammenfassung", "zusammenfassende beurteilung", "bewertung", "fazit"),
        BOTH: ("befund und beurteilung", "befund/beurteilung"),
    },
}  # fmt: skip
"""Language -> section -> headings; the first is the one that prompts write."""

_SECTION = {heading: name for names in HEADINGS.values() for name, all_ in names.items() for heading in all_}
_WORDS = "|".join(
    re.escape(heading).replace(r"\ ", r"[ \t]+").replace("/", r"[ \t]*/[ \t]*")
    for heading in sorted(_SECTION, key=len, reverse=True)
)
_HEADING = re.compile(
    # alone on its line, or at its beginning and closed by a colon; markdown marks around it are allowed
    rf"(?:^[ \t]*[#*_]{{0,4}}[ \t]*(?P<line>{_WORDS})[ \t]*[*_]{{0,3}}[ \t]*(?::[ \t]*[*_]{{0,3}}|$)"
    # in running text: capitalised, after the end of a sentence, closed by a colon
    rf"|(?<=[.;!?])[ \t]+(?=[A-ZÄÖÜ])(?P<inline>{_WORDS})[ \t]*:)",
    re.IGNORECASE | re.MULTILINE,
)


class Screen(Protocol):
    """Looks over what is chosen of a report before it is read, and may change its words."""

    @property
    def name(self) -> str:
        """All that changes the words; empty if nothing does."""
        ...

    def __call__(self, report: Report) -> Report:
        """The report as it is to be read."""
        ...


@dataclass(frozen=True, slots=True)
class Part:
    """A stretch of a free text: ``text[start:end]`` is its words, ``text[heading:start]`` its heading."""

    name: str
    heading: int
    start: int
    end: int


def split_sections(text: str) -> tuple[Part, ...]:
    """The parts of a free text, in order; one part named ``report`` where no heading is found.

    Words before the first heading are a part named ``report``, too. A heading may come twice.
    """
    found = [match for match in _HEADING.finditer(text) if _is_heading(match)]
    if not found:
        return (Part(UNDIVIDED, 0, 0, len(text)),)
    ends = [*(match.start() for match in found[1:]), len(text)]
    parts = [Part(_name(match), match.start(), match.end(), end) for match, end in zip(found, ends, strict=True)]
    return (Part(UNDIVIDED, 0, 0, found[0].start()), *parts) if found[0].start() else tuple(parts)


def choose_sections(report: Report, choice: SectionChoice) -> Report:
    """The report with the chosen sections only.

    ``whole`` leaves it as it is. Otherwise free text is split by its headings first, and a section that is findings and
    impression at once counts as either. A report without the chosen section has no text afterwards: it is skipped, not
    read in another way than the recipe says.

    Raises
    ------
    TemplateError
        If the choice is unknown.
    """
    if choice == "whole":
        return report
    if choice not in CHOICES:
        raise TemplateError(f"unknown sections {choice!r}{suggest(choice, CHOICES)}")
    parts = [part for name, words in report.sections.items() for part in _divide(name, words)]
    chosen = [words for name, words in parts if name in (choice, BOTH)]
    return replace(report, sections={choice: "\n".join(chosen)} if chosen else {})


def left_out(report: Report, choice: SectionChoice) -> dict[str, str]:
    """The parts of a report that `choose_sections` does not choose, by name; those with one name joined."""
    rest: dict[str, str] = {}
    if choice == "whole":
        return rest
    for section, words in report.sections.items():
        for name, part in _divide(section, words):
            if name not in (choice, BOTH) and part.strip():
                rest[name] = f"{rest[name]}\n{part}" if name in rest else part
    return rest


def section_title(name: str, language: str) -> str:
    """The heading that a prompt writes over a section; empty over undivided text."""
    if name == UNDIVIDED:
        return ""
    known = HEADINGS.get(language, {}).get(name)
    return (known[0] if known else name.replace("_", " ")).upper()


def suggest(found: str, known: Iterable[str]) -> str:
    """The end of a message about an unknown name: the probable one, or all that are known."""
    names = tuple(known)
    close = difflib.get_close_matches(found, names, n=1, cutoff=0.6)
    return f"; did you mean {close[0]!r}?" if close else f"; known: {', '.join(names) or 'none'}"


def _divide(name: str, words: str) -> list[tuple[str, str]]:
    if name in HEADINGS["en"]:
        return [(name, words)]
    return [(part.name, words[part.start : part.end].strip()) for part in split_sections(words)]


def _is_heading(match: re.Match[str]) -> bool:
    inline = match.group("inline")
    return inline is None or inline[0].isupper()


def _name(match: re.Match[str]) -> str:
    words = match.group("line") or match.group("inline")
    return _SECTION[re.sub(r"\s*/\s*", "/", re.sub(r"[ \t]+", " ", words)).lower()]
