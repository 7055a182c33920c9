"""The rounds of a labeling run: ask, ask again where an answer is faulty, take the votes, check what is positive.

Every round is a list of prompts, asked together, whose completions the journal keeps; so a run that was stopped goes on
in the middle of any round.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import partial

from radprompter.answers import read, read_letter, vote
from radprompter.asking import Asker
from radprompter.backends.base import Backend
from radprompter.labels import Cell, LabelState
from radprompter.prompting.follow_ups import FAULTS, ask_again, ask_to_verify, with_more_room
from radprompter.prompting.templates import Template
from radprompter.recipe import LEAST_LABEL_MASS
from radprompter.records import Completion, Labeled, Prompt, Reading, Report

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


def first_prompts(reports: Iterable[Report], template: Template, backend: Backend, rounds: Rounds) -> list[Prompt]:
    """The questions of the first round.

    Raises
    ------
    InputError
        If a template fails, or the backend cannot answer what the plan asks.
    """
    make = partial(template.prompts, reads=backend.reads, samples=rounds.samples)
    return [prompt for report in reports for prompt in make(report)]


def label_prompts(prompts: Sequence[Prompt], template: Template, asker: Asker, rounds: Rounds) -> Labeled:
    """The cells of all questions, after all rounds.

    Raises
    ------
    BackendError
        If the backend cannot go on at all.
    """
    region, backend = template.region, asker.backend
    reads_letters = template.plan == "label_read"
    kind = partial(read_letter, least_mass=rounds.least_mass) if reads_letters else read
    reader = partial(kind, region=region, labeler=f"{backend.name}:{backend.model}")
    labeled = Labeled()
    asked = _ask(prompts, asker, reader, labeled)
    if backend.reads == "messages":
        for number in range(rounds.reasks):
            if not _follow_up(asked, template, asker, reader, labeled, with_room=number == 0):
                break
    cells: Iterable[Cell] = (cell for item in asked for cell in item.reading.cells)
    labeled.cells = list(vote(cells, region) if any(item.prompt.sample for item in asked) else cells)
    labeled.last = [item.completion for item in asked]
    if rounds.verify and backend.reads == "messages":
        reports = {item.prompt.report.id: item.prompt.report for item in asked}
        labeled.cells = _verified(labeled.cells, reports, template, asker, labeled)
    return labeled


def _ask(prompts: Sequence[Prompt], asker: Asker, reader: Reader, labeled: Labeled) -> list[_Asked]:
    completions = asker.ask(prompts)
    labeled.completions += completions
    pairs = zip(prompts, completions, strict=True)
    return [_Asked(prompt, completion, reader(completion, prompt.report)) for prompt, completion in pairs]


def _follow_up(
    asked: Sequence[_Asked], template: Template, asker: Asker, reader: Reader, labeled: Labeled, *, with_room: bool
) -> bool:
    """Ask once more about each faulty answer, and put the new one in its place; whether there was any.

    A reply that was cut off is asked for again with more room, in the first such round alone.
    """
    follow_ups = [(item, prompt) for item in asked if (prompt := _next(item, template, with_room=with_room))]
    answers = asker.ask([prompt for _, prompt in follow_ups], "ask again") if follow_ups else ()
    labeled.completions += answers
    for (item, prompt), completion in zip(follow_ups, answers, strict=True):
        labeled.n_follow_ups[prompt.follow_up] = labeled.n_follow_ups.get(prompt.follow_up, 0) + 1
        item.reading = _mended(item.reading, reader(completion, prompt.report))
        item.prompt, item.completion = prompt, completion
    return bool(follow_ups)


def _next(item: _Asked, template: Template, *, with_room: bool) -> Prompt | None:
    prompt, completion = item.prompt, item.completion
    if completion.failure == "truncated":
        return with_more_room(prompt, completion) if with_room else None
    faults = {cell.finding: FAULTS[cell.state] for cell in item.reading.cells if cell.state in FAULTS}
    if not faults or completion.failure is not None or completion.logprobs is not None:
        return None  # no answer to quote: the request failed, or probabilities were the answer
    return ask_again(template, prompt, completion, faults)


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


def _verified(
    cells: Sequence[Cell], reports: dict[str, Report], template: Template, asker: Asker, labeled: Labeled
) -> list[Cell]:
    """The cells, where each positive was checked by a question of its own.

    A positive that is not confirmed takes the state of the second answer; its probabilities are not those of that
    state, and are dropped. Where the second question has no usable answer, the cell stands and says so.
    """
    claims = {(cell.report_id, cell.finding): cell for cell in cells if cell.state is LabelState.POSITIVE}
    prompts = [ask_to_verify(template, reports[c.report_id], c.finding, c.evidence) for c in claims.values()]
    completions = asker.ask(prompts, "verify positives") if prompts else ()
    labeled.completions += completions
    labeled.last += completions
    labeled.n_follow_ups["verification"] = len(prompts)
    checks: dict[tuple[str, str], Cell] = {}
    for prompt, completion in zip(prompts, completions, strict=True):
        (check,) = read(completion, prompt.report, template.region, "").cells
        checks[check.report_id, check.finding] = check
    return [
        _checked(cell, checks[cell.report_id, cell.finding]) if (cell.report_id, cell.finding) in checks else cell
        for cell in cells
    ]


def _checked(cell: Cell, check: Cell) -> Cell:
    if not check.state.is_label:
        return replace(cell, repair=_notes(cell.repair, f"not verified: {check.repair or check.state}"))
    if check.state is cell.state:
        return replace(cell, repair=_notes(cell.repair, "verified"))
    note = _notes(cell.repair, "positive before it was verified")
    return replace(cell, state=check.state, p_positive=None, p_negative=None, p_uncertain=None, repair=note)


def _notes(*notes: str | None) -> str:
    return "; ".join(note for note in notes if note)
