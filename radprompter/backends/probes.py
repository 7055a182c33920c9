"""Probes: questions whose answers tell whether an endpoint does what a turn needs; each says what it has proven."""

from __future__ import annotations

import math
import re
from collections.abc import Awaitable, Callable, Iterator, Sequence
from typing import Any

import orjson

from radprompter.backends.canary import Canary
from radprompter.backends.failing import FailureError
from radprompter.backends.request import OpenAIOptions
from radprompter.backends.thinking import divide_thinking
from radprompter.records import Turn

PLAIN = "Say hello in one word."
COLOUR = "What colour is fresh snow? Answer with one word."
ODD = {"colour": "green with 7 spots"}
ODD_SCHEMA = {
    "type": "object",
    "properties": {name: {"type": "string", "enum": [value]} for name, value in ODD.items()},
    "required": list(ODD),
    "additionalProperties": False,
}
NO_REPORT = "There is no report. Answer as if nothing was mentioned."
OPEN = ("Type some random characters.", "Write a word that nobody would expect.", "Begin a story about anything.")
LETTERS = "ABCD"
LETTER = "Answer with one letter and nothing else: A, B, C or D, whichever you like."
COUNT = "Write the numbers from 1 to 20, divided by commas, and nothing else."
COUNTED = "As the grey cat asked: 1, 2, 3, 4, 5, 6, 7, 8, 9, 1"
STOP = "13"

FEW_TOKENS = 16
ODD_TOKENS = 64
COUNT_TOKENS = 80

MASKED = -1000.0
"""A log-probability that no softmax gives: vLLM writes -9999 for a token that a grammar has ruled out."""

TELLING = 64
"""Tokens that a list may have for its sum to tell something: all tokens of a vocabulary do sum to 1."""

ROUNDING = 1e-3
NO_REST = 1e-6
"""What the tokens that are not listed have at most, where they have nothing."""

Probe = Callable[[Canary, Turn], Awaitable[dict[str, Any]]]


def needed_probes(options: OpenAIOptions, turns: Sequence[Turn]) -> Iterator[tuple[Probe, Turn]]:
    """The probes that the turns need, each with the turn that needs it; a plain one where no other is."""
    constrained = [turn for turn in turns if turn.json_schema is not None and options.structured]
    read_out = [turn for turn in turns if turn.top_logprobs]
    led = [turn for turn in turns if turn.prefill or turn.stop]
    yield from ((probe, turn) for turn in constrained[:1] for probe in (prove_constraint, prove_schema))
    yield from ((probe, turn) for turn in read_out[:1] for probe in (prove_logprobs, prove_letters))
    yield from ((prove_course, turn) for turn in led[:1])
    if not (constrained or read_out or led):
        yield prove_plain, turns[-1]


async def prove_plain(canary: Canary, turn: Turn) -> dict[str, Any]:
    """That a request is taken, and that thinking comes as it is switched."""
    reply = await canary.ask(PLAIN, turn.max_tokens)
    return canary.check_thinking(reply)


async def prove_constraint(canary: Canary, turn: Turn) -> dict[str, Any]:
    """That the schema rules: the question's own answer is not the one that the schema allows."""
    reply = await canary.ask(COLOUR, max(turn.max_tokens, ODD_TOKENS), json_schema=ODD_SCHEMA)
    thought, said = divide_thinking(reply)
    if _is_odd(said):
        return {"constraint": canary.options.structured_name, **canary.check_thinking(reply)}
    if ODD["colour"] in thought:
        raise canary.unproven(
            "puts constrained answers into its reasoning instead of its content: start it without a reasoning parser, "
            "or switch thinking off by extra_body.chat_template_kwargs.enable_thinking: false"
        )
    if reply.failure == "truncated" and (thought or said.startswith("{")):
        raise canary.unproven(
            "came to no constrained answer within the tokens that answers have: give it more by extra_body.max_tokens, "
            "or switch thinking off by extra_body.chat_template_kwargs.enable_thinking: false"
        )
    raise canary.unproven(await _ignored(canary, turn))


async def _ignored(canary: Canary, turn: Turn) -> str:
    """What to say of an endpoint that answers as if there were no schema; the other way to send one is tried."""
    way = canary.options.structured_name
    other = "response_format" if way == "structured_outputs" else "structured_outputs"
    options = canary.options.model_copy(update={"structured": other})
    try:
        reply = await canary.send(options, Turn(canary.messages(COLOUR), max(turn.max_tokens, ODD_TOKENS), ODD_SCHEMA))
        remedy = f"set label.backend.structured: {other}, which it obeys" if _is_odd(divide_thinking(reply)[1]) else ""
    except FailureError:
        remedy = ""
    return f"ignores the JSON schema of an answer ({way}): " + (
        remedy
        or "use a server that constrains answers, or set label.backend.structured: none to have them unconstrained; "
        "some versions of vLLM ignore it where thinking is switched off beside a reasoning parser"
    )


