"""Plans: what one request asks. All findings at once is a strategy's own way; here is how one finding is asked about.

The system text is equal for all findings and names none of them, the report comes next and the finding last: requests
about one report share their beginning, which an endpoint can keep in its prefix cache, and a change of one finding's
wording changes the requests about that finding alone.
"""

from __future__ import annotations

from typing import Literal, get_args

from radprompter.errors import TemplateError
from radprompter.prompting.strategies import (
    FEW_SHOT,
    REASONING_TOKENS,
    REASONS_APART,
    REASONS_BEFORE,
    Writer,
    reasoned_turn,
)
from radprompter.recipe import PlanName
from radprompter.records import Message, Turn

Reads = Literal["messages", "report"]

TOP_LOGPROBS = 20
"""Tokens whose probabilities are asked for: the most that OpenAI, and vLLM by default, give."""

ONE_FINDING_STRATEGIES = ("zero_shot", FEW_SHOT, REASONS_APART, REASONS_BEFORE)
"""Strategies that can ask about one finding."""


def check_plan(plan: str, strategy: str, *, led: bool = False) -> None:
    """Refuse what cannot be asked; `led` says that the answer is begun or ended for the model.

    Raises
    ------
    TemplateError
        If the plan is unknown, the strategy cannot ask about one finding, or a read-out has no words to reason in, to
        begin or to end.
    """
    known = get_args(PlanName)
    if plan not in known:
        raise TemplateError(f"unknown plan {plan!r}; known: {', '.join(known)}")
    if plan != "one_json" and strategy not in ONE_FINDING_STRATEGIES:
        names = ", ".join(ONE_FINDING_STRATEGIES)
        raise TemplateError(f"plan {plan!r} asks about one finding at a time, which {strategy!r} cannot; use {names}")
    if plan == "label_read" and strategy == REASONS_BEFORE:
        raise TemplateError(
            f"plan 'label_read' reads the probabilities of the first token, before which {strategy!r} has no room to "
            f"reason; use {REASONS_APART!r}, which reasons in a turn of its own"
        )
    if plan == "label_read" and led:
        raise TemplateError("plan 'label_read' reads one token and no text; take prefill and stop away")


def ask_one_finding(writer: Writer, strategy: str, *, read_out: bool) -> tuple[Turn, ...]:
    """The turns about one finding; the reply to the last one is JSON, or (`read_out`) a letter's probabilities.

    Letters stand for the states in a read-out, because they are tokens of their own: spellings may be divided into
    tokens, and share the first. No grammar constrains that reply, which would hide what the model says besides.
    """
    system, finding = writer.write("system", "one_finding"), writer.write("user", "finding")
    answer = writer.write("user", "finding_letter" if read_out else "finding_answer")
    if strategy == REASONS_APART:
        thinking = (system, _joined(finding, writer.write("user", "finding_thought")))
        return (Turn(thinking, REASONING_TOKENS), _last_turn((answer,), writer, read_out=read_out))
    if strategy == REASONS_BEFORE:
        return (reasoned_turn((system, _joined(finding, answer, writer.write("user", "reasoning_first"))), writer),)
    return (_last_turn((system, _joined(finding, answer)), writer, read_out=read_out),)


def _last_turn(messages: tuple[Message, ...], writer: Writer, *, read_out: bool) -> Turn:
    if read_out:
        return Turn(messages, max_tokens=1, top_logprobs=TOP_LOGPROBS)
    return Turn(messages, writer.answer_tokens, writer.answer_schema)


def _joined(*messages: Message) -> Message:
    return Message("user", "\n\n".join(message.content for message in messages))
