"""The rounds of a labeling run: ask, ask again where an answer is faulty, take the votes, check what is positive.

Every round is a list of prompts, asked together, whose completions the journal keeps; so a run that was stopped goes on
in the middle of any round. Findings that depend on others are asked after them, where one request asks about one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import groupby

from radprompter.answers import read, read_letter, vote
from radprompter.asking import Asker
from radprompter.backends.base import Backend
from radprompter.dependence import condition, levels, settle, unasked_cell
from radprompter.labels import Cell, LabelState
from radprompter.prompting.follow_ups import FAULTS, ask_again, ask_to_verify, with_more_room
from radprompter.prompting.length import note_cuts
from radprompter.prompting.templates import Template
from radprompter.recipe import LEAST_LABEL_MASS
from radprompter.records import Completion, Labeled, Prompt, Reading, Report

Reader = Callable[[Completion, Report], Reading]
States = dict[str, dict[str, LabelState]]
"""Report -> finding -> state, as far as it is known."""


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


def first_prompts(reports: Iterable[Report], template: Template, backend: Backend, rounds: Rounds) -> list[Prompt]:
    """All questions about some reports, before any answer is known.

    Raises
    ------
    InputError
        If a template fails, or the backend cannot answer what the plan asks.
    """
    make = partial(template.prompts, reads=backend.reads, samples=rounds.samples)
    return [prompt for report in reports for prompt in make(report)]


def label_prompts(prompts: Sequence[Prompt], template: Template, asker: Asker, rounds: Rounds) -> Labeled:
    """The cells of all questions, after all rounds; a question whose condition does not hold is not asked.

    Raises
    ------
    BackendError
        If the backend cannot go on at all.
    """
    region = template.region
    labeling = _Labeling(template, asker, rounds)
    if not any(prompt.findings for prompt in prompts):
        cells = labeling.answered(prompts)
        labeling.labeled.cells = [
            cell for _, group in groupby(cells, lambda cell: cell.report_id) for cell in settle(group, region)
        ]
        return labeling.labeled
    states: States = {}
    for names in levels(region):
        due, unasked = _divide(prompts, names, states, labeling)
        cells = [*labeling.answered(due), *unasked]
        for cell in cells:
            states.setdefault(cell.report_id, {})[cell.finding] = cell.state
        labeling.labeled.cells += cells
    return labeling.labeled


def _divide(
    prompts: Sequence[Prompt], names: Sequence[str], states: States, labeling: _Labeling
) -> tuple[list[Prompt], list[Cell]]:
    """The questions about findings of one level that are due, and the cells of those whose condition does not hold."""
    region = labeling.template.region
    due: list[Prompt] = []
    unasked: dict[tuple[str, str], Cell] = {}
    for prompt in prompts:
        if not prompt.findings:  # a report without words: one prompt for all of its findings
            due += [prompt] if not states else []
            continue
        (name,) = prompt.findings
        if name not in names:
            continue
        report_id = prompt.report.id
        found = condition(region, name, states.get(report_id, {}))
        if found.verdict == "holds":
            due.append(prompt)
        else:
            cell = unasked_cell(region, report_id, name, found, labeler=labeling.labeler)
            unasked[report_id, name] = cell
    return due, list(unasked.values())


@dataclass
class _Asked:
    """A question, its answer, and what the answer means so far."""

    prompt: Prompt
    completion: Completion
    reading: Reading


class _Labeling:
    """The rounds about some questions; `labeled` collects what comes of all of them."""

    def __init__(self, template: Template, asker: Asker, rounds: Rounds) -> None:
        self.template, self.asker, self.rounds = template, asker, rounds
        self.labeled = Labeled()
        self.labeler = f"{asker.backend.name}:{asker.backend.model}"
        self.converses = asker.backend.reads == "messages"
        if template.plan == "label_read":
            kind = partial(read_letter, least_mass=rounds.least_mass)
        else:
            kind = partial(read, states_only=not self.converses)
        self.read: Reader = partial(kind, region=template.region, labeler=self.labeler)

    def answered(self, prompts: Sequence[Prompt]) -> list[Cell]:
        """The cells of some questions, after all that may follow an answer."""
        pairs = zip(prompts, self._ask(prompts, "label reports"), strict=True)
        asked = [_Asked(prompt, answer, self.read(answer, prompt.report)) for prompt, answer in pairs]
        for number in range(self.rounds.reasks if self.converses else 0):
            if not self._follow_up(asked, with_room=number == 0):
                break
        self.labeled.last += [item.completion for item in asked]
        cells: Iterable[Cell] = (cell for item in asked for cell in item.reading.cells)
        if any(item.prompt.sample for item in asked):
            cells = vote(cells, self.template.region)
        reports = {item.prompt.report.id: item.prompt.report for item in asked}
        if self.rounds.verify and self.converses:
            cells = self._verified(list(cells), reports)
        return list(note_cuts(cells, reports.values()))

    def _ask(self, prompts: Sequence[Prompt], purpose: str) -> tuple[Completion, ...]:
        completions = self.asker.ask(prompts, purpose) if prompts else ()
        self.labeled.completions += completions
        for prompt in prompts:
            if prompt.follow_up:
                counts = self.labeled.n_follow_ups
                counts[prompt.follow_up] = counts.get(prompt.follow_up, 0) + 1
        return completions

    def _follow_up(self, asked: Sequence[_Asked], *, with_room: bool) -> bool:
        """Ask once more about each faulty answer, and put the new one in its place; whether there was any.

        A reply that was cut off is asked for again with more room, in the first such round alone.
        """
        due = [(item, prompt) for item in asked if (prompt := self._next(item, with_room=with_room))]
        completions = self._ask([prompt for _, prompt in due], "ask again")
        for (item, prompt), completion in zip(due, completions, strict=True):
            item.reading = _mended(item.reading, self.read(completion, prompt.report))
            item.prompt, item.completion = prompt, completion
        return bool(due)

    def _next(self, item: _Asked, *, with_room: bool) -> Prompt | None:
        prompt, completion = item.prompt, item.completion
        if completion.failure == "truncated":
            return with_more_room(prompt, completion) if with_room else None
        faults = {cell.finding: FAULTS[cell.state] for cell in item.reading.cells if cell.state in FAULTS}
        if not faults or completion.failure is not None or self.template.plan == "label_read":
            return None  # no answer to quote: the request failed, or probabilities were the answer
        return ask_again(self.template, prompt, completion, faults)

    def _verified(self, cells: Sequence[Cell], reports: Mapping[str, Report]) -> list[Cell]:
        """The cells, where each positive was checked by a question of its own."""
        claims = [cell for cell in cells if cell.state is LabelState.POSITIVE]
        prompts = [ask_to_verify(self.template, reports[c.report_id], c.finding, c.evidence) for c in claims]
        completions = self._ask(prompts, "verify positives")
        self.labeled.last += completions
        checks: dict[tuple[str, str], Cell] = {}
        for prompt, completion in zip(prompts, completions, strict=True):
            (check,) = read(completion, prompt.report, self.template.region, "", states_only=True).cells
            checks[check.report_id, check.finding] = check
        return [_checked(cell, checks.get((cell.report_id, cell.finding))) for cell in cells]


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
