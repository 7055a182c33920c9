"""How vLLM's engine speaks in this process: its refusals, its errors, and its output as the server would send it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from radprompter.errors import BackendError, RadprompterError

if TYPE_CHECKING:
    from vllm import RequestOutput

LEAST_LOGPROB = -9999.0
"""What the server writes for a token that a grammar forbids."""


def response_body(output: RequestOutput, model: str, n_listed: int) -> dict[str, Any]:
    """What vLLM's server would send for an output of the engine, as far as it is read."""
    choice = output.outputs[0]
    told: dict[str, Any] = {"finish_reason": choice.finish_reason, "message": {"content": choice.text}}
    if n_listed and choice.logprobs:
        first = choice.logprobs[0]
        listed = [_token(entry) for entry in list(first.values())[:n_listed]]
        told["logprobs"] = {"content": [{**_token(first[choice.token_ids[0]]), "top_logprobs": listed}]}
    usage = {
        "prompt_tokens": len(output.prompt_token_ids or ()),
        "completion_tokens": len(choice.token_ids),
        "prompt_tokens_details": {"cached_tokens": output.num_cached_tokens or 0},
    }
    return {"model": model, "choices": [told], "usage": usage}


def _token(entry: Any) -> dict[str, Any]:
    return {"token": entry.decoded_token or "", "logprob": max(float(entry.logprob), LEAST_LOGPROB)}


def is_refusal(error: Exception) -> bool:
    """Whether vLLM refuses what it is asked; by the name, since what has vLLM's classes is slow to import."""
    return isinstance(error, ValueError) or any(kind.__name__ == "VLLMClientError" for kind in type(error).__mro__)


@contextmanager
def engine_errors(what: str) -> Iterator[None]:
    """Errors of the engine are ours; their words are not passed on: they may quote a report."""
    try:
        yield
    except RadprompterError:
        raise
    except Exception as error:
        if is_refusal(error):
            raise
        raise BackendError(
            f"vLLM: {what} ({type(error).__name__}); what was answered is kept: run the same command again",
            kind="engine",
        ) from None
