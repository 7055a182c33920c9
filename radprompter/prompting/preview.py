"""What a person sees before anything is sent: messages with the report marked inside, requests, tokens and cost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from html import escape
from pathlib import Path
from typing import Any, NamedTuple

from radprompter.pages import render_page
from radprompter.prompting.length import LengthCounts
from radprompter.prompting.prices import Cost
from radprompter.prompting.quoting import quote
from radprompter.prompting.tokens import APPROXIMATE, TokenCounter, count_prompt_tokens
from radprompter.records import NO_TEXT, Message, Prompt, Report, Turn

PAGE = Path(__file__).parent / "page" / "preview.html.jinja"


@dataclass(frozen=True, slots=True)
class Plan:
    """What labeling all reports of a recipe would take; tokens as the counter counts them."""

    counter: TokenCounter = APPROXIMATE
    n_reports: int = 0
    n_skipped: int = 0  # reports without text in the chosen sections
    n_requests: int = 0
    prompt_tokens: int = 0
    max_completion_tokens: int = 0
    lengths: LengthCounts = field(default_factory=LengthCounts)

    def plus(self, prompt: Prompt, *, new: bool = True) -> Plan:
        """This plan with one conversation more; `new` if it is the first about its report."""
        plan = replace(self, n_reports=self.n_reports + 1, lengths=self.lengths.plus(prompt.report)) if new else self
        if prompt.report.unasked:
            return replace(plan, n_skipped=plan.n_skipped + (prompt.report.unasked == NO_TEXT))
        return replace(
            plan,
            n_requests=plan.n_requests + len(prompt.turns),
            prompt_tokens=plan.prompt_tokens + count_prompt_tokens(prompt, self.counter),
            max_completion_tokens=plan.max_completion_tokens + sum(turn.max_tokens for turn in prompt.turns),
        )

    def content(self) -> dict[str, Any]:
        """The numbers as plain data, with the counter's name and whether it is approximate."""
        numbers = {name: getattr(self, name) for name in self.__slots__ if name not in ("counter", "lengths")}
        how = {"token_counter": self.counter.name, "tokens_are_approximate": self.counter.is_approximate}
        return {**numbers, **how, "lengths": asdict(self.lengths)}


class Part(NamedTuple):
    """A piece of a message's text."""

    text: str
    of_report: bool


@dataclass(frozen=True, repr=False, slots=True)
class Preview:
    """A prompt to look at: the page of `preview_page` in a notebook, its messages as text elsewhere."""

    prompt: Prompt
    title: str
    counter: TokenCounter = APPROXIMATE

    def __repr__(self) -> str:
        n_tokens = count_prompt_tokens(self.prompt, self.counter)
        shown = [f"{self.title}: about {n_tokens:,} prompt tokens ({self.counter.name})"]
        shown += describe_omission(self.prompt.report)
        for number, turn in enumerate(self.prompt.turns, start=1):
            shown += [f"── request {number}, {message.role} ──\n{message.content}" for message in turn.messages]
            shown.append(f"── reply {number}: {expected(turn)}, at most {turn.max_tokens:,} tokens ──")
        return "\n".join(shown)

    def _repr_html_(self) -> str:
        note = "An estimate for this report alone."
        plan = Plan(self.counter).plus(self.prompt)
        page = preview_page((self.prompt,), plan, title=self.title, facts={}, cost=None, note=note)
        return f'<iframe sandbox srcdoc="{escape(page)}" style="width: 100%; height: 40rem; border: 0"></iframe>'


def describe_omission(report: Report) -> list[str]:
    """What is not read of a report, and why: one line, or none."""
    cut = report.cut
    if report.unasked == NO_TEXT:
        return ["no text in the chosen sections: the report would be skipped"]
    if cut is None:
        return []
    if report.unasked:
        return [f"too long ({cut.n_tokens:,} tokens): the report would not be asked about, and its cells would fail"]
    left_out = f"{cut.n_words_left_out:,} words left out where the mark stands"
    return [f"cut: {cut.n_tokens_read:,} of {cut.n_tokens:,} tokens are read, {left_out}"]


def divide(message: Message, report: Report) -> list[Part]:
    """A message's text in pieces, those that are the report's own words marked; joined they are the message.

    The mark of a cut is not the report's own. System texts never hold the report. Section by section, in order, the
    first place of its words is taken.
    """
    content, parts, here = message.content, [], 0
    for words in report.sections.values() if message.role != "system" else ():
        text = quote(words).strip()
        found = content.find(text, here) if text else -1
        if found >= 0:
            before, mark, after = text.partition(report.cut.mark) if report.cut and report.cut.mark else (text, "", "")
            parts += [Part(content[here:found], False), Part(before, True), Part(mark, False), Part(after, True)]
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
        f"about {in_usd(cost.prompt_usd)} for the prompts, at most {in_usd(cost.at_most_usd)} with the completions "
        f"({price.input:g} and {price.output:g} USD per million tokens, {price.source}, {price.date})"
    )


def preview_page(
    prompts: Sequence[Prompt], plan: Plan, *, title: str, facts: Mapping[str, Any], cost: Cost | None, note: str
) -> str:
    """One self-contained HTML page without scripts: plan, cost with a note, facts, and some prompts."""
    tools = {"divide": divide, "expected": expected, "describe_omission": describe_omission, "dollars": in_usd}
    values = {"prompts": prompts, "plan": plan, "title": title, "facts": facts, "cost": cost, "note": note, **tools}
    return render_page(PAGE, tokens=partial(count_prompt_tokens, counter=plan.counter), **values)


def _kind(allowed: Mapping[str, Any]) -> str:
    kind = allowed.get("type", "object")
    return " or ".join(kind) if isinstance(kind, list) else str(kind)


def in_usd(amount: float) -> str:
    """An amount as it is written: cents from a dollar on, two digits below."""
    return f"${amount:,.2f}" if amount >= 0.995 else f"${amount:.2g}"
