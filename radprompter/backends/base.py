"""What every backend is: prompts in, completions out, in any order, and a failure is a completion too."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, ClassVar, Literal, Protocol

from radprompter.records import Completion, Prompt, Turn
from radprompter.region import Region
from radprompter.typed_yaml import Section


class Backend(Protocol):
    """A labeler.

    `reads` says whether it needs rendered messages or reads the report itself (then prompts come without turns).
    """

    Options: ClassVar[type[Section]]
    name: ClassVar[str]
    reads: ClassVar[Literal["messages", "report"]]

    def __init__(self, options: Any, region: Region) -> None: ...

    @property
    def model(self) -> str:
        """Name of the model, or of the rule set with its version."""
        ...

    @property
    def identity(self) -> Mapping[str, Any]:
        """All that changes an answer apart from the prompt (model, parameters, lexicon); part of the journal key."""
        ...

    @property
    def at_once(self) -> int | None:
        """Prompts that it takes together before it answers any; ``None`` if it wants all that there are."""
        ...

    def complete(self, prompts: Iterable[Prompt]) -> Iterator[Completion]:
        """Answer each prompt once, in any order.

        Prompts may depend on completions, so an iterator that has ended can have more after the next completion was
        taken: no more are pulled than can be asked at once, and it is over only when nothing is left to answer either.

        A completion carries the report's id, findings and sample of its prompt. A prompt that cannot be answered gives
        a completion with `failure`; only what stops the whole run is raised.
        """
        ...

    def prove(self, turns: Sequence[Turn]) -> Mapping[str, Any]:
        """Show, by made-up requests, that what these turns need really works, before the first report is sent.

        Of the turns only their form matters (roles, schema, prefill, ...): no word of their messages is sent. What was
        proven is told as plain data, for the manifest; nothing is told where there is nothing to prove.
        """
        ...

    def close(self) -> None:
        """Let go of connections and memory."""
        ...
