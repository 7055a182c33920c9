"""vLLM in this process: no server and no port, a chunk of reports at a time.

Requests mean what they mean to vLLM's server: the same fields make them, and the engine's output is read by way of the
response that the server would send.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import orjson
from pydantic import Field

from radprompter.backends.base import Backend
from radprompter.backends.chat import Reply, read_reply
from radprompter.backends.dialogue import Dialogue
from radprompter.backends.engine import engine_errors, is_refusal, response_body
from radprompter.backends.failing import FailureError
from radprompter.backends.request import OpenAIOptions, Structured, request_body
from radprompter.errors import RecipeError
from radprompter.files import sha256
from radprompter.records import Completion, Prompt, Report, Turn
from radprompter.region import Region
from radprompter.typed_yaml import Section

if TYPE_CHECKING:
    from vllm import LLM, RequestOutput, SamplingParams

INHERITED = ("temperature", "top_p", "top_k", "min_p", "repetition_penalty", "presence_penalty", "frequency_penalty")
"""Sampling parameters that a model may bring defaults for, which the server takes too."""

TOO_LONG = ("maximum context length", "maximum model length", "max_model_len")
"""Words by which vLLM refuses a prompt for its length."""


class OfflineOptions(Section):
    """Settings of the `vllm-offline` backend."""

    model: str = Field(description="folder of the model, or its name on a hub")
    dtype: str = Field("auto", description="type of the weights, such as bfloat16")
    max_model_len: int | None = Field(None, ge=1, description="tokens of prompt and reply; the model's own if null")
    gpu_memory_utilization: float = Field(0.9, gt=0, le=1, description="share of a GPU's memory that is taken")
    tensor_parallel: int = Field(1, ge=1, description="GPUs that share the model")
    max_logprobs: int = Field(128, ge=1, description="likeliest tokens that can be asked for")
    chat_template: Path | None = Field(None, description="chat template instead of the model's own")
    engine_seed: int = Field(0, description="seed of the engine, for requests without one of their own")
    engine: dict[str, Any] = Field(default_factory=dict, description="more arguments of vLLM's `LLM`")
    chunk_size: int = Field(512, ge=1, description="reports that are answered together, and then journaled")
    temperature: float | None = Field(0.0, ge=0, le=2, description="null for the model's default")
    seed: int | None = Field(None, description="seed of each request")
    structured: Structured = Field(True, description="whether answers are constrained by JSON schema")
    system_role: bool = Field(True, description="whether the model's chat template takes a system message")
    extra_body: dict[str, Any] = Field(
        default_factory=dict, description="more sampling parameters, such as top_p, and chat_template_kwargs"
    )
    canary: bool = Field(
        True, description="prove by made-up requests that the model does what is asked, before the first report"
    )

    def request(self) -> OpenAIOptions:
        """The settings that make a request, as the `openai` backend has them."""
        shared = self.model_dump(include={"model", "temperature", "seed", "structured", "system_role", "extra_body"})
        return OpenAIOptions(**shared)


class OfflineBackend:
    """A labeler that loads a model into this process when it is first asked.

    Raises
    ------
    RecipeError
        If the chat template is absent, or `extra_body` has a field that only a server reads.
    """

    Options: ClassVar[type[Section]] = OfflineOptions
    name: ClassVar[str] = "vllm-offline"
    reads: ClassVar[Literal["messages", "report"]] = "messages"

    def __init__(self, options: OfflineOptions, region: Region | None = None) -> None:
        self._options = options
        self._request = options.request()
        self._llm: LLM | None = None
        template = options.chat_template
        if template is not None and not template.is_file():
            raise RecipeError(f"label.backend.chat_template: {template}: no such file")
        if "response_format" in options.extra_body:
            raise RecipeError(
                "label.backend.extra_body.response_format: only a server reads it; use structured_outputs"
            )

    @property
    def model(self) -> str:
        """Name or folder of the model, as the recipe gives it."""
        return self._options.model

    @property
    def identity(self) -> Mapping[str, Any]:
        """Model, weights' type, parameters of a request and of the engine; not memory, GPUs or chunks."""
        options = self._options
        template = {} if options.chat_template is None else {"chat_template": sha256(options.chat_template)}
        engine = options.model_dump(include={"dtype", "engine_seed", "engine"})
        return {**self._request.identity(), **engine, **template}

    @property
    def at_once(self) -> int:
        """Conversations of a chunk."""
        return self._options.chunk_size

    def prove(self, turns: Sequence[Turn]) -> Mapping[str, Any]:
        """See `Backend.prove`; the model is loaded, and answers one to four short requests.

        Raises
        ------
        BackendError
            If the model cannot be loaded, or does not do what the turns need: the setting to change is named.
        RecipeError
            If vLLM is not installed, or the turns ask for what excludes each other.
        """
        if not self._options.canary or not turns:
            return {}
        from radprompter.backends.proof import prove

        self._load()
        proof = prove(self, self._request, turns)
        try:
            proof.send(None)  # by hand: nothing in it waits, and in a notebook a loop is running already
        except StopIteration as done:
            return dict(done.value)
        raise AssertionError("a proof of the engine waits for nothing")

    async def answer(self, options: OpenAIOptions, turn: Turn) -> Reply:
        """The reply of the engine to one turn under other options, as it came, with the prompt as the model saw it.

        Raises
        ------
        FailureError
            If the engine refuses it.
        """
        extra_body = {name: value for name, value in options.extra_body.items() if name != "return_prompt_text"}
        changes = {name: getattr(options, name) for name in ("temperature", "seed", "structured", "system_role")}
        other = OfflineBackend(self._options.model_copy(update={**changes, "extra_body": extra_body}))
        other._llm = llm = self._load()
        dialogue = Dialogue(Prompt(Report("made up", {}), (turn,)), options.system_role)
        try:
            (output,) = other._chat([dialogue], bool(turn.prefill))
        except Exception as error:
            if not (is_refusal(error) or isinstance(error, RecipeError)):
                raise
            raise FailureError("bad_request") from None
        reply = other._reply(output, dialogue)
        if reply is None:
            raise FailureError("bad_response")
        return replace(reply, prompt=str(llm.get_tokenizer().decode(output.prompt_token_ids)))

    def complete(self, prompts: Iterable[Prompt]) -> Iterator[Completion]:
        """Answer each prompt, chunk by chunk; the turns of a chunk's conversations are asked together.

        Raises
        ------
        RecipeError
            If vLLM is not installed, or does not know a setting of `extra_body` or `engine`.
        BackendError
            If the model cannot be loaded, or the engine ends.
        """
        waiting = iter(prompts)
        while chunk := [Dialogue(p, self._options.system_role) for p in islice(waiting, self._options.chunk_size)]:
            while due := [dialogue for dialogue in chunk if dialogue.turn is not None]:
                for begun in (False, True):
                    self._answer([d for d in due if d.turn is not None and bool(d.turn.prefill) is begun], begun)
            yield from (dialogue.completion() for dialogue in chunk)

    def _answer(self, dialogues: Sequence[Dialogue], begun: bool) -> None:
        """Take the reply to the turn of each conversation; one that vLLM refuses fails alone."""
        if not dialogues:
            return
        started = time.monotonic()
        try:
            outputs: Sequence[RequestOutput | str] = self._chat(dialogues, begun)
        except Exception as error:
            if not is_refusal(error):
                raise
            if len(dialogues) > 1:
                for dialogue in dialogues:
                    self._answer([dialogue], begun)
                return
            outputs = ["beyond_context" if any(words in str(error) for words in TOO_LONG) else "bad_request"]
        seconds = (time.monotonic() - started) / len(dialogues)
        for dialogue, output in zip(dialogues, outputs, strict=True):
            dialogue.seconds += seconds
            reply = None if isinstance(output, str) else self._reply(output, dialogue)
            if reply is None:
                dialogue.fail(output if isinstance(output, str) else "bad_response")
            else:
                dialogue.take(reply)

    def _chat(self, dialogues: Sequence[Dialogue], begun: bool) -> list[RequestOutput]:
        llm = self._load()
        extra, template = self._options.extra_body, self._options.chat_template
        params = [self._sampling(llm, dialogue) for dialogue in dialogues]
        with engine_errors("the engine ended while it answered"):
            outputs: list[RequestOutput] = llm.chat(
                [dialogue.messages for dialogue in dialogues],
                params,
                use_tqdm=False,
                chat_template=None if template is None else template.read_text(encoding="utf-8"),
                add_generation_prompt=not begun,
                continue_final_message=begun,
                chat_template_kwargs=extra.get("chat_template_kwargs"),
            )
        return outputs

    def _sampling(self, llm: LLM, dialogue: Dialogue) -> SamplingParams:
        """The sampling parameters that the server would make of the request."""
        from vllm import SamplingParams
        from vllm.sampling_params import StructuredOutputsParams

        turn = dialogue.turn
        assert turn is not None, "the conversation is over"
        body = request_body(self._request, turn)
        for name in ("chat_template_kwargs", "continue_final_message", "add_generation_prompt", "response_format"):
            body.pop(name, None)
        n_listed = body.pop("top_logprobs", None)
        if body.pop("logprobs", False):
            body["logprobs"] = n_listed
        body.pop("structured_outputs", None)
        if turn.json_schema is not None and self._request.structured:
            body["structured_outputs"] = StructuredOutputsParams(json=dict(turn.json_schema))
        elif "structured_outputs" in self._options.extra_body:
            body["structured_outputs"] = StructuredOutputsParams(**self._options.extra_body["structured_outputs"])
        defaults = llm.get_default_sampling_params()
        try:
            return SamplingParams(**{name: getattr(defaults, name) for name in INHERITED} | body)
        except TypeError:
            known = set(getattr(SamplingParams, "__struct_fields__", body))
            raise RecipeError(
                f"label.backend.extra_body: vLLM has no sampling parameter {', '.join(sorted(body.keys() - known))}"
            ) from None

    def _reply(self, output: RequestOutput, dialogue: Dialogue) -> Reply | None:
        turn = dialogue.turn
        assert turn is not None, "the conversation is over"
        n_listed = request_body(self._request, turn).get("top_logprobs", 0)
        body = response_body(output, self._options.model, n_listed)
        return read_reply(orjson.dumps(body), logprobs=turn.top_logprobs > 0)

    def _load(self) -> LLM:
        if self._llm is not None:
            return self._llm
        try:
            from vllm import LLM
        except ImportError:
            raise RecipeError(
                "label.backend.name: vllm-offline needs vLLM in this environment: install the extra `vllm`, "
                "or start a server elsewhere (radprompter serve --python) and use the backend openai"
            ) from None
        options = self._options
        arguments = {
            "model": options.model,
            "dtype": options.dtype,
            "seed": options.engine_seed,
            "max_model_len": options.max_model_len,
            "gpu_memory_utilization": options.gpu_memory_utilization,
            "tensor_parallel_size": options.tensor_parallel,
            "max_logprobs": options.max_logprobs,
            "enable_prefix_caching": True,
            "structured_outputs_config": {"backend": "xgrammar", "disable_any_whitespace": True},
        }
        with engine_errors("the model cannot be loaded"):
            try:
                self._llm = LLM(**{**arguments, **options.engine})
            except Exception as error:
                if not (is_refusal(error) or isinstance(error, TypeError)):
                    raise
                reason = str(error).strip().splitlines()[0][:200] if str(error).strip() else type(error).__name__
                raise RecipeError(f"label.backend: vLLM cannot be set up with these settings: {reason}") from None
        return self._llm

    def close(self) -> None:
        """Let go of the model."""
        self._llm = None


_: type[Backend] = OfflineBackend
