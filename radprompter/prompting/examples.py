"""Examples: reports with the states that a careful reader gives them, read from ``examples.<language>.yaml``.

They stand in the system text and not in turns of their own. So they are equal for every report and every finding, and
requests keep their common beginning; no strategy has to be acted out in an invented conversation; and what was said
about an example is not taken for an earlier answer about the report. Under a plan that asks about one finding the
system text shows the reports alone: the values of that finding follow its definition, behind the report.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from pydantic import Field

from radprompter.errors import RadprompterError, RecipeError, TemplateError
from radprompter.labels import LabelState
from radprompter.prompting.quoting import quote
from radprompter.prompting.sections import suggest
from radprompter.prompting.strategies import REASONING
from radprompter.prompting.views import ReportView, view_report
from radprompter.records import Report
from radprompter.region import LANGUAGES, Region, load_region
from radprompter.typed_yaml import Document, Section, read_yaml, validate

State = Literal["positive", "negative", "uncertain", "not_mentioned"]

_STRENGTH = {LabelState.NOT_MENTIONED: 0, LabelState.NEGATIVE: 0, LabelState.UNCERTAIN: 1, LabelState.POSITIVE: 2}


class WrittenExample(Section):
    """One report of an examples file."""

    report: str | dict[str, str] = Field(description="the words of a report, or section name -> words")
    labels: dict[str, State] = Field(description="finding -> its state")
    rest: State = Field("not_mentioned", description="the state of all findings that `labels` does not name")
    why: str = Field(
        "", description="how a reader comes to these states, in a few sentences; for strategies that reason"
    )


class ExamplesFile(Section):
    """The content of an ``examples.<language>.yaml``."""

    examples: tuple[WrittenExample, ...] = Field(min_length=1, description="reports and their states, in order")


@dataclass(frozen=True, slots=True)
class Example:
    """A report with the state of every finding of a region."""

    report: Report
    states: Mapping[str, LabelState]
    why: str = ""


@dataclass(frozen=True, slots=True)
class ExampleView:
    """What templates see of an example; `why` and `answer` are empty where they are not to be shown."""

    report: ReportView
    why: str
    answer: str


def find_examples(region: Region, language: str, name: Path | None = None) -> Path:
    """The file that a name means: a path, a file in the region's folders, or the region's own for the language.

    Raises
    ------
    TemplateError
        If there is none.
    """
    if name is not None and name.is_file():
        return name
    wanted = str(name) if name is not None else f"examples.{language}.yaml"
    found = region.file(wanted)
    if found is not None:
        return found
    known = sorted({path.name for folder in region.folders for path in folder.glob("examples.*.yaml")})
    raise TemplateError(
        f"region {region.name!r}: no examples file {wanted!r}{suggest(wanted, known)} "
        f"(looked in {', '.join(map(str, region.folders))}); write one, or name one by `label.examples`"
    )


def has_examples(region: Region, language: str) -> bool:
    """Whether the region's folders hold examples in a language."""
    return region.file(f"examples.{language}.yaml") is not None


def load_examples(path: Path, region: Region) -> tuple[Example, ...]:
    """The examples of a file, each with the state of every finding.

    Of a file that the region inherits, findings that it did not take are left out.

    Raises
    ------
    RecipeError
        With every problem of the file at once: unknown findings, states that a finding does not allow, states that
        contradict `implies`, a report without words, or an inherited file that does not know all findings.
    """
    document = read_yaml(path)
    file = validate(ExamplesFile, document)
    known = _findings_of(path, region)
    problems = [
        problem
        for number, example in enumerate(file.examples)
        for problem in _problems(document, number, example, known)
    ]
    strangers = [name for name in region.schema.names if name not in known.findings]
    if strangers:
        problems.append(
            f"{path}: {known.name} has no finding {', '.join(strangers)}, of which these examples say nothing; "
            f"write examples for {region.name} of their own"
        )
    if problems:
        raise RecipeError("\n".join(dict.fromkeys(problems)))
    return tuple(_example(number, example, region) for number, example in enumerate(file.examples, start=1))


