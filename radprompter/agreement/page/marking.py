"""A report's text in pieces, with the evidence of labelers marked in it."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from radprompter.agreement.disputes import Answer, DisputedReport
from radprompter.agreement.page.shown import Labeler, worded
from radprompter.labels import LabelState
from radprompter.pages.states import kind, sign

REFERENCE_KEY = "ref"


class Noted(NamedTuple):
    """A claim on words of the text: the number of the cell, whose it is, and what it says, for who points at it."""

    key: str
    target: str
    told: str


class Piece(NamedTuple):
    """Words of a report, with the claims that go by them; `ending` are those whose words end here."""

    text: str
    claims: tuple[Noted, ...]
    ending: tuple[Noted, ...]


class Said(NamedTuple):
    """What a table says of a cell, as it is printed; `labeler` is None for the reference."""

    labeler: Labeler | None
    state: str
    sign: str
    kind: str
    evidence: str
    is_other: bool
    is_found: bool


class CellShown(NamedTuple):
    """A disputed cell with its anchor."""

    number: int
    anchor: str
    finding: str
    reference: Said
    labelers: tuple[Said, ...]


class ReportShown(NamedTuple):
    """A report with its text, marked; `pieces` are empty where there is no text."""

    report_id: str
    severity: str
    cells: tuple[CellShown, ...]
    pieces: tuple[Piece, ...]


def show_reports(
    reports: Sequence[DisputedReport], texts: Mapping[str, str], labelers: Sequence[Labeler]
) -> tuple[ReportShown, ...]:
    """The reports as they are printed, with the words that their labelers go by marked in the text."""
    return tuple(_show(report, texts.get(report.report_id, ""), labelers, at) for at, report in enumerate(reports, 1))


def _show(report: DisputedReport, text: str, labelers: Sequence[Labeler], at: int) -> ReportShown:
    spans: list[tuple[int, int, Noted]] = []
    cells = []
    for number, cell in enumerate(report.cells, 1):
        anchor = f"report-{at}-{number}"
        said: list[Said] = []
        letters = (REFERENCE_KEY, *(letter(place) for place in range(len(labelers))))
        for answer, mark_letter in zip((cell.reference, *cell.labelers), letters, strict=True):
            found = find_words(answer.evidence, text)
            told = f"{answer.table}: {worded(cell.finding)} {_state(answer)}"
            spans += [(*span, Noted(f"{number}{mark_letter}", anchor, told)) for span in found]
            labeler = None if mark_letter == REFERENCE_KEY else labelers[len(said) - 1]
            said.append(_said(answer, labeler, cell.reference.state, bool(found)))
        cells.append(CellShown(number, anchor, worded(cell.finding), said[0], tuple(said[1:])))
    pieces = tuple(cut(text, spans)) if text.strip() else ()
    return ReportShown(report.report_id, f"{report.severity:.1f}", tuple(cells), pieces)


def letter(place: int) -> str:
    """What stands for a labeler beside its marks: a, b, c, then aa."""
    return chr(ord("a") + place % 26) * (place // 26 + 1)


def find_words(words: str, text: str) -> tuple[tuple[int, int], ...]:
    """Where the words first stand in a text, but for case and white space; nowhere gives nothing."""
    parts = words.split()
    if not parts:
        return ()
    found = re.search(r"\s+".join(map(re.escape, parts)), text, re.IGNORECASE)
    return () if found is None else (found.span(),)


def cut(text: str, spans: Iterable[tuple[int, int, Noted]]) -> Iterable[Piece]:
    """The text in pieces at the ends of the spans; no character is lost."""
    known = tuple(spans)
    edges = sorted({0, len(text), *(edge for start, end, _ in known for edge in (start, end))})
    for start, end in itertools.pairwise(edges):
        over = [(last, noted) for first, last, noted in known if first <= start and end <= last]
        ending = tuple(noted for last, noted in over if last == end)
        yield Piece(text[start:end], tuple(noted for _, noted in over), ending)


def _said(answer: Answer, labeler: Labeler | None, reference: LabelState | None, found: bool) -> Said:
    return Said(
        labeler, _state(answer), sign(answer.state), kind(answer.state), answer.evidence,
        labeler is not None and answer.state is not None and answer.state != reference, found,
    )  # fmt: skip


def _state(answer: Answer) -> str:
    return "no label" if answer.state is None else worded(answer.state)
