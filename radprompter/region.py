"""Region folders: which findings an anatomical region has, in the words of a radiologist, as frozen values.

A region is a folder with a ``region.yaml``; a pathology or an anatomical region is added by adding a folder. Beside
``region.yaml`` it may hold Jinja templates that override the shared ones (`radprompter.prompting`) and lexicons for the
rule labeler (`radprompter.rules`).
"""

from __future__ import annotations

import difflib
import itertools
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pydantic import Field, field_validator, model_validator

from radprompter.errors import TemplateError
from radprompter.files import digest
from radprompter.labels import LABELS, FindingSpec, LabelSchema, LabelState
from radprompter.shipped import shipped
from radprompter.typed_yaml import Section, read_yaml, validate

LANGUAGES = ("en", "de")
REGION_FILE = "region.yaml"
MAX_PHRASES = 2000  # synonyms of one finding in one language, after `(a|b)` is written out

Texts = dict[str, str]  # language -> text


def _languages(texts: Mapping[str, object]) -> None:
    strangers = sorted(set(texts) - set(LANGUAGES))
    if strangers:
        raise ValueError(f"unknown language {', '.join(strangers)}; known: {', '.join(LANGUAGES)}")


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

    @field_validator("title", "definition", "synonyms")
    @classmethod
    def _known_languages(cls, texts: dict[str, object]) -> dict[str, object]:
        _languages(texts)
        return texts

    @field_validator("synonyms")
    @classmethod
    def _written_out(cls, synonyms: dict[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
        return {language: _write_out(phrases) for language, phrases in synonyms.items()}

    @field_validator("states")
    @classmethod
    def _only_labels(cls, states: tuple[LabelState, ...] | None) -> tuple[LabelState, ...] | None:
        return _labels_only(states) if states is not None else None


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


def _labels_only(states: tuple[LabelState, ...]) -> tuple[LabelState, ...]:
    strangers = [str(state) for state in states if state not in LABELS]
    if strangers or not states:
        raise ValueError(f"allowed states are {', '.join(LABELS)}; found {', '.join(strangers) or 'none'}")
    return states


class RegionFile(Section):
    """The content of a ``region.yaml``."""

    title: Texts = Field(description="name of the region by language")
    label_schema: str = Field(alias="schema", description="name of the label schema, such as chexpert-14")
    extends: str | None = Field(None, description="another region folder, whose findings and templates are taken over")
    take: tuple[str, ...] | None = Field(None, description="take only these findings from the extended region")
    findings: dict[str, Finding] = Field(default_factory=dict, description="name of a finding -> what it is")
    no_finding: str | None = Field(None, description="the finding that says that there is none")
    states: tuple[LabelState, ...] = Field(LABELS, description="states that an answer may give")
    spelling: dict[LabelState, str] = Field(
        default_factory=dict, description="how an answer spells a state, such as `positive: present`"
    )
    aliases: dict[LabelState, tuple[str, ...]] = Field(
        default_factory=dict, description="other spellings that are understood, compared without case"
    )

    @field_validator("states")
    @classmethod
    def _only_labels(cls, states: tuple[LabelState, ...]) -> tuple[LabelState, ...]:
        return _labels_only(states)

    @model_validator(mode="after")
    def _spelled_apart(self) -> RegionFile:
        meaning: dict[str, LabelState] = {}
        for state in self.states:
            for word in (self.spelling.get(state, str(state)), *self.aliases.get(state, ())):
                other = meaning.setdefault(word.strip().casefold(), state)
                if other is not state:
                    raise ValueError(f"{word!r} is spelled for both {other} and {state}")
        return self


@dataclass(frozen=True, slots=True)
class Region:
    """An anatomical region with its findings, after `extends` is resolved.

    `folders` is where its other files are looked for, in order: its own folder, then those it extends.
    """

    name: str
    title: Mapping[str, str]
    findings: Mapping[str, Finding]
    states: tuple[LabelState, ...]
    spelling: Mapping[LabelState, str]  # every state of `states`, as an answer writes it
    meanings: Mapping[str, LabelState]  # case-folded spelling or alias -> state
    schema: LabelSchema
    folders: tuple[Path, ...]

    def allowed(self, finding: str) -> tuple[LabelState, ...]:
        """States that one finding may take."""
        return self.schema[finding].states

    def letters(self, finding: str) -> dict[str, LabelState]:
        """Letter -> allowed state: single tokens of their own, where spellings may share their first token."""
        return dict(zip("ABCD", self.allowed(finding), strict=False))

    @property
    def hash(self) -> str:
        """Digest of findings, definitions, spellings and schema."""
        findings = {name: finding.model_dump(mode="json") for name, finding in self.findings.items()}
        return digest({"findings": findings, "meanings": self.meanings, "schema": self.schema.to_json()})

    def file(self, name: str) -> Path | None:
        """The first file of that name in the region's folders."""
        return next((folder / name for folder in self.folders if (folder / name).is_file()), None)


def region_names(templates: Path | None = None) -> tuple[str, ...]:
    """Names of the region folders under a templates folder (the shipped one by default), sorted."""
    folder = templates or shipped("templates")
    return tuple(sorted(path.parent.name for path in folder.glob(f"*/{REGION_FILE}")))


def load_region(name: str, *, templates: Path | None = None) -> Region:
    """Load a region by the name of its folder under `templates`, or by the path of its folder.

    Raises
    ------
    TemplateError
        If there is no such region, or it extends itself or an unknown one.
    RecipeError
        If its ``region.yaml`` is wrong.
    """
    return _load(name, templates or shipped("templates"), seen=())


def _load(name: str, templates: Path, *, seen: tuple[Path, ...]) -> Region:
    folder = _folder(name, templates)
    if folder in seen:
        raise TemplateError(f"{folder / REGION_FILE}: extends itself by way of {name!r}")
    document = read_yaml(folder / REGION_FILE)
    file = validate(RegionFile, document)
    parent = _load_parent(file, folder, templates, seen=(*seen, folder)) if file.extends else None
    inherited = dict(parent.findings) if parent else {}
    if file.take is not None:
        unknown = [finding for finding in file.take if finding not in inherited]
        if unknown:
            raise TemplateError(f"{folder / REGION_FILE}: take names findings that {file.extends} lacks: {unknown}")
        inherited = {finding: _implying_only(inherited[finding], file.take) for finding in file.take}
    findings = {**inherited, **file.findings}
    if not findings:
        raise TemplateError(f"{folder / REGION_FILE}: the region has no findings")
    for key, finding in findings.items():
        unknown = [other for other in finding.implies if other not in findings]
        if unknown and key in file.findings:
            raise TemplateError(f"{folder / REGION_FILE}: {key} implies findings that the region lacks: {unknown}")
    states = parent.states if parent and "states" not in file.model_fields_set else file.states
    spelling = _spelling(file, parent, states)
    meanings = _meanings(file, parent, spelling, source=folder / REGION_FILE)
    specs = tuple(
        FindingSpec(
            key,
            title=finding.title.get("en", key),
            states=tuple(state for state in states if state in (finding.states or states)),
            aliases=tuple(text for language, text in finding.title.items() if language != "en"),
            laterality=finding.laterality,
        )
        for key, finding in findings.items()
    )
    no_finding = file.no_finding or (parent.schema.no_finding if parent else None)
    schema = LabelSchema(file.label_schema, specs, no_finding if no_finding in findings else None)
    folders = (folder, *(parent.folders if parent else (templates / "_shared",)))
    return Region(folder.name, file.title, findings, states, spelling, meanings, schema, folders)


def _implying_only(finding: Finding, names: tuple[str, ...]) -> Finding:
    return finding.model_copy(update={"implies": tuple(name for name in finding.implies if name in names)})


def _spelling(file: RegionFile, parent: Region | None, states: tuple[LabelState, ...]) -> dict[LabelState, str]:
    inherited = parent.spelling if parent else {}
    return {state: file.spelling.get(state, inherited.get(state, str(state))) for state in states}


def _meanings(
    file: RegionFile, parent: Region | None, spelling: Mapping[LabelState, str], *, source: Path
) -> dict[str, LabelState]:
    """What every known spelling means: the extended region's, and the region's own."""
    meanings = dict(parent.meanings) if parent else {}
    own = [(word, state) for state, word in spelling.items()]
    own += [(word, state) for state, words in file.aliases.items() for word in words]
    for word, state in own:
        other = meanings.setdefault(word.strip().casefold(), state)
        if other is not state:
            raise TemplateError(f"{source}: {word!r} means {state}, but {other} in {file.extends}")
    return meanings


def _load_parent(file: RegionFile, folder: Path, templates: Path, *, seen: tuple[Path, ...]) -> Region:
    name = file.extends or ""
    for place in (folder.parent, templates, shipped("templates")):
        if (place / name / REGION_FILE).is_file():
            return _load(str(place / name), place, seen=seen)
    raise TemplateError(f"{folder / REGION_FILE}: extends {name!r}, which is no region folder beside it or shipped")


def _folder(name: str, templates: Path) -> Path:
    for folder in (templates / name, Path(name)):
        if (folder / REGION_FILE).is_file():
            return folder.resolve()
    known = region_names(templates)
    close = difflib.get_close_matches(name, known, n=1)
    meant = f"; did you mean {close[0]!r}?" if close else "."
    raise TemplateError(f"unknown region {name!r}{meant} Known regions: {', '.join(known) or 'none'} (in {templates})")
