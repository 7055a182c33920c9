"""What an OpenAI-compatible endpoint is asked: the settings, and the messages and fields that they make of a turn."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Literal

from pydantic import Field, field_validator

from radprompter.errors import RecipeError
from radprompter.records import Message, Turn
from radprompter.typed_yaml import Section

HOSTED = "https://api.openai.com/v1"

Structured = bool | Literal["response_format", "structured_outputs", "none"]

ALIASES: Mapping[Any, bool] = {"response_format": True, "none": False}
"""Other names of a value of `structured`."""

ALWAYS_IDENTITY = frozenset({"model", "temperature", "seed", "structured", "extra_body"})
NO_IDENTITY = frozenset(
    {
        "base_url", "replicas", "api_key_env", "api_key_keyring", "remote", "max_in_flight", "max_tokens_field",
        "request_timeout_s", "deadline_s", "max_retries", "canary",
    }
)  # fmt: skip
"""Settings that change how a request is sent, or where to, and no answer; the address is told apart by its owner."""


class Azure(Section):
    """How Azure OpenAI is asked: by deployment and version, with the key in a header of its own."""

    api_version: str = Field(pattern=r"^[0-9a-z.-]+$", description="version of the interface, such as 2024-10-21")
    deployment: str | None = Field(None, min_length=1, description="name of the deployment; that of the model if null")


class OpenAIOptions(Section):
    """Settings of the `openai` backend. What an endpoint can do is said here, not guessed from a model's name."""

    model: str = Field(description="name of the model, as the endpoint knows it")
    base_url: str = Field(HOSTED, description="address of the endpoint, such as http://localhost:8000/v1")
    replicas: tuple[str, ...] = Field(
        (),
        description="further addresses that serve the very same model; answers count as those of base_url, "
        "whichever gave them",
    )
    azure: Azure | None = Field(
        None, description="for Azure OpenAI, whose base_url is such as https://NAME.openai.azure.com"
    )
    api_key_env: str = Field("OPENAI_API_KEY", description="environment variable that holds the key")
    api_key_keyring: str | None = Field(
        None,
        pattern=r"^[^/].*/[^/]+$",
        description="entry `service/user` of the keyring that holds the key, where the variable does not",
    )
    remote: Literal["refuse", "allow"] = Field("refuse", description="whether reports may leave this machine")
    max_in_flight: int = Field(32, ge=1, le=4096, description="most requests at the same time, to each address")
    temperature: float | None = Field(0.0, ge=0, le=2, description="null for models that do not take it")
    seed: int | None = Field(None, description="sent with each request, where the endpoint takes it")
    structured: Structured = Field(
        True,
        description="how answers are constrained by JSON schema: response_format (true), vLLM's structured_outputs, "
        "or none (false)",
    )
    system_role: bool = Field(
        True,
        description="whether the model's chat template takes a system message; "
        "else its text begins the first user message",
    )
    max_tokens_field: Literal["max_tokens", "max_completion_tokens"] = Field(
        "max_tokens", description="what the endpoint calls the longest answer"
    )
    extra_body: dict[str, Any] = Field(default_factory=dict, description="more fields of each request, such as top_p")
    canary: bool = Field(
        True, description="prove by made-up requests that the endpoint does what is asked, before the first report"
    )
    request_timeout_s: float = Field(120, gt=0, description="longest time of one attempt")
    deadline_s: float = Field(600, gt=0, description="longest time of one reply, with all its attempts")
    max_retries: int = Field(6, ge=0, description="attempts after the first")

    @field_validator("structured")
    @classmethod
    def _one_name(cls, structured: Structured) -> Structured:
        return ALIASES.get(structured, structured)

    @property
    def structured_name(self) -> str:
        """What `structured` is called in full."""
        return next((name for name, value in ALIASES.items() if value == self.structured), str(self.structured))

    def identity(self) -> dict[str, Any]:
        """The settings that change an answer.

        Those that came later count only where they are set, so that answers of before keep their keys.
        """
        later = self.model_dump(exclude=set(NO_IDENTITY | ALWAYS_IDENTITY), exclude_defaults=True)
        return self.model_dump(include=set(ALWAYS_IDENTITY)) | later


def write_messages(messages: Iterable[Message], *, system_role: bool) -> list[dict[str, str]]:
    """Messages as a request has them; without a system role, its text comes before that of the next user message."""
    written: list[dict[str, str]] = []
    before: list[str] = []
    for message in messages:
        if message.role == "system" and not system_role:
            before.append(message.content)
            continue
        begun = before if message.role == "user" else []
        written.append({"role": message.role, "content": "\n\n".join([*begun, message.content])})
        begun.clear()
    if before:
        written.append({"role": "user", "content": "\n\n".join(before)})
    return written


def request_body(options: OpenAIOptions, turn: Turn) -> dict[str, Any]:
    """Fields of a request besides model and messages.

    Raises
    ------
    RecipeError
        If the turn has both a prefill and a schema that is to constrain the answer.
    """
    body: dict[str, Any] = {options.max_tokens_field: turn.max_tokens}
    if options.temperature is not None:
        body["temperature"] = options.temperature
    if options.seed is not None:
        body["seed"] = options.seed
    if turn.json_schema is not None and options.structured:
        body |= _constraint(options.structured, turn)
    if turn.prefill:
        # vLLM's names, https://docs.vllm.ai/en/latest/serving/openai_compatible_server.html
        body |= {"continue_final_message": True, "add_generation_prompt": False}
    if turn.top_logprobs:
        body |= {"logprobs": True, "top_logprobs": turn.top_logprobs}
    unasked = () if turn.top_logprobs else ("top_logprobs",)  # refused by endpoints where no logprobs are asked for
    body |= {name: value for name, value in options.extra_body.items() if name not in unasked}
    if turn.stop:
        body["stop"] = list(dict.fromkeys([*turn.stop, *_texts(options.extra_body.get("stop"))]))
    return body


def _constraint(way: Structured, turn: Turn) -> dict[str, Any]:
    if turn.prefill:
        raise RecipeError(
            "label.prefill: a JSON schema begins the answer anew, so it cannot go on with a prefill; "
            "take the prefill away, or write `structured: none` in label.backend"
        )
    if way == "structured_outputs":
        return {"structured_outputs": {"json": turn.json_schema}}
    schema = {"name": "labels", "schema": turn.json_schema, "strict": True}
    return {"response_format": {"type": "json_schema", "json_schema": schema}}


def _texts(stop: Any) -> list[str]:
    return [stop] if isinstance(stop, str) else list(stop or ())
