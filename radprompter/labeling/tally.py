"""What a run took and gave so far: counted as it goes on, so that nothing else need be kept."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from radprompter.records import NO_TEXT, TOO_LONG, Completion, LabeledReport, Prompt

NOT_ASKED = frozenset({NO_TEXT, TOO_LONG})
"""Failures of reports that nothing is asked about."""


@dataclass(slots=True)
class Tokens:
    """Tokens of some requests; `cached` ones are among the prompts'."""

    prompt: int = 0
    completion: int = 0
    cached: int = 0

    def add(self, completion: Completion) -> None:
        """Count those of one more."""
        self.prompt += completion.usage.prompt_tokens
        self.completion += completion.usage.completion_tokens
        self.cached += completion.usage.cached_tokens


@dataclass(slots=True)
class Tally:
    """Counts of a run.

    `n_asked` are requests that this run sent, `n_from_journal` those whose answer was there already, from an earlier
    run or from an equal request of this one. `tokens` are of all of them, `spent` of what was sent. `n_faults` counts
    what was sent by the kind of failure, `failures` the last requests about each report, and `n_follow_ups` further
    questions by kind.
    """

    n_reports: int = 0
    n_asked: int = 0
    n_from_journal: int = 0
    tokens: Tokens = field(default_factory=Tokens)
    spent: Tokens = field(default_factory=Tokens)
    attempts: int = 0
    seconds: float = 0.0
    models: Counter[str] = field(default_factory=Counter)
    n_faults: Counter[str] = field(default_factory=Counter)
    failures: Counter[str] = field(default_factory=Counter)
    n_follow_ups: Counter[str] = field(default_factory=Counter)

    def add_request(self, completion: Completion) -> None:
        """Count a request that was sent, as its answer comes."""
        self.n_asked += 1
        self.spent.add(completion)
        if completion.failure is not None:
            self.n_faults[completion.failure] += 1

    def add_ahead(self, completion: Completion) -> None:
        """Count a request that others sent for this run, before the run finds its answer in the journal."""
        self.add_request(completion)
        self.n_from_journal -= 1

    def add_answer(self, prompt: Prompt, completion: Completion) -> None:
        """Count the answer to a prompt, wherever it came from."""
        self.tokens.add(completion)
        self.attempts += completion.usage.attempts
        self.seconds += completion.usage.seconds
        if completion.model:
            self.models[completion.model] += 1
        if prompt.follow_up:
            self.n_follow_ups[prompt.follow_up] += 1

    def add_report(self, labeled: LabeledReport) -> None:
        """Count a report that is done."""
        self.n_reports += 1
        self.failures.update(labeled.failures)

    def describe(self) -> dict[str, Any]:
        """What a manifest says."""
        return {
            "models": dict(self.models),
            "failures": dict(self.failures),
            "n_failed_requests": sum(n for kind, n in self.failures.items() if kind not in NOT_ASKED),
            "follow_ups": dict(self.n_follow_ups),
            "tokens": {
                "prompt": self.tokens.prompt,
                "completion": self.tokens.completion,
                "cached": self.tokens.cached,
            },
            "attempts": self.attempts,
            "seconds_answering": round(self.seconds, 3),
            "requests": {"asked": self.n_asked, "from_journal": self.n_from_journal},
        }