def _is_odd(said: str) -> bool:
    try:
        return bool(orjson.loads(said) == ODD)
    except orjson.JSONDecodeError:
        return False


async def prove_schema(canary: Canary, turn: Turn) -> dict[str, Any]:
    """That the schema of the real answers is taken; what is answered does not matter."""
    most = turn.max_tokens if canary.thinks else min(turn.max_tokens, FEW_TOKENS)
    await canary.ask(NO_REPORT, most, json_schema=turn.json_schema)
    return {"schema": "accepted"}


async def prove_logprobs(canary: Canary, turn: Turn) -> dict[str, Any]:
    """That the probabilities are those of the model: as many as asked for, with a rest beside them, none ruled out."""
    asked = int(canary.options.extra_body.get("top_logprobs", turn.top_logprobs))
    for question in OPEN:  # a model may be sure of one first word, but not of them all
        reply = await canary.ask(question, 1, top_logprobs=turn.top_logprobs)
        values = list((reply.logprobs or {}).values())
        if not values:
            raise canary.unproven(
                "gives no log-probabilities of the first token, or none that are finite and below 0; "
                "plan label_read needs them: use plan per_finding, or another endpoint"
            )
        total = math.fsum(map(math.exp, values))
        if min(values) < MASKED:
            raise canary.unproven(
                "rules out tokens before it gives their log-probabilities, by a grammar or by top_k, top_p or min_p: "
                "take those out of extra_body, and start vLLM with --logprobs-mode=raw_logprobs"
            )
        if total > 1 + ROUNDING:
            raise canary.unproven(f"gives log-probabilities that are none: together their probability is {total:.3f}")
        if total < 1 - NO_REST or asked > TELLING:
            break
    else:
        raise canary.unproven(
            f"gives probabilities that are divided by their sum: {reply.n_listed} tokens have all of it, whatever is "
            "asked; plan label_read needs those of the model: use plan per_finding, or another endpoint"
        )
    if reply.n_listed < asked:
        raise canary.unproven(
            f"lists {reply.n_listed} likely tokens where {asked} were asked for: "
            f"set label.backend.extra_body.top_logprobs: {reply.n_listed} if that is enough for the letters"
        )
    return {"logprobs": {"listed": reply.n_listed, "mass": round(total, 6)}}


async def prove_letters(canary: Canary, turn: Turn) -> dict[str, Any]:
    """Which letters are tokens of their own among the likeliest, and that no thinking comes before them."""
    reply = await canary.ask(LETTER, 1, top_logprobs=turn.top_logprobs)
    likely = reply.logprobs or {}
    first = max(likely, key=likely.__getitem__, default="")
    if divide_thinking(reply)[0] or first.strip().startswith("<think"):
        raise canary.unproven(
            "begins with thinking, so that the first token is no letter: switch it off for plan label_read, "
            "by extra_body.chat_template_kwargs.enable_thinking: false"
        )
    seen = {letter: [value for token, value in likely.items() if token.strip().upper() == letter] for letter in LETTERS}
    return {"letters": {letter: round(sum(map(math.exp, found)), 6) for letter, found in seen.items() if found}}


async def prove_course(canary: Canary, turn: Turn) -> dict[str, Any]:
    """That a reply goes on from its prefill, in the middle of a number, and ends before a stop text.

    Recent versions of vLLM show the prompt as the model saw it, which settles the prefill. Elsewhere it takes a model
    that counts: where it does not, this cannot be told, and is no failure.
    """
    prefill, stop = (COUNTED if turn.prefill else ""), ((STOP,) if turn.stop else ())
    wishes = {"return_prompt_text": True} if prefill else None
    reply = await canary.ask(COUNT, max(turn.max_tokens, COUNT_TOKENS), wishes=wishes, prefill=prefill, stop=stop)
    said = divide_thinking(reply)[1]
    echoed = bool(prefill) and said.startswith(prefill)
    proven: dict[str, Any] = canary.check_thinking(reply)
    if prefill:
        generated = said.removeprefix(prefill).lstrip()
        shown = None if reply.prompt is None else reply.prompt.endswith(prefill)
        if shown is False or (shown is None and re.match(r"(1\s*,\s*2\b|10\s*,)", generated)):
            raise canary.unproven(
                "does not go on with a prefill but answers anew: take label.prefill away, or use a server that takes "
                "continue_final_message, such as vLLM"
            )
        goes_on = "continued" if shown or re.match(r"0\b", generated) else "could not be told"
        proven["prefill"] = f"{goes_on}, sent back" if echoed else goes_on
    if stop:
        if re.search(rf"{STOP}\s*,\s*14\b", said):
            raise canary.unproven("goes on after a stop text: take label.stop away, or use a server that takes `stop`")
        proven["stop"] = "obeyed" if re.search(r"\b12\b", said) else "could not be told"
    return proven
