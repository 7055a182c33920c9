"""What is asked about a finding besides its state: kinds of attributes, their allowed values, units and limits.

A kind says what a value is: one of some values (``choice``, ``severity``, ``laterality``, ``location`` with values), a
``number`` with its unit, or ``text``; a ``list`` holds several of one of these.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, WithJsonSchema, field_validator, model_validator

from radprompter.labels import LABELS, LabelState
from radprompter.typed_yaml import Section

LANGUAGES = ("en", "de")

Texts = dict[str, str]  # language -> text

Kind = Literal["choice", "number", "text", "list", "laterality", "location", "severity"]
ItemKind = Literal["choice", "number", "text"]
"""How a value is written: what is left of the kinds once values and units are known."""

RESERVED = frozenset({"state", "evidence", "answer", "rule", "reasoning", "rationale", "explanation"})
"""Keys of an answer that no attribute may have as its name."""

MAX_CHARACTERS = 80
"""Characters that a quote or a text may have, as the prompt says: an answer of 30 findings stays affordable."""

MAX_ITEMS = 6
"""Items that a list may have, as the prompt says."""

MILLIMETRES: Mapping[str, float] = {"mm": 1.0, "cm": 10.0, "m": 1000.0, "in": 25.4}
"""Units of length, which are converted into one another."""

UNIT_WORDS: Mapping[str, str] = {
    **dict.fromkeys(("millimeter", "millimetre", "millimeters", "millimetres"), "mm"),
    **dict.fromkeys(("centimeter", "centimetre", "centimeters", "centimetres", "zentimeter"), "cm"),
    **dict.fromkeys(("inch", "inches", "zoll"), "in"),
    **dict.fromkeys(("percent", "prozent"), "%"),
}
"""Other words for a unit, without case."""

TITLES: Mapping[str, Texts] = {
    "laterality": {"en": "Side", "de": "Seite"},
    "location": {"en": "Location", "de": "Lokalisation"},
    "severity": {"en": "Severity", "de": "Schweregrad"},
}
"""Titles of kinds that need none of their own."""

SIDES: Mapping[str, Texts] = {
    "left": {"en": "left", "de": "links"},
    "right": {"en": "right", "de": "rechts"},
    "bilateral": {"en": "bilateral", "de": "beidseits"},
}
DEGREES: Mapping[str, Texts] = {
    "mild": {"en": "mild", "de": "gering"},
    "moderate": {"en": "moderate", "de": "mäßig"},
    "severe": {"en": "severe", "de": "schwer"},
}


def fold_word(text: str) -> str:
    """A word as it is compared: without case and outer white space, inner white space made one space."""
    return " ".join(text.split()).casefold()


def check_languages(texts: Mapping[str, object]) -> None:
    """Refuse texts in a language that is not known, with `ValueError`."""
    strangers = sorted(set(texts) - set(LANGUAGES))
    if strangers:
        raise ValueError(f"unknown language {', '.join(strangers)}; known: {', '.join(LANGUAGES)}")


def check_states(states: tuple[LabelState, ...]) -> tuple[LabelState, ...]:
    """The states, after refusing none at all and those that are no label, with `ValueError`."""
    strangers = [str(state) for state in states if state not in LABELS]
    if strangers or not states:
        raise ValueError(f"allowed states are {', '.join(LABELS)}; found {', '.join(strangers) or 'none'}")
    return states


def _as_tuple(words: object) -> object:
    return (words,) if isinstance(words, str) else words


_ONE_OR_MORE = {"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]}


class Attribute(Section):
    """One thing that is asked about a finding besides its state."""

    kind: Kind = Field(description="what a value is")
    title: Texts = Field(
        default_factory=dict,
        description="name of the attribute by language; laterality, location and severity have one of their own",
    )
    description: Texts = Field(default_factory=dict, description="what the labeler is told besides, by language")
    values: tuple[str, ...] | dict[str, Texts] = Field(
        (), description="allowed values (choice, location, severity, list); or value -> its words by language"
    )
    units: Annotated[tuple[str, ...], BeforeValidator(_as_tuple), WithJsonSchema(_ONE_OR_MORE)] = Field(
        (), description="allowed units of a number; mm, cm, m and in are converted into the first"
    )
    minimum: float | None = Field(None, allow_inf_nan=False, description="least number, in the first unit")
    maximum: float | None = Field(None, allow_inf_nan=False, description="greatest number, in the first unit")
    of: ItemKind | None = Field(
        None, description="what the items of a list are; choice where there are values, number where there are units"
    )
    when: tuple[LabelState, ...] = Field(
        (LabelState.POSITIVE, LabelState.UNCERTAIN), description="states of the finding in which it is asked"
    )

    @field_validator("title", "description")
    @classmethod
    def _known_languages(cls, texts: Texts) -> Texts:
        check_languages(texts)
        return texts

    @field_validator("when")
    @classmethod
    def _only_labels(cls, when: tuple[LabelState, ...]) -> tuple[LabelState, ...]:
        return check_states(when)

    @model_validator(mode="after")
    def _sound(self) -> Attribute:
        if problems := dict.fromkeys((*self._value_problems(), *self._number_problems())):
            raise ValueError("; ".join(problems))
        return self

    def _value_problems(self) -> Iterable[str]:
        if not self.title and self.kind not in TITLES:
            yield f"an attribute of kind {self.kind} needs a title"
        if self.values and self.kind not in ("choice", "location", "severity", "list"):
            yield f"kind {self.kind} takes no values"
        if (self.kind == "choice" or (self.kind == "list" and self.of == "choice")) and not self.values:
            yield "a choice needs values"
        if self.of is not None and self.kind != "list":
            yield f"`of` says what the items of a list are; kind {self.kind} has none"
        if self.kind == "list" and self.values and self.of in ("number", "text"):
            yield f"a list of {self.of}s takes no values"
        words: dict[str, str] = {}
        for value, texts in self._all_values():
            check_languages(texts)
            for word in dict.fromkeys(fold_word(text) for text in (value, *texts.values())):
                if not word:
                    yield "a value is empty"
                if words.setdefault(word, value) != value or sum(fold_word(v) == word for v in self.values) > 1:
                    yield f"{word!r} stands for two values"

    def _number_problems(self) -> Iterable[str]:
        numeric = self.item_kind == "number"
        if not numeric and (self.units or self.minimum is not None or self.maximum is not None):
            yield f"units, minimum and maximum are those of numbers; kind {self.kind} has none"
        folded = [fold_unit(unit) for unit in self.units]
        if "" in folded or any(re.match(r"[\d.,+-]", unit) for unit in folded):
            yield "a unit is empty, or begins like a number"
        if len(set(folded)) < len(folded):
            yield f"a unit stands twice: {', '.join(self.units)}"
        bounded = self.minimum is not None or self.maximum is not None
        if bounded and len(folded) > 1 and any(unit not in MILLIMETRES for unit in folded):
            yield f"minimum and maximum need units that convert ({', '.join(MILLIMETRES)}), or one unit alone"
        if self.minimum is not None and self.maximum is not None and self.minimum > self.maximum:
            yield f"minimum {self.minimum:g} is above maximum {self.maximum:g}"

    @property
    def item_kind(self) -> ItemKind:
        """How one value is written; that of the items, where it is a list."""
        if self.kind == "list" and self.of is not None:
            return self.of
        if self.kind in ("choice", "laterality", "severity") or self.values:
            return "choice"
        return "number" if self.kind == "number" or (self.kind == "list" and self.units) else "text"

    @property
    def choices(self) -> Mapping[str, Texts]:
        """Allowed values -> their words by language; empty where any text or number is allowed."""
        return dict(self._all_values()) if self.item_kind == "choice" else {}

    @property
    def titles(self) -> Mapping[str, str]:
        """Name by language: its own, or that of its kind."""
        return {**TITLES.get(self.kind, {}), **self.title}

    def _all_values(self) -> Iterable[tuple[str, Texts]]:
        if isinstance(self.values, dict):
            return self.values.items()
        if self.values:
            return [(value, {}) for value in self.values]
        return {"laterality": SIDES, "severity": DEGREES}.get(self.kind, {}).items()


def fold_unit(unit: str) -> str:
    """A unit as it is compared: without case, other words for it made one."""
    word = fold_word(unit)
    return UNIT_WORDS.get(word, word)


def convert(number: float, unit: str, attribute: Attribute) -> tuple[float, str] | None:
    """A number in the first unit of an attribute, where it converts, else in its own; ``None`` if not allowed."""
    known = {fold_unit(allowed): allowed for allowed in attribute.units}
    found, first = fold_unit(unit), fold_unit(attribute.units[0])
    if found not in known:
        return None
    if found == first or found not in MILLIMETRES or first not in MILLIMETRES:
        return number, known[found]
    exact = number * MILLIMETRES[found] / MILLIMETRES[first]
    return (float(f"{exact:.12g}"), attribute.units[0]) if math.isfinite(exact) else None
