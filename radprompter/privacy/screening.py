"""What a recipe does about identifiers: refuse the run, mask them, or nothing; and what is told of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from radprompter.errors import InputError
from radprompter.files import digest
from radprompter.privacy.identifiers import find, mask
from radprompter.privacy.patterns import FOLDER
from radprompter.recipe import IdentifierKind, Privacy
from radprompter.records import Report

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
            found = find(words, report.language, self.kinds)
            counts.update(identifier.kind for identifier in found)
            sections[name] = mask(words, found) if self.action == "mask" else words
        return replace(report, sections=sections, identifiers=dict(sorted(counts.items())))


def describe_identifiers(screening: Screening, reports: Iterable[Report]) -> dict[str, Any]:
    """What a manifest says: the action, the kinds, the reports that have identifiers, and counts by kind."""
    counts = Counter[str]()
    named = {report.id: report.identifiers for report in reports if report.identifiers and not report.unasked}
    for identifiers in named.values():
        counts.update(identifiers)
    kinds = list(screening.kinds) if screening.action != "off" else []
    return {"action": screening.action, "kinds": kinds, "n_reports": len(named), "counts": dict(sorted(counts.items()))}


def refuse_identifiers(screening: Screening, reports: Iterable[Report], examples: Iterable[Report] = ()) -> None:
    """Nothing, unless the action is ``block`` and a report that would be read has identifiers, or an example has.

    Examples are part of the question and are sent as they are, so under ``mask`` one with identifiers is refused, too.

    Raises
    ------
    InputError
        With counts by kind and the ids of the first such reports; never the words.
    """
    for number, example in enumerate(examples, start=1):
        if found := screening(example).identifiers:
            raise InputError(
                f"label.examples: example {number} seems to name a person ({count_kinds(found)}), and examples are "
                "sent as they are; nothing was sent. Take that out of the examples file, or write "
                "`privacy: {action: off}`"
            )
    if screening.action != "block":
        return
    reports = list(reports)
    summary = describe_identifiers(screening, reports)
    if not summary["n_reports"]:
        return
    ids = list(dict.fromkeys(report.id for report in reports if report.identifiers and not report.unasked))
    more = f" and {len(ids) - MOST_IDS:,} more" if len(ids) > MOST_IDS else ""
    counted = f"{summary['n_reports']:,} ({count_kinds(summary['counts'])})"
    raise InputError(
        f"label.privacy: reports that seem to name a person: {counted}, such as {', '.join(ids[:MOST_IDS])}{more}; "
        "nothing was sent. Write `privacy: {action: mask}` to replace what was found by placeholders, "
        "or `action: off` if the words may be read where they go"
    )


def count_kinds(counts: Mapping[str, int]) -> str:
    """Counts by kind in words: ``3 date, 1 name``."""
    return ", ".join(f"{number:,} {kind}" for kind, number in counts.items())