def example_problems(folder: Path, templates: Path | None = None) -> list[str]:
    """What is wrong with the examples files of a region folder; nothing where the region itself cannot be loaded."""
    found: list[str] = []
    try:
        region = load_region(str(folder), templates=templates)
    except RadprompterError:
        return found
    known = [f"examples.{language}.yaml" for language in LANGUAGES]
    for path in sorted(folder.glob("example*.y*ml")):
        if path.name not in known:
            found.append(f"{path}: no language reads this file by itself{suggest(path.name, known)}")
        try:
            load_examples(path, region)
        except RadprompterError as error:
            found += str(error).splitlines()
    return found


def view_examples(
    examples: Iterable[Example], region: Region, language: str, *, schema: Mapping[str, Any] | None, reasons: bool
) -> tuple[ExampleView, ...]:
    """What the system text shows of examples, quoted like any report; the answer where a `schema` says its form.

    Raises
    ------
    TemplateError
        If the form asks for more than examples say.
    """
    return tuple(
        ExampleView(
            view_report(example.report, language),
            quote(" ".join(example.why.split())) if reasons else "",
            "" if schema is None else _answer(example, region, schema),
        )
        for example in examples
    )


def _answer(example: Example, region: Region, schema: Mapping[str, Any]) -> str:
    """The answer as the schema wants it: the same keys in the same order, the same spellings."""
    answer: dict[str, str] = {}
    for key, part in schema["properties"].items():
        if key == REASONING:
            answer[key] = _reasoning(example)
        elif "enum" in part:
            answer[key] = region.spelling[example.states[key]]
        else:
            raise TemplateError(
                f"the answer about {key!r} has more than a state, which examples do not give; ask one finding at a "
                "time (plan per_finding), or take the examples away"
            )
    return json.dumps(answer, ensure_ascii=False)


def _reasoning(example: Example) -> str:
    if not example.why.strip():
        raise TemplateError(f"{example.report.id} has no `why`, which shows how to reason before the values; add it")
    return quote(" ".join(example.why.split()))


def _findings_of(path: Path, region: Region) -> Region:
    """The region that a file was written for: the one in whose folder it lies, where that is inherited."""
    inherited = path.parent in region.folders[1:] and (path.parent / "region.yaml").is_file()
    return load_region(str(path.parent), templates=path.parent.parent) if inherited else region


def _problems(document: Document, number: int, example: WrittenExample, region: Region) -> Iterator[str]:
    def place(*where: str) -> str:
        line = document.line(("examples", number, *where))
        return f"{document.source}:{line}: examples.{'.'.join((str(number), *where))}"

    sections = [example.report] if isinstance(example.report, str) else example.report.values()
    if not any(character.isalnum() for words in sections for character in words):
        yield f"{place('report')}: no words"
    for name in example.labels:
        if name not in region.findings:
            yield f"{place('labels', name)}: unknown finding{suggest(name, region.schema.names)}"
    states = {name: LabelState(example.labels.get(name, example.rest)) for name in region.schema.names}
    for name, state in states.items():
        where = place("labels", name) if name in example.labels else place("rest")
        allowed = region.allowed(name)
        if state not in allowed:
            yield f"{where}: {name} is {state}, but may only be {' or '.join(allowed)}; say it in labels"
        for general in region.findings[name].implies:
            if _STRENGTH[states[general]] < _STRENGTH[state]:
                yield f"{where}: {name} is {state} and implies {general}, which is {states[general]}"


def _example(number: int, written: WrittenExample, region: Region) -> Example:
    sections = {"report": written.report} if isinstance(written.report, str) else written.report
    states = {name: LabelState(written.labels.get(name, written.rest)) for name in region.schema.names}
    return Example(Report(f"example {number}", sections), states, written.why)
