"""What is asked about one finding: its words, its states, its attributes, and when it is asked at all."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import Field, field_validator, model_validator

from radprompter.attributes import RESERVED, Attribute, Texts, check_languages, check_states
from radprompter.labels import LabelState
from radprompter.typed_yaml import Section

MAX_PHRASES = 2000  # synonyms of one finding in one language, after `(a|b)` is written out

ADDED = ("attributes", "evidence", "depends_on", "otherwise")
"""Keys that count in a finding's content only where they are used: without them nothing is asked differently."""


class Finding(Section):
    """One finding of a region."""

    title: Texts = Field(description="name of the finding by language, as a radiologist writes it")
    definition: Texts = Field(description="what counts as positive, by language; what the labeler is told")
    synonyms: dict[str, tuple[str, ...]] = Field(
        default_factory=dict,
        description="other words for it by language; `word*` also matches longer words, `(a|b)` stands for either "
        "and is written out when the file is read, `(a |)` may be absent",
    )
    states: tuple[LabelState, ...] | None = Field(
        None, description="allowed states, where they differ from the region's"
    )
    laterality: bool = Field(False, description="the finding says left or right")
    implies: tuple[str, ...] = Field((), description="more general findings that are positive when this one is")
    attributes: dict[str, Attribute] = Field(
        default_factory=dict, description="what is asked besides the state: name -> kind, values, unit"
    )
    evidence: bool | None = Field(
        None, description="ask for the decisive words of the report; the region's `evidence` if null"
    )
    depends_on: dict[str, tuple[LabelState, ...]] = Field(
        default_factory=dict, description="asked only where each of these findings is in one of its states"
    )
    otherwise: LabelState = Field(
        LabelState.NOT_MENTIONED, description="its state where `depends_on` does not hold: one that it may take"
    )

    @field_validator("title", "definition", "synonyms")
    @classmethod
    def _known_languages(cls, texts: dict[str, object]) -> dict[str, object]:
        check_languages(texts)
        return texts

    @field_validator("synonyms")
    @classmethod
    def _written_out(cls, synonyms: dict[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
        return {language: _write_out(phrases) for language, phrases in synonyms.items()}

    @field_validator("states")
    @classmethod
    def _only_labels(cls, states: tuple[LabelState, ...] | None) -> tuple[LabelState, ...] | None:
        return check_states(states) if states is not None else None

    @field_validator("attributes")
    @classmethod
    def _named_apart(cls, attributes: dict[str, Attribute]) -> dict[str, Attribute]:
        for name in attributes:
            if name in RESERVED:
                raise ValueError(f"an attribute cannot be called {name!r}, which answers have a meaning for")
            if not re.fullmatch(r"[a-z][a-z0-9]*(_[a-z0-9]+)*", name):
                raise ValueError(f"{name!r}: expected a name in snake_case, such as size or fragment_count")
        return attributes

    @field_validator("depends_on")
    @classmethod
    def _on_labels(cls, parents: dict[str, tuple[LabelState, ...]]) -> dict[str, tuple[LabelState, ...]]:
        return {name: check_states(states) for name, states in parents.items()}

    @model_validator(mode="after")
    def _otherwise_than_what(self) -> Finding:
        if "otherwise" in self.model_fields_set and not self.depends_on:
            raise ValueError("`otherwise` is the state where `depends_on` does not hold; there is no depends_on")
        return self

    @property
    def is_typed(self) -> bool:
        """Whether its answer is an object rather than a state alone."""
        return bool(self.attributes or self.evidence)

    @property
    def content(self) -> dict[str, Any]:
        """All that shapes what is asked, for hashing."""
        content = self.model_dump(mode="json", exclude=set(ADDED))
        used = {"attributes": self.attributes, "evidence": self.evidence, "depends_on": self.depends_on}
        added = {name for name, value in used.items() if value} | ({"otherwise"} if self.depends_on else set())
        return content | self.model_dump(mode="json", include=added)


def _write_out(phrases: tuple[str, ...]) -> tuple[str, ...]:
    """Every phrase with its ``(a|b)`` written out, each once, in order."""
    found: dict[str, str] = {}
    for phrase in phrases:
        parts = re.split(r"\(([^()]*)\)", phrase)  # literal, choice, literal, choice, ..., literal
        if any(bracket in part for part in parts[::2] for bracket in "()|"):
            raise ValueError(f"{phrase!r}: brackets do not pair, or `|` stands outside of them")
        choices = [part.split("|") if index % 2 else [part] for index, part in enumerate(parts)]
        for words in itertools.product(*choices):
            written = " ".join("".join(words).split())
            found.setdefault(written.casefold(), written)
            if len(found) > MAX_PHRASES:
                raise ValueError(f"more than {MAX_PHRASES:,} synonyms when `(a|b)` is written out")
    if "" in found or "*" in found:
        raise ValueError("a synonym is empty")
    return tuple(found.values())


def dependence_problems(
    findings: Mapping[str, Finding], allowed: Mapping[str, tuple[LabelState, ...]]
) -> Iterator[tuple[str, str]]:
    """What is wrong with the dependences of some findings: the name of one, and what is wrong with it."""
    for name, finding in findings.items():
        if unknown := [parent for parent in finding.depends_on if parent not in findings]:
            yield name, f"{name} depends on findings that the region lacks: {', '.join(unknown)}"
        if finding.depends_on and finding.otherwise not in allowed[name]:
            states = ", ".join(allowed[name])
            unasked = f"{name} is {finding.otherwise} where it is not asked, which it cannot be"
            yield name, f"{unasked}; set otherwise: {states}"
    for circle in circles(findings):
        yield circle[0], f"{circle[0]} depends on itself: {' -> '.join((*circle, circle[0]))}"


def in_order(findings: Mapping[str, Finding]) -> tuple[str, ...]:
    """Findings with each after those that it depends on, which must not be circular."""
    done: dict[str, None] = {}

    def visit(name: str) -> None:
        if name not in done:
            for parent in findings[name].depends_on:
                visit(parent)
            done[name] = None

    for name in findings:
        visit(name)
    return tuple(done)


def circles(findings: Mapping[str, Finding]) -> Iterator[tuple[str, ...]]:
    """Each circle of findings that depend on one another, from its first finding on, once."""
    finished: set[str] = set()
    for start in findings:
        path: dict[str, None] = {}
        ahead = [(start, iter(findings[start].depends_on))]
        path[start] = None
        while ahead:
            name, parents = ahead[-1]
            parent = next(parents, None)
            if parent is None:
                ahead.pop()
                del path[name]
                finished.add(name)
            elif parent in path:
                circle = list(path)[list(path).index(parent) :]
                yield tuple(circle)
            elif parent in findings and parent not in finished:
                path[parent] = None
                ahead.append((parent, iter(findings[parent].depends_on)))
