"""A region folder, a language and a strategy become a `Template`; a template turns reports into prompts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from radprompter.errors import RecipeError, TemplateError
from radprompter.files import digest
from radprompter.prompting.answer_schema import Form, answer_schema, answer_tokens, finding_schema
from radprompter.prompting.length import fit
from radprompter.prompting.personas import DEFAULT_PERSONA
from radprompter.prompting.plans import Reads, ask_one_finding, check_plan
from radprompter.prompting.preview import Preview
from radprompter.prompting.sandbox import Sandbox, template_folders
from radprompter.prompting.sections import CHOICES, Screen, choose_sections, suggest
from radprompter.prompting.strategies import STRATEGIES, lead
from radprompter.prompting.tokens import APPROXIMATE, TokenCounter
from radprompter.prompting.views import VARIABLES, languages, untranslated, view_question, view_report
from radprompter.prompting.wording import Wording, check_wording, choose_wording
from radprompter.recipe import Length, PlanName, SectionChoice
from radprompter.records import Message, Prompt, Report, Role, Turn
from radprompter.region import LANGUAGES, REGION_FILE, Region, load_region

FOLLOW_UPS = ("ask_again", "verification")
"""Templates of the questions that may follow an answer."""

_PROBES = (
    Report("probe", {"findings": "Probe one.", "impression": "Probe two."}),
    Report("probe", {"report": "Probe one."}, language="de"),
    Report("probe", {}),
)


@dataclass(frozen=True, eq=False, repr=False)
class Template:
    """How reports of one region are asked about; made and checked by `load_template`.

    `answer_schema` is the JSON schema of the answer: an object with every finding, each one of its allowed spellings,
    and nothing else, as the strict mode of OpenAI's structured outputs wants it. `prefill` begins the last reply and
    `stop` ends it.
    """

    region: Region
    language: str
    strategy: str
    plan: PlanName
    sections: SectionChoice
    answer_schema: Mapping[str, Any]
    _sandbox: Sandbox
    wording: Wording
    prefill: str = ""
    stop: tuple[str, ...] = ()
    _systems: dict[str, Message] = field(default_factory=dict)  # rendered once for all reports
    _forms: dict[str | None, Form] = field(default_factory=dict)  # made once for each finding, or for all together
    length: Length | None = None
    counter: TokenCounter = APPROXIMATE
    screen: Screen | None = None

    def choose(self, report: Report) -> Report:
        """What is read of a report: its chosen sections, screened, cut or marked as too long where a limit says so.

        A cut comes last: it could part an identifier from the words by which it is known.
        """
        chosen = choose_sections(report, self.sections)
        return fit(self.screen(chosen) if self.screen else chosen, self.length, self.counter)

    def render(self, report: Report) -> Prompt:
        """The conversation about a report, of which only the chosen sections are read.

        Raises
        ------
        TemplateError
            If a template fails on this report.
        """
        chosen = self.choose(report)
        return Prompt(chosen, self._turns(chosen))

    def preview(self, report: Report) -> Preview:
        """What would be sent about a report, to look at in a notebook: messages, the report marked, tokens."""
        title = f"{self.region.title.get(self.language, self.region.name)}, {self.strategy.replace('_', ' ')}"
        return Preview(self.render(report), title, self.counter)

    def prompts(self, report: Report, *, reads: Reads = "messages", samples: int = 1) -> tuple[Prompt, ...]:
        """The conversations that the plan holds about a report: one, or one for each finding, each `samples` times.

        A report without words, or too long a one, is asked nothing. For a backend that `reads` the report itself, there
        are no messages.

        Raises
        ------
        TemplateError
            If a template fails on this report.
        RecipeError
            If the backend reads the report itself, and the plan is not ``one_json`` or it is to be asked again.
        """
        if reads != "messages" and (self.plan, samples) == ("one_json", 1):
            return (self.bare(report),)
        if reads != "messages":
            what = f"label.plan: {self.plan}" if samples == 1 else f"label.samples: {samples}"
            raise RecipeError(f"{what}: this backend reads the report itself and has one answer; use another backend")
        prompts = (self.render(report),) if self.plan == "one_json" else self._one_finding_each(report)
        return tuple(replace(p, sample=n) for p in prompts for n in range(1 if p.report.unasked else samples))

    def _one_finding_each(self, report: Report) -> tuple[Prompt, ...]:
        chosen = self.choose(report)
        names = () if chosen.unasked else self.region.schema.names
        return tuple(Prompt(chosen, self._turns(chosen, name), (name,)) for name in names) or (Prompt(chosen),)

    def bare(self, report: Report) -> Prompt:
        """What is read of a report without messages, for labelers that read the report itself."""
        return Prompt(self.choose(report))

    def write(self, role: Role, name: str, report: Report, *, finding: str | None = None, **more: Any) -> Message:
        """One message about a report, or about one finding of it, with variables of its own: for follow-up questions.

        Raises
        ------
        TemplateError
            If the template fails on this report.
        """
        values = self._values if finding is None else self._question(finding)
        return _ReportWriter(self, report, {**values, **more}, *self._form(None)).write(role, name)

    @property
    def _values(self) -> Mapping[str, Any]:
        return self.wording.values

    @property
    def examples(self) -> tuple[Report, ...]:
        """The reports that stand in the question, worked out; sent as they are."""
        return tuple(example.report for example in self.wording.examples)

    @property
    def hash(self) -> str:
        """Digest of all that shapes the messages; templates with the same hash write the same prompts."""
        limit = {"length": [self.length.model_dump(), self.counter.name]} if self.length is not None else {}
        screened = {"screen": self.screen.name} if self.screen and self.screen.name else {}
        return digest(
            {
                **limit,
                **screened,
                "sources": self._sandbox.sources,
                "region": self.region.hash,
                "strategy": self.strategy,
                "language": self.language,
                "sections": self.sections,
                "messages": [
                    [turn.content() for turn in turns] for probe in _PROBES for turns in self._all_turns(probe)
                ],
            }
        )

    def __repr__(self) -> str:
        asked = f"{len(self.region.findings)} findings in {self.language}, {self.strategy}, {self.sections}"
        return f"Template({self.region.name}: {asked}, hash {self.hash})"

    def _all_turns(self, report: Report) -> Iterator[tuple[Turn, ...]]:
        names = (None,) if self.plan == "one_json" else self.region.schema.names
        return (self._turns(report, name) for name in names)

    def _turns(self, report: Report, finding: str | None = None) -> tuple[Turn, ...]:
        if finding is None:
            turns = STRATEGIES[self.strategy](_ReportWriter(self, report, self._values, *self._form(None)))
        else:
            writer = _ReportWriter(self, report, self._question(finding), *self._form(finding))
            turns = ask_one_finding(writer, self.strategy, read_out=self.plan == "label_read")
        return lead(turns, prefill=self.prefill, stop=self.stop)

    def _form(self, finding: str | None) -> Form:
        if finding not in self._forms:
            schema = self.answer_schema if finding is None else finding_schema(self.region, finding)
            self._forms[finding] = Form(schema, answer_tokens(schema))
        return self._forms[finding]

    def _question(self, finding: str) -> dict[str, Any]:
        shown = tuple(self.region.spelling[example.states[finding]] for example in self.wording.examples)
        question = view_question(self.region, finding, self.language)
        return {**self._values, "findings": (), **question, "example_values": shown}


@dataclass(frozen=True, slots=True)
class _ReportWriter:
    """Writes the messages for one report: a `strategies.Writer`."""

    template: Template
    report: Report
    values: Mapping[str, Any]
    answer_schema: Mapping[str, Any]
    answer_tokens: int

    def write(self, role: Role, template: str) -> Message:
        name = f"{template}.{self.template.language}.jinja"
        sandbox, systems, values = self.template._sandbox, self.template._systems, self.values
        if role != "system":
            report = view_report(self.report, self.template.language)
            return Message(role, sandbox.render(name, {**values, "report": report}))
        if name not in systems:
            shared = {known: values[known] for known in self.template._values}  # nothing of the one finding asked about
            systems[name] = Message(role, sandbox.render(name, shared))
        return systems[name]


def load_template(
    region: str | Region,
    *,
    language: str = "en",
    strategy: str = "zero_shot",
    plan: PlanName = "one_json",
    sections: SectionChoice = "whole",
    evidence: bool = False,
    persona: str = DEFAULT_PERSONA,
    examples: Path | str | None = None,
    prefill: str = "",
    stop: Sequence[str] = (),
    templates: Path | None = None,
    length: Length | None = None,
    counter: TokenCounter = APPROXIMATE,
) -> Template:
    """The template for a region, after it has been tried on made-up reports.

    `region` is the name of a folder under `templates` (the shipped folder by default), the path of a region folder, or
    a loaded region. `evidence` asks for the decisive words of the report, whatever the region says. `examples` is a
    file, or the name of one in the region's folders; ``few_shot`` reads ``examples.<language>.yaml`` there if none is
    given. `prefill` begins the answer, which then no JSON schema constrains; a text of `stop` ends it.

    Raises
    ------
    TemplateError
        If the region, language, strategy, persona or section choice is unknown; choices contradict each other; a
        template is absent, invalid, uses an undefined variable or leaves out the report.
    RecipeError
        If the region's ``region.yaml`` or the examples file is wrong.
    """
    loaded = region if isinstance(region, Region) else load_region(region, templates=templates)
    if strategy not in STRATEGIES:
        raise TemplateError(f"unknown strategy {strategy!r}{suggest(strategy, STRATEGIES)}")
    check_plan(plan, strategy, led=bool(prefill or stop))
    if any(not text for text in stop):
        raise TemplateError("stop: an empty text would end every answer before it begins")
    if sections not in CHOICES:
        raise TemplateError(f"unknown sections {sections!r}{suggest(sections, CHOICES)}")
    _check_language(loaded, language)
    loaded = loaded.quoting() if evidence else loaded
    sandbox = Sandbox(template_folders(loaded), VARIABLES)
    schema = answer_schema(loaded)
    wording = choose_wording(
        loaded, language, sandbox, schema, strategy=strategy, plan=plan, persona=persona, examples=examples
    )
    template = Template(
        loaded,
        language,
        strategy,
        plan,
        sections,
        schema,
        sandbox,
        wording,
        prefill,
        tuple(stop),
        length=length,
        counter=counter,
    )
    for probe in _PROBES:
        _check(template, probe)
    system = next(template._all_turns(_PROBES[0]))[0].messages[0]
    check_wording(wording, system.content, loaded)
    for name in FOLLOW_UPS:
        sandbox.check(f"{name}.{language}.jinja")
    return template


def _check_language(region: Region, language: str) -> None:
    if language not in LANGUAGES:
        raise TemplateError(f"unknown language {language!r}{suggest(language, LANGUAGES)}")
    lacking = untranslated(region, language)
    if lacking:
        more = f" and {len(lacking) - 1} more" if len(lacking) > 1 else ""
        raise TemplateError(
            f"{region.folders[0] / REGION_FILE}: no {language!r} text for {lacking[0]}{more}; "
            f"add it, or ask in another language ({', '.join(languages(region)) or 'none is complete'})"
        )


def _check(template: Template, probe: Report) -> None:
    """Render a made-up report, so that a fault shows before the first patient."""
    for turns in template._all_turns(probe):
        said = "\n".join(message.content for turn in turns for message in turn.messages)
        if any(words not in said for words in probe.sections.values()):
            raise TemplateError(
                f"region {template.region.name!r}, strategy {template.strategy!r}: no message contains the whole "
                'report; a user message needs {{ report.text }} or {% include "report.jinja" %}'
            )
