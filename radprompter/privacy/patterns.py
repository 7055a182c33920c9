"""Patterns of identifiers as data: one file per language, and one for what looks alike in all of them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import NamedTuple

from pydantic import Field

from radprompter.recipe import IdentifierKind
from radprompter.typed_yaml import Section, read_yaml, validate

FOLDER = Path(__file__).parent / "patterns"
SHARED = "any"
_WORD = re.compile(r"\{([a-z_]+)\}")


class WrittenPattern(Section):
    """One way in which an identifier is written."""

    kind: IdentifierKind
    before: str = Field("", description="a cue that must stand before it, and stays in the text")
    what: str = Field(description="the identifier itself")
    ignore_case: bool = False


class PatternFile(Section):
    """A pattern file: regular expressions, with named parts that they share."""

    words: dict[str, str] = Field(default_factory=dict, description="name -> what `{name}` stands for")
    patterns: tuple[WrittenPattern, ...]


class Pattern(NamedTuple):
    """A compiled pattern; its group ``what`` is the identifier."""

    kind: IdentifierKind
    expression: re.Pattern[str]


@cache
def load_patterns() -> tuple[Pattern, ...]:
    """The patterns of every language, each with the shared ones.

    A text is held against all of them, whatever language its report is said to be in: a wrong word in a recipe must
    not let a name through. For the same reason what is no name in one language, as *dent* in Dr. med. dent., may be
    one in another.
    """
    shared, *languages = (_read(name) for name in (SHARED, *_languages()))
    compiled = (
        _compile(written, {**shared.words, **language.words})
        for language in languages
        for written in (*language.patterns, *shared.patterns)
    )
    return tuple(dict.fromkeys(compiled))


def _languages() -> tuple[str, ...]:
    return tuple(sorted(path.stem for path in FOLDER.glob("*.yaml") if path.stem != SHARED))


def _read(name: str) -> PatternFile:
    return validate(PatternFile, read_yaml(FOLDER / f"{name}.yaml"))


def _compile(written: WrittenPattern, words: Mapping[str, str]) -> Pattern:
    text = f"(?:{written.before})(?P<what>{written.what})"
    while _WORD.search(text):
        text = _WORD.sub(lambda match: _joined(words[match[1]]), text)
    return Pattern(written.kind, re.compile(text, re.IGNORECASE if written.ignore_case else 0))


def _joined(word: str) -> str:
    """A word as one line: files break long lists before a bar."""
    return re.sub(r"\s+\|", "|", word)
