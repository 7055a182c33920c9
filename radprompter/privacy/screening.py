"""What a recipe does about identifiers: refuse the run, mask them, or nothing; and what is told of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from radprompter.errors import InputError
from radprompter.files import digest
from radprompter.privacy.identifiers import find, mask
from radprompter.privacy.patterns import FOLDER
from radprompter.recipe import IdentifierKind, Privacy
from radprompter.records import Prompt, Report

Action = Literal["block", "mask", "off"]
MOST_IDS = 5
"""Reports that a refusal names."""


@dataclass(frozen=True, slots=True)
class Screening:
    """Looks for identifiers in what is read of a report.

    Under ``mask`` the masked text takes the place of the report's: it is what is shown, sent, journaled and quoted as
    evidence, so that no later step has the words at all.
    """

    action: Action
    kinds: tuple[IdentifierKind, ...]

    @classmethod
    def of(cls, privacy: Privacy, *, elsewhere: bool) -> Screening:
        """The screening of a recipe: ``block`` where reports leave this machine, else ``off``, if it does not say."""
        return cls(privacy.action or ("block" if elsewhere else "off"), privacy.kinds)

    @property
    def name(self) -> str:
        """All that changes what is read: the kinds that are masked, and a digest of the patterns; empty if nothing."""
        if self.action != "mask":
            return ""
        patterns = {path.name: path.read_text(encoding="utf-8") for path in sorted(Path(FOLDER).glob("*.yaml"))}
        return f"mask {' '.join(sorted(self.kinds))} {digest(patterns)}"

    def __call__(self, report: Report) -> Report:
        """The report with its `identifiers` counted, and masked if that is the action."""
        if self.action == "off":
            return report
        counts = Counter[str]()
        sections = {}
        for name, words in report.sections.items():
            found = find(words, self.kinds)
            counts.update(identifier.kind for identifier in found)
            sections[name] = mask(words, found) if self.action == "mask" else words
        return replace(report, sections=sections, identifiers=dict(sorted(counts.items())))


@dataclass
class Found:
    """What was found of identifiers in the reports so far that would be read."""

    screening: Screening
    n_reports: int = 0
    counts: Counter[str] = field(default_factory=Counter)
    first: list[str] = field(default_factory=list)  # ids

    def add(self, report: Report) -> None:
        """Count those of one more report."""
        if report.identifiers and not report.unasked:
            self.n_reports += 1
            self.counts.update(report.identifiers)
            if len(self.first) < MOST_IDS:
                self.first.append(report.id)

    def watch(self, groups: Iterable[Sequence[Prompt]]) -> Iterator[Sequence[Prompt]]:
        """The prompts about each report, as they pass."""
        for prompts in groups:
            self.add(prompts[0].report)
            yield prompts

    def describe(self) -> dict[str, Any]:
        """What a manifest says: the action, the kinds, the reports that have identifiers, and counts by kind."""
        action, kinds = self.screening.action, list(self.screening.kinds)
        counts = dict(sorted(self.counts.items()))
        return {
            "action": action,
            "kinds": kinds if action != "off" else [],
            "n_reports": self.n_reports,
            "counts": counts,
        }

    def refuse(self) -> None:
        """Nothing, unless the action is ``block`` and a report has identifiers.

        Raises
        ------
        InputError
            With counts by kind and the ids of the first such reports; never the words.
        """
        if self.screening.action != "block" or not self.n_reports:
            return
        more = self.n_reports - len(self.first)
        ids = ", ".join(self.first) + (f" and {more:,} more" if more else "")
        counted = f"{self.n_reports:,} ({count_kinds(self.describe()['counts'])})"
        raise InputError(
            f"label.privacy: reports that seem to name a person: {counted}, such as {ids}; "
            "nothing was sent. Write `privacy: {action: mask}` to replace what was found by placeholders, "
            "or `action: off` if the words may be read where they go"
        )


def refuse_examples(screening: Screening, examples: Iterable[Report]) -> None:
    """Nothing, unless an example has identifiers: it is part of the question and is sent as it is, masked or not.

    Raises
    ------
    InputError
        With the number of the example, and counts by kind.
    """
    for number, example in enumerate(examples, start=1):
        if found := screening(example).identifiers:
            raise InputError(
                f"label.examples: example {number} seems to name a person ({count_kinds(found)}), and examples are "
                "sent as they are; nothing was sent. Take that out of the examples file, or write "
                "`privacy: {action: off}`"
            )


def count_kinds(counts: Mapping[str, int]) -> str:
    """Counts by kind in words: ``3 date, 1 name``."""
    return ", ".join(f"{number:,} {kind}" for kind, number in counts.items())
