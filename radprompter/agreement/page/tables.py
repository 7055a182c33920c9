"""The tables of the page: rows and cells as they are printed."""

from __future__ import annotations

from typing import NamedTuple

from radprompter.agreement.definitions import Definition
from radprompter.agreement.measuring.numbers import ALL
from radprompter.agreement.measuring.titles import TITLES
from radprompter.agreement.measuring.whole_reports import REPORT_MEASURES
from radprompter.agreement.page.shown import Labeler, Ledger, Shown, counted, show, worded
from radprompter.agreement.report import Cost
from radprompter.labels import LABELS
from radprompter.pages.formats import NONE, count, decimal

ALL_FINDINGS = "all findings"


class Line(NamedTuple):
    """One labeler in a block of a table."""

    labeler: Labeler
    n: str
    support: str
    cells: tuple[Shown, ...]


class Block(NamedTuple):
    """A finding, or all of them, with one line a labeler."""

    title: str
    is_summary: bool
    lines: tuple[Line, ...]


class MeasureTable(NamedTuple):
    """Findings by labelers (rows) and measures, or tasks, of one definition (columns)."""

    definition: Definition
    columns: tuple[str, ...]
    blocks: tuple[Block, ...]


class Score(NamedTuple):
    """One number of each labeler; `best` says which of them are the highest, where there are several."""

    title: str
    about: str
    n: str
    is_summary: bool
    cells: tuple[Shown, ...]
    best: tuple[bool, ...]


class ScoreTable(NamedTuple):
    """Findings, or definitions (rows) by labelers (columns)."""

    title: str
    rows: tuple[Score, ...]


class Priced(NamedTuple):
    """What a labeler cost, beside how good it is."""

    labeler: Labeler
    quality: Shown
    n_reports: str
    minutes_per_1000: str
    says: str
    prompt_tokens: str
    completion_tokens: str
    usd: str
    n_failed: str
    failures: str


def measure_table(ledger: Ledger, definition: Definition) -> MeasureTable:
    """Everything that a definition says of each finding, all findings first."""
    blocks = []
    for finding in (ALL, *ledger.agreement.cells.findings):
        lines = []
        for labeler in ledger.labelers:
            n, support = counted(ledger.find(labeler.name, definition, definition.measures[0], finding))
            shown = (ledger.shown(labeler.name, definition, name, finding) for name in definition.measures)
            lines.append(Line(labeler, n, support, tuple(shown)))
        blocks.append(Block(worded(finding) or ALL_FINDINGS, finding == ALL, tuple(lines)))
    return MeasureTable(definition, tuple(TITLES[name] for name in definition.measures), tuple(blocks))


def task_tables(ledger: Ledger) -> tuple[MeasureTable, ...]:
    """The tasks of each finding, for definitions that have several."""
    return tuple(_tasks(ledger, one) for one in ledger.agreement.definitions if len(one.tasks) > 1)


def _tasks(ledger: Ledger, definition: Definition) -> MeasureTable:
    measure, blocks = definition.measures[0], []
    for finding in ledger.agreement.cells.findings:
        lines = []
        for labeler in ledger.labelers:
            numbers = [ledger.find(labeler.name, definition, measure, finding, task=task) for task in definition.tasks]
            n = next((counted(number)[0] for number in numbers if number is not None), NONE)
            cells = []
            for task, number in zip(definition.tasks, numbers, strict=True):
                if number is None:
                    cells.append(Shown(NONE, "", "", "", "", "no task of this finding"))
                    continue
                shown = ledger.shown(labeler.name, definition, measure, finding, task=task)
                note = f"{count(number.support)} in the reference"
                cells.append(shown._replace(note=f"{note}, {shown.note}" if shown.note else note))
            lines.append(Line(labeler, n, "", tuple(cells)))
        blocks.append(Block(worded(finding), False, tuple(lines)))
    return MeasureTable(definition, tuple(worded(task) for task in definition.tasks), tuple(blocks))


def overview_table(ledger: Ledger) -> ScoreTable:
    """The number that each definition is known by, over all findings."""
    agreement = ledger.agreement
    every = (*agreement.definitions, *(one for one in agreement.overview if one not in agreement.definitions))
    rows = [_score(ledger, one, ALL, title=worded(one.name), about=_about(one)) for one in every]
    return ScoreTable("One matrix, many numbers", tuple(rows))


