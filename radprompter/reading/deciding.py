"""From what several raters read to one reference: where they agree, and where somebody has to decide."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from radprompter.errors import TableError
from radprompter.labels import LabelSchema, LabelState
from radprompter.reading.filled import Filled, Labels
from radprompter.reading.finding import Finder, list_faults, stranger
from radprompter.reading.sample import Sample
from radprompter.reading.saved_csv import column_name, read_saved
from radprompter.reading.spelling import quote, read_word, spell
from radprompter.spreadsheet import csv_text

DECISION, NOTES = "decision", "notes"
EXCLUDED = "excluded"
"""The decision that a cell has no label, such as one that stays equivocal; the reference has it as `missing`."""

WEIGHT, STRATUM = "weight", "sampling_stratum"


class Dispute(NamedTuple):
    """A cell to which raters gave different labels; rater -> label."""

    report_id: str
    finding: str
    labels: Mapping[str, LabelState]


class Decision(NamedTuple):
    """What somebody decided of a disputed cell; nothing yet if `word` is blank. `row` is as it stands in the file."""

    word: str
    row: Mapping[str, str]


Decisions = Mapping[tuple[str, str], Decision]
"""Report id and finding -> the decision."""


@dataclass(frozen=True, slots=True)
class Reference:
    """The labels that stand, by report, and the cells that somebody has to decide before theirs can.

    `unused` has the decisions about other cells, and `problems` names those that nobody can understand.
    """

    labels: Mapping[str, Labels]
    disputes: tuple[Dispute, ...]
    undecided: tuple[Dispute, ...]
    unused: tuple[tuple[str, str], ...]
    problems: tuple[str, ...]


def decide(sample: Sample, filled: Sequence[Filled], decisions: Decisions) -> Reference:
    """One label a cell: that of all who read the report, or what was decided.

    A report stands if somebody read it and none of its cells is left undecided. Two of three raters do not outvote the
    third.
    """
    labels: dict[str, Labels] = {}
    disputes, undecided, problems = [], [], []
    for report_id in sample.report_ids:
        readings = {item.rater: item.read[report_id] for item in filled if report_id in item.read}
        stands: dict[str, LabelState] = {}
        for spec in sample.schema.findings if readings else ():
            said = {rater: reading[spec.name] for rater, reading in readings.items()}
            if len(set(said.values())) == 1:
                stands[spec.name] = next(iter(said.values()))
                continue
            dispute = Dispute(report_id, spec.name, said)
            disputes.append(dispute)
            word = decisions[report_id, spec.name].word if (report_id, spec.name) in decisions else ""
            state = LabelState.MISSING if word.strip().casefold() == EXCLUDED else read_word(word)
            if state is LabelState.MISSING or state in spec.states:
                stands[spec.name] = state
                continue
            undecided.append(dispute)
            if word.strip():
                expected = f"{spell(spec.states)}, {EXCLUDED}"
                problems.append(f"{report_id}, {spec.name}, {DECISION}: expected {expected}; found {quote(word)}")
        if len(stands) == len(sample.schema.findings):
            labels[report_id] = stands
    disputed = {(item.report_id, item.finding) for item in disputes}
    unused = tuple(key for key, decision in decisions.items() if decision.word and key not in disputed)
    return Reference(labels, tuple(disputes), tuple(undecided), unused, tuple(problems))


def write_reference(sample: Sample, labels: Mapping[str, Labels]) -> str:
    """The reference as CSV: report, weight, stratum, a label a finding, as a word; `missing` where it is excluded."""
    weights = sample.weigh(set(labels))
    rows = (
        (report_id, weight.weight, weight.stratum, *(str(labels[report_id][name]) for name in sample.schema.names))
        for report_id, weight in weights.items()
    )  # fmt: skip
    return csv_text(("report_id", WEIGHT, STRATUM, *sample.schema.names), rows)


def write_rater(schema: LabelSchema, filled: Filled) -> str:
    """All that one rater read, as CSV: report, a label a finding, and their note."""
    rows = (
        (report_id, *(str(labels[name]) for name in schema.names), filled.notes.get(report_id, ""))
        for report_id, labels in filled.read.items()
    )
    return csv_text(("report_id", *schema.names, "note"), rows)


def write_disputes(
    disputes: Iterable[Dispute], raters: Sequence[str], decisions: Decisions, notes: Mapping[str, str]
) -> str:
    """The cells to decide as CSV, with what each rater said, a column for the decision, and the notes of the raters.

    What an earlier file has stays: its decisions, also of cells that are no longer disputed, and columns of its own.
    """
    header = ("report_id", "finding", *raters, DECISION, NOTES)
    own = {column_name(name) for name in header}
    added = tuple(dict.fromkeys(name for item in decisions.values() for name in item.row if name and name not in own))
    rows = {}
    for item in disputes:
        key = (item.report_id, item.finding)
        before = decisions.get(key, Decision("", {}))
        said = (str(item.labels.get(rater, "")) for rater in raters)
        more = (before.row.get(name, "") for name in added)
        rows[key] = (*key, *said, before.word, notes.get(item.report_id, ""), *more)
    for key, decision in decisions.items():
        if decision.word and key not in rows:
            rows[key] = tuple(decision.row.get(column_name(name), "") for name in (*header, *added))
    return "\ufeff" + csv_text((*header, *added), rows.values())


def read_decisions(content: bytes, sample: Sample, *, source: str) -> dict[tuple[str, str], Decision]:
    """What was decided in a file that `write_disputes` wrote.

    Raises
    ------
    TableError
        If it is no CSV or lacks a column, or with every row about a cell that is not in the sample, or there twice.
    """
    table = read_saved(content, ("report_id", "finding", DECISION), source=source)
    find = Finder(sample.report_ids)
    decisions: dict[tuple[str, str], Decision] = {}
    faults = []
    for number, cells in table.rows.items():
        where, finding = f"{source}, row {number}", cells["finding"].strip()
        report_id = find(cells["report_id"])
        if report_id is None:
            faults.append(stranger(where, cells["report_id"]))
        elif finding not in sample.schema.names:
            faults.append(f"{where}: {quote(finding)} is no finding of {sample.schema.name!r}")
        elif (report_id, finding) in decisions:
            faults.append(f"{where}: report {quote(report_id)}, {finding} is there already")
        else:
            decisions[report_id, finding] = Decision(cells[DECISION].strip(), {**cells, "report_id": report_id})
    if faults:
        raise TableError(list_faults(faults))
    return decisions
