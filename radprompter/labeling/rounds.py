"""The rounds about one report: ask, ask again where an answer is faulty, take the votes, check what is positive.

A report's labeling is a generator that yields prompts to be asked together, and is sent their completions; who asks,
and how many reports are under way at once, is not decided here. Findings that depend on others are asked after them,
where one request asks about one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import NamedTuple

from radprompter.answers import read, read_letter, vote
from radprompter.backends.base import Backend
from radprompter.dependence import condition, levels, settle, unasked_cell
from radprompter.labels import Cell, LabelState
from radprompter.prompting.follow_ups import FAULTS, ask_again, ask_to_verify, with_more_room
from radprompter.prompting.length import note_cuts
from radprompter.prompting.templates import Template
from radprompter.recipe import LEAST_LABEL_MASS
from radprompter.records import Completion, LabeledReport, Prompt, Questions, Reading, Report

Reader = Callable[[Completion, Report], Reading]


@dataclass(frozen=True, slots=True)
class Rounds:
    """What is done about each question: how often it is asked, and what follows an answer.

    Parameters
    ----------
    samples:
        Times that each question is asked; their votes give the label.
    reasks:
        Questions that may follow one faulty answer.
    verify:
        Whether each positive is checked by a question of its own.
    least_mass:
        Probability that must lie on the allowed answers of a label read-out.
    """

    samples: int = 1
    reasks: int = 1
    verify: bool = False
    least_mass: float = LEAST_LABEL_MASS


@dataclass
class _Asked:
    """A question, its answer, and what the answer means so far."""

    prompt: Prompt
    completion: Completion
    reading: Reading


class _Answered(NamedTuple):
    """The cells of some questions, and the kinds of failure of the last requests about them."""

    cells: list[Cell]
    failures: list[str]


class Labeling:
    """How each report of a run is labeled, whoever asks."""

    def __init__(self, template: Template, backend: Backend, rounds: Rounds) -> None:
        self.template, self.backend, self.rounds = template, backend, rounds
        self._levels = levels(template.region)
        self._labeler = f"{backend.name}:{backend.model}"
        self._converses = backend.reads == "messages"
        if template.plan == "label_read":
            kind = partial(read_letter, least_mass=rounds.least_mass)
        else:
            kind = partial(read, states_only=not self._converses)
        self._read: Reader = partial(kind, region=template.region, labeler=self._labeler)

    def first_prompts(self, report: Report) -> tuple[Prompt, ...]:
        """All questions about a report, before any answer is known.

        Raises
        ------
        InputError
            If a template fails, or the backend cannot answer what the plan asks.
        """
        return self.template.prompts(report, reads=self.backend.reads, samples=self.rounds.samples)

    def label(self, report: Report) -> Questions[LabeledReport]:
        """The cells of a report, after all rounds; a question whose condition does not hold is not asked."""
        prompts = self.first_prompts(report)
        if any(prompt.findings for prompt in prompts):
            cells, failures = yield from self._by_level(prompts)
        else:
            cells, failures = yield from self._answered(prompts)
            cells = list(settle(cells, self.template.region))
        return LabeledReport(prompts[0].report, tuple(cells), tuple(failures))

    def _by_level(self, prompts: Sequence[Prompt]) -> Questions[_Answered]:
        """Questions about one finding each: those about findings that depend on others come after them."""
        region, report_id = self.template.region, prompts[0].report.id
        states: dict[str, LabelState] = {}
        all_cells: list[Cell] = []
        all_failures: list[str] = []
        for names in self._levels:
            due: list[str] = []
            for name in names:
                found = condition(region, name, states)
                if found.verdict == "holds":
                    due.append(name)
                else:
                    all_cells.append(unasked_cell(region, report_id, name, found, labeler=self._labeler))
            asked = [prompt for prompt in prompts if prompt.findings[0] in due]
            cells, failures = yield from self._answered(asked)
            all_cells += cells
            all_failures += failures
            states = {cell.finding: cell.state for cell in all_cells}
        return _Answered(all_cells, all_failures)

    def _answered(self, prompts: Sequence[Prompt]) -> Questions[_Answered]:
        """The cells of some questions, after all that may follow an answer."""
        completions = yield prompts
        asked = [
            _Asked(prompt, answer, self._read(answer, prompt.report))
            for prompt, answer in zip(prompts, completions, strict=True)
        ]
        for number in range(self.rounds.reasks if self._converses else 0):
            due = [(item, prompt) for item in asked if (prompt := self._next(item, with_room=number == 0))]
            if not due:
                break
            completions = yield [prompt for _, prompt in due]
            for (item, prompt), completion in zip(due, completions, strict=True):
                item.reading = _mended(item.reading, self._read(completion, prompt.report))
                item.prompt, item.completion = prompt, completion
        failures = [item.completion.failure for item in asked if item.completion.failure is not None]
        cells = [cell for item in asked for cell in item.reading.cells]
        if any(item.prompt.sample for item in asked):
            cells = list(vote(cells, self.template.region))
        if self.rounds.verify and self._converses and cells:
            cells, unverified = yield from self._verified(cells, asked[0].prompt.report)
            failures += unverified
        return _Answered(list(note_cuts(cells, [item.prompt.report for item in asked[:1]])), failures)

    def _next(self, item: _Asked, *, with_room: bool) -> Prompt | None:
        """The question that follows a faulty answer, if one does; a cut one is asked for again with more room, once."""
        prompt, completion = item.prompt, item.completion
        if completion.failure == "truncated":
            return with_more_room(prompt, completion) if with_room else None
        faults = {cell.finding: FAULTS[cell.state] for cell in item.reading.cells if cell.state in FAULTS}
        if not faults or completion.failure is not None or self.template.plan == "label_read":
            return None  # no answer to quote: the request failed, or probabilities were the answer
        return ask_again(self.template, prompt, completion, faults)

    def _verified(self, cells: Sequence[Cell], report: Report) -> Questions[_Answered]:
        """The cells, where each positive was checked by a question of its own."""
        claims = [cell for cell in cells if cell.state is LabelState.POSITIVE]
        prompts = [ask_to_verify(self.template, report, cell.finding, cell.evidence) for cell in claims]
        completions = yield prompts
        checks: dict[str, Cell] = {}
        for completion in completions:
            (check,) = read(completion, report, self.template.region, "", states_only=True).cells
            checks[check.finding] = check
        failures = [completion.failure for completion in completions if completion.failure is not None]
        return _Answered([_checked(cell, checks.get(cell.finding)) for cell in cells], failures)


def _mended(first: Reading, again: Reading) -> Reading:
    """The first reading with what the answer to a follow-up has for its faulty cells; both notes are kept."""
    better = {cell.finding: cell for cell in again.cells}
    return replace(first, cells=tuple(_better(cell, better[cell.finding]) for cell in first.cells))


def _better(cell: Cell, again: Cell) -> Cell:
    if cell.state not in FAULTS:
        return cell
    if again.state.is_label:
        return replace(again, repair=_notes(f"asked again ({cell.repair or cell.state})", again.repair))
    return replace(cell, repair=_notes(cell.repair, f"asked again: {again.repair or again.state}"))


def _checked(cell: Cell, check: Cell | None) -> Cell:
    """A cell after its second look, if it had one.

    A positive that is not confirmed takes the state of the second answer; its probabilities are not those of that
    state, and are dropped. Where the second question has no usable answer, the cell stands and says so.
    """
    if check is None:
        return cell
    if not check.state.is_label:
        return replace(cell, repair=_notes(cell.repair, f"not verified: {check.repair or check.state}"))
    if check.state is cell.state:
        return replace(cell, repair=_notes(cell.repair, "verified"))
    note = _notes(cell.repair, "positive before it was verified")
    return replace(cell, state=check.state, p_positive=None, p_negative=None, p_uncertain=None, repair=note)


def _notes(*notes: str | None) -> str:
    return "; ".join(note for note in notes if note)