def finding_tables(ledger: Ledger) -> tuple[ScoreTable, ...]:
    """Findings by labelers under each definition in detail, with the average last, as papers print it."""
    if len(ledger.labelers) < 2:
        return ()
    return tuple(
        ScoreTable(
            f"{TITLES[definition.measures[0]]}, {worded(definition.name)}",
            (
                *(_score(ledger, definition, one, title=worded(one)) for one in ledger.agreement.cells.findings),
                _score(ledger, definition, ALL, title="Average" if definition.over_findings == "mean" else "Pooled"),
            ),
        )
        for definition in ledger.agreement.definitions
    )


def certainty_table(ledger: Ledger) -> ScoreTable | None:
    """F1 of each state against the rest, as mean over findings and pooled, where they were measured."""
    agreement = ledger.agreement
    measured = {one.name: one for one in (*agreement.definitions, *agreement.overview)}
    names = [f"{state}{suffix}" for state in LABELS for suffix in ("", "_pooled") if f"{state}{suffix}" in measured]
    rows = tuple(_score(ledger, measured[name], ALL, title=worded(name), about=measured[name].says) for name in names)
    return ScoreTable("By certainty", rows) if rows else None


def report_table(ledger: Ledger) -> MeasureTable:
    """Measures of whole reports, a block for each definition in detail."""
    definitions = ledger.agreement.definitions
    blocks = tuple(Block(worded(one.name), False, _report_lines(ledger, one)) for one in definitions)
    return MeasureTable(definitions[0], tuple(TITLES[name] for name in REPORT_MEASURES), blocks)


def _report_lines(ledger: Ledger, definition: Definition) -> tuple[Line, ...]:
    return tuple(
        Line(
            labeler,
            counted(ledger.find(labeler.name, definition, "report_accuracy"))[0],
            counted(ledger.find(labeler.name, definition, "uncertainty_capture"))[0],
            tuple(show(ledger.find(labeler.name, definition, name)) for name in REPORT_MEASURES),
        )
        for labeler in ledger.labelers
    )


def cost_rows(ledger: Ledger) -> tuple[Priced, ...]:
    """Costs beside the headline number; a dash where the manifest does not say."""
    headline = ledger.agreement.definitions[0]
    known = {labeler.name: labeler for labeler in ledger.labelers}
    return tuple(
        _priced(cost, known[cost.labeler], ledger.shown(cost.labeler, headline, headline.measures[0]))
        for cost in ledger.agreement.costs
        if cost.labeler in known
    )


def _priced(cost: Cost, labeler: Labeler, quality: Shown) -> Priced:
    kinds = ", ".join(f"{worded(name)} {count(n)}" for name, n in sorted(cost.failures.items()))
    return Priced(
        labeler, quality, count(cost.n_reports), decimal(cost.minutes_per_1000, 2), cost.says,
        count(cost.prompt_tokens), count(cost.completion_tokens), decimal(cost.usd, 2), count(cost.n_failed), kinds,
    )  # fmt: skip


def _about(definition: Definition) -> str:
    """What a definition says, after its measure unless the sentence names it."""
    title = TITLES[definition.measures[0]]
    return definition.says if title.lower() in definition.says.lower() else f"{title}: {definition.says}"


def _score(ledger: Ledger, definition: Definition, finding: str, *, title: str, about: str = "") -> Score:
    measure = definition.measures[0]
    numbers = [ledger.find(labeler.name, definition, measure, finding) for labeler in ledger.labelers]
    values = [None if number is None or number.value is None else round(number.value, 3) for number in numbers]
    highest = max((value for value in values if value is not None), default=None)
    several = len({value for value in values if value is not None}) > 1
    return Score(
        title,
        about,
        next((counted(number)[0] for number in numbers if number is not None), NONE),
        finding == ALL,
        tuple(ledger.shown(labeler.name, definition, measure, finding) for labeler in ledger.labelers),
        tuple(several and value is not None and value == highest for value in values),
    )
