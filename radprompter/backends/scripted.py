"""Canned answers: a labeler for tests, documentation and trying out a recipe without a model."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar, Literal, cast

import orjson
from pydantic import Field

from radprompter.backends.base import Backend
from radprompter.errors import RecipeError
from radprompter.files import digest
from radprompter.records import Completion, Prompt, Turn, Usage
from radprompter.region import Region
from radprompter.typed_yaml import Section

Answer = str | list[str] | dict[Literal["failure"], str] | dict[Literal["logprobs"], dict[str, float]]


class ScriptedOptions(Section):
    """Settings of the `scripted` backend."""

    answers: dict[str, Answer] | Path = Field(
        default_factory=dict,
        description="report id, or `report id/finding` -> reply, list of replies (one a turn), `failure: KIND` or "
        "`logprobs: {TOKEN: LOGPROB}`; `/again`, `/longer` and `/verification` at the end answer follow-ups; "
        "or a JSONL file with `report_id` and `answer`",
    )
    default: Answer | None = Field(None, description="answer to reports that have none of their own")
    delay_s: float = Field(0.0, ge=0, description="time that an answer takes, in seconds")


class ScriptedBackend:
    """A labeler that gives the answers it was given.

    Raises
    ------
    RecipeError
        If the file of answers is absent or has a line without `report_id` and `answer`.
    """

    Options: ClassVar[type[Section]] = ScriptedOptions
    name: ClassVar[str] = "scripted"
    reads: ClassVar[Literal["messages", "report"]] = "messages"

    def __init__(self, options: ScriptedOptions, region: Region) -> None:
        self._answers: Mapping[str, Answer] = (
            _read_answers(options.answers) if isinstance(options.answers, Path) else options.answers
        )
        self._default = options.default
        self._delay_s = options.delay_s

    @property
    def model(self) -> str:
        """Always ``scripted``."""
        return "scripted"

    @property
    def identity(self) -> Mapping[str, Any]:
        """A digest of the answers."""
        return {"answers": digest([self._answers, self._default])}

    def complete(self, prompts: Iterable[Prompt]) -> Iterator[Completion]:
        """The canned answer to each prompt, in order; the failure ``no_answer`` where there is none."""
        for prompt in prompts:
            if self._delay_s:
                time.sleep(self._delay_s)
            yield self._completion(prompt)

    def _completion(self, prompt: Prompt) -> Completion:
        report_id, asked = prompt.report.id, prompt.findings
        own = "/".join((report_id, *asked))
        names = [f"{own}/{prompt.follow_up}", own, report_id]
        answer = next((self._answers[name] for name in names if name in self._answers), self._default)
        usage = Usage(seconds=self._delay_s)
        completion = Completion(report_id, (), model=self.model, usage=usage, findings=asked, sample=prompt.sample)
        if answer is None:
            return replace(completion, failure="no_answer", usage=Usage())
        if isinstance(answer, dict):
            return replace(completion, **cast(Any, answer))
        return replace(completion, replies=(answer,) if isinstance(answer, str) else tuple(answer))

    @property
    def at_once(self) -> int:
        """One: each is answered before the next is taken."""
        return 1

    def prove(self, turns: Sequence[Turn]) -> Mapping[str, Any]:
        """Nothing is to be proven: no endpoint is asked."""
        return {}

    def close(self) -> None:
        """Nothing is held."""


def _read_answers(path: Path) -> dict[str, Answer]:
    if not path.is_file():
        raise RecipeError(f"label.backend.answers: {path}: no such file")
    answers: dict[str, Answer] = {}
    with path.open("rb") as file:
        for number, line in enumerate(file, start=1):
            if line.strip():
                try:
                    row = orjson.loads(line)
                    answers[str(row["report_id"])] = row["answer"]
                except (orjson.JSONDecodeError, KeyError, TypeError):
                    raise RecipeError(
                        f"{path}:{number}: expected a JSON object with `report_id` and `answer`"
                    ) from None
    return answers


_: type[Backend] = ScriptedBackend
