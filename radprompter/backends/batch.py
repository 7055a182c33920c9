"""Batches: requests go out as files, the run ends, and a later run fetches the answers, for half the price or offline.

A conversation of several turns, and what follows an answer, goes on batch by batch: each run takes all that is known as
far as it leads, submits what is asked next, and ends with `AwaitingError`.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, Literal, Protocol, Self

from pydantic import Field, model_validator

from radprompter.backends.base import Backend
from radprompter.backends.batch_folder import Batch, BatchFolder
from radprompter.backends.batch_lines import Answer, read_answers, request_line, split_lines
from radprompter.backends.dialogue import Dialogue
from radprompter.backends.openai import OpenAIBackend
from radprompter.backends.request import OpenAIOptions
from radprompter.errors import AwaitingError, RecipeError
from radprompter.records import Completion, Prompt, Turn
from radprompter.region import Region
from radprompter.typed_yaml import Section

MIB = 2**20


class BatchOptions(Section):
    """How requests are handed over; none of it changes an answer."""

    runner: Literal["hosted", "files"] = Field(
        "hosted",
        description="hosted: the endpoint's files and batches; files: only write them, for `vllm run-batch` to answer",
    )
    wait_s: float = Field(0, ge=0, description="seconds to wait for answers before the command ends")
    poll_s: float = Field(30, gt=0, description="seconds between questions for the state of a batch, while waiting")
    max_lines: int = Field(50_000, ge=1, le=50_000, description="requests a file")
    max_mib: float = Field(190, gt=0, le=190, description="size of a file, in MiB; hosted endpoints take 200 MB")
    delete_files: bool = Field(True, description="delete requests and answers at the endpoint once they are fetched")


class OpenAIBatchOptions(OpenAIOptions):
    """Settings of the `openai-batch` backend: those of `openai`, and how batches are made."""

    batch: BatchOptions = Field(default_factory=lambda: BatchOptions(), description="how requests are handed over")
    folder: Path | None = Field(
        None, description="folder for files of requests and answers; `{out}/label/batches` if null"
    )

    @model_validator(mode="after")
    def _one_address(self) -> Self:
        if self.replicas or self.azure is not None:
            raise ValueError("replicas and azure are settings of the backend openai; batches go to one base_url")
        return self

    def identity(self) -> dict[str, Any]:
        """The settings that change an answer."""
        return {name: value for name, value in super().identity().items() if name not in ("batch", "folder")}


class Runner(Protocol):
    """Whoever answers files of requests."""

    def submit(self, folder: BatchFolder) -> None:
        """Hand over each batch that was written, once."""

    def fetch(self, folder: BatchFolder, batches: Sequence[Batch]) -> bool:
        """Keep the answers of those batches that are done; whether there was any."""

    def describe(self, folder: BatchFolder, batches: Sequence[Batch], n_requests: int) -> str:
        """What is awaited, and what to do, in one line."""


class OpenAIBatchBackend:
    """A labeler that is asked in batches.

    Raises
    ------
    RecipeError
        If the endpoint is not on this machine and the recipe does not allow that, or its key is not set.
    """

    Options: ClassVar[type[Section]] = OpenAIBatchOptions
    name: ClassVar[str] = "openai-batch"
    reads: ClassVar[Literal["messages", "report"]] = "messages"

    def __init__(self, options: OpenAIBatchOptions, region: Region) -> None:
        self._options = options
        self._chat = OpenAIBackend(options, region) if options.batch.runner == "hosted" else None
        self._folder: BatchFolder | None = None
        self._awaits = False
        self._failed: set[str] = set()

    @property
    def model(self) -> str:
        """Name of the model, as the recipe gives it."""
        return self._options.model

    @property
    def identity(self) -> Mapping[str, Any]:
        """Endpoint (where there is one), model and parameters of a request; not how it is handed over."""
        return self._options.identity() if self._chat is None else self._chat.identity

    @property
    def at_once(self) -> None:
        """All: a batch takes hours, however many requests it has."""
        return None

    def prove(self, turns: Sequence[Turn]) -> Mapping[str, Any]:
        """See `Backend.prove`: by single requests to the endpoint, once for a folder of batches.

        Raises
        ------
        BackendError
            If the endpoint cannot be asked, or does not do what the turns need: the setting to change is named.
        """
        if self._chat is None or not self._options.canary:
            return {}
        if self._options.folder is None:
            return self._chat.prove(turns)
        folder = self._open()
        if folder.proven is None:
            folder.proven = dict(self._chat.prove(turns))
            folder.save()
        return folder.proven

    def complete(self, prompts: Iterable[Prompt]) -> Iterator[Completion]:
        """Answer each prompt whose answers are here; submit the rest.

        Raises
        ------
        AwaitingError
            If answers are still to come.
        BackendError
            If the endpoint cannot be asked, or refuses a batch as a whole.
        """
        dialogues = [Dialogue(prompt, self._options.system_role) for prompt in prompts]
        if not dialogues:
            return
        folder, runner = self._open(), self._runner()
        until = time.monotonic() + self._options.batch.wait_s
        while True:
            known = folder.known()
            for dialogue in dialogues:
                self._advance(dialogue, known)
            yield from (dialogue.completion() for dialogue in dialogues if dialogue.turn is None)
            dialogues = [dialogue for dialogue in dialogues if dialogue.turn is not None]
            if not dialogues:
                return
            batches = self._submit(dialogues, folder, runner)
            while not runner.fetch(folder, batches):
                if time.monotonic() >= until:
                    self._awaits = True
                    n_requests = len({self._line(dialogue)[0] for dialogue in dialogues})
                    raise AwaitingError(runner.describe(folder, batches, n_requests), n_requests=n_requests)
                time.sleep(min(self._options.batch.poll_s, max(0.0, until - time.monotonic())))

    def _submit(self, dialogues: Sequence[Dialogue], folder: BatchFolder, runner: Runner) -> list[Batch]:
        """Submit what was not; the batches that have requests of these conversations."""
        lines = dict(self._line(dialogue) for dialogue in dialogues)
        awaited = {batch.name: set(folder.asked(batch)) for batch in folder.awaited()}
        submitted = set().union(*awaited.values())
        new = ((name, line) for name, line in lines.items() if name not in submitted)
        limits = self._options.batch
        folder.add(split_lines(new, most=limits.max_lines, most_bytes=int(limits.max_mib * MIB)))
        runner.submit(folder)
        return [batch for batch in folder.awaited() if not awaited.get(batch.name, lines.keys()).isdisjoint(lines)]

    def _advance(self, dialogue: Dialogue, known: Mapping[str, Answer]) -> None:
        """Go on with a conversation as far as answers lead."""
        while dialogue.turn is not None:
            name = self._line(dialogue)[0]
            answer = known.get(name)
            if answer is None:
                return
            reply = answer.reply(logprobs=dialogue.turn.top_logprobs > 0)
            if reply is None:
                dialogue.fail(answer.failure or "bad_response")
            else:
                dialogue.take(reply)
            if dialogue.failure is not None:
                self._failed.add(name)

    def _line(self, dialogue: Dialogue) -> tuple[str, bytes]:
        return request_line(self._options, dialogue, self.identity)

    def _open(self) -> BatchFolder:
        if self._folder is None:
            if self._options.folder is None:
                raise RecipeError("label.backend.folder: say where requests and answers are kept, as a folder")
            self._folder = BatchFolder(self._options.folder)
        return self._folder

    def _runner(self) -> Runner:
        if self._options.batch.runner == "files":
            return FilesRunner(self._options.model)
        from radprompter.backends.batch_endpoint import HostedRunner

        return HostedRunner(self._options, delete_files=self._options.batch.delete_files)

    def close(self) -> None:
        """Where nothing is awaited, what failed may be asked again by the next run."""
        if self._folder is not None and not self._awaits:
            self._folder.spend(self._failed)


class FilesRunner:
    """Leaves files for a person who runs ``vllm run-batch``, and reads what it wrote."""

    def __init__(self, model: str) -> None:
        self._model = model

    def submit(self, folder: BatchFolder) -> None:
        """Nothing is sent: the files are there."""
        for batch in folder.batches:
            if batch.stage == "written":
                batch.stage = "submitted"
        folder.save()

    def fetch(self, folder: BatchFolder, batches: Sequence[Batch]) -> bool:
        """Keep the answers of those batches whose output is there."""
        done = [batch for batch in batches if folder.output(batch).is_file()]
        for batch in done:
            lines = folder.output(batch).read_bytes().splitlines()
            folder.keep(batch, read_answers(lines, folder.asked(batch), "missing"))
        return bool(done)

    def describe(self, folder: BatchFolder, batches: Sequence[Batch], n_requests: int) -> str:
        """The commands to run."""
        commands = "".join(
            f"\n  vllm run-batch --model {self._model} -i {folder.requests(batch)} -o {folder.output(batch)}"
            for batch in batches
        )
        return f"{n_requests:,} answers are awaited; have the requests answered, then run this command again:{commands}"


_: type[Backend] = OpenAIBatchBackend
