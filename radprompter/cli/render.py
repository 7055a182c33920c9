"""`radprompter render`: exactly what would be sent, without sending it."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from radprompter.cli.label import length_lines, privacy_lines
from radprompter.cli.reports import recipe_reports
from radprompter.options import AsJson, OutFolder, RecipePath, Settings
from radprompter.terminal import DONE, console, guarded, print_json, show_progress

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from radprompter.labeling.asking import Survey
    from radprompter.prompting import Template
    from radprompter.prompting.preview import Plan
    from radprompter.prompting.prices import Cost
    from radprompter.prompting.tokens import TokenCounter
    from radprompter.recipe import StudyRecipe
    from radprompter.records import Prompt


@guarded
def render(
    recipe: RecipePath,
    n: Annotated[int, typer.Option("-n", min=1, help="Reports to show.")] = 1,
    settings: Settings = None,
    out: OutFolder = None,
    html: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write a page instead of printing messages.")
    ] = None,
    prices: Annotated[Path | None, typer.Option(metavar="FILE", help="Price file instead of the shipped one.")] = None,
    json: AsJson = False,
) -> int:
    """Show what would be sent for the first reports of a recipe, and what it would cost; nothing is sent."""
    from collections import deque
    from dataclasses import replace

    from radprompter.backends import choose_backend
    from radprompter.errors import RecipeError
    from radprompter.files import write_text
    from radprompter.labeling.section import label_screening, label_template
    from radprompter.privacy import Found
    from radprompter.prompting.preview import Plan, preview_page
    from radprompter.prompting.prices import cost, find_price
    from radprompter.recipe import load_recipe
    from radprompter.shipped import find_recipe

    path = find_recipe(recipe)
    study = load_recipe(path, settings=settings or (), out=out)
    if study.label is None:
        raise RecipeError(f"{path}: no `label` section, so there is nothing to render")
    label = study.label
    kind, options = choose_backend(label.backend)
    reads, model = kind.reads, getattr(options, "model", None)
    price = find_price(model, prices) if model else None
    screening = label_screening(label)
    template = replace(label_template(label), screen=screening)
    shown: list[tuple[int, Prompt]] = []
    found, plan = Found(screening), Plan(template.counter)

    def rendered() -> Iterator[Sequence[Prompt]]:
        """The prompts about each report, counted as they pass."""
        nonlocal plan
        for report in show_progress(recipe_reports(study, str(path)), "rendering", total=label.limit):
            prompts = template.prompts(report, reads=reads, samples=label.samples)
            for number, prompt in enumerate(prompts):
                plan = plan.plus(prompt, new=number == 0)
                if plan.n_reports <= n:
                    shown.append((plan.n_reports, prompt))
            yield prompts

    passing = found.watch(rendered())
    survey = _survey(study, template, passing) if reads == "messages" else None
    deque(passing, maxlen=0)  # what was not surveyed
    estimate = cost(price, plan.prompt_tokens, plan.max_completion_tokens) if price else None
    notes = [_cost_line(str(label.backend["name"]), reads, model, estimate), *_survey_lines(survey, estimate)]
    privacy = found.describe()
    notes += privacy_lines(privacy)
    if html is not None:
        page = preview_page(
            [prompt for _, prompt in shown],
            plan,
            title=study.name,
            facts=_facts(study, template),
            cost=estimate,
            note=" ".join(f"{note[:1].upper()}{note[1:]}." for note in notes),
        )
        write_text(html, page)
    if json:
        prompts = [
            {"report_id": p.report.id, "findings": p.findings, "turns": [t.content() for t in p.turns]}
            for _, p in shown
        ]
        money = {"cost_usd": {"prompts": estimate.prompt_usd, "at_most": estimate.at_most_usd} if estimate else None}
        numbers = {**plan.content(), **money, "journal": _known(survey), "privacy": privacy}
        print_json({**_facts(study, template), "reads": reads, **numbers, "prompts": prompts})
        return DONE
    _show_facts(study, template)
    for number, prompt in shown if html is None else ():
        title = f"report {number} of {plan.n_reports}: {prompt.report.id} {', '.join(prompt.findings)}"
        _show_prompt(prompt, title.rstrip(), template.counter)
    _say("")
    _say("━━━ in all ".ljust(100, "━"), style="bold")
    for line in (*_totals(plan, reads), *notes):
        _say(line)
    if reads == "messages":
        _say("nothing was sent")
    if html is not None:
        _say(f"wrote {html}")
    return DONE


def _facts(study: StudyRecipe, template: Template) -> dict[str, Any]:
    assert study.label is not None
    limit, n_examples = study.label.length, len(template.wording.examples)
    return {
        "recipe": study.name,
        "region": template.region.name,
        "schema": template.region.schema.name,
        "language": template.language,
        "strategy": template.strategy,
        "persona": template.wording.persona,
        **({"examples": n_examples} if n_examples else {}),
        "plan": template.plan,
        "sections": template.sections,
        "backend": study.label.backend["name"],
        **({"length": f"{limit.limit_tokens:,} tokens, {limit.policy}"} if limit is not None else {}),
        **({"model": study.label.backend["model"]} if "model" in study.label.backend else {}),
        "template_hash": template.hash,
    }


def _show_facts(study: StudyRecipe, template: Template) -> None:
    for name, value in _facts(study, template).items():
        _say(f"{name.replace('_', ' '):<14}{value}")


def _show_prompt(prompt: Prompt, title: str, counter: TokenCounter) -> None:
    from radprompter.prompting.preview import describe_omission, divide, expected
    from radprompter.prompting.tokens import count_prompt_tokens

    _say("")
    _say(f"━━━ {title} ".ljust(100, "━"), style="bold")
    for line in describe_omission(prompt.report):
        _say(line)
    if prompt.report.unasked:
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
            for part in divide(message, prompt.report):
                _say(part.text, style="yellow" if part.of_report else None, end="")
            _say("")
        _say(f"── reply {number}: {expected(turn)}, at most {turn.max_tokens:,} tokens ──", style="green")
    n_tokens = count_prompt_tokens(prompt, counter)
    about = "about " if counter.is_approximate else ""
    _say(f"{about}{n_tokens:,} prompt tokens in {len(prompt.turns)} request(s)", style="dim")


def _totals(plan: Plan, reads: str) -> list[str]:
    """What labeling all reports would take, one line a number."""
    skipped = f", of which {plan.n_skipped:,} without text are skipped" if plan.n_skipped else ""
    lines = [f"{plan.n_reports:,} reports{skipped}", *length_lines(asdict(plan.lengths))]
    if reads == "messages":
        lines += [
            f"{plan.n_requests:,} requests",
            f"{'about ' if plan.counter.is_approximate else ''}{plan.prompt_tokens:,} prompt tokens "
            f"({plan.counter.name}; without chat template and repeated replies)",
            f"at most {plan.max_completion_tokens:,} completion tokens",
        ]
    return lines


def _cost_line(backend: str, reads: str, model: str | None, estimate: Cost | None) -> str:
    from radprompter.prompting.preview import in_dollars

    if reads == "report":
        return f"no message is sent: backend {backend!r} reads the reports itself"
    if estimate is not None:
        return in_dollars(estimate)
    return f"no cost: the price file has no price for model {model or backend!r}"


def _survey(study: StudyRecipe, template: Template, reports: Iterable[Sequence[Prompt]]) -> Survey | str | None:
    """What the journal of a recipe has of some prompts; why it was not looked at; or ``None`` if there is none."""
    from contextlib import ExitStack, closing

    from radprompter.backends import open_backend
    from radprompter.errors import InputError, JournalError
    from radprompter.journal import Journal
    from radprompter.labeling.asking import Asker
    from radprompter.labeling.section import label_journal

    assert study.label is not None
    path = label_journal(study)
    if not path.is_file():
        return None
    conditional = [name for name, finding in template.region.findings.items() if finding.depends_on]
    with ExitStack() as opened:
        try:
            backend = opened.enter_context(closing(open_backend(study.label.backend, template.region)))
            journal = opened.enter_context(Journal(path))
        except (InputError, JournalError) as error:  # such as no key for an endpoint, which rendering does not need
            return f"the journal was not looked at: {error}"
        return Asker(backend, journal, keep_truncated=study.label.reasks > 0).survey(reports, conditional)


def _survey_lines(survey: Survey | str | None, estimate: Cost | None) -> list[str]:
    if survey is None or isinstance(survey, str):
        return [survey] if survey else []
    share = survey.n_new / survey.n_requests if survey.n_requests else 0.0
    money = None if estimate is None else estimate.at_most_usd * share
    lines = describe_survey(survey.n_known, survey.n_new, survey.new_by_finding, money)
    if survey.n_conditional:
        lines.append(f"of the new, only where the finding that they depend on is there: {survey.n_conditional:,}")
    return lines


def _known(survey: Survey | str | None) -> dict[str, Any] | None:
    if survey is None or isinstance(survey, str):
        return None
    return {"n_known": survey.n_known, "n_new": survey.n_new, "new_by_finding": survey.new_by_finding}


def describe_survey(n_known: int, n_new: int, new_by_finding: Mapping[str, int], cost_usd: float | None) -> list[str]:
    """What labeling would ask now, in lines: requests that the journal has answers to, and new ones with their cost."""
    from radprompter.prompting.preview import in_usd

    if not n_known:
        return [f"{n_new:,} requests, none of them answered in the journal"]
    if not n_new:
        return [f"all {n_known:,} requests are answered in the journal: labeling asks nothing"]
    money = "" if cost_usd is None else f", about {in_usd(cost_usd)} at most"
    new = {finding: number for finding, number in new_by_finding.items() if number}
    by_finding = ", ".join(f"{finding} {number:,}" for finding, number in new.items())
    if len(new) > 1 and len(set(new.values())) == 1:
        by_finding = f"{max(new.values()):,} for each of {len(new)}"
    known = f"{n_known:,} of {n_known + n_new:,} different requests are answered in the journal"
    lines = [f"{known}; labeling asks {n_new:,}{money}"]
    return [*lines, f"new requests by finding: {by_finding}"] if by_finding else lines


def _say(text: str, *, style: str | None = None, end: str = "\n") -> None:
    """Print text as it is: no markup, no wrapping."""
    console().print(text, style=style, end=end, markup=False, emoji=False, soft_wrap=True)
