"""`radprompter render`: exactly what would be sent, without sending it."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Annotated, Any

import typer

from radprompter.options import AsJson, OutFolder, RecipePath, Settings
from radprompter.terminal import DONE, console, guarded, print_json, show_progress

if TYPE_CHECKING:
    from collections.abc import Iterator

    from radprompter.prompting import Template
    from radprompter.recipe import StudyRecipe
    from radprompter.records import Prompt, Report, Turn

CHARACTERS_PER_TOKEN = 4
"""A usual figure for English; tokenizers and languages differ, so counts made with it are called approximate."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What labeling all reports of a recipe would take; tokens are approximate (`CHARACTERS_PER_TOKEN`)."""

    n_reports: int = 0
    n_skipped: int = 0  # reports without text in the chosen sections
    n_requests: int = 0
    approximate_prompt_tokens: int = 0
    max_completion_tokens: int = 0

    def plus(self, prompt: Prompt, *, new: bool = True) -> Plan:
        """This plan with one conversation more; `new` if it is the first about its report."""
        if not has_words(prompt.report):
            return replace(self, n_reports=self.n_reports + 1, n_skipped=self.n_skipped + 1)
        return replace(
            self,
            n_reports=self.n_reports + new,
            n_requests=self.n_requests + len(prompt.turns),
            approximate_prompt_tokens=self.approximate_prompt_tokens + approximate_prompt_tokens(prompt),
            max_completion_tokens=self.max_completion_tokens + sum(turn.max_tokens for turn in prompt.turns),
        )


@guarded
def render(
    recipe: RecipePath,
    n: Annotated[int, typer.Option("-n", min=1, help="Reports to show.")] = 1,
    settings: Settings = None,
    out: OutFolder = None,
    json: AsJson = False,
) -> int:
    """Show what would be sent for the first reports of a recipe; nothing is sent."""
    from radprompter.backends import choose_backend
    from radprompter.errors import RecipeError
    from radprompter.prompting import load_template
    from radprompter.recipe import load_recipe
    from radprompter.shipped import find_recipe

    path = find_recipe(recipe)
    study = load_recipe(path, settings=settings or (), out=out)
    if study.label is None:
        raise RecipeError(f"{path}: no `label` section, so there is nothing to render")
    label = study.label
    reads = choose_backend(label.backend).kind.reads
    template = load_template(
        label.region,
        language=label.language,
        strategy=label.strategy,
        plan=label.plan,
        sections=label.sections,
        templates=label.templates,
    )
    shown: list[tuple[int, Prompt]] = []
    plan = Plan()
    for report in show_progress(_reports(study, str(path)), "rendering", total=label.limit):
        for number, prompt in enumerate(template.prompts(report, reads=reads, samples=label.samples)):
            plan = plan.plus(prompt, new=number == 0)
            if plan.n_reports <= n:
                shown.append((plan.n_reports, prompt))
    if json:
        prompts = [
            {"report_id": p.report.id, "findings": p.findings, "turns": [t.content() for t in p.turns]}
            for _, p in shown
        ]
        print_json({**_facts(study, template), "reads": reads, **asdict(plan), "prompts": prompts})
        return DONE
    _show_facts(study, template)
    for number, prompt in shown:
        asked = ", ".join(prompt.findings)
        _show_prompt(prompt, f"report {number} of {plan.n_reports}: {prompt.report.id} {asked}".rstrip())
    _show_plan(plan, str(label.backend["name"]), reads)
    return DONE


def has_words(report: Report) -> bool:
    """Whether there is anything to read; other reports are skipped."""
    return any(character.isalnum() for character in report.text)


def approximate_prompt_tokens(prompt: Prompt) -> int:
    """Prompt tokens of all requests of a conversation; a later turn repeats the messages before it, not the replies."""
    characters = total = 0
    for turn in prompt.turns:
        characters += sum(len(message.content) for message in turn.messages)
        total += characters
    return round(total / CHARACTERS_PER_TOKEN)


def _reports(study: StudyRecipe, recipe: str) -> Iterator[Report]:
    import itertools

    from radprompter.errors import TableError
    from radprompter.store import read_reports

    assert study.label is not None
    file = study.label.reports.path
    if study.phantom is not None and not file.is_file():
        raise TableError(f"{file}: no such file yet; `radprompter run {recipe}` writes it")
    return itertools.islice(read_reports(study.label.reports), study.label.limit)


def _facts(study: StudyRecipe, template: Template) -> dict[str, Any]:
    assert study.label is not None
    return {
        "recipe": study.name,
        "region": template.region.name,
        "schema": template.region.schema.name,
        "language": template.language,
        "strategy": template.strategy,
        "plan": template.plan,
        "sections": template.sections,
        "backend": study.label.backend["name"],
        "template_hash": template.hash,
    }


def _show_facts(study: StudyRecipe, template: Template) -> None:
    for name, value in _facts(study, template).items():
        _say(f"{name.replace('_', ' '):<14}{value}")


def _show_prompt(prompt: Prompt, title: str) -> None:
    _say("")
    _say(f"━━━ {title} ".ljust(100, "━"), style="bold")
    if not has_words(prompt.report):
        _say("no text in the chosen sections: the report would be skipped")
        return
    if not prompt.turns:
        _say("no message is sent: this backend reads the report itself")
        for name, words in prompt.report.sections.items():
            if words.strip():
                _say(f"── section {name} ──", style="cyan")
                _say(words)
        return
    for number, turn in enumerate(prompt.turns, start=1):
        for message in turn.messages:
            _say(f"── request {number}, {message.role} ──", style="cyan")
            _say(message.content)
        _say(f"── reply {number}: {_expected(turn)}, at most {turn.max_tokens:,} tokens ──", style="green")
    _say(f"about {approximate_prompt_tokens(prompt):,} prompt tokens in {len(prompt.turns)} request(s)", style="dim")


def _expected(turn: Turn) -> str:
    """What a turn asks for, in a few words."""
    schema = turn.json_schema
    if turn.top_logprobs:
        return f"probabilities of the {turn.top_logprobs} likeliest tokens"
    if schema is None:
        return "free text"
    groups: dict[tuple[str, ...], int] = {}
    for allowed in schema["properties"].values():
        key = tuple(allowed["enum"])
        groups[key] = groups.get(key, 0) + 1
    parts = [f"{count} x ({' | '.join(values)})" for values, count in groups.items()]
    return f"JSON object with {len(schema['required'])} keys, all required: {', '.join(parts)}"


def _show_plan(plan: Plan, backend: str, reads: str) -> None:
    skipped = f", of which {plan.n_skipped:,} without text are skipped" if plan.n_skipped else ""
    _say("")
    _say("━━━ in all ".ljust(100, "━"), style="bold")
    _say(f"{plan.n_reports:,} reports{skipped}")
    if reads == "report":
        _say(f"no message is sent: backend {backend!r} reads the reports itself")
        return
    _say(f"{plan.n_requests:,} requests")
    _say(
        f"about {plan.approximate_prompt_tokens:,} prompt tokens (approximate: characters / {CHARACTERS_PER_TOKEN}, "
        "before earlier replies are repeated)"
    )
    _say(f"at most {plan.max_completion_tokens:,} completion tokens")
    _say("nothing was sent")


def _say(text: str, *, style: str | None = None) -> None:
    """Print text as it is: no markup, no wrapping."""
    console().print(text, style=style, markup=False, emoji=False, soft_wrap=True)
