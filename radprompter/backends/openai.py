"""Any endpoint that speaks OpenAI's chat completions: a local vLLM server, or a hosted model."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Literal
from urllib.parse import urlsplit

from pydantic import Field

from radprompter.backends.base import Backend
from radprompter.backends.conversation import Conversations
from radprompter.backends.endpoint import check_address, find_key, is_on_this_machine
from radprompter.backends.in_flight import LoopThread
from radprompter.records import Completion, Prompt, Turn
from radprompter.region import Region
from radprompter.typed_yaml import Section

if TYPE_CHECKING:
    from openai import AsyncOpenAI

HOSTED = "https://api.openai.com/v1"


class OpenAIOptions(Section):
    """Settings of the `openai` backend. What an endpoint can do is said here, not guessed from a model's name."""

    model: str = Field(description="name of the model, as the endpoint knows it")
    base_url: str = Field(HOSTED, description="address of the endpoint, such as http://localhost:8000/v1")
    api_key_env: str = Field("OPENAI_API_KEY", description="environment variable that holds the key")
    remote: Literal["refuse", "allow"] = Field("refuse", description="whether reports may leave this machine")
    max_in_flight: int = Field(32, ge=1, le=4096, description="requests at the same time")
    temperature: float | None = Field(0.0, ge=0, le=2, description="null for models that do not take it")
    seed: int | None = Field(None, description="sent with each request, where the endpoint takes it")
    structured: bool = Field(True, description="constrain answers by JSON schema (`response_format`)")
    max_tokens_field: Literal["max_tokens", "max_completion_tokens"] = Field(
        "max_tokens", description="what the endpoint calls the longest answer"
    )
    extra_body: dict[str, Any] = Field(default_factory=dict, description="more fields of each request, such as top_p")
    request_timeout_s: float = Field(120, gt=0, description="longest time of one attempt")
    deadline_s: float = Field(600, gt=0, description="longest time of one reply, with all its attempts")
    max_retries: int = Field(6, ge=0, description="attempts after the first")


class OpenAIBackend:
    """A labeler behind an OpenAI-compatible endpoint.

    Raises
    ------
    RecipeError
        If the endpoint is not on this machine and the recipe does not allow that, or its key is not set.
    """

    Options: ClassVar[type[Section]] = OpenAIOptions
    name: ClassVar[str] = "openai"
    reads: ClassVar[Literal["messages", "report"]] = "messages"

    def __init__(self, options: OpenAIOptions, region: Region) -> None:
        self._options = options
        self._base_url = check_address(options.base_url, remote=options.remote)
        self._key = find_key(options.api_key_env, self._base_url)

    @property
    def model(self) -> str:
        """Name of the model, as the recipe gives it."""
        return self._options.model

    @property
    def identity(self) -> Mapping[str, Any]:
        """Endpoint, model and parameters of a request; not the key, nor how requests are sent."""
        sent = {"model", "temperature", "seed", "structured", "extra_body"}
        return {"base_url": self._base_url, **self._options.model_dump(include=sent)}

    def complete(self, prompts: Iterable[Prompt]) -> Iterator[Completion]:
        """Answer each prompt, as answers come.

        Raises
        ------
        BackendError
            If the endpoint refuses the key, does not know the model, redirects, or is not there.
        """
        with LoopThread() as loop:
            client = loop.submit(_connect(self._options, self._base_url, self._key)).result()
            try:
                conversations = Conversations(
                    client,
                    self.model,
                    lambda turn: request_body(self._options, turn),
                    deadline_s=self._options.deadline_s,
                    max_retries=self._options.max_retries,
                )
                yield from loop.map(conversations.hold, prompts, limit=self._options.max_in_flight)
            finally:
                loop.cancel()
                loop.submit(client.close()).result()

    def close(self) -> None:
        """Connections last only as long as `complete`."""


async def _connect(options: OpenAIOptions, base_url: str, key: str) -> AsyncOpenAI:
    from openai import AsyncOpenAI, DefaultAsyncHttpxClient

    # A redirect could lead off this machine, and so could a proxy from the environment.
    local = is_on_this_machine(urlsplit(base_url).hostname or "")
    http = DefaultAsyncHttpxClient(follow_redirects=False, trust_env=not local)
    timeout = options.request_timeout_s
    return AsyncOpenAI(base_url=base_url, api_key=key, max_retries=0, timeout=timeout, http_client=http)


def request_body(options: OpenAIOptions, turn: Turn) -> dict[str, Any]:
    """Fields of a request besides model and messages."""
    body: dict[str, Any] = {options.max_tokens_field: turn.max_tokens}
    if options.temperature is not None:
        body["temperature"] = options.temperature
    if options.seed is not None:
        body["seed"] = options.seed
    if options.structured and turn.json_schema is not None:
        schema = {"name": "labels", "schema": turn.json_schema, "strict": True}
        body["response_format"] = {"type": "json_schema", "json_schema": schema}
    if turn.top_logprobs:
        body |= {"logprobs": True, "top_logprobs": turn.top_logprobs}
    unasked = () if turn.top_logprobs else ("top_logprobs",)  # refused by endpoints where no logprobs are asked for
    return {**body, **{name: value for name, value in options.extra_body.items() if name not in unasked}}


_: type[Backend] = OpenAIBackend
