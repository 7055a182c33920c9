"""The folder of a run's batches: request files, answers, and a state file that says what was submitted.

``state.json`` is written before anything is sent and after each step, whole or not at all. Each batch has a name of its
own, which goes with it to the endpoint: whoever finds a batch in the state that may have been created or not looks for
that name there first. Request files hold report text, and are deleted as soon as their answers are here.
"""

from __future__ import annotations

import secrets
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

import orjson

from radprompter.backends.batch_lines import Answer
from radprompter.errors import RadprompterError, RecipeError
from radprompter.files import atomic, read_json, write_json

STATE = "state.json"
VERSION = 1

Stage = Literal["written", "submitted", "answered", "spent", "refused"]
"""written: may be at the endpoint or not; spent: its failures were told, and may be asked again; refused: as a whole"""


@dataclass
class Batch:
    """One file of requests, and what is known of it; `leftovers` are files to delete at the endpoint."""

    name: str
    n_requests: int
    stage: Stage = "written"
    file_id: str = ""
    batch_id: str = ""
    leftovers: list[str] = field(default_factory=list)


class BatchFolder:
    """What was asked and answered in batches, in one folder.

    Raises
    ------
    RecipeError
        If the state cannot be read, or is of another release.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.run = secrets.token_hex(6)
        self.batches: list[Batch] = []
        self.proven: dict[str, Any] | None = None
        if (path / STATE).is_file():
            self._load()

    def _load(self) -> None:
        try:
            state = read_json(self.path / STATE)
            if state["version"] != VERSION:
                raise KeyError
            self.run, self.proven = state["run"], state["proven"]
            self.batches = [Batch(**row) for row in state["batches"]]
        except (ValueError, KeyError, TypeError):
            raise RecipeError(
                f"{self.path / STATE}: not the state of batches, or of another release; "
                "move the folder away to submit anew"
            ) from None

    def save(self) -> None:
        """Write the state."""
        rows = [asdict(batch) for batch in self.batches]
        write_json(self.path / STATE, {"version": VERSION, "run": self.run, "proven": self.proven, "batches": rows})

    def add(self, parts: Iterable[Mapping[str, bytes]]) -> None:
        """Write files of requests, then the state that has them; nothing is sent."""
        for part in parts:
            batch = Batch(f"radprompter-{self.run}-{len(self.batches):04d}", len(part))
            with atomic(self.requests(batch)) as path, path.open("wb") as file:
                file.writelines(part.values())
            self.batches.append(batch)
        self.save()

    def requests(self, batch: Batch) -> Path:
        """The file with the requests of a batch, as long as they are not answered."""
        return self.path / f"{batch.name}.requests.jsonl"

    def output(self, batch: Batch) -> Path:
        """Where ``vllm run-batch`` is told to write."""
        return self.path / f"{batch.name}.output.jsonl"

    def _answers(self, batch: Batch) -> Path:
        return self.path / f"{batch.name}.answers.jsonl"

    def asked(self, batch: Batch) -> list[str]:
        """The ids of a batch's requests, in order.

        Raises
        ------
        RadprompterError
            If the file is gone: it cannot be told then what was asked.
        """
        try:
            with self.requests(batch).open("rb") as file:
                return [str(orjson.loads(line)["custom_id"]) for line in file]
        except FileNotFoundError:
            raise RadprompterError(
                f"{self.requests(batch)}: no such file, and its answers are not here; "
                "put it back, or move the folder away to submit anew"
            ) from None

    def keep(self, batch: Batch, answers: Iterable[Answer], leftovers: Iterable[str] = ()) -> None:
        """Store the answers to a batch, then delete its requests here; the files at the endpoint are still to go."""
        self._write(batch, answers)
        batch.stage = "answered"
        batch.leftovers = list(leftovers)
        self.save()
        self.forget_requests(batch)

    def _write(self, batch: Batch, answers: Iterable[Answer]) -> None:
        with atomic(self._answers(batch)) as path, path.open("wb") as file:
            file.writelines(answer.line() for answer in answers)

    def forget_requests(self, batch: Batch) -> None:
        """Delete the requests of a batch, and what was written in answer to them by a program on this machine."""
        self.requests(batch).unlink(missing_ok=True)
        self.output(batch).unlink(missing_ok=True)

    def known(self) -> dict[str, Answer]:
        """Id -> answer; failures only of batches whose failures were not told yet."""
        found: dict[str, Answer] = {}
        for batch in self.batches:
            if batch.stage in ("answered", "spent"):
                for answer in self._kept(batch):
                    if answer.failure is None or batch.stage == "answered":
                        found[answer.id] = answer
        return found

    def _kept(self, batch: Batch) -> Iterator[Answer]:
        with self._answers(batch).open("rb") as file:
            for line in file:
                yield Answer(**orjson.loads(line))

    def awaited(self) -> list[Batch]:
        """The batches whose answers are not here."""
        return [batch for batch in self.batches if batch.stage in ("written", "submitted")]

    def spend(self, failed: Collection[str]) -> None:
        """What failed has been told: from now on it may be asked again; so may replies that were no answers."""
        told = [batch for batch in self.batches if batch.stage == "answered"]
        for batch in told:
            answers = list(self._kept(batch))
            if any(answer.failure is None and answer.id in failed for answer in answers):
                spent = (Answer(a.id, failure="spent") if a.id in failed else a for a in answers)
                self._write(batch, spent)
            batch.stage = "spent"
        if told:
            self.save()
