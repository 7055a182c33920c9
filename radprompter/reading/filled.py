"""What people gave back, held against the sample: what is read, what is left, and what nobody can understand."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from radprompter.errors import TableError
from radprompter.labels import LabelSchema, LabelState
from radprompter.reading.finding import Finder, list_faults, stranger
from radprompter.reading.sample import Sample
from radprompter.reading.sheets import REST, Row, Sheet
from radprompter.reading.spelling import quote, read_word, spell

Labels = Mapping[str, LabelState]
"""Finding -> label, for every finding of the schema."""


@dataclass(slots=True)
class Filled:
    """What one rater gave back.

    `read` has the reports with a label for every finding. `begun` has those with some cells that say something, and
    the findings that lack a label; `problems` says of each cell that nobody can understand where it is, what was found
    and what is allowed. Reports in neither are unread.
    """

    rater: str
    read: dict[str, Labels] = field(default_factory=dict)
    begun: dict[str, tuple[str, ...]] = field(default_factory=dict)
    notes: dict[str, str] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    ignored: list[str] = field(default_factory=list)


def understand(sample: Sample, sheets: Iterable[Sheet]) -> tuple[Filled, ...]:
    """What each rater read of a sample, in the order of the sheets; several sheets of one rater are put together.

    Raises
    ------
    TableError
        With every row whose report is not in the sample, or that a rater has twice with different content.
    """
    raters: dict[str, Filled] = {}
    seen: dict[tuple[str, str], Row] = {}
    faults: list[str] = []
    find = Finder(sample.report_ids)
    for sheet in sheets:
        filled = raters.setdefault(sheet.rater, Filled(sheet.rater))
        filled.ignored += [f"{sheet.source}: {name}" for name in sheet.ignored]
        for row in sheet.rows:
            report_id = find(row.report_id)
            if report_id is None:
                faults.append(stranger(row.where, row.report_id))
                continue
            if not row.says_anything:
                continue
            before = seen.setdefault((sheet.rater, report_id), row)
            if before is row:
                _add(filled, report_id, row, sample.schema)
            elif before[2:] != row[2:]:
                faults.append(f"{row.where}: report {quote(report_id)} again, otherwise than in {before.where}")
    if faults:
        raise TableError(list_faults(faults))
    return tuple(raters.values())


def left(sample: Sample, filled: Sequence[Filled]) -> dict[str, tuple[str, ...]]:
    """The reports that each rater of the sample still has to read.

    Somebody may have given a sheet back under another name. So a rater from whom nothing came has those reports left
    that fewer have read than were to read them.
    """
    by_name = {item.rater: item for item in filled}
    n_read = Counter(report_id for item in filled for report_id in item.read)
    n_readers = Counter(report_id for ids in sample.raters.values() for report_id in ids)

    def has(rater: str, report_id: str) -> bool:
        if rater in by_name:
            return report_id in by_name[rater].read
        return n_read[report_id] >= n_readers[report_id]

    return {rater: tuple(item for item in ids if not has(rater, item)) for rater, ids in sample.raters.items()}


def _add(filled: Filled, report_id: str, row: Row, schema: LabelSchema) -> None:
    if row.note.strip():
        filled.notes[report_id] = row.note.strip()
    rest = read_word(row.rest)
    if row.rest.strip() and rest is None:
        allowed = spell(dict.fromkeys(state for spec in schema.findings for state in spec.states))
        filled.problems.append(f"{row.where}, {REST}: expected {allowed}, or nothing; found {quote(row.rest)}")
    labels: dict[str, LabelState] = {}
    for spec in schema.findings:
        word = row.words[spec.name]
        state = read_word(word) if word.strip() else rest
        if state is not None and state in spec.states:
            labels[spec.name] = state
        elif word.strip() or state is not None:
            found = quote(word) if word.strip() else f"nothing, and {quote(row.rest)} in {REST}"
            filled.problems.append(f"{row.where}, {spec.name}: expected {spell(spec.states)}; found {found}")
    if len(labels) == len(schema.findings):
        filled.read[report_id] = labels
    elif row.rest.strip() or any(word.strip() for word in row.words.values()):
        filled.begun[report_id] = tuple(name for name in schema.names if name not in labels)
