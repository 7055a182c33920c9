"""Reports that are longer than the recipe allows: not asked about, or cut where a mark says so. Nothing else is cut.

Evidence is looked up in what is left: a quotation of words that the model did not see would be made up.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from radprompter.labels import Cell
from radprompter.prompting.tokens import TokenCounter
from radprompter.recipe import Length
from radprompter.records import TOO_LONG, Cut, Report

# No word of a mark says anything about an image, as "left out" would to rules that look for sides.
_MARKS = {"en": "[... {} words omitted ...]", "de": "[... {} Wörter ausgelassen ...]"}
_WORD = re.compile(r"\S+")


def fit(report: Report, length: Length | None, counter: TokenCounter) -> Report:
    """The report, with words left out as the policy says if it is longer than the limit.

    Cuts are made at white space, and as few words are left out as possible. The mark of a cut counts, too. A report of
    which no word would be left is a failure under every policy.
    """
    if length is None or not report.has_words:
        return report
    n_tokens = counter.count(report.text)
    if n_tokens <= length.limit_tokens:
        return report
    shortened = None if length.policy == "fail" else _shorten(report, length, counter)
    if shortened is None:
        return replace(report, cut=Cut(n_tokens))
    sections, gap = shortened
    left = replace(report, sections=_without(report, gap, mark=""))
    cut = Cut(n_tokens, counter.count(left.text), len(gap), _mark(report, gap))
    return replace(report, sections=sections, cut=cut)


def _shorten(report: Report, length: Length, counter: TokenCounter) -> tuple[Mapping[str, str], range] | None:
    """The sections with the fewest words left out that fit the limit, and the numbers of those words."""
    n_words = sum(len(_WORD.findall(words)) for words in report.sections.values())
    fewest, most = 0, n_words  # words that are kept: `fewest` fit, `most` do not
    found = None
    while most - fewest > 1:
        n_kept = (fewest + most) // 2
        gap = _gap(n_words, n_kept, length.policy)
        sections = _without(report, gap, mark=_mark(report, gap))
        if counter.count(replace(report, sections=sections).text) <= length.limit_tokens:
            fewest, found = n_kept, (sections, gap)
        else:
            most = n_kept
    if found is None or not replace(report, sections=_without(report, found[1], mark="")).has_words:
        return None
    return found


def _gap(n_words: int, n_kept: int, policy: str) -> range:
    """Numbers of the words that are left out, counted over all sections."""
    head = {"cut_end": n_kept, "cut_start": 0, "cut_middle": (n_kept + 1) // 2}[policy]
    return range(head, n_words - (n_kept - head))


def _mark(report: Report, gap: range) -> str:
    return _MARKS.get(report.language, _MARKS["en"]).format(len(gap))


def _without(report: Report, gap: range, *, mark: str) -> dict[str, str]:
    """The sections without the words of a gap; the mark stands once, where the gap begins, on a line of its own."""
    sections: dict[str, str] = {}
    start = 0
    for name, text in report.sections.items():
        words = [match.span() for match in _WORD.finditer(text)]
        end = start + len(words)
        first, last = max(gap.start, start) - start, min(gap.stop, end) - start  # the gap within this section
        if first >= last:
            sections[name] = text
        else:
            before = text[: words[first - 1][1]] if first else ""
            after = text[words[last][0] :] if last < len(words) else ""
            here = mark if start <= gap.start < end else ""
            sections[name] = "\n".join(part for part in (before, here, after) if part)
        start = end
    return sections


@dataclass(frozen=True, slots=True)
class LengthCounts:
    """How many reports were longer than the limit, and what of them was not read."""

    n_cut: int = 0
    n_too_long: int = 0
    n_words_left_out: int = 0
    n_tokens_left_out: int = 0

    def plus(self, report: Report) -> LengthCounts:
        """These counts with one report more."""
        cut = report.cut
        if cut is None or report.unasked == TOO_LONG:
            return replace(self, n_too_long=self.n_too_long + (cut is not None))
        return replace(
            self,
            n_cut=self.n_cut + 1,
            n_words_left_out=self.n_words_left_out + cut.n_words_left_out,
            n_tokens_left_out=self.n_tokens_left_out + cut.n_tokens - cut.n_tokens_read,
        )


def describe_length(length: Length | None, counter: TokenCounter, counts: LengthCounts) -> dict[str, Any] | None:
    """What a manifest says of the limit: its settings, the counter, and `LengthCounts`; ``None`` without a limit."""
    if length is None:
        return None
    return {**length.model_dump(), "counter": counter.name, **asdict(counts)}


def note_cuts(cells: Iterable[Cell], reports: Iterable[Report]) -> Iterator[Cell]:
    """The cells, those of cut or too long reports with that in their `repair`."""
    notes = {report.id: _note(report.cut) for report in reports if report.cut is not None}
    for cell in cells:
        note = notes.get(cell.report_id)
        yield cell if note is None else replace(cell, repair="; ".join(filter(None, (cell.repair, note))))


def _note(cut: Cut) -> str:
    return (
        f"report cut: {cut.n_tokens_read:,} of {cut.n_tokens:,} tokens read" if cut.mark else f"{cut.n_tokens:,} tokens"
    )
