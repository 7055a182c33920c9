"""`radprompter render`: exactly what would be sent, without sending it."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from radprompter.cli.label import length_lines
from radprompter.options import AsJson, OutFolder, RecipePath, Settings
from radprompter.terminal import DONE, console, guarded, print_json, show_progress

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from radprompter.prompting import Template
    from radprompter.prompting.preview import Plan
    from radprompter.prompting.prices import Cost
    from radprompter.prompting.tokens import TokenCounter
    from radprompter.recipe import StudyRecipe
    from radprompter.records import Prompt, Report


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
    from radprompter.backends import choose_backend
    from radprompter.errors import RecipeError
    from radprompter.files import write_text
    from radprompter.prompting.preview import Plan, preview_page
    from radprompter.prompting.prices import cost, find_price
    from radprompter.recipe import load_recipe
    from radprompter.run import label_template
    from radprompter.shipped import find_recipe

    path = find_recipe(recipe)
    study = load_recipe(path, settings=settings or (), out=out)
    if study.label is None:
        raise RecipeError(f"{path}: no `label` section, so there is nothing to render")
    label = study.label
    kind, options = choose_backend(label.backend)
    reads, model = kind.reads, getattr(options, "model", None)
    price = find_price(model, prices) if model else None
    template = label_template(label)
    shown: list[tuple[int, Prompt]] = []
    plan = Plan(template.counter)
    for report in show_progress(_reports(study, str(path)), "rendering", total=label.limit):
        for number, prompt in enumerate(template.prompts(report, reads=reads, samples=label.samples)):
            plan = plan.plus(prompt, new=number == 0)
            if plan.n_reports <= n:
                shown.append((plan.n_reports, prompt))
    estimate = cost(price, plan.prompt_tokens, plan.max_completion_tokens) if price else None
    note = _cost_line(str(label.backend["name"]), reads, model, estimate)
    if html is not None:
        page = preview_page(
            [prompt for _, prompt in shown],
            plan,
            title=study.name,
            facts=_facts(study, template),
            cost=estimate,
            note=f"{note[:1].upper()}{note[1:]}.",
        )
        write_text(html, page)
    if json:
        prompts = [
            {"report_id": p.report.id, "findings": p.findings, "turns": [t.content() for t in p.turns]}
            for _, p in shown
        ]
        money = {"cost_usd": {"prompts": estimate.prompt_usd, "at_most": estimate.at_most_usd} if estimate else None}
        print_json({**_facts(study, template), "reads": reads, **plan.content(), **money, "prompts": prompts})
        return DONE
    _show_facts(study, template)
    for number, prompt in shown if html is None else ():
        asked = ", ".join(prompt.findings)
        _show_prompt(
            prompt, f"report {number} of {plan.n_reports}: {prompt.report.id} {asked}".rstrip(), template.counter
        )
    _say("")
    _say("━━━ in all ".ljust(100, "━"), style="bold")
    for line in (*_totals(plan, reads), note, *(["nothing was sent"] if reads == "messages" else [])):
        _say(line)
    if html is not None:
        _say(f"wrote {html}")
    return DONE


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


def describe_survey(
    n_known: int, n_new: int, new_by_finding: Mapping[str, int], at_most_usd: float | None
) -> list[str]:
    """What labeling would ask now, in lines: requests that the journal has answers to, and new ones with their cost."""
    from radprompter.prompting.preview import in_usd

    if not n_known:
        return [f"{n_new:,} requests, none of them answered in the journal"]
    if not n_new:
        return [f"all {n_known:,} requests are answered in the journal: labeling asks nothing"]
    money = "" if at_most_usd is None else f", at most {in_usd(at_most_usd)}"
    by_finding = ", ".join(f"{finding} {number:,}" for finding, number in new_by_finding.items() if number)
    lines = [f"{n_known:,} of {n_known + n_new:,} requests are answered in the journal; labeling asks {n_new:,}{money}"]
    return [*lines, f"new requests by finding: {by_finding}"] if by_finding else lines


def _say(text: str, *, style: str | None = None, end: str = "\n") -> None:
    """Print text as it is: no markup, no wrapping."""
    console().print(text, style=style, end=end, markup=False, emoji=False, soft_wrap=True)
