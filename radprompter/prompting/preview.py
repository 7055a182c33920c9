"""What a person sees before anything is sent: messages with the report marked inside, requests, tokens and cost.

Token counts are approximate (`CHARACTERS_PER_TOKEN`): tokenizers and languages differ.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from html import escape
from pathlib import Path
from typing import Any, NamedTuple

from radprompter.prompting.prices import Cost
from radprompter.prompting.quoting import quote
from radprompter.records import Message, Prompt, Report, Turn

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


class Part(NamedTuple):
    """A piece of a message's text."""

    text: str
    of_report: bool


@dataclass(frozen=True, repr=False, slots=True)
class Preview:
    """A prompt to look at: the page of `preview_page` in a notebook, its messages as text elsewhere."""

    prompt: Prompt
    title: str

    def __repr__(self) -> str:
        shown = [f"{self.title}: about {approximate_prompt_tokens(self.prompt):,} prompt tokens"]
        for number, turn in enumerate(self.prompt.turns, start=1):
            shown += [f"── request {number}, {message.role} ──\n{message.content}" for message in turn.messages]
            shown.append(f"── reply {number}: {expected(turn)}, at most {turn.max_tokens:,} tokens ──")
        return "\n".join(shown)

    def _repr_html_(self) -> str:
        note = "An estimate for this report alone."
        page = preview_page((self.prompt,), Plan().plus(self.prompt), title=self.title, facts={}, cost=None, note=note)
        return f'<iframe sandbox srcdoc="{escape(page)}" style="width: 100%; height: 40rem; border: 0"></iframe>'


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


def divide(message: Message, report: Report) -> list[Part]:
    """A message's text in pieces, those that are the report's own words marked; joined they are the message.

    System texts never hold the report. Section by section, in order, the first place of its words is taken.
    """
    content, parts, here = message.content, [], 0
    for words in report.sections.values() if message.role != "system" else ():
        text = quote(words).strip()
        found = content.find(text, here) if text else -1
        if found >= 0:
            parts += [Part(content[here:found], False), Part(text, True)]
            here = found + len(text)
    parts.append(Part(content[here:], False))
    return [part for part in parts if part.text]


def expected(turn: Turn) -> str:
    """The reply that a turn asks for, in a few words."""
    schema = turn.json_schema
    if turn.top_logprobs:
        return f"probabilities of the {turn.top_logprobs} likeliest tokens"
    if schema is None:
        return "free text"
    groups: dict[tuple[str, ...], int] = {}
    for allowed in schema["properties"].values():
        key = tuple(map(str, allowed.get("enum") or (_kind(allowed),)))
        groups[key] = groups.get(key, 0) + 1
    parts = [f"{count} x ({' | '.join(values)})" for values, count in groups.items()]
    return f"JSON object with {len(schema['required'])} keys, all required: {', '.join(parts)}"


def in_dollars(cost: Cost) -> str:
    """The cost in words, with where the price is from."""
    price = cost.price
    return (
        f"about {_usd(cost.prompt_usd)} for the prompts, at most {_usd(cost.at_most_usd)} with the completions "
        f"({price.input:g} and {price.output:g} USD per million tokens, {price.source}, {price.date})"
    )


def preview_page(
    prompts: Sequence[Prompt], plan: Plan, *, title: str, facts: Mapping[str, Any], cost: Cost | None, note: str
) -> str:
    """One self-contained HTML page without scripts: plan, cost with a note, facts, and some prompts."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent / "page"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    tools = {"divide": divide, "expected": expected, "has_words": has_words, "tokens": approximate_prompt_tokens}
    environment.globals |= tools | {"dollars": _usd, "characters": CHARACTERS_PER_TOKEN}
    page = environment.get_template("preview.html.jinja")
    return page.render(prompts=prompts, plan=plan, title=title, facts=facts, cost=cost, note=note)


def _kind(allowed: Mapping[str, Any]) -> str:
    kind = allowed.get("type", "object")
    return " or ".join(kind) if isinstance(kind, list) else str(kind)


def _usd(amount: float) -> str:
    return f"${amount:,.2f}" if amount >= 0.995 else f"${amount:.2g}"
