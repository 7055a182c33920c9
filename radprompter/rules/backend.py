"""The rule labeler as a backend: reports in, JSON answers out; no model, no download, no network."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, ClassVar, Literal

import orjson
from pydantic import Field

from radprompter.records import Completion, Prompt, Turn, Usage
from radprompter.region import Region
from radprompter.rules.labeler import Compat, RuleLabeler
from radprompter.typed_yaml import Section


class RulesOptions(Section):
    """What the rules know is in the lexicons; their one setting is whose rules they are."""

    compat: Compat | None = Field(
        None, description="chexpert: the order and quirks of the CheXpert labeler, in English, for its 14 findings"
    )


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

    @property
    def model(self) -> str:
        """The engine's version, and whose rules it follows if not its own."""
        return self._labeler.version

    @property
    def identity(self) -> Mapping[str, Any]:
        """The engine's version, and a digest of the lexicons, the region and whose rules are followed."""
        return {"backend": self.name, "model": self.model, "rules": self._labeler.hash}

    def complete(self, prompts: Iterable[Prompt]) -> Iterator[Completion]:
        """Answer each prompt once, in order."""
        for prompt in prompts:
            yield self._answer(prompt)

    def _answer(self, prompt: Prompt) -> Completion:
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
        """One: each is answered before the next is taken."""
        return 1

    def prove(self, turns: Sequence[Turn]) -> Mapping[str, Any]:
        """Nothing is to be proven: no endpoint is asked."""
        return {}

    def close(self) -> None:
        """Nothing is held open."""
