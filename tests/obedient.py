"""What an endpoint that does all that it is asked answers to the made-up questions of the canary."""

from __future__ import annotations

import json
import math
from typing import Any

from radprompter.backends.probes import COLOUR, COUNT, LETTER, NO_REPORT, OPEN, PLAIN

Body = dict[str, Any]

QUESTIONS = (PLAIN, COLOUR, NO_REPORT, *OPEN, LETTER, COUNT)
NUMBERS = ", ".join(map(str, range(1, 21)))


def answer(content: str | None, *, finish_reason: str = "stop", **message: Any) -> Body:
    """The body of a chat completion."""
    return {
        "id": "x",
        "object": "chat.completion",
        "model": "fake-1",
        "choices": [
            {
                "index": 0,
                "finish_reason": finish_reason,
                "message": {"role": "assistant", "content": content, **message},
            }
        ],
        "usage": {"prompt_tokens": 10, "completion_tokens": 5, "prompt_tokens_details": {"cached_tokens": 4}},
    }


def is_canary(body: Body) -> bool:
    """Whether a request asks one of the made-up questions."""
    return any(message["content"].endswith(QUESTIONS) for message in body["messages"])


def obey(body: Body) -> Body:
    """The body of the response."""
    if body.get("logprobs"):
        return likely(body, tokens(body["top_logprobs"]))
    schema = schema_of(body)
    if schema is not None:
        return answer(json.dumps(instance(schema)))
    if body["messages"][-1]["content"].endswith(COUNT):
        return answer(until(NUMBERS, body))
    if body.get("continue_final_message"):
        return answer(until(NUMBERS[NUMBERS.index("10") + 1 :], body))
    return answer("Hello")


def schema_of(body: Body) -> Body | None:
    """The schema that a request asks for, in either way."""
    ways = body.get("response_format", {}).get("json_schema", {}).get("schema"), body.get("structured_outputs", {})
    found: Body | None = ways[0] or ways[1].get("json")
    return found


def until(text: str, body: Body) -> str:
    """The text before the first stop text."""
    return text[: min((text.index(stop) for stop in body.get("stop", ()) if stop in text), default=None)]


def tokens(number: int, *, rest: float = 0.1) -> dict[str, float]:
    """So many tokens, the letters first, and their probabilities, with some rest beside them."""
    names = [*"ABCD", *(f"t{place}" for place in range(number))][:number]
    weights = [2.0**-place for place in range(number)]
    return {name: (1 - rest) * weight / sum(weights) for name, weight in zip(names, weights, strict=True)}


def likely(body: Body, shares: dict[str, float]) -> Body:
    """A response of one token with the probabilities of several."""
    listed = [{"token": token, "logprob": math.log(share) if share else -9999.0} for token, share in shares.items()]
    response = answer(listed[0]["token"], finish_reason="length")
    response["choices"][0]["logprobs"] = {"content": [{**listed[0], "top_logprobs": listed}]}
    return response


def instance(schema: Body) -> Any:
    """Something that a schema allows."""
    if "enum" in schema:
        return schema["enum"][0]
    if "anyOf" in schema:
        return instance(schema["anyOf"][0])
    if schema["type"] == "object":
        return {name: instance(part) for name, part in schema["properties"].items()}
    return {"string": "x", "array": [], "boolean": False, "null": None}.get(schema["type"], 0)
