"""Region folders: which findings an anatomical region has, in the words of a radiologist, as frozen values.

A region is a folder with a ``region.yaml``; a pathology or an anatomical region is added by adding a folder. Beside
``region.yaml`` it may hold Jinja templates that override the shared ones (`radprompter.prompting`) and lexicons for the
rule labeler (`radprompter.rules`).
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from pydantic import Field, field_validator, model_validator

from radprompter.attributes import LANGUAGES as LANGUAGES
from radprompter.attributes import Texts, check_states
from radprompter.errors import TemplateError
from radprompter.files import digest
from radprompter.findings import Finding as Finding
from radprompter.findings import dependence_problems
from radprompter.labels import LABELS, FindingSpec, Hedge, LabelSchema, LabelState
from radprompter.shipped import shipped
from radprompter.typed_yaml import Section, read_yaml, validate

REGION_FILE = "region.yaml"


class RegionFile(Section):
    """The content of a ``region.yaml``."""

    title: Texts = Field(description="name of the region by language")
    label_schema: str = Field(alias="schema", description="name of the label schema, such as chexpert-14")
    extends: str | None = Field(None, description="another region folder, whose findings and templates are taken over")
    take: tuple[str, ...] | None = Field(None, description="take only these findings from the extended region")
    findings: dict[str, Finding] = Field(default_factory=dict, description="name of a finding -> what it is")
    evidence: bool = Field(False, description="ask for the decisive words of the report, for every finding")
    no_finding: str | None = Field(None, description="the finding that says that there is none")
    no_finding_despite: tuple[str, ...] | None = Field(
        None, description="findings beside which there may still be none, such as devices; for the rules"
    )
    hedges: dict[Hedge, LabelState] | None = Field(
        None, description="kind of doubt -> the state that it counts as, where that is not uncertain; for the rules"
    )
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
        return check_states(states)

    @field_validator("hedges")
    @classmethod
    def _counted_as_labels(cls, hedges: dict[Hedge, LabelState] | None) -> dict[Hedge, LabelState] | None:
        if hedges:
            check_states(tuple(hedges.values()))
        return hedges

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
    no_finding_despite: tuple[str, ...] = ()  # findings beside which the schema's `no_finding` may still hold
    hedges: Mapping[Hedge, LabelState] = field(default_factory=dict)  # what a doubt counts as, if not uncertain

    def allowed(self, finding: str) -> tuple[LabelState, ...]:
        """States that one finding may take."""
        return self.schema[finding].states

    def letters(self, finding: str) -> dict[str, LabelState]:
        """Letter -> allowed state: single tokens of their own, where spellings may share their first token."""
        return dict(zip("ABCD", self.allowed(finding), strict=False))

    @property
    def asks_more(self) -> bool:
        """Whether anything is asked besides states, or only where other findings hold."""
        return any(finding.is_typed or finding.depends_on for finding in self.findings.values())

    def quoting(self) -> Region:
        """The same region, where every finding is asked for the words of the report that decide."""
        quoting = {name: finding.model_copy(update={"evidence": True}) for name, finding in self.findings.items()}
        return replace(self, findings=quoting)

    @property
    def hash(self) -> str:
        """Digest of findings, definitions, spellings and schema."""
        findings = {name: finding.content for name, finding in self.findings.items()}
        summary = {"despite": self.no_finding_despite, "meanings": self.meanings, "schema": self.schema.to_json()}
        hedges = {"hedges": self.hedges} if self.hedges else {}
        return digest({"findings": findings, **summary, **hedges})

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
    if file.evidence:
        findings = {key: _quoting(finding) for key, finding in findings.items()}
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
    if wrong := [problem for _, problem in dependence_problems(findings, {spec.name: spec.states for spec in specs})]:
        raise TemplateError("\n".join(f"{folder / REGION_FILE}: {problem}" for problem in wrong))
    folders = (folder, *(parent.folders if parent else (templates / "_shared",)))
    despite = file.no_finding_despite
    despite = parent.no_finding_despite if despite is None and parent else despite or ()
    if file.no_finding_despite and (strange := [name for name in file.no_finding_despite if name not in findings]):
        raise TemplateError(
            f"{folder / REGION_FILE}: no_finding_despite names findings that the region lacks: {strange}"
        )
    hedges = (parent.hedges if parent else {}) if file.hedges is None else file.hedges
    return Region(folder.name, file.title, findings, states, spelling, meanings, schema, folders, despite, hedges)


def _implying_only(finding: Finding, names: tuple[str, ...]) -> Finding:
    return finding.model_copy(update={"implies": tuple(name for name in finding.implies if name in names)})


def _quoting(finding: Finding) -> Finding:
    return finding if finding.evidence is False else finding.model_copy(update={"evidence": True})


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
