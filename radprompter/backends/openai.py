"""Any endpoint that speaks OpenAI's chat completions: a local vLLM server, a hosted model, or Azure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import Field

from radprompter.backends.base import Backend
from radprompter.backends.endpoint import find_addresses
from radprompter.backends.in_flight import LoopThread
from radprompter.backends.request import OpenAIOptions, Structured
from radprompter.records import Completion, Prompt, Turn
from radprompter.region import Region
from radprompter.typed_yaml import Section

if TYPE_CHECKING:
    from radprompter.backends.replicas import Replicas


class OpenAIBackend:
    """A labeler behind an OpenAI-compatible endpoint, at one address or several.

    Raises
    ------
    RecipeError
        If an address is not on this machine and the recipe does not allow that, or its key is not set.
    """

    Options: ClassVar[type[Section]] = OpenAIOptions
    name: ClassVar[str] = "openai"
    reads: ClassVar[Literal["messages", "report"]] = "messages"

    def __init__(self, options: OpenAIOptions, region: Region) -> None:
        self._options = options
        self._addresses = find_addresses(options)

    @property
    def model(self) -> str:
        """Name of the model, as the recipe gives it."""
        return self._options.model

    @property
    def identity(self) -> Mapping[str, Any]:
        """Endpoint, model and parameters of a request; not the key, nor how requests are sent.

        The endpoint is `base_url`, whichever address answers: `replicas` are said to serve the same model, so one more
        or one less changes no answer.
        """
        return {"base_url": self._options.base_url.rstrip("/"), **self._options.identity()}

    @property
    def at_once(self) -> int:
        """Requests at the same time, at all addresses."""
        return self._options.max_in_flight * len(self._addresses)

    def prove(self, turns: Sequence[Turn]) -> Mapping[str, Any]:
        """See `Backend.prove`; one to four short requests to each address, more only to find out why one is refused.

        What is told is that of the first address that answers, with the number of addresses where there are several.
        One that gives no answer is left to the run, which does without it as long as it must.

        Raises
        ------
        BackendError
            If no address can be asked, or one does not do what the turns need: the setting to change is named.
        RecipeError
            If the turns ask for what excludes each other.
        """
        if not self._options.canary or not turns:
            return {}
        from radprompter.backends.proof import prove_all

        with LoopThread() as loop, self._connected(loop) as replicas:
            return loop.submit(prove_all(replicas, self._options, turns)).result()

    def complete(self, prompts: Iterable[Prompt]) -> Iterator[Completion]:
        """Answer each prompt, as answers come.

        Raises
        ------
        BackendError
            If the endpoint refuses the key, does not know the model, redirects, or is not there.
        """
        from radprompter.backends.conversation import Conversations

        with LoopThread() as loop, self._connected(loop) as replicas:
            conversations = Conversations(replicas, self._options)
            yield from loop.map(conversations.hold, prompts, limit=lambda: replicas.room)

    @contextmanager
    def _connected(self, loop: LoopThread) -> Iterator[Replicas]:
        """The addresses, asked on the loop; requests under way at the end are cancelled."""
        from radprompter.backends.replicas import connect

        replicas = loop.submit(connect(self._addresses, self._options.max_in_flight)).result()
        try:
            yield replicas
        finally:
            loop.cancel()
            loop.submit(replicas.close()).result()

    def close(self) -> None:
        """Connections last only as long as a call."""


class VLLMOptions(OpenAIOptions):
    """Settings of the `vllm` backend: those of `openai`, as a vLLM server on this machine takes them."""

    base_url: str = Field("http://localhost:8000/v1", description="address of the server")
    api_key_env: str = Field(
        "VLLM_API_KEY", description="environment variable that holds the key, where the server asks for one"
    )
    max_in_flight: int = Field(
        256, ge=1, le=4096, description="most requests at the same time, to each address; vLLM's --max-num-seqs"
    )
    structured: Structured = Field(
        "structured_outputs",
        description="how answers are constrained by JSON schema: vLLM's structured_outputs, response_format (true), "
        "or none (false)",
    )


class VLLMBackend(OpenAIBackend):
    """A labeler behind a vLLM server that runs already.

    Raises
    ------
    RecipeError
        If an address is not on this machine and the recipe does not allow that, or its key is not set.
    """

    Options: ClassVar[type[Section]] = VLLMOptions
    name: ClassVar[str] = "vllm"


_: tuple[type[Backend], ...] = (OpenAIBackend, VLLMBackend)
