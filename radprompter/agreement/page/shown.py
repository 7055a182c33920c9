"""Numbers as they are printed, found by what they are of."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from radprompter.agreement.definitions import Definition
from radprompter.agreement.measuring.numbers import ALL, Number
from radprompter.agreement.report import Agreement
from radprompter.pages.formats import NONE, count, decimal, limits
from radprompter.pages.svg import Axis, Estimate, Shape

SHAPES: tuple[Shape, ...] = ("circle", "square", "diamond", "up", "down", "plus", "hexagon")
N_COLOURS = 7
LONG_WORD = 24


class Shown(NamedTuple):
    """A number as it is printed.

    `reason` says why there is none, `note` what its reader has to know; `score` is the score interval, of a number that
    no resample moves.
    """

    value: str
    mean: str
    limits: str
    score: str
    note: str
    reason: str


class Labeler(NamedTuple):
    """A labeler, and how it is drawn: CSS class and mark."""

    name: str
    look: str
    shape: Shape


class Ledger:
    """Every number of an agreement by what it is of, and its labelers."""

    def __init__(self, agreement: Agreement) -> None:
        self.agreement = agreement
        self._numbers = {
            (one.labeler, one.group, one.finding, one.task, one.definition, one.measure): one
            for one in agreement.numbers
        }
        self.labelers = tuple(
            Labeler(name, f"run{place % N_COLOURS}", SHAPES[(place + place // N_COLOURS) % len(SHAPES)])
            for place, name in enumerate(agreement.cells.labelers)
        )

    def find(
        self,
        labeler: str,
        definition: Definition,
        measure: str,
        finding: str = ALL,
        *,
        task: str = ALL,
        group: str = ALL,
    ) -> Number | None:
        """A number; None where nothing of the kind was measured."""
        return self._numbers.get((labeler, group, finding, task, definition.name, measure))

    def shown(
        self,
        labeler: str,
        definition: Definition,
        measure: str,
        finding: str = ALL,
        *,
        task: str = ALL,
        group: str = ALL,
    ) -> Shown:
        """A number as it is printed; over all findings with how many of them it is a mean of, if not of all."""
        number = self.find(labeler, definition, measure, finding, task=task, group=group)
        covered = self._covered(labeler, definition, measure, group) if finding == ALL and task == ALL else ""
        return show(number, note=covered)

    def estimate(
        self, labeler: Labeler, definition: Definition, measure: str, finding: str = ALL, *, group: str = ALL
    ) -> Estimate:
        """A number as it is drawn, with its score interval where the resamples have none to speak of."""
        number = self.find(labeler.name, definition, measure, finding, group=group)
        if number is None:
            return Estimate(None, None, None, labeler.look, labeler.shape)
        look = f"{labeler.look} score" if number.shows_score else labeler.look
        return Estimate(number.value, *number.shown_limits, look, labeler.shape)

    def _covered(self, labeler: str, definition: Definition, measure: str, group: str) -> str:
        if definition.over_findings == "pooled":
            return ""
        numbers = [self.find(labeler, definition, measure, one, group=group) for one in self.agreement.cells.findings]
        known = [number for number in numbers if number is not None]
        defined = sum(number.value is not None for number in known)
        return "" if defined == len(known) else f"{defined} of {len(known)} findings"


def show(number: Number | None, *, note: str = "") -> Shown:
    """A number as it is printed."""
    if number is None:
        return Shown(NONE, "", "", "", "", "not measured")
    if number.value is None:
        return Shown(NONE, "", "", "", "", number.reason or "undefined")
    times = "once" if number.n_undefined == 1 else f"{count(number.n_undefined)} times"
    lost = f"undefined {times}" if number.n_undefined else ""
    mean = "" if number.mean is None else decimal(number.mean)
    score = f"score {limits(number.score_low, number.score_high)}" if number.shows_score else ""
    notes = ", ".join(words for words in (note, lost) if words)
    return Shown(decimal(number.value), mean, limits(number.low, number.high), score, notes, "")


def counted(number: Number | None) -> tuple[str, str]:
    """The cells and the support of a number."""
    if number is None:
        return NONE, NONE
    return count(number.n), NONE if number.support is None else count(number.support)


def axis_of(estimates: Iterable[Estimate]) -> Axis:
    """An axis for the estimates and their intervals."""
    drawn = [value for one in estimates for value in (one.value, one.low) if value is not None]
    return Axis.around(drawn, least=0.0)


def worded(name: str) -> str:
    """A name from a table as words."""
    return name.replace("_", " ")


def listed(names: Sequence[str]) -> str:
    """Names as a sentence has them."""
    return " and ".join(names) if len(names) < 3 else f"{', '.join(names[:-1])} and {names[-1]}"


def has_long_word(text: str) -> bool:
    """Whether a name has a word that must be broken to fit its column."""
    return any(len(word) > LONG_WORD for word in text.split())
