"""Any endpoint that speaks OpenAI's chat completions: a local vLLM server, or a hosted model."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, ClassVar, Literal
from urllib.parse import urlsplit

from radprompter.addresses import is_on_this_machine
from radprompter.backends.base import Backend
from radprompter.backends.conversation import Conversations
from radprompter.backends.endpoint import check_address, find_key
from radprompter.backends.in_flight import LoopThread
from radprompter.backends.proof import prove
from radprompter.backends.request import OpenAIOptions
from radprompter.records import Completion, Prompt, Turn
from radprompter.region import Region
from radprompter.typed_yaml import Section

if TYPE_CHECKING:
    from openai import AsyncOpenAI


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
        self._key = find_key(options.api_key_env, self._base_url, keyring=options.api_key_keyring)

    @property
    def model(self) -> str:
        """Name of the model, as the recipe gives it."""
        return self._options.model

    @property
    def identity(self) -> Mapping[str, Any]:
        """Endpoint, model and parameters of a request; not the key, nor how requests are sent."""
        return {"base_url": self._base_url, **self._options.identity()}

    @property
    def at_once(self) -> int:
        """Requests at the same time."""
        return self._options.max_in_flight

    def prove(self, turns: Sequence[Turn]) -> Mapping[str, Any]:
        """See `Backend.prove`; one to four short requests, and more only to find out why one is refused.

        Raises
        ------
        BackendError
            If the endpoint cannot be asked, or does not do what the turns need: the setting to change is named.
        RecipeError
            If the turns ask for what excludes each other.
        """
        if not self._options.canary or not turns:
            return {}
        with LoopThread() as loop, self._connected(loop) as client:
            return loop.submit(prove(client, self._options, turns)).result()

    def complete(self, prompts: Iterable[Prompt]) -> Iterator[Completion]:
        """Answer each prompt, as answers come.

        Raises
        ------
        BackendError
            If the endpoint refuses the key, does not know the model, redirects, or is not there.
        """
        with LoopThread() as loop, self._connected(loop) as client:
            conversations = Conversations(client, self._options)
            yield from loop.map(conversations.hold, prompts, limit=self._options.max_in_flight)

    @contextmanager
    def _connected(self, loop: LoopThread) -> Iterator[AsyncOpenAI]:
        """A client whose requests run on the loop; those under way at the end are cancelled."""
        client = loop.submit(_connect(self._options, self._base_url, self._key)).result()
        try:
            yield client
        finally:
            loop.cancel()
            loop.submit(client.close()).result()

    def close(self) -> None:
        """Connections last only as long as a call."""


async def _connect(options: OpenAIOptions, base_url: str, key: str) -> AsyncOpenAI:
    from openai import AsyncOpenAI, DefaultAsyncHttpxClient

    # A redirect could lead off this machine, and so could a proxy from the environment.
    local = is_on_this_machine(urlsplit(base_url).hostname or "")
    http = DefaultAsyncHttpxClient(follow_redirects=False, trust_env=not local)
    timeout = options.request_timeout_s
    return AsyncOpenAI(base_url=base_url, api_key=key, max_retries=0, timeout=timeout, http_client=http)


_: type[Backend] = OpenAIBackend
