"""The rule labeler as a backend: reports in, JSON answers out; no model, no download, no network."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Annotated, Any, ClassVar, Literal

import orjson
from pydantic import Field

from radprompter.records import Completion, Prompt, Turn, Usage
from radprompter.region import Region
from radprompter.rules.labeler import Compat, RuleLabeler
from radprompter.rules.processes import CHUNK, Processes
from radprompter.typed_yaml import Section


class RulesOptions(Section):
    """What the rules know is in the lexicons; the settings are whose rules they are, and how many cores they take."""

    compat: Compat | None = Field(
        None, description="chexpert: the order and quirks of the CheXpert labeler, in English, for its 14 findings"
    )
    processes: Annotated[int, Field(ge=1)] | Literal["all"] = Field(
        1, description="processes that label, for tables of many reports; all: as many as there are cores"
    )

    @property
    def n_processes(self) -> int:
        """How many processes answer."""
        if self.processes != "all":
            return self.processes
        return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class RulesBackend:
    """A labeler that explains every label: state, the report's own words, and the rule's id.

    The answer is a JSON object, finding -> ``{"state", "evidence", "rule"}``, in the states' canonical names. A report
    without words fails as ``no_text``, one in a language without lexicon as ``unknown_language``.
    """

    Options: ClassVar[type[Section]] = RulesOptions
    name: ClassVar[str] = "rules"
    reads: ClassVar[Literal["messages", "report"]] = "report"

    def __init__(self, options: RulesOptions, region: Region) -> None:
        self._labeler = RuleLabeler(region, compat=options.compat)
        self._n_processes = options.n_processes
        self._others: Processes[Prompt, Completion] = Processes(self._n_processes, _answerer, (options, region))

    @property
    def model(self) -> str:
        """The engine's version, and whose rules it follows if not its own."""
        return self._labeler.version

    @property
    def identity(self) -> Mapping[str, Any]:
        """The engine's version, and a digest of the lexicons, the region and whose rules are followed."""
        return {"backend": self.name, "model": self.model, "rules": self._labeler.hash}

    def complete(self, prompts: Iterable[Prompt]) -> Iterator[Completion]:
        """Answer each prompt once, in order.

        Raises
        ------
        BackendError
            If one of several processes ends.
        """
        if self._n_processes > 1:
            yield from self._others.answer(prompts)
        else:
            yield from map(self.answer, prompts)

    def answer(self, prompt: Prompt) -> Completion:
        """Answer one prompt, in this process."""
        report, started = prompt.report, time.perf_counter()
        if not self._labeler.knows(report.language):
            return Completion(report.id, (), finish_reason="error", failure="unknown_language", model=self.model)
        decisions = self._labeler.label(report)
        usage = Usage(seconds=time.perf_counter() - started)
        if decisions is None:
            return Completion(report.id, (), finish_reason="error", failure="no_text", model=self.model, usage=usage)
        answer = {
            name: {"state": str(decision.state), "evidence": decision.evidence, "rule": decision.rule}
            for name, decision in decisions.items()
        }
        return Completion(report.id, (orjson.dumps(answer).decode(),), model=self.model, usage=usage)

    @property
    def at_once(self) -> int:
        """One in one process: each is answered before the next is taken. Several have a chunk each."""
        return 1 if self._n_processes == 1 else self._n_processes * CHUNK

    def prove(self, turns: Sequence[Turn]) -> Mapping[str, Any]:
        """Nothing is to be proven: no endpoint is asked."""
        return {}

    def close(self) -> None:
        """End the other processes."""
        self._others.close()


def _answerer(options: RulesOptions, region: Region) -> Callable[[Prompt], Completion]:
    return RulesBackend(options.model_copy(update={"processes": 1}), region).answer
